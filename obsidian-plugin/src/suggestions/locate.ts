/** Where an edit belongs in a note as it is now. Nothing is written where the words do not stand any more. */

import { Replacement, Suggestion } from "../daemon/records";

/** In UTF-16 units, as JavaScript and Obsidian's editor count. */
export interface Span {
  from: number;
  to: number;
}

/** The same place, counted in Unicode characters by the daemon and in UTF-16 units by JavaScript. */
export function utf16(text: string, characters: number): number {
  let at = 0;
  for (let left = characters; left > 0 && at < text.length; left--) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

/**
 * The span of the edit in `text`, or null when it is not clear any more where that is.
 *
 * `read` is the note as the daemon read it, when that is known: then the offsets hold, and `text` may differ from it in
 * line ends alone. Otherwise the words are looked for: at their line and column, or in the line that was shown if the
 * note has it once.
 */
export function locate(text: string, suggestion: Suggestion, edit: Replacement, read: string | null): Span | null {
  if (read !== null && lines(read) === lines(text)) return bySpan(text, suggestion, edit, read);
  return edit.start === edit.end ? null : (byPlace(text, suggestion) ?? byContext(text, suggestion));
}

function bySpan(text: string, { text: words }: Suggestion, { start, end }: Replacement, read: string): Span | null {
  const places = [start, end].map((at) => {
    const before = read.slice(0, utf16(read, at));
    return read === text ? before.length : lines(before).length;
  }) as [number, number];
  const span = { from: places[0], to: places[1] };
  return start === end || text.slice(span.from, span.to) === words ? span : null;
}

function byPlace(text: string, { text: words, line, col, context }: Suggestion): Span | null {
  const all = text.split("\n");
  const there = all[line - 1];
  if (there === undefined || !there.includes(context)) return null;
  const lineStart = all.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const from = lineStart + utf16(there, col - 1);
  return spanOf(text, from, words);
}

function byContext(text: string, { text: words, context }: Suggestion): Span | null {
  const line = onlyPlace(text, context);
  const within = onlyPlace(context, words);
  return line === null || within === null ? null : spanOf(text, line + within, words);
}

function spanOf(text: string, from: number, words: string): Span | null {
  return words !== "" && text.startsWith(words, from) ? { from, to: from + words.length } : null;
}

function onlyPlace(text: string, part: string): number | null {
  const at = part === "" ? -1 : text.indexOf(part);
  return at < 0 || text.indexOf(part, at + 1) >= 0 ? null : at;
}

function lines(text: string): string {
  return text.replace(/\r\n/g, "\n");
}
