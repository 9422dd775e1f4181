// @ts-check
/** The page: who it is, what it shows, and which key does what. */

import { makeAsk } from "./ask.js";
import { Daemon } from "./daemon.js";
import { byId, el, fill, words } from "./elements.js";
import { makeNote } from "./note.js";
import { makeSearch } from "./search.js";
import { forgetToken, logIn } from "./session.js";
import { makeStatus } from "./status.js";

/** @typedef {"ask" | "search"} View */
/** @typedef {{ view: View, note: string | null, line: number | null }} Shown What is shown. It is kept in the tab's history and not in its address, which browsers write down. */

makeTheme();
makeHelp();
logIn().then(
  (token) => (token === "" ? lock("") : start(token)),
  (error) => lock(error instanceof Error ? error.message : String(error)),
);

/** Says how to get in. @param {string} why */
function lock(why) {
  forgetToken();
  for (const id of ["ask", "search", "note", "trouble", "progress"]) byId(id).hidden = true;
  const card = byId("locked");
  fill(card, el("h2", {}, "Open this page from vaultbot"),
    why === "" ? null : words("p", "failure", why),
    el("p", {}, "Your notes are shown to nobody without a key. In a terminal, type:"),
    el("pre", {}, el("code", {}, "vaultbot open")),
    el("p", { class: "remark" }, "It starts vaultbot if need be, and opens this page with a key that works once."));
  card.hidden = false;
  byId("state-words").textContent = "locked";
  byId("state").dataset.state = "locked";
  document.body.dataset.locked = "";
}

/** @param {string} token */
function start(token) {
  const daemon = new Daemon(token);
  const note = makeNote(daemon, read, close);
  const ask = makeAsk(daemon, read);
  const search = makeSearch(daemon, read);
  const status = makeStatus(daemon, ask);
  daemon.onLocked = () => {
    status.end();
    ask.stop();
    lock("This page may not read your notes any more: vaultbot was started anew, or the page was opened elsewhere.");
  };

  /** @type {Shown} */
  let now = { view: "ask", note: null, line: null };

  /** @type {ReadHere} */
  function read(path, line) {
    go({ ...now, note: path, line: line ?? null });
  }

  function close() {
    go({ ...now, note: null, line: null });
  }

  /** @param {Shown} next */
  function go(next) {
    history.pushState(next, "");
    show(next);
  }

  /** @param {Shown} next */
  function show(next) {
    now = next;
    for (const view of ["ask", "search"]) byId(view).hidden = view !== next.view;
    for (const tab of document.querySelectorAll(".tab[data-view]")) tab.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (tab).dataset.view === next.view));
    if (next.note === null) {
      const wasOpen = note.isOpen;
      note.hide();
      if (wasOpen) (next.view === "ask" ? ask : search).focus();
    } else {
      void note.open(next.note, next.line ?? undefined);
    }
    document.body.classList.toggle("with-note", next.note !== null);
  }

  /** @param {View} view */
  function turnTo(view) {
    if (now.view !== view || (now.note !== null && isNarrow())) go({ ...now, view, ...(isNarrow() ? { note: null, line: null } : {}) });
    (view === "ask" ? ask : search).focus();
  }

  for (const tab of document.querySelectorAll(".tab[data-view]")) {
    tab.addEventListener("click", () => turnTo(/** @type {View} */ (/** @type {HTMLElement} */ (tab).dataset.view)));
  }
  addEventListener("popstate", (event) => show(event.state ?? { view: "ask", note: null, line: null }));
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || document.body.dataset.locked !== undefined) return;
    if (event.key === "Escape") {
      if (!ask.stop() && now.note !== null) close();
      return;
    }
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLSelectElement;
    if (typing) return;
    if (event.key === "/") turnTo("search");
    else if (event.key === "a") turnTo("ask");
    else if (event.key === "?") openHelp();
    else return;
    event.preventDefault();
  });
  // A reload begins anew, and has its place in the history.
  history.replaceState(now, "");
  show(now);
  ask.focus();
}

function isNarrow() {
  return matchMedia("(max-width: 67.99rem)").matches;
}

function openHelp() {
  /** @type {HTMLDialogElement} */ (byId("help-dialog")).showModal();
}

function makeHelp() {
  byId("help").addEventListener("click", openHelp);
}

function makeTheme() {
  const root = document.documentElement;
  const names = { auto: "as the system", light: "light", dark: "dark" };
  const next = /** @type {const} */ ({ auto: "light", light: "dark", dark: "auto" });
  const chosen = () => /** @type {keyof typeof names} */ (root.dataset.theme ?? "auto");
  const tell = () => byId("theme").setAttribute("aria-label", `Theme: ${names[chosen()]}`);
  byId("theme").addEventListener("click", () => {
    const theme = next[chosen()];
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      localStorage.setItem("vaultbot-theme", theme);
    } catch {
      // Then it holds until the page is closed.
    }
    tell();
  });
  tell();
}
