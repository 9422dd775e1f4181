/** Text from notes and models, made fit to be shown, or to be put into a note. */

import { Difference } from "./daemon/records";

/** Characters that are not seen and change how their neighbours are: overrides of direction, zero widths, controls. */
// eslint-disable-next-line no-control-regex -- these are the characters that are meant
const UNSEEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u200B\u2028-\u202E\u2060-\u2069\uFEFF]|\uDB40[\uDC00-\uDC7F]/g;

/** What is put into a text node. */
export function shown(text: string): string {
  return text.replace(UNSEEN, "");
}

/**
 * The text as words of a note, whatever it holds: Obsidian and its plugins find nothing in it to load, run or link.
 * It becomes one line, and all that means something in Markdown, HTML or a template is escaped.
 */
export function asPlainMarkdown(text: string): string {
  const line = shown(text).replace(/\s+/g, " ").trim();
  const escaped = line.replace(/[\\`*_{}[\]()#!<>|~$%^=&]/g, "\\$&").replace(/::/g, "\\:\\:");
  // Bare addresses would become links that Obsidian offers to open.
  const unlinked = escaped.replace(/:\/\//g, ":\\/\\/").replace(/\bwww\./gi, (www) => www.replace(".", "\\."));
  return unlinked.replace(/^(\d+)([.)])/, "$1\\$2").replace(/^[-+:]/, "\\$&");
}

/** What a link may show, be it a wikilink or a Markdown link. */
export function asLinkText(text: string): string {
  return shown(text).replace(/[[\]|\\`<>%*$!\s]+/g, " ").trim();
}

/** "Compost › Ingredients"; a first heading that says the title again is left out. */
export function placeName(title: string, headingPath: readonly string[]): string {
  const headings = headingPath[0] === title ? headingPath.slice(1) : headingPath;
  return [title, ...headings].map(shown).join(" › ");
}

/** Your notes differ: “3 May” [1], “5 May” [2], which is newer. Made fit for its place by `fit`, the marks by `mark`. */
export function differing(difference: Difference, fit: (text: string) => string, mark: (n: number) => string): string {
  const { citations, words, dates } = difference;
  const sides = citations.map((n, i) => `${words[i] ? `“${fit(words[i])}”` : "without that"} ${mark(n)}`);
  const newer = dates[0] !== null && dates[1] !== null && dates[0] !== dates[1] ? ", which is newer" : "";
  return `Your notes differ: ${sides.join(", ")}${newer}.`;
}
