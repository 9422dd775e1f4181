// @ts-check
/**
 * A note's text, drawn: a small part of Markdown, made of a closed list of elements. Nothing is fetched, no HTML is
 * read, no code runs, and an address stays text. What is not known is shown as it stands.
 */

import { button, el, langOf } from "./elements.js";

const MOST_CHARACTERS = 200_000;
const DEEPEST = 6;

/** @typedef {{ element: HTMLElement, from: number, to: number }} Block A piece of the note and its lines, from 1. */

/**
 * @param {string} text the whole note
 * @param {(raw: string) => (() => void) | null} follow what a link does, as it is written
 * @returns {{ nodes: HTMLElement[], blocks: Block[], cut: boolean }}
 */
export function drawNote(text, follow) {
  const cut = text.length > MOST_CHARACTERS;
  const lines = (cut ? text.slice(0, MOST_CHARACTERS) : text).split(/\r\n|\r|\n/);
  const start = frontmatterLines(lines);
  /** @type {Block[]} */
  const blocks = [];
  const nodes = drawLines(lines.slice(start), start + 1, { follow, blocks, lang: langOf(text), depth: 0 });
  return { nodes, blocks, cut };
}

/** @param {string[]} lines */
function frontmatterLines(lines) {
  if (lines[0]?.trimEnd() !== "---") return 0;
  const end = lines.findIndex((line, at) => at > 0 && /^(---|\.\.\.)\s*$/.test(line));
  return end < 0 ? 0 : end + 1;
}

/** @typedef {{ follow: (raw: string) => (() => void) | null, blocks: Block[], lang: string, depth: number }} Drawing */

/** @param {string[]} lines @param {number} first @param {Drawing} drawing @returns {HTMLElement[]} */
function drawLines(lines, first, drawing) {
  /** @type {HTMLElement[]} */
  const nodes = [];
  let at = 0;
  /** @param {HTMLElement} element @param {number} from @param {number} to the line behind it */
  const add = (element, from, to) => {
    drawing.blocks.push({ element, from: first + from, to: first + to - 1 });
    nodes.push(element);
  };
  /** @param {number} from @param {(line: string) => boolean} goesOn */
  const run = (from, goesOn) => {
    let to = from;
    while (to < lines.length && goesOn(/** @type {string} */ (lines[to]))) to++;
    return to;
  };
  while (at < lines.length) {
    const line = /** @type {string} */ (lines[at]), from = at;
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (line.trim() === "") {
      at++;
    } else if (fence) {
      const end = run(at + 1, (one) => !one.trimStart().startsWith(fence));
      at = Math.min(end + 1, lines.length);
      add(el("pre", { dir: "ltr" }, el("code", {}, lines.slice(from + 1, end).join("\n"))), from, at);
    } else if (line.trim() === "$$") {
      at = Math.min(run(at + 1, (one) => one.trim() !== "$$") + 1, lines.length);
      add(el("pre", { dir: "ltr" }, el("code", {}, lines.slice(from, at).join("\n"))), from, at);
    } else if (line.trim() === "%%") {
      at = run(at + 1, (one) => one.trim() !== "%%") + 1;
    } else if (heading) {
      at++;
      const tag = /** @type {"h3"} */ (`h${Math.min(6, (heading[1] ?? "").length + 2)}`);
      add(el(tag, { dir: "auto" }, ...inline((heading[2] ?? "").replace(/\s+#+\s*$/, ""), drawing)), from, at);
    } else if (/^ {0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) {
      at++;
      add(el("hr"), from, at);
    } else if (/^ {0,3}>/.test(line)) {
      at = run(at, (one) => /^ {0,3}>/.test(one));
      const inner = lines.slice(from, at).map((one) => one.replace(/^ {0,3}> ?/, ""));
      add(quoteOf(inner, first + from, drawing), from, at);
    } else if (isItem(line)) {
      at = run(at, (one) => isItem(one) || (/^\s+\S/.test(one) && !/^ {0,3}(`{3,}|~{3,})/.test(one)));
      nodes.push(listOf(lines.slice(from, at), first + from, drawing));
    } else if (isRow(line) && /^\s*\|?[\s:|-]*-[\s:|-]*$/.test(lines[at + 1] ?? "")) {
      at = run(at, isRow);
      add(tableOf(lines.slice(from, at), drawing), from, at);
    } else {
      at = run(at + 1, (one) => one.trim() !== "" && !isItem(one) && !/^( {0,3}(>|`{3}|~{3})|#{1,6}\s)/.test(one));
      add(el("p", { dir: "auto", ...langAttribute(drawing) }, ...inline(lines.slice(from, at).join("\n"), drawing)), from, at);
    }
  }
  return nodes;
}

/** @param {Drawing} drawing @returns {Record<string, string>} */
function langAttribute({ lang }) {
  return lang ? { lang } : {};
}

/** @param {string} line */
function isItem(line) {
  return /^\s*([-*+]|\d{1,9}[.)])\s+\S/.test(line);
}

/** @param {string} line */
function isRow(line) {
  return line.includes("|") && line.trim() !== "";
}

/** @param {string[]} lines @param {number} first @param {Drawing} drawing */
function quoteOf(lines, first, drawing) {
  const callout = /^\[!([\w-]{1,40})\][+-]?\s*(.*)$/.exec(lines[0] ?? "");
  const title = callout ? el("p", { class: "callout-title", dir: "auto" }, callout[2] || callout[1]) : null;
  if (drawing.depth >= DEEPEST) return el("blockquote", { dir: "auto" }, lines.join("\n"));
  const inner = drawLines(callout ? lines.slice(1) : lines, callout ? first + 1 : first, { ...drawing, depth: drawing.depth + 1 });
  return el("blockquote", {}, title, inner);
}

/** @param {string[]} lines @param {number} first @param {Drawing} drawing */
function listOf(lines, first, drawing) {
  const list = el("ul", { class: "note-list" });
  lines.forEach((line, at) => {
    const item = /^(\s*)([-*+]|\d{1,9}[.)])\s+(?:\[(.)\]\s+)?(.*)$/.exec(line);
    const last = list.lastElementChild;
    if (!item) {
      last?.append("\n", ...inline(line.trim(), drawing));
      return;
    }
    const [, indent = "", bullet = "", task, words = ""] = item;
    const depth = Math.min(DEEPEST, Math.floor(indent.replace(/\t/g, "  ").length / 2));
    const sign = task === undefined ? (/\d/.test(bullet) ? `${bullet} ` : "") : task === " " ? "☐ " : "☑ ";
    const element = el("li", { class: `depth-${depth}${sign ? " signed" : ""}`, dir: "auto", ...langAttribute(drawing) }, sign, ...inline(words, drawing));
    drawing.blocks.push({ element, from: first + at, to: first + at });
    list.append(element);
  });
  return list;
}

/** @param {string[]} lines @param {Drawing} drawing */
function tableOf(lines, drawing) {
  const rows = lines.filter((_, at) => at !== 1).map((line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/));
  const drawn = rows.map((cells, at) => el("tr", {}, cells.map((cell) => el(at === 0 ? "th" : "td", { dir: "auto" }, ...inline(cell.trim().replace(/\\\|/g, "|"), drawing)))));
  return el("div", { class: "table", tabindex: "0" }, el("table", {}, el("tbody", {}, drawn)));
}

// Each alternative excludes what would let it run over another's beginning, so the time is linear in the text.
const INLINE = new RegExp([
  /(?<code>`[^`\n]+`)/, /(?<wiki>!?\[\[[^[\]\n]{1,500}\]\])/, /(?<link>!?\[[^[\]\n]{0,500}\]\([^()\n]{0,1000}\))/,
  /(?<bold>\*\*[^*\n]+\*\*|__[^_\n]+__)/, /(?<em>\*[^*\s][^*\n]*\*|(?<![\p{L}\p{N}])_[^_\s][^_\n]*_(?![\p{L}\p{N}]))/u,
  /(?<mark>==[^=\n]+==)/, /(?<del>~~[^~\n]+~~)/, /(?<comment>%%[^%]*%%)/, /(?<escape>\\[!-/:-@[-`{-~])/,
].map((one) => one.source).join("|"), "gu");

/** @param {string} text @param {Pick<Drawing, "follow">} drawing @returns {(string | Node)[]} */
export function inline(text, drawing) {
  /** @type {(string | Node)[]} */
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    const raw = found[0], kinds = found.groups ?? {};
    if (found.index > end) nodes.push(text.slice(end, found.index));
    end = found.index + raw.length;
    if (kinds.code) nodes.push(el("code", {}, raw.slice(1, -1)));
    else if (kinds.wiki || kinds.link) nodes.push(linkOf(raw, drawing));
    else if (kinds.bold) nodes.push(el("strong", {}, ...inline(raw.slice(2, -2), drawing)));
    else if (kinds.em) nodes.push(el("em", {}, ...inline(raw.slice(1, -1), drawing)));
    else if (kinds.mark) nodes.push(el("mark", {}, ...inline(raw.slice(2, -2), drawing)));
    else if (kinds.del) nodes.push(el("del", {}, ...inline(raw.slice(2, -2), drawing)));
    else if (kinds.escape) nodes.push(raw.slice(1));
  }
  if (end < text.length) nodes.push(text.slice(end));
  return nodes;
}

/** A link to another note can be followed here; every other one is its words and its address, as text. @param {string} raw @param {Pick<Drawing, "follow">} drawing */
function linkOf(raw, drawing) {
  const wiki = /^!?\[\[([^|]*)(?:\|(.*))?\]\]$/.exec(raw);
  const follow = drawing.follow(raw);
  if (wiki) {
    const label = wiki[2]?.trim() || (wiki[1] ?? "").trim().replace(/#\^?/g, " › ").replace(/^ › /, "");
    return follow ? button("wikilink", label, follow) : el("span", { class: "dead-link" }, label);
  }
  const [, label = "", address = ""] = /^!?\[([^\]]*)\]\(([^)]*)\)$/.exec(raw) ?? [];
  if (follow) return button("wikilink", label || address, follow);
  return el("span", {}, label, label && address ? " " : "", el("span", { class: "address" }, `(${address})`));
}
