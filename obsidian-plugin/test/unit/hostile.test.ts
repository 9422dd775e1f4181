import { beforeEach, describe, expect, test } from "vitest";
import { Turn } from "../../src/chat/conversation";
import { answerAsMarkdown } from "../../src/chat/markdown";
import { drawTurn } from "../../src/chat/turn";
import { wordsOf } from "../../src/daemon/failures";
import { Answer, Suggestion } from "../../src/daemon/records";
import { linkTo } from "../../src/notes";
import { drawPreview, headline } from "../../src/suggestions/preview";
import { HOSTILE } from "../corpus";
import { mention } from "./mention";
import { Garden, vaultOf } from "./vault";

/** What notes say, and what they are called. */
const PAYLOADS = HOSTILE.map(({ id, kind, path, text }) => [id, kind === "name" ? path : text] as const);

const ALLOWED = new Set(["DIV", "SPAN", "P", "Q", "BLOCKQUOTE", "BUTTON", "OL", "UL", "LI", "H3", "INS", "DEL", "SVG", "PATH"]);

let garden: Garden;

beforeEach(async () => {
  garden = await vaultOf({ "Kimchi.md": "# Kimchi", "Food/a.md": "x" });
});

function turnOf(payload: string, refused = false): Turn {
  const place = { path: `Food/${payload}.md`, title: payload, heading_path: [payload] };
  const answer = {
    question: payload, answer: payload, grounded: true, refused, model: payload, timings_ms: { total: 1 }, match: "good",
    sentences: [{ text: payload, citations: [1, 7], support: "supported" }],
    citations: [{ ...place, n: 1, line_start: 1, line_end: 1, quote: payload }],
    nearest: [{ ...place, line: 1, text: payload }], warnings: [payload],
    differences: [{ citations: [1, 1], words: [payload, ""], dates: [null, null] }],
  } as unknown as Answer;
  return { question: payload, path: payload, state: "done", model: payload, match: "good", sentences: answer.sentences, citations: answer.citations, answer, failure: wordsOf(new Error(payload)), before: 0 };
}

/** Controls, zero widths, overrides of direction and tags, in what is read or in what a tooltip or a screen reader says. */
function unseenIn(el: HTMLElement): string[] {
  const attributes = Array.from(el.querySelectorAll("*")).flatMap((one) => Array.from(one.attributes, ({ value }) => value));
  return [el.textContent ?? "", ...attributes].filter((text) => /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u.test(text));
}

function elementsIn(el: HTMLElement): string[] {
  return [...new Set(Array.from(el.querySelectorAll("*"), (one) => one.tagName.toUpperCase()))];
}

describe("hostile text", () => {
  test.each(PAYLOADS)("is words and nothing else in an answer: %s", (_, payload) => {
    for (const refused of [false, true]) {
      const el = document.createElement("div");
      drawTurn(garden.app, el, turnOf(payload, refused), { copy: () => undefined, insert: () => undefined });
      expect(elementsIn(el).filter((tag) => !ALLOWED.has(tag))).toEqual([]);
      expect(Array.from(el.querySelectorAll("[src],[href],[style],[onload],[onerror]"))).toEqual([]);
      expect(unseenIn(el)).toEqual([]);
    }
  });

  test.each(PAYLOADS)("is words and nothing else in a suggestion: %s", (_, payload) => {
    const text = `before ${payload} after`;
    const suggestion: Suggestion = { ...mention(text, payload, payload), target: payload, context: text };
    for (const edit of [suggestion.edit, { type: "property", key: payload, value: payload }, { type: "new-note", text: payload }] as const) {
      const el = document.createElement("div");
      drawPreview(el, { ...suggestion, edit });
      expect(elementsIn(el).filter((tag) => !ALLOWED.has(tag))).toEqual([]);
      expect(unseenIn(el)).toEqual([]);
    }
    expect(headline(suggestion)).not.toBe("");
  });

  test.each(PAYLOADS)("becomes words when it is put into a note: %s", (_, payload) => {
    const { sentences, citations, answer } = turnOf(payload);
    const differences = answer?.differences ?? [];
    const text = answerAsMarkdown({ sentences, citations, refused: false, nearest: [], differences }, (place) => linkTo(garden.app, place, "A.md"));
    const unescaped = text.replace(/\\[^\w\s]/g, "");
    // All that is left of Markdown is what we wrote: the marks of sources.
    expect(unescaped.replace("**Sources**", "")).not.toMatch(/!\[|\]\(|`|<|%|\[\[|\*|#|\$|~|:\/\//);
    expect(unescaped).not.toMatch(/[\u202A-\u202E\u200B]/);
  });

  test("cites no source that the answer does not have", () => {
    const el = document.createElement("div");
    drawTurn(garden.app, el, turnOf("[2] [9]"), { copy: () => undefined, insert: () => undefined });
    expect(Array.from(el.querySelectorAll(".vaultbot-mark"), (mark) => mark.textContent)).toEqual(["1"]);
  });
});

describe("an answer in a note", () => {
  test("has its quotes as quotes and its sources as links", () => {
    const answer = {
      sentences: [
        { text: "Salt & time.", citations: [1], support: "quote" as const },
        { text: "It takes days.", citations: [1], support: "supported" as const },
        { text: "It is red.", citations: [], support: "unsupported" as const },
      ],
      citations: [{ n: 1, path: "Kimchi.md", title: "Kimchi", heading_path: ["Steps: a/b"], line_start: 2, line_end: 2, quote: "Salt & time." }],
      refused: false, nearest: [],
      differences: [{ citations: [1, 1] as [number, number], words: ["3 *days*", ""] as [string, string], dates: ["2024-01-01", "2025-01-01"] as [string, string] }],
    };
    expect(answerAsMarkdown(answer, (place) => linkTo(garden.app, place, "A.md"))).toBe(
      "> “Salt \\& time.” \\[1\\]\n\nIt takes days. \\[1\\]\n\nIt is red. (not found in your notes)\n\nYour notes differ: “3 \\*days\\*” \\[1\\], without that \\[1\\], which is newer.\n\n**Sources**\n1. [[Kimchi#Steps: a/b|Kimchi › Steps: a/b]]\n",
    );
  });

  test("says so when it is not in the notes", () => {
    const nearest = [{ path: "Kimchi.md", title: "Kimchi", heading_path: [], line: 1, text: "" }];
    expect(answerAsMarkdown({ sentences: [], citations: [], refused: true, nearest, differences: [] }, (place) => linkTo(garden.app, place, "A.md"))).toBe(
      "Not in your notes.\n\nThe closest notes:\n- [[Kimchi]]\n",
    );
  });
});
