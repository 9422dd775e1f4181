import { Replacement, Suggestion } from "../../src/daemon/records";

/** The suggestion that the daemon makes for the first of these words in the text. */
export function mention(text: string, words: string, link: string): Suggestion & { edit: Replacement } {
  const at = text.indexOf(words);
  const start = Array.from(text.slice(0, at)).length;
  const before = text.slice(0, at).split("\n");
  const context = (text.split("\n")[before.length - 1] ?? "").replace(/\r$/, "");
  return {
    id: "s_1", kind: "mention", note: "Tomato.md", target: "Compost.md", text: words,
    edit: { type: "replace", start, end: start + Array.from(words).length, text: link },
    score: 0.8, reasons: ["the note's title"], line: before.length, col: Array.from(before[before.length - 1] ?? "").length + 1,
    context, sha256: "", key: null, alternatives: [],
  };
}
