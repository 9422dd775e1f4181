// @ts-check
/** A note: its text, its links, what is close to it, and a map of what is around it. */

import { arrowKeys, button, byId, el, fill, obsidianLink, placeName, plural, words } from "./elements.js";
import { drawNeighbourhood } from "./graph.js";
import { drawNote } from "./markdown.js";

const TABS = /** @type {const} */ (["Text", "Links", "Related", "Map"]);

/** @typedef {typeof TABS[number]} Tab */

/** @param {import("./daemon.js").Daemon} daemon @param {ReadHere} read @param {() => void} close */
export function makeNote(daemon, read, close) {
  const panel = byId("note");
  /** @type {AbortController | null} */
  let loading = null;
  /** The view that is left for another one, so that the next note opens in the same. @type {Tab} */
  let tab = "Text";

  /** @param {string} path @param {number} [line] */
  async function open(path, line) {
    loading?.abort();
    const mine = loading = new AbortController();
    if (line !== undefined) tab = "Text";
    panel.hidden = false;
    panel.setAttribute("aria-busy", "true");
    try {
      const page = /** @type {NotePage} */ (await daemon.get(`/api/notes/${encodeURIComponent(path)}`, {}, mine.signal));
      if (mine.signal.aborted) return;
      draw(page, line, mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      const told = error instanceof Error ? error.message : String(error);
      fill(panel, head(words("h2", "", path), null), el("p", { class: "failure", role: "alert" }, told));
    } finally {
      if (loading === mine) panel.removeAttribute("aria-busy");
    }
    panel.focus({ preventScroll: true });
  }

  /** @param {HTMLElement} title @param {HTMLElement | null} link */
  function head(title, link) {
    return el("div", { class: "note-head" }, title, link, button("icon close", "×", close, { "aria-label": "Close the note (Esc)" }));
  }

  /** @param {NotePage} page @param {number | undefined} line @param {AbortSignal} signal */
  function draw(page, line, signal) {
    const body = el("div", { class: "note-body", role: "tabpanel", id: "note-body", tabindex: "0" });
    /** @type {Record<Tab, () => void | Promise<void>>} */
    const views = {
      Text: () => drawText(body, page, line, read),
      Links: () => drawLinks(body, page, read),
      Related: () => drawRelated(body, page, signal),
      Map: () => drawMap(body, page, signal),
    };
    const bar = el("div", { class: "tabs", role: "tablist", "aria-label": "The note" });
    const buttons = TABS.map((name) => button("tab", name, () => show(name), { role: "tab", "data-tab": name, "aria-controls": "note-body" }));
    bar.append(...buttons);
    arrowKeys(bar, ".tab", "ArrowLeft", "ArrowRight");
    bar.addEventListener("focusin", (event) => {
      const name = /** @type {HTMLElement} */ (event.target).dataset.tab;
      if (name && name !== tab) show(/** @type {Tab} */ (name));
    });

    /** @param {Tab} name */
    function show(name) {
      tab = name;
      buttons.forEach((one) => {
        const on = one.dataset.tab === name;
        one.setAttribute("aria-selected", String(on));
        one.tabIndex = on ? 0 : -1;
      });
      body.scrollTop = 0;
      Promise.resolve(views[name]()).catch((error) => {
        if (!signal.aborted) fill(body, el("p", { class: "failure", role: "alert" }, error instanceof Error ? error.message : String(error)));
      });
    }

    fill(panel, head(words("h2", "", page.title), obsidianLink(page.uri, "Open in Obsidian")), words("p", "path", page.path), bar, body);
    show(tab);
  }

  /** @param {HTMLElement} body @param {NotePage} page @param {AbortSignal} signal */
  async function drawRelated(body, page, signal) {
    fill(body, el("p", { class: "working" }, "Looking for notes that are close"));
    const found = /** @type {RelatedNotes} */ (await daemon.get("/api/related", { path: page.path, limit: 12 }, signal));
    if (tab !== "Related") return;
    const none = el("p", { class: "remark" }, "Nothing is close to it that it is not linked with.");
    fill(body, found.notes.length === 0 ? none : el("ul", { class: "cards" }, found.notes.map((one) => el("li", {},
      el("div", { class: "source-head" }, place(one, one.there?.line, read), obsidianLink(one.uri, "Open in Obsidian")),
      one.there ? words("q", "snippet", one.there.text) : null,
      el("p", { class: "remark" }, reasons(one))))),
    found.warnings.map((one) => words("p", "remark", one)));
  }

  /** @param {HTMLElement} body @param {NotePage} page @param {AbortSignal} signal */
  async function drawMap(body, page, signal) {
    await drawNeighbourhood(body, (depth) => daemon.get("/api/neighbourhood", { path: page.path, depth }, signal), read, () => tab === "Map");
  }

  return {
    open,
    get isOpen() {
      return !panel.hidden;
    },
    hide() {
      loading?.abort();
      panel.hidden = true;
      panel.replaceChildren();
    },
  };
}

/** @param {{ path: string, title: string, heading_path?: string[] }} note @param {number | undefined} line @param {ReadHere} read */
function place(note, line, read) {
  const name = placeName(note.title, note.heading_path ?? []);
  return button("place", name, () => read(note.path, line), { dir: "auto", title: note.path, "data-path": note.path });
}

/** @param {HTMLElement} body @param {NotePage} page @param {number | undefined} line @param {ReadHere} read */
function drawText(body, page, line, read) {
  const known = new Set(page.neighbours.map(({ path }) => path));
  const targets = new Map(page.links.map(({ raw, target }) => [raw, target]));
  const { nodes, blocks, cut } = drawNote(page.text, (raw) => {
    const target = targets.get(raw);
    return target && known.has(target) ? () => read(target) : null;
  });
  const rows = Object.entries(page.properties).flatMap(([name, value]) => [words("dt", "", name), words("dd", "", valueOf(value))]);
  fill(body,
    page.unsearched_because ? words("p", "remark", `Not searched: ${page.unsearched_because}`) : null,
    rows.length > 0 ? el("dl", { class: "properties", "aria-label": "Properties" }, rows) : null,
    el("div", { class: "prose" }, nodes),
    cut ? el("p", { class: "remark" }, "The note is longer; Obsidian shows the rest.") : null);
  const cited = line === undefined ? null : blocks.filter(({ from, to }) => from <= line && line <= to).at(-1);
  if (!cited) return;
  cited.element.classList.add("cited");
  cited.element.scrollIntoView({ block: "center" });
}

/** @param {unknown} value @returns {string} */
function valueOf(value) {
  if (Array.isArray(value)) return value.map(valueOf).join(", ");
  if (value === null || value === undefined) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {HTMLElement} body @param {NotePage} page @param {ReadHere} read */
function drawLinks(body, page, read) {
  const out = page.neighbours.filter(({ direction }) => direction !== "in");
  fill(body,
    el("h3", {}, `Links to ${plural(out.length, "note")}`),
    el("ul", { class: "cards" }, out.map((one) => el("li", {},
      el("div", { class: "source-head" }, place(one, undefined, read), obsidianLink(one.uri, "Open in Obsidian")),
      one.types.length > 0 ? words("p", "remark", one.types.join(", ")) : null))),
    el("h3", {}, `Linked from ${plural(page.backlinks.length, "place")}`),
    el("ul", { class: "cards" }, page.backlinks.map((one) => el("li", {},
      el("div", { class: "source-head" }, place(one, one.line, read), obsidianLink(one.uri, "Open in Obsidian")),
      one.context ? words("p", "snippet", one.context) : null,
      one.key ? words("p", "remark", one.key) : null))));
}

/** @param {Related} one */
function reasons({ near_copy, tags, words: shared }) {
  return [near_copy ? "nearly the same words" : "", tags.map((tag) => `#${tag}`).join(" "), shared.slice(0, 5).join(", ")].filter((told) => told !== "").join(" · ");
}
