/** Every hostile note through every view of the built plugin, in a real browser: it is words, and does nothing. */

import { createHash } from "node:crypto";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Answer, RelatedNotes, Suggestions } from "../../src/daemon/records";
import { HOSTILE, HostileNote } from "../corpus";
import { answerIn, around, strangers, textsIn } from "./drawn";
import { Machine } from "./machine";
import { startBrowser, Window } from "./window";

/** Finds a note, or the two that stand beside each other in the list, and no other. */
const word = (name: string): string =>
  createHash("sha256").update(name).digest("hex").slice(0, 12).replace(/\d/g, (digit) => "ghijklmnop".charAt(Number(digit)));

const questionOf = ({ id }: HostileNote): string => `What does the ${word(id)} need?`;

/** A daemon answers with nothing of a template: what stands in one is no fact. */
const TEMPLATES = ["processing", "templater"];

/** All name sauerkraut, so that a link is suggested in the very line that is hostile. */
const HARMLESS = {
  "Sauerkraut.md": "Fermented cabbage.\n",
  "Monday.md": "We ate [[Sauerkraut|sauerkraut]].\n",
  "Tuesday.md": "There was [[Sauerkraut|sauerkraut]] again.\n",
  "Wednesday.md": "No more [[Sauerkraut|sauerkraut]], please.\n",
};

function noteOf({ id, text }: HostileNote, n: number): string {
  const [before, behind] = [word(`${n - 1} to ${n}`), word(`${n} to ${n + 1}`)];
  return `# <img src=http://canary.invalid/h${n}> Salt\n\nThe ${word(id)} needs two percent of salt.\n\nOf the ${word(id)}, ${before}, ${behind} and sauerkraut: ${text}\n`;
}

/** As the daemon says it, without what is not seen. */
const words = (text: string): string => text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu, "");
const squeezed = (text: string): string => words(text).replace(/\s+/g, " ").trim();

let browser: Browser;
let machine: Machine;
let window: Window;
let surroundings: string[];
const asked = new Set<string>();
const related = new Set<string>();
/** Those whose longest line was drawn as it stands in the note or as the model said it. */
const verbatim = new Set<string>();

beforeAll(async () => {
  const here = (text: string): string => text.replaceAll("canary.invalid", "CANARY");
  const notes = Object.fromEntries(HOSTILE.map((one, n) => [one.path, here(noteOf(one, n))]));
  /** The model repeats what the note says that it is asked about, word for word. */
  const says = (prompt: string): string => {
    const about = HOSTILE.find((one) => prompt.includes(questionOf(one)));
    return about ? about.text.replaceAll("canary.invalid", machine.canaryHost) : "";
  };
  [browser, machine] = await Promise.all([startBrowser(), Machine.start({ notes: { ...notes, ...HARMLESS }, says })]);
  await machine.startDaemon();
  window = await Window.open(browser, machine);
  await window.openNote("Sauerkraut.md");
  for (const view of ["related", "suggest", "ask"]) await window.command(view);
  await window.page.getByText(`vaultbot: ${HOSTILE.length + Object.keys(HARMLESS).length - TEMPLATES.length} notes`).waitFor();
  surroundings = await around(window.page);
});

afterAll(async () => {
  await browser.close();
  await machine.end();
});

/** What the plugin hears when it asks for the note in front, for one of the views at the side. */
async function heard<T>(path: string, params: Record<string, string>): Promise<T> {
  const wanted = `${path}?${new URLSearchParams(params).toString()}`;
  const answer = await window.page.waitForResponse((one) => (one.request().postData() ?? "").includes(`${wanted}"`));
  const { status, text } = (await answer.json()) as { status: number; text: string };
  expect(status).toBe(200);
  return JSON.parse(text) as T;
}

async function settled(view: string): Promise<void> {
  await window.page.waitForFunction(`document.querySelector(".vaultbot-${view} .vaultbot-list").getAttribute("aria-busy") === "false"`);
}

describe("hostile notes", () => {
  test.each(HOSTILE.map((one) => [one.id, one] as const))("load nothing, run nothing and forge no source: %s", async (id, note) => {
    const { path } = note;
    const atTheSide = Promise.all([heard<RelatedNotes>("/api/related", { path }), heard<Suggestions>("/api/suggestions", { note: path, min_score: "0.1" })]);
    await window.openNote(path);
    await window.page.getByRole("button", { name: "New conversation" }).click();
    await window.ask(questionOf(note));
    await window.answered();
    const answer = (await machine.post("/api/ask", { question: questionOf(note) })) as unknown as Answer;
    const [close, suggested] = await atTheSide;
    await Promise.all(["related", "suggestions"].map(settled));
    asked.add(id);

    // All of it is text in the plugin's own elements, and nothing came of it.
    expect.soft(await strangers(window.page)).toEqual([]);
    expect.soft(await around(window.page)).toEqual(surroundings);
    expect.soft(await window.run("window.pwned")).toBeUndefined();
    expect.soft(window.page.url()).toBe(`${machine.origin}/`);
    expect.soft([window.page.frames().length, window.page.context().pages().length]).toEqual([1, 1]);
    expect.soft(await elsewhere()).toEqual([]);
    expect.soft(window.errors).toEqual([]);

    // The answer is what the daemon said, and its sources are the note that was asked about.
    const drawn = await answerIn(window.page);
    expect.soft(drawn.failures).toEqual([]);
    expect.soft(drawn.refused).toBe(TEMPLATES.includes(id));
    expect.soft(drawn.lists).toBe(1);
    if (drawn.refused) {
      expect.soft(drawn.sources.map((one) => one.path)).toEqual(answer.nearest.map((one) => words(`${one.path}:${one.line}`)));
      expect.soft(drawn.marks).toBe(0);
    } else {
      expect.soft(drawn.sentences).toEqual(answer.sentences.map(({ text, citations }) => ({ words: words(text), marks: citations.map(String) })));
      expect.soft(new Set(drawn.sources.map((one) => one.path.replace(/:\d+$/, "")))).toEqual(new Set([words(path)]));
      expect.soft(drawn.marks).toBe(answer.sentences.flatMap(({ citations }) => citations).length);
      expect.soft(drawn.sources.map(({ n, path }) => `${n} ${path}`)).toEqual(answer.citations.map((one, at) => words(`${at + 1} ${path}:${one.line_start}`)));
      for (const { marks } of drawn.sentences) for (const mark of marks) expect.soft(drawn.sources.map((one) => one.n)).toContain(mark);
    }

    // So is what stands at the side.
    const cards = await textsIn(window.page, ".vaultbot-related .vaultbot-card .vaultbot-place");
    expect.soft(cards).toEqual(close.notes.map((one) => words(one.title)));
    for (const one of close.notes) related.add(one.path);
    const previews = await textsIn(window.page, ".vaultbot-suggestions .vaultbot-preview");
    expect.soft(previews).toHaveLength(suggested.suggestions.length);
    for (const { context, text, edit } of suggested.suggestions) {
      if (edit.type === "replace" && edit.start < edit.end) expect.soft(previews).toContain(words(context.replace(text, () => text + edit.text)));
    }

    const said = [...drawn.sentences.map((one) => one.words), ...previews, ...(await textsIn(window.page, ".vaultbot-related .vaultbot-snippet"))].map(squeezed);
    const hostile = note.text.replaceAll("canary.invalid", machine.canaryHost).split(/[\n\r]/).map(squeezed).filter((one) => one.length > 2);
    if (note.kind === "name" ? drawn.sources[0]?.path.startsWith(words(path)) : hostile.some((line) => said.some((one) => one.includes(line)))) verbatim.add(id);
  });

  test("were all drawn, most of them letter by letter, and nobody else heard of it", async () => {
    expect(asked.size).toBe(HOSTILE.length);
    expect(HOSTILE.filter(({ id, path }) => !related.has(path) && !TEMPLATES.includes(id))).toEqual([]);
    expect(verbatim.size).toBeGreaterThan(0.9 * HOSTILE.length);
    expect([await elsewhere(), window.errors, await window.run("window.pwned")]).toEqual([[], [], undefined]);
    expect(machine.canary.reached).toBe(0);
    await fetch(`http://${machine.canaryHost}/`);
    expect(machine.canary.reached).toBe(1); // It would have been heard.
  });
});

/** Requests, of the page or past it, to anybody but the page's own server and the daemon. */
async function elsewhere(): Promise<string[]> {
  const { port } = (await machine.status()) as { port: number };
  const known = [`${machine.origin}/`, `http://127.0.0.1:${port}/`];
  const all = [...window.requests.map((one) => one.slice(one.indexOf(" ") + 1)), ...machine.called];
  return all.filter((url) => url !== "data:," && !known.some((one) => url.startsWith(one)));
}
