import { describe, expect, test } from "vitest";
import { insertAtCursor, openPlace } from "../../src/notes";
import { machine } from "../shim/obsidian";
import { vaultOf } from "./vault";

const TEXT = "# Compost\n\nIntro.\n\n## Ingredients\n\nGreen and brown.\n\n## Trouble\n\nSmell.\n";

describe("opening a place", () => {
  test.each([
    ["the line, while it stands below its heading", ["Ingredients"], 7, 6],
    ["the heading, when the line has moved out of its section", ["Ingredients"], 11, 4],
    ["the line, when the heading is gone", ["Gone"], 7, 6],
    ["the line, above the first heading", [], 3, 2],
  ])("opens %s", async (_, heading_path, line, expected) => {
    const garden = await vaultOf({ "Compost.md": TEXT, "Other.md": "x" });
    await garden.open("Compost.md");
    await garden.open("Other.md");
    await openPlace(garden.app, { path: "Compost.md", title: "Compost", heading_path, line });
    expect(garden.shim.workspace.opened).toMatchObject({ path: "Compost.md", line: expected });
  });

  test("makes no note out of one that is gone", async () => {
    const garden = await vaultOf({ "Compost.md": TEXT });
    await openPlace(garden.app, { path: "Gone.md", title: "Gone", heading_path: [], line: 1 });
    expect(garden.shim.workspace.opened).toBeNull();
    expect(machine.notices).toEqual(["There is no Gone.md any more."]);
  });
});

describe("inserting at the cursor", () => {
  test("can be undone", async () => {
    const garden = await vaultOf({ "A.md": "ab" });
    await garden.open("A.md");
    const { editor } = garden.shim.workspace.markdown;
    editor.cursor = 1;
    expect(insertAtCursor(garden.app, (path) => `<${path}>`)).toBe(true);
    expect(editor.getValue()).toBe("a<A.md>b");
    editor.undo();
    expect(editor.getValue()).toBe("ab");
  });

  test("says what to do when no note is open", async () => {
    const garden = await vaultOf({});
    expect(insertAtCursor(garden.app, () => "x")).toBe(false);
    expect(machine.notices).toEqual(["Open a note for editing first."]);
  });
});
