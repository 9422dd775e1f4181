/** An answer as Markdown, to be copied or put into a note. */

import { Answer, Citation, Hit } from "../daemon/records";
import { PlaceInNote } from "../notes";
import { asPlainMarkdown, differing } from "../wording";

export type LinkText = (place: PlaceInNote) => string;

type Said = Pick<Answer, "sentences" | "citations" | "refused" | "nearest" | "differences">;

export function answerAsMarkdown(answer: Said, link: LinkText): string {
  if (answer.refused) return ["Not in your notes.", ...nearest(answer.nearest, link)].join("\n");
  const said = answer.sentences.map(({ text, citations, support }) => {
    const plain = asPlainMarkdown(text);
    const marks = citations.map((n) => ` ${mark(n)}`).join("");
    return support === "quote" ? `> “${plain}”${marks}` : `${plain}${marks}${support === "unsupported" ? " (not found in your notes)" : ""}`;
  });
  const differences = answer.differences.map((one) => differing(one, asPlainMarkdown, mark));
  const sources = answer.citations.map((citation) => `${citation.n}. ${link(placeOf(citation))}`);
  return [said.join("\n\n"), ...differences, ...(sources.length > 0 ? ["**Sources**\n" + sources.join("\n")] : [])].join("\n\n") + "\n";
}

function mark(n: number): string {
  return `\\[${n}\\]`;
}

function nearest(hits: readonly Hit[], link: LinkText): string[] {
  return hits.length > 0 ? ["", "The closest notes:", ...hits.map((hit) => `- ${link(hit)}`), ""] : [""];
}

export function placeOf(citation: Citation): PlaceInNote {
  return { path: citation.path, title: citation.title, heading_path: citation.heading_path, line: citation.line_start };
}
