import { describe, expect, test } from "vitest";
import { Replacement, Suggestion } from "../../src/daemon/records";
import { locate, utf16 } from "../../src/suggestions/locate";
import { mention } from "./mention";

function placed(text: string, suggestion: Suggestion & { edit: Replacement }, read: string | null): string | null {
  const span = locate(text, suggestion, suggestion.edit, read);
  return span && `${text.slice(0, span.from)}<${text.slice(span.from, span.to)}>${text.slice(span.to)}`;
}

describe("the place of an edit", () => {
  test("is counted in characters by the daemon and in units by JavaScript", () => {
    expect(utf16("a🌱b", 0)).toBe(0);
    expect(utf16("a🌱b", 2)).toBe(3);
    expect(utf16("a🌱b", 99)).toBe(4);
  });

  test("is right behind emoji and other scripts", () => {
    const text = "🌱🌱 量子\n🍅 needs compost, e\u0301 compost";
    expect(placed(text, mention(text, "compost", "[[Compost|compost]]"), text)).toBe("🌱🌱 量子\n🍅 needs <compost>, e\u0301 compost");
  });

  test("is right where the editor has other line ends than the file", () => {
    const file = "One\r\n\r\n🍅 and compost\r\n";
    const editor = file.replace(/\r\n/g, "\n");
    expect(placed(editor, mention(file, "compost", "x"), file)).toBe("One\n\n🍅 and <compost>\n");
    expect(placed(file, mention(file, "compost", "x"), file)).toBe("One\r\n\r\n🍅 and <compost>\r\n");
  });

  test("is found again after an edit elsewhere", () => {
    const read = "Intro\nA bucket of compost each.\nEnd";
    const suggestion = mention(read, "compost", "x");
    expect(placed("A new line\n\nIntro\nA bucket of compost each.\nEnd", suggestion, null)).toContain("bucket of <compost> each");
    expect(placed("Intro\nA bucket of compost each.\nEnd, and more", suggestion, read)).toContain("bucket of <compost> each");
  });

  test.each([
    ["the words are gone", "Intro\nA bucket of soil each.\nEnd"],
    ["the line was rewritten", "Intro\nBuckets of compost, two each.\nEnd"],
    ["the line stands there twice, moved", "A bucket of compost each.\n\nA bucket of compost each.\n"],
    ["they are a link already", "Intro\nA bucket of [[compost]] each.\nEnd"],
  ])("is not guessed when %s", (_, now) => {
    expect(placed(now, mention("Intro\nA bucket of compost each.\nEnd", "compost", "x"), null)).toBeNull();
  });

  test("is not guessed when the words are in the line twice, and it moved", () => {
    const read = "compost and compost";
    expect(placed(`New\n${read}`, mention(read, "compost", "x"), null)).toBeNull();
    expect(placed(`${read}\nNew`, mention(read, "compost", "x"), null)).toBe("<compost> and compost\nNew");
  });

  test("between two characters is known only in the note as it was read", () => {
    const text = "One\n\n## Related\n";
    const suggestion = { ...mention(text, "## Related", "x"), edit: { type: "replace" as const, start: 16, end: 16, text: "- [[Compost]]\n" } };
    expect(placed(text, suggestion, text)).toBe("One\n\n## Related\n<>");
    expect(placed(`${text}!`, suggestion, text)).toBeNull();
    expect(placed(text, suggestion, null)).toBeNull();
  });

  test("is refused when the daemon's words are not what stands there", () => {
    const text = "A bucket of compost each.";
    expect(placed(text, { ...mention(text, "compost", "x"), text: "manure" }, text)).toBeNull();
  });
});
