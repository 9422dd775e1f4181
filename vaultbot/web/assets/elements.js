// @ts-check
/** The few pieces that everything is built of. All text becomes text nodes; nothing is ever parsed as HTML. */

/** Characters that are not seen and change how their neighbours are: overrides of direction, zero widths, controls. */
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u200B\u2028-\u202E\u2060-\u2069\uFEFF]|\uDB40[\uDC00-\uDC7F]/g;

/** All that an element may have: nothing that loads, runs or looks like something else. */
const ATTRIBUTES = new Set([
  "class", "id", "type", "dir", "lang", "role", "tabindex", "title", "hidden", "disabled", "value", "max", "for", "colspan",
  "data-line", "data-n", "data-path", "data-tab", "viewBox", "x", "y", "x1", "y1", "x2", "y2", "r", "cx", "cy", "d", "width",
  "height", "text-anchor", "dy", "transform", "marker-start", "marker-end", "refX", "refY", "markerWidth", "markerHeight",
  "orient", "focusable",
]);
const TAGS = new Set([
  "a", "article", "blockquote", "br", "button", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h2", "h3", "h4", "h5", "h6",
  "hr", "label", "li", "mark", "ol", "option", "p", "pre", "progress", "q", "select", "span", "strong", "summary", "table", "tbody",
  "td", "th", "tr", "ul", "kbd",
]);
const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "line", "circle", "text", "title", "defs", "marker", "path"]);

/** @typedef {string | Node | null | undefined | false | any[]} Child A list holds more of them. */

/** What is put into a text node. @param {string} text */
export function shown(text) {
  return text.replace(UNSEEN, "");
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  if (!TAGS.has(tag)) throw new Error(`no ${tag} on this page`);
  return filled(document.createElement(tag), attributes, children);
}

/**
 * @param {string} tag
 * @param {Record<string, string | number | boolean>} [attributes]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  if (!SVG_TAGS.has(tag)) throw new Error(`no ${tag} on this page`);
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, string | number | boolean>} attributes
 * @param {Child[]} children
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (!ATTRIBUTES.has(name) && !name.startsWith("aria-")) throw new Error(`no ${name} on this page`);
    if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, shown(String(value)));
  }
  put(element, children);
  return element;
}

/** @param {Element | DocumentFragment} parent @param {Child} child */
export function put(parent, child) {
  if (Array.isArray(child)) for (const one of child) put(parent, one);
  else if (typeof child === "string") parent.append(shown(child));
  else if (child) parent.append(child);
}

/** In place of what is there. @param {Element} parent @param {...Child} children */
export function fill(parent, ...children) {
  parent.replaceChildren();
  put(parent, children);
}

/**
 * Text of notes and models, in its own direction and language.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {string} cls @param {string} text @param {string} [lang]
 */
export function words(tag, cls, text, lang = langOf(text)) {
  return el(tag, { class: cls, dir: "auto", ...(lang ? { lang } : {}) }, text);
}

/** @param {string} cls @param {Child} label @param {() => void} onClick @param {Record<string, string | boolean>} [more] */
export function button(cls, label, onClick, more = {}) {
  const made = el("button", { type: "button", class: cls, ...more }, label);
  made.addEventListener("click", onClick);
  return made;
}

/** A link that the server has made; whatever else it may be is only text. @param {string} uri @param {string} label */
export function obsidianLink(uri, label, cls = "obsidian") {
  if (!uri.startsWith("obsidian://open?")) return null;
  const link = el("a", { class: cls }, label);
  link.href = uri;
  link.rel = "noopener noreferrer";
  return link;
}

/** An element of index.html. @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found;
}

/** "Compost › Ingredients"; a first heading that says the title again is left out. @param {string} title @param {readonly string[]} headings */
export function placeName(title, headings) {
  return [title, ...(headings[0] === title ? headings.slice(1) : headings)].join(" › ");
}

/** By the script, so that a browser takes the right glyphs; "" where the letters do not tell. @param {string} text */
export function langOf(text) {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const eastern = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu)?.length ?? 0;
  // A name or an alias in another script makes a text no text in that language.
  if (eastern * 5 < letters) return "";
  if (/[\u3040-\u30FF\u31F0-\u31FF\uFF66-\uFF9D]/.test(text)) return "ja";
  if (/[\uAC00-\uD7AF\u1100-\u11FF]/.test(text)) return "ko";
  return eastern > 0 ? "zh" : "";
}

/** @param {number} number */
export function counted(number) {
  return number.toLocaleString("en");
}

/** @param {number} number @param {string} one @param {string} [several] */
export function plural(number, one, several = `${one}s`) {
  return `${counted(number)} ${number === 1 ? one : several}`;
}

/** Moves the focus among what `selector` finds, with the arrow keys. @param {HTMLElement} list @param {string} selector @param {string} back @param {string} on */
export function arrowKeys(list, selector, back = "ArrowUp", on = "ArrowDown") {
  list.addEventListener("keydown", (event) => {
    const step = event.key === on ? 1 : event.key === back ? -1 : 0;
    if (step === 0 || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const items = /** @type {HTMLElement[]} */ (Array.from(list.querySelectorAll(selector)));
    const next = items[items.findIndex((item) => item.contains(/** @type {Node} */ (event.target))) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
