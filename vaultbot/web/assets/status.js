// @ts-check
/** How the daemon is: the words at the top, what is told in its dialog, and the connection that brings the news. */

import { Locked, Offline } from "./daemon.js";
import { button, byId, counted, el, fill, plural, words } from "./elements.js";

const LONGEST_WAIT_MS = 30_000;
const MOST_LISTED = 200;

/**
 * @param {import("./daemon.js").Daemon} daemon
 * @param {{ tell: (words: string) => void }} ask
 */
export function makeStatus(daemon, ask) {
  const state = byId("state"), told = byId("state-words"), trouble = byId("trouble");
  const progress = /** @type {HTMLProgressElement} */ (byId("progress"));
  const dialog = /** @type {HTMLDialogElement} */ (byId("status-dialog"));
  /** @type {Status | null} */
  let status = null;
  let wait = 1000, locked = false;
  /** @type {() => void} */
  let wake = () => {};

  async function follow() {
    while (!locked) {
      try {
        await refresh();
        wait = 1000;
        trouble.hidden = true;
        for await (const { name, data } of daemon.events("/api/events", null, new AbortController().signal)) {
          if (name === "status") await heard(data);
        }
        // It has taken leave. Whether it comes back shows in a moment.
      } catch (error) {
        if (error instanceof Locked) return;
        offline(error);
      }
      await new Promise((resolve) => {
        wake = () => resolve(undefined);
        setTimeout(resolve, wait);
      });
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
  }

  async function refresh() {
    status = /** @type {Status} */ (await daemon.get("/api/status"));
    byId("vault").textContent = nameOf(status.vault);
    ask.tell(status.model === null ? "No language model answers here, so answers are quotes alone." : "");
    show(status.state, status.message, null);
    if (dialog.open) await drawDialog();
  }

  /** @param {IndexState} news */
  async function heard(news) {
    // How many notes there are is told with the whole status: the number from before a run would be wrong after it.
    if (status?.state !== news.state && news.state !== "indexing") {
      await refresh();
      return;
    }
    show(news.state, news.message, news.progress);
    if (status) status.state = news.state;
  }

  /** @param {string} how @param {string} message @param {Progress | null} at */
  function show(how, message, at) {
    state.dataset.state = how;
    const busy = how === "indexing" || how === "starting";
    if (busy && at && at.total > 0) told.textContent = `${at.stage === "scan" ? "looking" : "reading"} ${counted(at.done)}/${counted(at.total)}`;
    else told.textContent = how === "ready" ? plural(status?.notes ?? 0, "note") : busy ? "reading" : how.replace("-", " ");
    state.title = message;
    progress.hidden = !busy;
    if (at && at.total > 0) {
      progress.max = at.total;
      progress.value = at.done;
    } else {
      progress.removeAttribute("value");
    }
    if (how === "vault-missing" || how === "degraded") say(message, null);
    else trouble.hidden = true;
  }

  /** @param {unknown} error */
  function offline(error) {
    state.dataset.state = "offline";
    told.textContent = "offline";
    progress.hidden = true;
    const words = error instanceof Offline ? "vaultbot does not answer. Start it again with: vaultbot open" : error instanceof Error ? error.message : String(error);
    say(words, () => wake());
  }

  /** @param {string} message @param {(() => void) | null} retry */
  function say(message, retry) {
    fill(trouble, words("span", "", message), retry ? button("quiet", "Try again", retry) : null);
    trouble.hidden = false;
  }

  async function drawDialog() {
    if (!status) return;
    const models = await daemon.get("/api/models").then((page) => /** @type {{ models: InstalledModel[] }} */ (page).models, () => []);
    fill(byId("status-body"), details(status, models, () => void look()));
  }

  async function look() {
    try {
      await daemon.post("/api/index", { wait: false });
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), null);
    }
  }

  state.addEventListener("click", () => {
    dialog.showModal();
    refresh().catch(() => drawDialog());
  });
  addEventListener("online", () => wake());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") wake();
  });
  void follow();

  return {
    end() {
      locked = true;
      wake();
    },
  };
}

/** @param {string} path */
function nameOf(path) {
  return path.split(/[\\/]/).filter((part) => part !== "").at(-1) ?? path;
}

/** @param {Status} status @param {InstalledModel[]} models @param {() => void} look */
function details(status, models, look) {
  const last = status.last_index;
  const { model, model_loaded } = status;
  return [
    el("dl", { class: "facts" },
      fact("State", status.message), fact("Vault", status.vault),
      fact("Index", `${plural(status.notes, "note")} in ${plural(status.chunks, "passage")}`),
      fact("Last look", last ? `took ${last.took_s.toFixed(1)} s` : "not yet"),
      fact("Meaning", status.embedder ?? "no embedding model: words alone count"),
      fact("Answers", model === null ? "no language model: quotes alone" : `${model}${model_loaded ? "" : ", to be loaded by the next question"}`),
      fact("vaultbot", status.version)),
    el("p", {}, button("secondary", "Look through the vault now", look)),
    list("Warnings", status.warnings),
    list("Files that were left out", status.skipped.map(({ path, reason }) => `${path}: ${reason}`)),
    list("Notes that are not wholly in the index", status.damaged.map(({ path, reason }) => `${path}: ${reason}`)),
    list("Language models on this machine", models.map(({ name, in_use, bytes, problem }) =>
      [name, in_use ? "in use" : "", bytes === null ? "" : `${counted(Math.round(bytes / 1_000_000))} MB`, problem ?? ""].filter((told) => told !== "").join(" · "))),
  ];
}

/** @param {string} name @param {string} value */
function fact(name, value) {
  return [el("dt", {}, name), words("dd", "", value)];
}

/** @param {string} title @param {string[]} lines */
function list(title, lines) {
  if (lines.length === 0) return null;
  const more = lines.length - MOST_LISTED;
  return el("details", {}, el("summary", {}, `${title} (${counted(lines.length)})`),
    el("ul", {}, lines.slice(0, MOST_LISTED).map((line) => words("li", "", line)), more > 0 ? el("li", {}, `and ${counted(more)} more: vaultbot status`) : null));
}
