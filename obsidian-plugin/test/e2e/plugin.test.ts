/** The built plugin in a real browser, with a real daemon on another origin. */

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Machine, Wanted } from "./machine";
import { startBrowser, Window } from "./window";

let browser: Browser;
const machines: Machine[] = [];

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser?.close());

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.end();
});

async function machineWith(wanted: Wanted): Promise<Machine> {
  const machine = await Machine.start(wanted);
  machines.push(machine);
  return machine;
}

const ROT = "Why do tomatoes get blossom end rot?";
const CALCIUM = "Blossom end rot is a lack of calcium in the fruit, usually caused by irregular watering rather than by poor soil.";

const SALT = {
  "Food/Kimchi.md": "# Kimchi\n\nKimchi is fermented cabbage.\n\n## Steps\n\nText above.\n\nSalt the cabbage with two percent of its weight for kimchi.\n",
  "Food/Sauerkraut.md": "# Sauerkraut\n\nSauerkraut is cabbage, salt and time, and less spicy than kimchi.\n",
  "Other.md": "Bicycles need oil.\n",
};

describe("asking", () => {
  test("streams an answer over CORS, whose citation opens the line below its heading", async () => {
    const machine = await machineWith({ garden: true });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.ask(ROT);
    await window.answered();

    expect((await window.text("blockquote q")).join(" ")).toContain(CALCIUM);
    await window.page.getByRole("button", { name: "Source 1: Tomato › Trouble, line 28" }).click();
    await expect.poll(() => window.opened()).toMatchObject({ path: "Gardening/Tomato.md", line: 27 });
    const { port } = (await machine.status()) as { port: number };
    expect(window.requests).toContain(`POST http://127.0.0.1:${port}/api/ask`);
    // What a refusal by CORS is called, as another test shows. A stream that has ended is at times called ERR_ABORTED.
    expect(window.blocked).not.toContain("POST /api/ask net::ERR_FAILED");
    expect(window.errors).toEqual([]);
  });

  test("says what is not in the notes, with the nearest, and understands a follow-up", async () => {
    const machine = await machineWith({ garden: true });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.ask("What is the capital of France?");
    await window.answered();
    expect(await window.text(".vaultbot-refusal")).toEqual(["Not in your notes."]);

    await window.ask("What is quantization?");
    await window.answered(2);
    await window.ask("and why does it work?");
    await window.answered(3);
    expect((await window.text(".vaultbot-turn:last-child .vaultbot-note")).join()).toContain("understood as: and why does it work? (Quantization");
    expect(window.errors).toEqual([]);
  });

  test("asks about a folder alone when it is told to", async () => {
    const machine = await machineWith({ notes: { ...SALT, "Work/Kimchi.md": "The kimchi project needs salt of a database." } });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.openNote("Work/Kimchi.md");
    await window.command("ask");
    await window.page.getByLabel("Where to look").selectOption("folder");
    await window.ask("kimchi salt");
    await window.answered();
    expect(new Set(await window.text(".vaultbot-sources .vaultbot-path"))).toEqual(new Set(["Work/Kimchi.md:1"]));
  });

  test("puts an answer into the note, with its sources as links", async () => {
    const machine = await machineWith({ garden: true, notes: { "Other.md": "Bicycles need oil.\n" } });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.openNote("Other.md");
    await window.ask(ROT);
    await window.answered();
    await window.page.getByRole("button", { name: "Insert the answer at the cursor" }).click();
    const text = await window.run<string>("app.workspace.markdown.editor.getValue()");
    expect(text).toContain(`> “${CALCIUM}” \\[1\\]`);
    expect(text).toContain("**Sources**\n1. [[Tomato#Trouble|Tomato › Trouble]]\n");
    await window.run("app.workspace.markdown.editor.undo()");
    expect(await window.run("app.workspace.markdown.editor.getValue()")).toBe("Bicycles need oil.\n");
  });

  test("takes the whole answer where the daemon does not allow the page's origin", async () => {
    const machine = await machineWith({ garden: true, allowed: false });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.ask(ROT);
    await window.answered();
    expect((await window.text("blockquote q")).join(" ")).toContain(CALCIUM);
    expect(window.blocked).toContain("POST /api/ask net::ERR_FAILED");
    expect(window.errors).toEqual([]);
  });

  test("is stopped by Escape, and the daemon is ready for the next question", async () => {
    const machine = await machineWith({ garden: true, models: ["language"] });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.ask("What is quantization?");
    // The quotes are there before the model has said anything.
    await window.page.waitForSelector("blockquote q");
    await window.page.keyboard.press("Escape");
    await window.answered();
    expect(await window.text(".vaultbot-note")).toContain("Stopped.");
    await window.ask(ROT);
    await window.answered(2);
    expect((await window.text(".vaultbot-turn:last-child q")).join(" ")).toContain(CALCIUM);
    expect((await window.text(".vaultbot-turn:last-child .vaultbot-summary")).join()).toContain("SmolLM2");
    expect(window.errors).toEqual([]);
  });
});

describe("the daemon", () => {
  test("may be down: it is said, and the plugin finds it when it is there", async () => {
    const machine = await machineWith({ garden: true });
    await machine.startDaemon();
    await machine.stopDaemon();
    const window = await Window.open(browser, machine);
    const status = window.page.locator(".status-bar-item");
    await window.command("ask");
    await window.page.waitForFunction(`document.querySelector(".status-bar-item").innerText === "vaultbot: offline"`);
    expect((await window.text(".vaultbot-banner")).join()).toContain("vaultbot start");
    await window.ask(ROT);
    await window.answered();
    expect(await window.text(".vaultbot-failure")).toEqual([expect.stringContaining("vaultbot start")]);

    await machine.startDaemon();
    await window.page.getByRole("button", { name: "Try again" }).click();
    await window.page.waitForFunction(`document.querySelector(".status-bar-item").innerText === "vaultbot: 35 notes"`);
    expect(await window.page.locator(".vaultbot-banner").isVisible()).toBe(false);
    await window.page.getByRole("button", { name: "Ask again" }).click();
    await window.answered();
    expect((await window.text("blockquote q")).join(" ")).toContain(CALCIUM);

    // Gone once more, in the middle of everything: noticed without anybody asking.
    await machine.stopDaemon();
    await status.getByText("vaultbot: offline").waitFor();
    expect(window.errors).toEqual([]);
  });

  test("of another vault refuses, and nothing of it is shown", async () => {
    const machine = await machineWith({ garden: true, copied: true });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.command("ask");
    await window.page.getByText("vaultbot: error").waitFor();
    expect((await window.text(".vaultbot-banner")).join()).toContain(`This daemon serves another vault, ${machine.vault}.`);
    await window.ask(ROT);
    await window.answered();
    expect(await window.text(".vaultbot-failure")).toEqual([expect.stringContaining(`vaultbot plugin install --vault ${machine.opened}`)]);
    expect(await window.text("blockquote q")).toEqual([]);
    expect(window.errors).toEqual([]);
  });

  test("tells how many notes there are as they come", async () => {
    const machine = await machineWith({ notes: SALT });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.page.getByText("vaultbot: 3 notes").waitFor();
    await machine.write("New.md", "A new note.");
    await window.command("index");
    await window.page.getByText("vaultbot: 4 notes").waitFor();
  });
});

describe("related notes", () => {
  test("follow the note in front, say why, and can be linked to", async () => {
    const machine = await machineWith({ notes: SALT });
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    await window.openNote("Food/Kimchi.md");
    await window.command("related");
    await window.page.locator(".vaultbot-related .vaultbot-place", { hasText: "Sauerkraut" }).waitFor();
    await window.openNote("Food/Sauerkraut.md");
    await window.page.locator(".vaultbot-related .vaultbot-place", { hasText: "Kimchi" }).waitFor();
    await window.page.getByRole("button", { name: "Insert a link to Kimchi at the cursor" }).click();
    expect(await window.run<string>("app.workspace.markdown.editor.getValue()")).toContain("[[Kimchi]]");
    expect(window.errors).toEqual([]);
  });
});

describe("suggestions", () => {
  test("are shown first, accepted in the editor, and undone", async () => {
    const { machine, window } = await besideTomato();
    const before = await machine.read("Gardening/Tomato.md");
    const card = window.card("Compost");
    expect(await card.locator(".vaultbot-preview del").innerText()).toBe("compost");
    expect(await card.locator(".vaultbot-preview ins").innerText()).toBe("[[Compost|compost]]");
    expect(await machine.read("Gardening/Tomato.md")).toBe(before);

    await card.getByRole("button", { name: "Accept: Compost" }).click();
    await card.getByText("Accepted.").waitFor();
    const after = before.replace("a bucket of compost into", "a bucket of [[Compost|compost]] into");
    await expect.poll(() => machine.read("Gardening/Tomato.md")).toBe(after);
    await card.getByRole("button", { name: "Undo" }).click();
    await expect.poll(() => machine.read("Gardening/Tomato.md")).toBe(before);

    await window.card("Compost").getByRole("button", { name: "Accept: Compost" }).click();
    await expect.poll(() => machine.read("Gardening/Tomato.md")).toBe(after);
    // The daemon has learned of both, and of the one that was taken back.
    const forgotten = (number: number): Promise<unknown> => machine.post("/api/suggestions/withdraw", { numbers: [number] });
    await expect.poll(() => forgotten(2)).toEqual({ cleared: 1 });
    expect(await forgotten(1)).toEqual({ cleared: 0 });
    await window.run("app.workspace.markdown.editor.undo()");
    await expect.poll(() => machine.read("Gardening/Tomato.md")).toBe(before);
    expect(window.errors).toEqual([]);
  });

  test("are accepted one after the other, from the keyboard", async () => {
    const { machine, window } = await besideTomato();
    await window.card("Compost").focus();
    await window.page.keyboard.press("a");
    await window.card("Compost").getByText("Accepted.").waitFor();
    const next = await window.run<string>("document.activeElement.getAttribute('aria-label')");
    expect(next).toBe("Crop rotation");
    await window.page.keyboard.press("a");
    await window.card("Crop rotation").getByText("Accepted.").waitFor();
    await expect.poll(() => machine.read("Gardening/Tomato.md")).toMatch(/\[\[Compost\|compost\]\][\s\S]*\[\[Crop rotation\]\] helps/);
  });

  test("write nothing where the words do not stand any more", async () => {
    const { machine, window } = await besideTomato();
    await window.run(`(() => {
      const { editor } = app.workspace.markdown;
      const at = editor.getValue().indexOf("a bucket of compost");
      editor.transaction({ changes: [{ from: editor.offsetToPos(at), to: editor.offsetToPos(at + 19), text: "a bucket of manure" }] });
    })()`);
    await window.card("Compost").getByRole("button", { name: "Accept: Compost" }).click();
    await window.card("Compost").getByText("The note has changed there").waitFor();
    expect(await machine.read("Gardening/Tomato.md")).toContain("a bucket of manure into");
    expect(await machine.read("Gardening/Tomato.md")).not.toContain("[[Compost|compost]]");
  });

  test("that are dismissed do not come back", async () => {
    const { machine, window } = await besideTomato();
    await window.card("Compost").getByRole("button", { name: "Dismiss: Compost" }).click();
    await window.card("Compost").getByText("Dismissed.").waitFor();
    await window.card("Crop rotation").getByRole("button", { name: "Dismiss more" }).click();
    await window.page.getByRole("menuitem", { name: "Not this target in this note" }).click();
    await window.page.waitForFunction(`document.querySelector(".vaultbot-suggestions .vaultbot-list").innerText.includes("Nothing to suggest")`);
    const left = (await machine.get("/api/suggestions?note=Gardening/Tomato.md&kind=mention&min_score=0.1")) as { suggestions: unknown[] };
    expect(left.suggestions).toEqual([]);
  });
});

async function besideTomato(): Promise<{ machine: Machine; window: Window }> {
  const machine = await machineWith({ garden: true });
  await machine.startDaemon();
  const window = await Window.open(browser, machine);
  await window.openNote("Gardening/Tomato.md");
  await window.command("suggest");
  await window.card("Compost").waitFor();
  return { machine, window };
}
