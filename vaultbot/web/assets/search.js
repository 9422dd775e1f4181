// @ts-check
/** Search while one types: a list of passages that the arrow keys go through. */

import { Problem } from "./daemon.js";
import { byId, el, fill, obsidianLink, placeName, plural, words } from "./elements.js";

const PAUSE_MS = 120;
const LIMIT = 20;

/** @param {import("./daemon.js").Daemon} daemon @param {ReadHere} read */
export function makeSearch(daemon, read) {
  const input = /** @type {HTMLInputElement} */ (byId("words"));
  const list = byId("hits"), found = byId("found");
  /** @type {Hit[]} */
  let hits = [];
  let chosen = -1, timer = 0;
  /** @type {AbortController | null} */
  let asking = null;
  /** The words that the list on the page belongs to. */
  let searched = "";

  function later() {
    clearTimeout(timer);
    asking?.abort();
    timer = window.setTimeout(() => void now(), PAUSE_MS);
  }

  async function now() {
    clearTimeout(timer);
    asking?.abort();
    const wanted = input.value.trim();
    if (wanted === "") {
      show([], "");
      searched = "";
      return;
    }
    const mine = new AbortController();
    asking = mine;
    list.setAttribute("aria-busy", "true");
    try {
      const result = /** @type {SearchResult} */ (await daemon.get("/api/search", { q: wanted, limit: LIMIT }, mine.signal));
      if (mine.signal.aborted) return;
      searched = wanted;
      const told = result.hits.length === 0 ? "Nothing found." : `${plural(result.hits.length, "note")} in ${Math.max(1, Math.round(result.took_ms))} ms.`;
      show(result.hits, [told, ...result.warnings].join(" "));
    } catch (error) {
      if (mine.signal.aborted) return;
      searched = "";
      show([], error instanceof Error ? error.message : String(error), error instanceof Problem);
    } finally {
      if (asking === mine) {
        asking = null;
        list.removeAttribute("aria-busy");
      }
    }
  }

  /** @param {Hit[]} next @param {string} told @param {boolean} [failed] */
  function show(next, told, failed = false) {
    hits = next;
    found.textContent = "";
    found.append(words("span", failed ? "failure" : "", told));
    fill(list, hits.map(drawHit));
    input.setAttribute("aria-expanded", String(hits.length > 0));
    choose(hits.length > 0 ? 0 : -1);
  }

  /** @param {Hit} hit @param {number} at */
  function drawHit(hit, at) {
    const link = obsidianLink(hit.uri, "Open in Obsidian");
    link?.setAttribute("tabindex", "-1");
    const item = el("div", { class: "hit", role: "option", id: `hit-${at}`, "aria-selected": "false", "data-path": hit.path },
      el("div", { class: "source-head" }, words("span", "place", placeName(hit.title, hit.heading_path)), link),
      words("span", "path", `${hit.path}:${hit.line}`),
      snippet(hit));
    item.addEventListener("click", (event) => {
      if (event.target === link) return;
      choose(at);
      read(hit.path, hit.line);
    });
    return item;
  }

  /** @param {number} at */
  function choose(at) {
    list.children[chosen]?.setAttribute("aria-selected", "false");
    chosen = at;
    const item = list.children[chosen];
    if (item) {
      item.setAttribute("aria-selected", "true");
      input.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  /** @param {KeyboardEvent} event */
  async function keys(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 5, PageUp: -5 }[event.key];
    if (step !== undefined && hits.length > 0) {
      event.preventDefault();
      choose(Math.min(hits.length - 1, Math.max(0, chosen + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (searched !== input.value.trim()) await now();
      const hit = hits[chosen];
      if (!hit) return;
      if (event.ctrlKey || event.metaKey) obsidianLink(hit.uri, "")?.click();
      else read(hit.path, hit.line);
    } else if (event.key === "Escape" && input.value !== "") {
      event.preventDefault();
      event.stopPropagation();
      input.value = "";
      void now();
    }
  }

  input.addEventListener("input", later);
  input.addEventListener("keydown", (event) => void keys(event));
  byId("search-form").addEventListener("submit", (event) => event.preventDefault());

  return {
    focus() {
      input.focus();
      input.select();
    },
  };
}

/** The passage from the line that matches best, with the words of the question marked. @param {Hit} hit */
function snippet({ text: whole, matched, line, line_start }) {
  const text = whole.split("\n").slice(line - line_start).join("\n").trim() || whole;
  const element = words("p", "passage", "");
  const escaped = [...new Set(matched)].filter((one) => one !== "").sort((a, b) => b.length - a.length).map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pieces = escaped.length === 0 ? [text] : text.split(new RegExp(`(${escaped.join("|")})`, "giu"));
  // What was split at stands at the odd places.
  pieces.forEach((piece, at) => element.append(at % 2 === 1 ? el("mark", {}, piece) : el("span", {}, piece)));
  return element;
}
