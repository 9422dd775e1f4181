import { beforeEach, describe, expect, test } from "vitest";
import { sha256 } from "../../src/daemon/proof";
import { Suggestion } from "../../src/daemon/records";
import { accept, Stale } from "../../src/suggestions/accept";
import { mention } from "./mention";
import { Garden, vaultOf } from "./vault";

const TOMATO = "---\ntags:\n  - plants\n---\n🍅 likes compost.\r\nAnd sun.";

let garden: Garden;

async function suggested(words: string, link: string, text = TOMATO): Promise<Suggestion> {
  const bytes = new TextEncoder().encode(text);
  return { ...mention(text.replace(/^\uFEFF/, ""), words, link), sha256: await sha256(bytes.buffer) };
}

function property(key: string, value: string, note = "Tomato.md"): Suggestion {
  return { ...mention("", "", ""), kind: "tag", note, target: value, text: value, edit: { type: "property", key, value } };
}

beforeEach(async () => {
  garden = await vaultOf({ "Tomato.md": TOMATO, "Compost.md": "# Compost" });
});

describe("accepting a link", () => {
  test("changes these words of the file and nothing else, and undo puts them back", async () => {
    const undo = await accept(garden.app, await suggested("compost", "[[Compost|compost]]"));
    expect(garden.disk.text("Tomato.md")).toBe(TOMATO.replace("compost", "[[Compost|compost]]"));
    await undo();
    expect(garden.disk.text("Tomato.md")).toBe(TOMATO);
  });

  test("goes through the editor of an open note, whose own undo takes it back", async () => {
    await garden.open("Tomato.md");
    const { editor } = garden.shim.workspace.markdown;
    const before = editor.getValue();
    await accept(garden.app, await suggested("compost", "[[Compost|compost]]"));
    expect(editor.getValue()).toBe(before.replace("compost", "[[Compost|compost]]"));
    editor.undo();
    expect(editor.getValue()).toBe(before);
  });

  test("finds the words beside what was typed and not saved yet", async () => {
    await garden.open("Tomato.md");
    const { editor } = garden.shim.workspace.markdown;
    const suggestion = await suggested("compost", "[[Compost|compost]]");
    editor.cursor = editor.getValue().length;
    editor.replaceSelection(" Water, too.");
    const undo = await accept(garden.app, suggestion);
    expect(editor.getValue()).toContain("likes [[Compost|compost]].\nAnd sun. Water, too.");
    await undo();
    expect(editor.getValue()).toContain("likes compost.\nAnd sun. Water, too.");
  });

  test("writes nothing when the words do not stand there any more", async () => {
    const suggestion = await suggested("compost", "[[Compost|compost]]");
    await garden.disk.write("Tomato.md", new TextEncoder().encode("🍅 likes manure."));
    await expect(accept(garden.app, suggestion)).rejects.toThrow(Stale);
    expect(garden.disk.text("Tomato.md")).toBe("🍅 likes manure.");
  });

  test("keeps a byte order mark", async () => {
    const text = "\uFEFFWith compost.";
    garden = await vaultOf({ "Tomato.md": text });
    await accept(garden.app, await suggested("compost", "[[Compost|compost]]", text));
    expect(garden.disk.text("Tomato.md")).toBe("\uFEFFWith [[Compost|compost]].");
  });

  test("is not undone over what was written since", async () => {
    const undo = await accept(garden.app, await suggested("compost", "[[Compost|compost]]"));
    await garden.disk.write("Tomato.md", new TextEncoder().encode("Mine."));
    await expect(undo()).rejects.toThrow(Stale);
    expect(garden.disk.text("Tomato.md")).toBe("Mine.");
  });

  test("in a note that is gone is refused", async () => {
    await expect(accept(garden.app, { ...(await suggested("compost", "x")), note: "Gone.md" })).rejects.toThrow("There is no Gone.md");
  });
});

describe("accepting a property or tag", () => {
  test("adds one value to the list, and undo takes it back", async () => {
    const undo = await accept(garden.app, property("tags", "food"));
    expect(garden.disk.text("Tomato.md")).toContain("tags:\n  - plants\n  - food\n");
    await undo();
    expect(garden.disk.text("Tomato.md")).toBe(TOMATO);
  });

  test("makes the property where there is none, and adds nothing twice", async () => {
    await accept(garden.app, property("is", "[[Recipe]]", "Compost.md"));
    await accept(garden.app, property("is", "[[Recipe]]", "Compost.md"));
    expect(garden.disk.text("Compost.md").match(/\[\[Recipe\]\]/g)).toHaveLength(1);
  });

  test("finds the property in whatever case it is written", async () => {
    garden = await vaultOf({ "Tomato.md": "---\nTags: [a]\n---\n" });
    await accept(garden.app, property("tags", "b"));
    expect(garden.disk.text("Tomato.md")).toMatch(/^---\nTags:/);
    expect(garden.disk.text("Tomato.md")).not.toContain("tags:");
  });

  test.each(["---\ntags: [a] # mine\n---\n", "---\n# why\ntags: [a]\n---\n"])("leaves properties with a comment alone: %j", async (text) => {
    garden = await vaultOf({ "Tomato.md": text });
    await expect(accept(garden.app, property("tags", "b"))).rejects.toThrow("comment");
    expect(garden.disk.text("Tomato.md")).toBe(text);
  });

  test("leaves a property that is no list alone", async () => {
    garden = await vaultOf({ "Tomato.md": "---\nrating: 5\n---\n" });
    await expect(accept(garden.app, property("rating", "6"))).rejects.toThrow("holds no list");
    expect(garden.disk.text("Tomato.md")).toContain("rating: 5");
  });
});

describe("accepting a new note", () => {
  const made: Suggestion = { ...mention("", "", ""), kind: "create", note: "Soil/Mulch.md", edit: { type: "new-note", text: "# Mulch\n" } };

  test("makes it, and undo moves it to the trash", async () => {
    const undo = await accept(garden.app, made);
    expect(garden.disk.text("Soil/Mulch.md")).toBe("# Mulch\n");
    await undo();
    expect(garden.disk.files.has("Soil/Mulch.md")).toBe(false);
  });

  test("is undone only while it is as it was made", async () => {
    const undo = await accept(garden.app, made);
    await garden.disk.write("Soil/Mulch.md", new TextEncoder().encode("Mine."));
    await expect(undo()).rejects.toThrow("has been written in since");
    expect(garden.disk.files.has("Soil/Mulch.md")).toBe(true);
  });

  test("never replaces a note", async () => {
    await expect(accept(garden.app, { ...made, note: "Compost.md" })).rejects.toThrow("already");
    expect(garden.disk.text("Compost.md")).toBe("# Compost");
  });
});
