/* The companion plugin of vaultbot, built from obsidian-plugin/. MIT licence.
   sources: 786ae324f5296f89429908c64f520bb88ee59afc300bbc7a9cf2e790bdddf7a6 */
"use strict";
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);

// src/main.ts
var main_exports = {};
__export(main_exports, {
  default: () => VaultbotPlugin
});
module.exports = __toCommonJS(main_exports);
var import_obsidian10 = require("obsidian");

// src/chat/view.ts
var import_obsidian3 = require("obsidian");

// src/banner.ts
function troubleOf(state) {
  switch (state.kind) {
    case "connecting":
      return null;
    case "offline":
    case "refused":
      return state.why;
    case "online":
      return state.status.state === "vault-missing" ? state.status.message : null;
  }
}
function showTrouble(parent, connection) {
  const banner = parent.createDiv({ cls: "vaultbot-banner", attr: { role: "status" } });
  return connection.onChange((state) => {
    const trouble = troubleOf(state);
    banner.empty();
    banner.toggle(trouble !== null);
    if (trouble === null) return;
    banner.createSpan({ text: trouble });
    const again = banner.createEl("button", { text: "Try again", attr: { type: "button" } });
    again.addEventListener("click", () => connection.retry());
  });
}

// src/elements.ts
var import_obsidian2 = require("obsidian");

// src/notes.ts
var import_obsidian = require("obsidian");

// src/wording.ts
var UNSEEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u200B\u2028-\u202E\u2060-\u2069\uFEFF]|\uDB40[\uDC00-\uDC7F]/g;
function shown(text) {
  return text.replace(UNSEEN, "");
}
function asPlainMarkdown(text) {
  const line = shown(text).replace(/\s+/g, " ").trim();
  const escaped = line.replace(/[\\`*_{}[\]()#!<>|~$%^=&]/g, "\\$&").replace(/::/g, "\\:\\:");
  const unlinked = escaped.replace(/:\/\//g, ":\\/\\/").replace(/\bwww\./gi, (www) => www.replace(".", "\\."));
  return unlinked.replace(/^(\d+)([.)])/, "$1\\$2").replace(/^[-+:]/, "\\$&");
}
function asLinkText(text) {
  return shown(text).replace(/[[\]|\\`<>%*$!\s]+/g, " ").trim();
}
function placeName(title, headingPath) {
  const headings = headingPath[0] === title ? headingPath.slice(1) : headingPath;
  return [title, ...headings].map(shown).join(" › ");
}
function differing(difference, fit, mark2) {
  const { citations, words, dates } = difference;
  const sides = citations.map((n, i) => `${words[i] ? `“${fit(words[i])}”` : "without that"} ${mark2(n)}`);
  const newer = dates[0] !== null && dates[1] !== null && dates[0] !== dates[1] ? ", which is newer" : "";
  return `Your notes differ: ${sides.join(", ")}${newer}.`;
}

// src/notes.ts
async function openPlace(app, place, pane = false) {
  const file = app.vault.getFileByPath(place.path);
  if (!file) {
    new import_obsidian.Notice(shown(`There is no ${place.path} any more.`));
    return;
  }
  await app.workspace.openLinkText(place.path, "", pane, { active: true, eState: { line: lineNow(app, file, place) } });
}
function lineNow(app, file, place) {
  var _a, _b;
  const cache = app.metadataCache.getFileCache(file);
  const section = cache && place.heading_path.length > 0 ? (0, import_obsidian.resolveSubpath)(cache, subpathOf(place.heading_path)) : null;
  const line = place.line - 1;
  if (!section) return line;
  const from = section.start.line;
  const to = (_b = (_a = section.end) == null ? void 0 : _a.line) != null ? _b : Infinity;
  return from <= line && line <= to ? line : from;
}
function subpathOf(headingPath) {
  return headingPath.map((heading) => `#${(0, import_obsidian.stripHeadingForLink)(heading)}`).join("");
}
function linkTo(app, place, source) {
  const file = app.vault.getFileByPath(place.path);
  const words = placeName(place.title, place.heading_path);
  if (!file) return asPlainMarkdown(words);
  return app.fileManager.generateMarkdownLink(file, source, subpathOf(place.heading_path), asLinkText(words));
}
function lastEditor(app) {
  var _a;
  const view = (_a = app.workspace.getMostRecentLeaf(app.workspace.rootSplit)) == null ? void 0 : _a.view;
  return view instanceof import_obsidian.MarkdownView && view.file && view.getMode() === "source" ? { editor: view.editor, file: view.file } : null;
}
function insertAtCursor(app, textFor) {
  const last = lastEditor(app);
  if (!last) {
    new import_obsidian.Notice("Open a note for editing first.");
    return false;
  }
  last.editor.replaceSelection(textFor(last.file.path));
  new import_obsidian.Notice(shown(`Inserted into ${last.file.basename}.`));
  return true;
}
function editorOf(app, path) {
  var _a;
  for (const leaf of app.workspace.getLeavesOfType("markdown")) {
    const { view } = leaf;
    if (view instanceof import_obsidian.MarkdownView && ((_a = view.file) == null ? void 0 : _a.path) === path && view.getMode() === "source") return view.editor;
  }
  return null;
}

// src/elements.ts
var HOVER_SOURCE = "vaultbot";
function textIn(parent, tag, cls, text) {
  return parent.createEl(tag, { cls, text: shown(text), attr: { dir: "auto" } });
}
function iconButton(parent, icon, label, onClick) {
  const button = parent.createEl("button", { cls: "clickable-icon", attr: { type: "button", "aria-label": shown(label) } });
  (0, import_obsidian2.setIcon)(button, icon);
  button.addEventListener("click", onClick);
  return button;
}
function textButton(parent, text, cls, onClick) {
  const button = parent.createEl("button", { cls, text, attr: { type: "button" } });
  button.addEventListener("click", onClick);
  return button;
}
function placeButton(app, parent, cls, words, place) {
  const label = `Open ${shown(place.path)}, line ${place.line}`;
  const button = parent.createEl("button", { cls, text: shown(words), attr: { type: "button", dir: "auto", title: label } });
  button.addEventListener("click", (event) => void openPlace(app, place, import_obsidian2.Keymap.isModEvent(event)));
  button.addEventListener("mouseover", (event) => {
    app.workspace.trigger("hover-link", {
      event,
      source: HOVER_SOURCE,
      hoverParent: { hoverPopover: null },
      targetEl: button,
      linktext: place.path,
      state: { scroll: place.line - 1 }
    });
  });
  return button;
}
function arrowKeys(list, selector) {
  list.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || event.defaultPrevented) return;
    const items = Array.from(list.querySelectorAll(selector));
    const here = items.findIndex((item) => item.contains(event.target));
    const next = items[here + step];
    if (here < 0 || !next) return;
    event.preventDefault();
    next.focus();
  });
}

// src/chat/markdown.ts
function answerAsMarkdown(answer, link) {
  if (answer.refused) return ["Not in your notes.", ...nearest(answer.nearest, link)].join("\n");
  const said = answer.sentences.map(({ text, citations, support }) => {
    const plain = asPlainMarkdown(text);
    const marks = citations.map((n) => ` ${mark(n)}`).join("");
    return support === "quote" ? `> “${plain}”${marks}` : `${plain}${marks}${support === "unsupported" ? " (not found in your notes)" : ""}`;
  });
  const differences = answer.differences.map((one) => differing(one, asPlainMarkdown, mark));
  const sources = answer.citations.map((citation) => `${citation.n}. ${link(placeOf(citation))}`);
  return [said.join("\n\n"), ...differences, ...sources.length > 0 ? ["**Sources**\n" + sources.join("\n")] : []].join("\n\n") + "\n";
}
function mark(n) {
  return `\\[${n}\\]`;
}
function nearest(hits, link) {
  return hits.length > 0 ? ["", "The closest notes:", ...hits.map((hit) => `- ${link(hit)}`), ""] : [""];
}
function placeOf(citation) {
  return { path: citation.path, title: citation.title, heading_path: citation.heading_path, line: citation.line_start };
}

// src/chat/turn.ts
function drawTurn(app, el, turn, actions) {
  var _a, _b, _c, _d, _e, _f;
  const asked = textIn(el, "h3", "vaultbot-question", turn.question);
  if (turn.path !== "") textIn(asked, "span", "vaultbot-scope", `in ${turn.path}`);
  const running = turn.state === "asking" || turn.state === "answering";
  const body = el.createDiv({ cls: "vaultbot-answer", attr: { "aria-busy": String(running) } });
  if ((_a = turn.answer) == null ? void 0 : _a.refused) drawRefusal(app, body, turn.answer);
  else for (const sentence of turn.sentences) drawSentence(app, body, sentence, turn.citations);
  if (running) body.createDiv({ cls: "vaultbot-working", text: workingOn(turn) });
  if (turn.state === "stopped") body.createDiv({ cls: "vaultbot-note", text: "Stopped." });
  if (turn.state === "failed") body.createDiv({ cls: "vaultbot-failure", text: turn.failure, attr: { role: "alert" } });
  for (const difference of (_c = (_b = turn.answer) == null ? void 0 : _b.differences) != null ? _c : []) {
    textIn(el, "div", "vaultbot-note", differing(difference, shown, (n) => `[${n}]`));
  }
  if (!((_d = turn.answer) == null ? void 0 : _d.refused)) drawSources(app, el, turn);
  for (const warning of (_f = (_e = turn.answer) == null ? void 0 : _e.warnings) != null ? _f : []) textIn(el, "div", "vaultbot-note", warning);
  if (!running) drawFoot(el, turn, actions);
}
function workingOn(turn) {
  if (turn.state === "asking") return "Looking through your notes";
  if (turn.before > 0) return turn.before === 1 ? "1 question before this one" : `${turn.before} questions before this one`;
  return turn.model === null ? "Choosing the sentences" : `${shown(turn.model)} reads them`;
}
function drawSentence(app, parent, sentence, citations) {
  const quoted = sentence.support === "quote";
  const el = parent.createEl(quoted ? "blockquote" : "p", { cls: `vaultbot-sentence is-${sentence.support}` });
  textIn(el, quoted ? "q" : "span", "vaultbot-words", sentence.text);
  for (const n of sentence.citations) {
    const citation = citations.find((one) => one.n === n);
    if (!citation) continue;
    el.appendText(" ");
    const words = placeName(citation.title, citation.heading_path);
    const button = placeButton(app, el, "vaultbot-mark", String(n), placeOf(citation));
    button.setAttribute("aria-label", `Source ${n}: ${words}, line ${citation.line_start}`);
  }
  if (sentence.support === "unsupported") el.createSpan({ cls: "vaultbot-doubt", text: "not found in your notes" });
}
function drawSources(app, parent, turn) {
  if (turn.citations.length === 0) return;
  const quoted = new Set(turn.sentences.filter(({ support }) => support === "quote").map(({ text }) => text));
  const list = parent.createEl("ol", { cls: "vaultbot-sources", attr: { "aria-label": "Sources" } });
  for (const citation of turn.citations) {
    const item = list.createEl("li", { cls: "vaultbot-source" });
    item.createSpan({ cls: "vaultbot-number", text: String(citation.n), attr: { "aria-hidden": "true" } });
    const column = item.createDiv({ cls: "vaultbot-source-text" });
    placeButton(app, column, "vaultbot-place", placeName(citation.title, citation.heading_path), placeOf(citation));
    textIn(column, "span", "vaultbot-path", `${citation.path}:${citation.line_start}`);
    if (!quoted.has(citation.quote)) textIn(column, "q", "vaultbot-snippet", citation.quote);
  }
}
function drawRefusal(app, parent, answer) {
  parent.createEl("p", { cls: "vaultbot-refusal", text: "Not in your notes." });
  if (answer.nearest.length === 0) return;
  parent.createEl("p", { cls: "vaultbot-note", text: "The closest notes:" });
  const list = parent.createEl("ul", { cls: "vaultbot-sources", attr: { "aria-label": "The closest notes" } });
  for (const hit of answer.nearest) {
    const column = list.createEl("li", { cls: "vaultbot-source" }).createDiv({ cls: "vaultbot-source-text" });
    placeButton(app, column, "vaultbot-place", placeName(hit.title, hit.heading_path), hit);
    textIn(column, "span", "vaultbot-path", `${hit.path}:${hit.line}`);
  }
}
function drawFoot(parent, turn, actions) {
  var _a;
  const foot = parent.createDiv({ cls: "vaultbot-foot" });
  if (turn.answer) foot.createSpan({ cls: "vaultbot-summary", text: summaryOf(turn.answer) });
  const buttons = foot.createDiv({ cls: "vaultbot-buttons" });
  if (turn.sentences.length > 0 || ((_a = turn.answer) == null ? void 0 : _a.refused)) {
    iconButton(buttons, "copy", "Copy the answer with its sources", () => actions.copy(turn));
    iconButton(buttons, "text-cursor-input", "Insert the answer at the cursor", () => actions.insert(turn));
  }
  if (actions.retry) iconButton(buttons, "rotate-ccw", "Ask again", actions.retry);
}
function summaryOf(answer) {
  const model = answer.model === null ? "no model was asked" : shown(answer.model);
  const seconds = `${(answer.timings_ms.total / 1e3).toFixed(1)} s`;
  return (answer.match === "none" ? [model, seconds] : [`${answer.match} match`, model, seconds]).join(" · ");
}

// src/chat/view.ts
var CHAT_VIEW = "vaultbot-chat";
var ChatView = class extends import_obsidian3.ItemView {
  constructor(leaf, conversation, connection) {
    super(leaf);
    this.conversation = conversation;
    this.connection = connection;
    this.drawn = /* @__PURE__ */ new Map();
    this.announced = "";
  }
  getViewType() {
    return CHAT_VIEW;
  }
  getDisplayText() {
    return "Ask your vault";
  }
  getIcon() {
    return "message-circle-question";
  }
  async onOpen() {
    this.contentEl.empty();
    this.drawn.clear();
    this.contentEl.addClass("vaultbot", "vaultbot-chat");
    this.register(showTrouble(this.contentEl, this.connection));
    this.turns = this.contentEl.createDiv({
      cls: "vaultbot-turns",
      attr: { role: "region", "aria-label": "Questions and answers", tabindex: "0" }
    });
    this.spoken = this.contentEl.createDiv({ cls: "vaultbot-spoken", attr: { role: "status" } });
    this.makeForm();
    this.register(this.conversation.onChange(() => this.draw()));
    this.registerEvent(this.app.workspace.on("file-open", () => this.nameScopes()));
    this.nameScopes();
    this.draw();
  }
  /** Where the next question is typed. */
  focus() {
    this.input.focus();
  }
  makeForm() {
    const form = this.contentEl.createEl("form", { cls: "vaultbot-form" });
    this.input = form.createEl("textarea", {
      cls: "vaultbot-input",
      attr: { rows: "2", placeholder: "Ask your vault", "aria-label": "Your question", maxlength: "4000", dir: "auto" }
    });
    const row = form.createDiv({ cls: "vaultbot-row" });
    this.where = row.createEl("select", { cls: "dropdown", attr: { "aria-label": "Where to look" } });
    for (const choice of ["vault", "folder", "note"]) this.where.createEl("option", { value: choice });
    iconButton(row, "square-pen", "New conversation", () => {
      this.conversation.clear();
      this.focus();
    });
    this.submit = row.createEl("button", { cls: "mod-cta vaultbot-submit", attr: { type: "submit" } });
    this.registerDomEvent(form, "submit", (event) => {
      event.preventDefault();
      this.askOrStop();
    });
    this.registerDomEvent(this.input, "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.conversation.busy) this.askOrStop();
    });
    this.registerDomEvent(this.contentEl, "keydown", (event) => {
      if (event.key === "Escape" && this.conversation.busy) this.conversation.stop();
    });
  }
  askOrStop() {
    if (this.conversation.busy) {
      this.conversation.stop();
      return;
    }
    const question = this.input.value.trim();
    if (question === "") return;
    this.input.value = "";
    void this.conversation.ask(question, this.scopePath());
    this.focus();
  }
  scopePath() {
    const file = this.app.workspace.getActiveFile();
    const choice = this.where.value;
    if (!file || choice === "vault") return "";
    if (choice === "note") return file.path;
    return file.parent && !file.parent.isRoot() ? `${file.parent.path}/` : "";
  }
  nameScopes() {
    const file = this.app.workspace.getActiveFile();
    const folder = (file == null ? void 0 : file.parent) && !file.parent.isRoot() ? file.parent.name : null;
    const names = {
      vault: "Whole vault",
      folder: folder === null ? null : `Folder: ${folder}`,
      note: file ? `Note: ${file.basename}` : null
    };
    for (const option of Array.from(this.where.options)) {
      const name = names[option.value];
      option.text = shown(name != null ? name : "");
      option.hidden = option.disabled = name === null;
      if (name === null && option.selected) this.where.value = "vault";
    }
  }
  draw() {
    var _a;
    const { turns, busy } = this.conversation;
    const atEnd = this.turns.scrollHeight - this.turns.scrollTop - this.turns.clientHeight < 40;
    for (const [turn, { el }] of this.drawn) {
      if (turns.includes(turn)) continue;
      el.remove();
      this.drawn.delete(turn);
    }
    (_a = this.turns.querySelector(".vaultbot-welcome")) == null ? void 0 : _a.remove();
    if (turns.length === 0) this.drawWelcome();
    turns.forEach((turn, at) => this.drawOnce(turn, at === turns.length - 1 && !busy));
    if (atEnd) this.turns.scrollTop = this.turns.scrollHeight;
    this.announce(turns[turns.length - 1]);
    this.submit.setText(busy ? "Stop" : "Ask");
    this.submit.setAttribute("aria-label", busy ? "Stop answering (Escape)" : "Ask");
    this.submit.toggleClass("mod-warning", busy);
    this.submit.toggleClass("mod-cta", !busy);
  }
  /** A turn that looks as before stays as it is, and whatever has the focus in it keeps it. */
  drawOnce(turn, retry) {
    var _a;
    const as = [turn.state, turn.sentences.length, turn.model, turn.before, retry].join();
    const before = this.drawn.get(turn);
    if ((before == null ? void 0 : before.as) === as) return;
    const el = (_a = before == null ? void 0 : before.el) != null ? _a : this.turns.createDiv({ cls: "vaultbot-turn" });
    el.empty();
    drawTurn(this.app, el, turn, {
      copy: (one) => void this.copy(one),
      insert: (one) => void insertAtCursor(this.app, (path) => this.markdown(one, path)),
      ...retry ? { retry: () => void this.conversation.retry() } : {}
    });
    this.drawn.set(turn, { el, as });
  }
  announce(turn) {
    var _a, _b, _c;
    const words = ((_a = turn == null ? void 0 : turn.answer) == null ? void 0 : _a.refused) ? "Not in your notes." : (turn == null ? void 0 : turn.state) === "failed" ? turn.failure : (turn == null ? void 0 : turn.state) === "stopped" ? "Stopped." : (_c = (_b = turn == null ? void 0 : turn.sentences[turn.sentences.length - 1]) == null ? void 0 : _b.text) != null ? _c : "";
    if (words === this.announced) return;
    this.announced = words;
    this.spoken.setText(shown(words));
  }
  drawWelcome() {
    const welcome = this.turns.createDiv({ cls: "vaultbot-welcome" });
    welcome.createEl("p", { text: "Ask a question. The answer comes from your own notes, every sentence with its source." });
    welcome.createEl("p", {
      text: "A follow-up is understood from the question before. Filters such as tag:cooking or “last week” may stand in it."
    });
  }
  markdown(turn, source) {
    const { sentences, citations, answer } = turn;
    const { refused = false, nearest: nearest2 = [], differences = [] } = answer != null ? answer : {};
    const whole = { sentences, citations, refused, nearest: nearest2, differences };
    return answerAsMarkdown(whole, (place) => linkTo(this.app, place, source));
  }
  async copy(turn) {
    try {
      await navigator.clipboard.writeText(this.markdown(turn, ""));
      new import_obsidian3.Notice("Copied, with its sources.");
    } catch (e) {
      new import_obsidian3.Notice("The clipboard cannot be used here.");
    }
  }
};

// src/daemon/failures.ts
var Offline = class extends Error {
  constructor() {
    super(...arguments);
    this.name = "Offline";
  }
};
var Problem = class extends Error {
  constructor(slug, message, status) {
    super(message);
    this.slug = slug;
    this.status = status;
    this.name = "Problem";
  }
};
function problemOf(status, body) {
  let document;
  try {
    document = JSON.parse(body);
  } catch (e) {
    document = null;
  }
  const { type, title, detail } = document != null ? document : {};
  const words = [detail, title].find((one) => typeof one === "string" && one !== "");
  const slug = typeof type === "string" ? type.slice(type.lastIndexOf("/") + 1) : "unknown";
  return new Problem(slug, words != null ? words : `The daemon answered ${status}. Its log says more: vaultbot status names it.`, status);
}
function wordsOf(error) {
  return shown(error instanceof Error ? error.message : String(error));
}

// src/chat/conversation.ts
var MOST_MESSAGES = 100;
var LONGEST_MESSAGE = 2e4;
var Conversation = class {
  constructor(client) {
    this.client = client;
    this.turns = [];
    this.running = null;
    this.listeners = /* @__PURE__ */ new Set();
  }
  get busy() {
    return this.running !== null;
  }
  /** Ask, and take in the answer as it comes. One question at a time. */
  async ask(question, path = "") {
    if (this.busy || question.trim() === "") return;
    const asked = { messages: this.messages(question), ...path === "" ? {} : { path } };
    const turn = {
      question,
      path,
      state: "asking",
      model: null,
      match: null,
      sentences: [],
      citations: [],
      answer: null,
      failure: "",
      before: 0
    };
    this.turns.push(turn);
    const running = new AbortController();
    this.running = running;
    this.changed();
    try {
      for await (const event of this.client.ask(asked, running.signal)) {
        if (running.signal.aborted) break;
        if (event.kind === "sources") {
          Object.assign(turn, { state: "answering", model: event.model, match: event.match });
        } else if (event.kind === "sentence") {
          turn.sentences.push(event.sentence);
          turn.citations.push(...event.citations);
        } else if (event.kind === "waiting") {
          turn.before = event.before;
        } else {
          const { sentences, citations, match } = event.answer;
          Object.assign(turn, { answer: event.answer, sentences, citations, match, state: "done" });
        }
        this.changed();
      }
    } catch (error) {
      if (!running.signal.aborted) Object.assign(turn, { state: "failed", failure: wordsOf(error) });
    } finally {
      if (running.signal.aborted && turn.state !== "done") turn.state = "stopped";
      if (this.running === running) this.running = null;
      this.changed();
    }
  }
  stop() {
    var _a;
    (_a = this.running) == null ? void 0 : _a.abort();
  }
  /** Ask the last question again, in place of its answer. */
  async retry() {
    if (this.busy) return;
    const last = this.turns.pop();
    if (last) await this.ask(last.question, last.path);
  }
  clear() {
    this.stop();
    this.turns.length = 0;
    this.changed();
  }
  onChange(listener) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  /** What was said before, as far as it was answered, and the question. */
  messages(question) {
    const before = this.turns.flatMap(
      ({ question: asked, answer }) => answer === null ? [] : [
        { role: "user", content: asked.slice(0, LONGEST_MESSAGE) },
        { role: "assistant", content: answer.answer.slice(0, LONGEST_MESSAGE), cited: citedTitles(answer) }
      ]
    );
    return [...before.slice(-(MOST_MESSAGES - 2)), { role: "user", content: question }];
  }
  changed() {
    for (const listener of this.listeners) listener();
  }
};
function citedTitles(answer) {
  return [...new Set(answer.citations.map(({ title }) => title))].slice(0, 50);
}

// src/daemon/proof.ts
function newChallenge() {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}
async function prove(token, port, challenge) {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(token), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const words = encoder.encode(`vaultbot-v1:${port}:${challenge}`);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, words)));
}
async function sha256(bytes) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// src/daemon/sse.ts
var EventParser = class {
  constructor() {
    this.rest = "";
    this.name = "";
    this.data = [];
  }
  push(text) {
    var _a;
    const events = [];
    const lines2 = (this.rest + text).split("\n");
    this.rest = (_a = lines2.pop()) != null ? _a : "";
    for (const raw of lines2) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.data.length > 0) events.push({ name: this.name || "message", data: this.data.join("\n") });
        this.name = "";
        this.data = [];
      } else {
        this.take(line);
      }
    }
    return events;
  }
  take(line) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
  }
};
async function* readEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  let ended = false;
  try {
    for (; ; ) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    if (!ended) void reader.cancel().catch(() => void 0);
  }
}

// src/daemon/client.ts
var WORTH_SHOWING = "0.1";
var Client = class {
  constructor(find, transport, vault) {
    this.find = find;
    this.transport = transport;
    this.vault = vault;
  }
  async status() {
    return this.json("GET", "/api/status", {}, "name");
  }
  async related(path) {
    return this.json("GET", "/api/related", { path }, "notes");
  }
  async suggestions(note) {
    return this.json("GET", "/api/suggestions", { note, min_score: WORTH_SHOWING }, "suggestions");
  }
  /** Not to be suggested again, as far as the scope reaches. */
  async dismiss(note, id, scope) {
    await this.json("POST", "/api/suggestions/dismiss", { note, id, scope });
  }
  /** Remembered as accepted, though Obsidian wrote it and not the daemon. Returns what `withdraw` takes. */
  async accepted({ id, kind, note, target, text, key, score }) {
    const suggestions = [{ id, kind, note, target, text, key, score }];
    const { decisions } = await this.json("POST", "/api/suggestions/accepted", { suggestions }, "decisions");
    return decisions.map(({ number }) => number);
  }
  /** It was taken back, so it was not accepted after all. */
  async withdraw(numbers) {
    await this.json("POST", "/api/suggestions/withdraw", { numbers });
  }
  /** Have the daemon look through the vault now, without waiting for it. */
  async index() {
    await this.json("POST", "/api/index", { wait: false });
  }
  /** An answer as it comes, sentence by sentence; in one piece where streaming is not possible. */
  async *ask(question, signal) {
    const place = await this.proven();
    let response;
    try {
      response = await this.transport.stream(this.sent(place, "POST", "/api/ask", { ...question, stream: true }), signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof TypeError)) throw error;
      yield { kind: "answer", answer: await this.json("POST", "/api/ask", { ...question }, "sentences") };
      return;
    }
    let answered = false;
    for await (const { name, value } of await valuesOf(response)) {
      const event = askEvent(name, value);
      if (event) yield event;
      answered = answered || (event == null ? void 0 : event.kind) === "answer";
    }
    if (!answered) throw new Offline("The daemon hung up in the middle of the answer. Ask again.");
  }
  /** How indexing goes, until somebody hangs up. */
  async *events(signal) {
    const place = await this.proven();
    const response = await this.transport.stream(this.sent(place, "GET", "/api/events", {}), signal);
    for await (const { name, value } of await valuesOf(response)) {
      if (name === "status") yield value;
    }
  }
  async json(method, path, given, expected) {
    const place = await this.proven();
    const received = await this.answered(this.sent(place, method, path, given));
    if (received.status >= 400) throw problemOf(received.status, received.text);
    let value;
    try {
      value = JSON.parse(received.text);
    } catch (e) {
      value = null;
    }
    if (typeof value !== "object" || value === null || expected !== void 0 && !(expected in value)) {
      throw new Problem("not-understood", "The daemon's version does not fit the plugin's. Bring both up to date.", 200);
    }
    return value;
  }
  /** Where the daemon is, after it has shown that it knows the token. */
  async proven() {
    const place = await this.find();
    const challenge = newChallenge();
    const asked = { url: `${base(place)}/health`, method: "GET", headers: { "X-Vaultbot-Challenge": challenge } };
    const received = await this.answered(asked);
    let proof;
    try {
      proof = JSON.parse(received.text).proof;
    } catch (e) {
      proof = void 0;
    }
    if (proof !== await prove(place.token, place.port, challenge)) {
      throw new Offline(`Whatever listens on port ${place.port} is not this vault's daemon, but another program or the daemon of another vault. It was sent nothing.`);
    }
    return place;
  }
  sent(place, method, path, given) {
    const headers = { Authorization: `Bearer ${place.token}`, "X-Vaultbot-Vault": encodeURIComponent(this.vault) };
    if (method === "POST") {
      return { url: base(place) + path, method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(given) };
    }
    const query = new URLSearchParams(given).toString();
    return { url: base(place) + path + (query === "" ? "" : `?${query}`), method, headers };
  }
  async answered(asked) {
    try {
      return await this.transport.request(asked);
    } catch (e) {
      throw new Offline("vaultbot is not running. Start it with: vaultbot start");
    }
  }
};
function base(place) {
  return `http://127.0.0.1:${place.port}`;
}
async function valuesOf(response) {
  if (!response.ok || !response.body) throw problemOf(response.status, await response.text());
  return values(response.body);
}
async function* values(body) {
  for await (const { name, data } of readEvents(body)) {
    if (name === "error") throw problemOf(500, data);
    yield { name, value: JSON.parse(data) };
  }
}
function askEvent(name, value) {
  if (name === "sources") return { kind: "sources", ...value };
  if (name === "delta") {
    const { sentence, citations } = value;
    return { kind: "sentence", sentence, citations };
  }
  if (name === "waiting") return { kind: "waiting", before: value.before };
  return name === "done" ? { kind: "answer", answer: value } : null;
}

// src/daemon/connection.ts
var FIRST_PAUSE_MS = 1e3;
var LONGEST_PAUSE_MS = 6e4;
var UNSTREAMED_PAUSE_MS = 15e3;
var Connection = class {
  constructor(client, pause2) {
    this.client = client;
    this.pause = pause2;
    this.state = { kind: "connecting" };
    this.listeners = /* @__PURE__ */ new Set();
    this.ended = new AbortController();
    this.waiting = new AbortController();
    this.following = new AbortController();
  }
  /** Follow the daemon until `end`. Resolves then. */
  async run() {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.ended.signal.aborted) {
      this.following = new AbortController();
      try {
        const status = await this.client.status();
        this.tell({ kind: "online", status });
        pauseMs = await this.follow(status) ? FIRST_PAUSE_MS : UNSTREAMED_PAUSE_MS;
      } catch (error) {
        if (this.ended.signal.aborted) return;
        this.tell({ kind: error instanceof Problem ? "refused" : "offline", why: wordsOf(error) });
      }
      if (this.ended.signal.aborted) return;
      this.waiting = new AbortController();
      await this.pause(pauseMs, this.waiting.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
  /** Look again now rather than at the end of the pause. */
  retry() {
    this.following.abort();
    this.waiting.abort();
  }
  end() {
    this.ended.abort();
    this.following.abort();
    this.waiting.abort();
    this.listeners.clear();
  }
  /** Be told every new state, from the present one on. Returns how to be told no more. */
  onChange(listener) {
    this.listeners.add(listener);
    listener(this.state);
    return () => void this.listeners.delete(listener);
  }
  /** Whether there was anything to follow. When it ends, the daemon ends or was started again: the next look tells. */
  async follow(first) {
    let status = first;
    let streamed = false;
    try {
      for await (const state of this.client.events(this.following.signal)) {
        streamed = true;
        status = moved(status, state);
        this.tell({ kind: "online", status });
      }
    } catch (error) {
      if (!this.following.signal.aborted && !(error instanceof TypeError)) throw error;
    }
    return streamed;
  }
  tell(state) {
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }
};
function moved(status, { state, message, progress, last_report }) {
  var _a;
  return { ...status, state, message, progress, notes: (_a = last_report == null ? void 0 : last_report.notes) != null ? _a : status.notes };
}
function inBrief(state) {
  var _a;
  switch (state.kind) {
    case "connecting":
      return "connecting";
    case "offline":
      return "offline";
    case "refused":
      return "error";
    case "online":
      return (_a = progressOf(state.status.progress, state.status.state)) != null ? _a : counted(state.status.notes);
  }
}
function progressOf(progress, state) {
  if (state === "vault-missing") return "vault missing";
  if (state !== "indexing" && state !== "starting") return null;
  return progress && progress.total > 0 ? `indexing ${progress.done}/${progress.total}` : "indexing";
}
function counted(notes) {
  return notes === 1 ? "1 note" : `${notes.toLocaleString("en")} notes`;
}

// src/daemon/place.ts
var START = "Start it with: vaultbot start";
async function findDaemon(where, read) {
  if (where.tokenFile === "") {
    throw new Offline("The token's file is not set. Run: vaultbot plugin install, or name it in the settings.");
  }
  let token;
  try {
    token = (await read(where.tokenFile)).trim();
  } catch (e) {
    throw new Offline(`There is no token at ${where.tokenFile} yet. ${START}`);
  }
  if (!/^[A-Za-z0-9_-]{32,100}$/.test(token)) {
    throw new Offline(`${where.tokenFile} holds no token. The right file is named by: vaultbot status`);
  }
  return { port: where.port === 0 ? await portBeside(where.tokenFile, read) : where.port, token };
}
async function portBeside(tokenFile, read) {
  const file = tokenFile.replace(/[^/\\]*$/, "daemon.json");
  let port;
  try {
    port = JSON.parse(await read(file)).port;
  } catch (e) {
  }
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Offline(`vaultbot is not running. ${START}`);
  }
  return port;
}

// src/related/view.ts
var import_obsidian5 = require("obsidian");

// src/active-note.ts
var import_obsidian4 = require("obsidian");
var SETTLE_MS = 300;
var ActiveNote = class extends import_obsidian4.Component {
  constructor(app, connection, ask, show) {
    super();
    this.app = app;
    this.connection = connection;
    this.ask = ask;
    this.show = show;
    this.path = null;
    this.generation = 0;
    this.notes = -1;
    this.online = false;
  }
  onload() {
    const settle = (0, import_obsidian4.debounce)(() => this.follow(), SETTLE_MS, true);
    this.registerEvent(this.app.workspace.on("file-open", settle));
    this.registerEvent(this.app.vault.on("rename", settle));
    this.register(
      this.connection.onChange((state) => {
        const online = state.kind === "online";
        const indexed = state.kind === "online" && state.status.state === "ready" ? state.status.notes : this.notes;
        if (online && !this.online || indexed !== this.notes) void this.reload();
        this.online = online;
        this.notes = indexed;
      })
    );
    this.follow();
  }
  onunload() {
    this.generation++;
  }
  /** Ask again about the same note. */
  async reload() {
    const path = this.path;
    const mine = ++this.generation;
    if (path === null) {
      this.show({ kind: "no-note" });
      return;
    }
    this.show({ kind: "loading", path });
    let loaded;
    try {
      loaded = { kind: "loaded", path, value: await this.ask(path) };
    } catch (error) {
      loaded = { kind: "failed", path, why: wordsOf(error) };
    }
    if (mine === this.generation) this.show(loaded);
  }
  follow() {
    const file = this.app.workspace.getActiveFile();
    const path = isNote(file) ? file.path : null;
    if (path === this.path || path === null && file !== null && this.path !== null) return;
    this.path = path;
    void this.reload();
  }
};
function isNote(file) {
  return file !== null && file.extension === "md";
}

// src/related/view.ts
var RELATED_VIEW = "vaultbot-related";
var RelatedView = class extends import_obsidian5.ItemView {
  constructor(leaf, client, connection) {
    super(leaf);
    this.client = client;
    this.connection = connection;
  }
  getViewType() {
    return RELATED_VIEW;
  }
  getDisplayText() {
    return "Related notes";
  }
  getIcon() {
    return "waypoints";
  }
  async onOpen() {
    this.contentEl.empty();
    this.contentEl.addClass("vaultbot", "vaultbot-related");
    this.register(showTrouble(this.contentEl, this.connection));
    this.list = this.contentEl.createDiv({ cls: "vaultbot-list" });
    arrowKeys(this.list, ".vaultbot-place");
    this.addChild(new ActiveNote(this.app, this.connection, (path) => this.client.related(path), (loaded) => this.draw(loaded)));
  }
  draw(loaded) {
    this.list.setAttribute("aria-busy", String(loaded.kind === "loading"));
    if (loaded.kind === "loading" && this.list.childElementCount > 0) return;
    this.list.empty();
    if (loaded.kind !== "loaded") {
      const words = { "no-note": "Open a note to see what is close to it.", loading: "Looking …", failed: "" };
      const text = loaded.kind === "failed" ? loaded.why : words[loaded.kind];
      this.list.createDiv({ cls: "vaultbot-empty", text });
      return;
    }
    const { notes, warnings } = loaded.value;
    for (const warning of warnings) textIn(this.list, "div", "vaultbot-note", warning);
    if (notes.length === 0) this.list.createDiv({ cls: "vaultbot-empty", text: "No note is close to this one that it is not linked with." });
    for (const note of notes) this.drawNote(note);
  }
  drawNote(note) {
    var _a, _b, _c, _d;
    const place = {
      path: note.path,
      title: note.title,
      heading_path: (_b = (_a = note.there) == null ? void 0 : _a.heading_path) != null ? _b : [],
      line: (_d = (_c = note.there) == null ? void 0 : _c.line) != null ? _d : 1
    };
    const card = this.list.createDiv({ cls: "vaultbot-card", attr: { role: "group", "aria-label": shown(note.title) } });
    const head = card.createDiv({ cls: "vaultbot-head" });
    placeButton(this.app, head, "vaultbot-place", note.title, place);
    const percent = Math.round(note.score * 100);
    const meter = head.createEl("meter", { cls: "vaultbot-score", attr: { min: "0", max: "1", value: String(note.score) } });
    meter.setAttribute("aria-label", `Closeness ${percent} of 100`);
    meter.setAttribute("title", `Closeness ${percent} of 100`);
    iconButton(
      head,
      "link",
      `Insert a link to ${note.title} at the cursor`,
      () => void insertAtCursor(this.app, (path) => linkTo(this.app, { ...place, heading_path: [] }, path))
    );
    textIn(card, "div", "vaultbot-path", [note.path, ...place.heading_path.length > 0 ? place.heading_path : []].join(" › "));
    if (note.near_copy) card.createDiv({ cls: "vaultbot-doubt", text: "says the same in the same words" });
    if (note.there) textIn(card, "div", "vaultbot-snippet", note.there.text);
    this.drawReasons(card, note);
  }
  drawReasons(card, note) {
    const shared = [...note.tags.map((tag) => `#${tag}`), ...note.links.map(nameOf), ...note.words].slice(0, 8);
    if (shared.length === 0) return;
    const row = card.createDiv({ cls: "vaultbot-shared", attr: { "aria-label": "Both have" } });
    for (const word of shared) textIn(row, "span", "vaultbot-chip", word);
  }
};
function nameOf(path) {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.md$/, "");
}

// src/settings.ts
var import_obsidian6 = require("obsidian");
var DEFAULTS = { port: 0, tokenFile: "" };
function readSettings(stored) {
  const { port, tokenFile } = stored != null ? stored : {};
  return {
    port: typeof port === "number" && isPort(port) ? port : DEFAULTS.port,
    tokenFile: typeof tokenFile === "string" ? tokenFile.trim() : DEFAULTS.tokenFile
  };
}
function isPort(port) {
  return Number.isInteger(port) && port >= 0 && port <= 65535;
}
var VaultbotSettingTab = class extends import_obsidian6.PluginSettingTab {
  constructor(app, owner, connection) {
    super(app, owner);
    this.owner = owner;
    this.connection = connection;
  }
  /** Obsidian 1.13 and later, which can also search them. */
  getSettingDefinitions() {
    return this.rows().map(({ name, desc, render }) => ({ name, desc, render: (setting) => render(setting) }));
  }
  /** Obsidian before 1.13. */
  display() {
    this.containerEl.empty();
    for (const { name, desc, render } of this.rows()) {
      render(new import_obsidian6.Setting(this.containerEl).setName(name).setDesc(desc));
    }
  }
  rows() {
    return [
      {
        name: "Token file",
        desc: "The file that the daemon keeps its token in, as vaultbot status names it. Only this path is stored; the token is read from the file each time.",
        render: (setting) => {
          setting.addText(
            (text) => text.setPlaceholder("Path of the token file").setValue(this.owner.settings.tokenFile).onChange((tokenFile) => this.owner.change({ tokenFile: tokenFile.trim() }))
          );
        }
      },
      {
        name: "Port",
        desc: "Leave it empty to take the port that the daemon itself tells.",
        render: (setting) => {
          setting.addText((text) => {
            text.inputEl.inputMode = "numeric";
            text.setPlaceholder("As the daemon tells").setValue(this.owner.settings.port === 0 ? "" : String(this.owner.settings.port)).onChange((typed) => {
              const port = typed.trim() === "" ? 0 : Number(typed);
              text.inputEl.setAttribute("aria-invalid", String(!isPort(port)));
              if (isPort(port)) this.owner.change({ port });
            });
          });
        }
      },
      {
        name: "Connection",
        desc: "Nothing but this connection to your own machine is ever made.",
        render: (setting) => {
          const said = setting.descEl.createDiv({ cls: "vaultbot-connection", attr: { role: "status" } });
          setting.addButton((button) => button.setButtonText("Test").onClick(() => this.connection.retry()));
          return this.connection.onChange((state) => said.setText(inFull(state)));
        }
      }
    ];
  }
};
function inFull(state) {
  switch (state.kind) {
    case "connecting":
      return "Connecting …";
    case "offline":
    case "refused":
      return state.why;
    case "online": {
      const { version, notes, vault, name, model, message } = state.status;
      const known = state.status.state === "ready" ? counted(notes) : message;
      return `Connected to vaultbot ${version} for ${name ? `${name}, ${vault}` : vault}: ${known}, ${model != null ? model : "no language model"}.`;
    }
  }
}

// src/suggestions/view.ts
var import_obsidian8 = require("obsidian");

// src/suggestions/accept.ts
var import_obsidian7 = require("obsidian");

// src/suggestions/locate.ts
function utf16(text, characters) {
  var _a;
  let at = 0;
  for (let left = characters; left > 0 && at < text.length; left--) at += ((_a = text.codePointAt(at)) != null ? _a : 0) > 65535 ? 2 : 1;
  return at;
}
function locate(text, suggestion, edit, read) {
  var _a;
  if (read !== null && lines(read) === lines(text)) return bySpan(text, suggestion, edit, read);
  return edit.start === edit.end ? null : (_a = byPlace(text, suggestion)) != null ? _a : byContext(text, suggestion);
}
function bySpan(text, { text: words }, { start, end }, read) {
  const places = [start, end].map((at) => {
    const before = read.slice(0, utf16(read, at));
    return read === text ? before.length : lines(before).length;
  });
  const span = { from: places[0], to: places[1] };
  return start === end || text.slice(span.from, span.to) === words ? span : null;
}
function byPlace(text, { text: words, line, col, context }) {
  const all = text.split("\n");
  const there = all[line - 1];
  if (there === void 0 || !there.includes(context)) return null;
  const lineStart = all.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const from = lineStart + utf16(there, col - 1);
  return spanOf(text, from, words);
}
function byContext(text, { text: words, context }) {
  const line = onlyPlace(text, context);
  const within = onlyPlace(context, words);
  return line === null || within === null ? null : spanOf(text, line + within, words);
}
function spanOf(text, from, words) {
  return words !== "" && text.startsWith(words, from) ? { from, to: from + words.length } : null;
}
function onlyPlace(text, part) {
  const at = part === "" ? -1 : text.indexOf(part);
  return at < 0 || text.indexOf(part, at + 1) >= 0 ? null : at;
}
function lines(text) {
  return text.replace(/\r\n/g, "\n");
}

// src/suggestions/accept.ts
var Stale = class extends Error {
  constructor() {
    super(...arguments);
    this.name = "Stale";
  }
};
var CHANGED = "The note has changed there since it was read. Nothing was written; look again in a moment.";
async function accept(app, suggestion) {
  const { edit } = suggestion;
  switch (edit.type) {
    case "replace":
      return replace(app, noteOf(app, suggestion.note), suggestion, edit);
    case "property":
      return addProperty(app, noteOf(app, suggestion.note), edit);
    case "new-note":
      return create(app, suggestion.note, edit);
  }
}
function noteOf(app, path) {
  const file = app.vault.getFileByPath(path);
  if (!file) throw new Stale(`There is no ${path} any more.`);
  return file;
}
async function replace(app, file, suggestion, edit) {
  const bytes = await app.vault.readBinary(file);
  const read = await sha256(bytes) === suggestion.sha256 ? new TextDecoder("utf-8").decode(bytes) : null;
  const editor = editorOf(app, file.path);
  if (editor) return replaceInEditor(app, file, editor, suggestion, edit, read);
  return rewrite(app, file, (text) => {
    const span = locate(text, suggestion, edit, read);
    if (!span) throw new Stale(CHANGED);
    return text.slice(0, span.from) + edit.text + text.slice(span.to);
  });
}
function replaceInEditor(app, file, editor, suggestion, edit, read) {
  const text = editor.getValue();
  const span = locate(text, suggestion, edit, read);
  if (!span) throw new Stale(CHANGED);
  const before = text.slice(span.from, span.to);
  change(editor, span.from, span.to, edit.text);
  const after = text.slice(0, span.from) + edit.text + text.slice(span.to);
  return async () => {
    const open = editorOf(app, file.path);
    if (!open) {
      await rewrite(app, file, (now) => takenBack(now, after, text));
      return;
    }
    if (open.getValue() !== after) throw new Stale(CHANGED);
    change(open, span.from, span.from + edit.text.length, before);
  };
}
function change(editor, from, to, text) {
  editor.transaction({ changes: [{ from: editor.offsetToPos(from), to: editor.offsetToPos(to), text }] });
}
async function rewrite(app, file, rewritten) {
  let before = "";
  const after = await app.vault.process(file, (text) => {
    before = text;
    return rewritten(text);
  });
  return async () => {
    await app.vault.process(file, (now) => takenBack(now, after, before));
  };
}
function takenBack(now, after, before) {
  if (now !== after) throw new Stale(CHANGED);
  return before;
}
async function addProperty(app, file, { key, value }) {
  const before = await app.vault.read(file);
  if (hasComment(before)) {
    throw new Stale("The properties of this note hold a comment, which Obsidian would remove. Add the value by hand.");
  }
  await app.fileManager.processFrontMatter(file, (properties) => {
    var _a;
    const name = (_a = Object.keys(properties).find((one) => one.toLowerCase() === key.toLowerCase())) != null ? _a : key;
    properties[name] = withValue(name, properties[name], value);
  });
  const after = await app.vault.read(file);
  return async () => {
    await app.vault.process(file, (now) => takenBack(now, after, before));
  };
}
function withValue(key, present, value) {
  if (present === void 0 || present === null || present === "") return [value];
  const list = Array.isArray(present) ? present : typeof present === "string" ? [present] : [];
  if (list.length === 0 && !Array.isArray(present)) throw new Stale(`The property ${key} holds no list. Add the value by hand.`);
  return list.includes(value) ? list : [...list, value];
}
function hasComment(text) {
  var _a, _b;
  const block = (_b = (_a = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)) == null ? void 0 : _a[1]) != null ? _b : "";
  return block.split("\n").some((line) => /^\s*#|\s#\s/.test(line.replace(/"[^"]*"|'[^']*'/g, "")));
}
async function create(app, path, { text }) {
  const place = (0, import_obsidian7.normalizePath)(path);
  if (app.vault.getAbstractFileByPath(place)) throw new Stale(`There is a ${place} already.`);
  const folder = place.includes("/") ? place.slice(0, place.lastIndexOf("/")) : "";
  if (folder !== "" && !app.vault.getFolderByPath(folder)) await app.vault.createFolder(folder);
  const file = await app.vault.create(place, text);
  return async () => {
    if (await app.vault.read(file) !== text) throw new Stale(`${place} has been written in since.`);
    await app.fileManager.trashFile(file);
  };
}

// src/suggestions/preview.ts
var KINDS = {
  mention: "Words that could be links",
  semantic: "Links to close notes",
  property: "Properties",
  tag: "Tags",
  alias: "Aliases",
  "fix-link": "Links to mend",
  create: "Notes to make"
};
function headline({ kind, target, key, text }) {
  const name = target.slice(target.lastIndexOf("/") + 1).replace(/\.md$/, "");
  switch (kind) {
    case "tag":
      return `#${target}`;
    case "property":
      return `${key != null ? key : ""}: ${text}`;
    case "alias":
      return target;
    default:
      return name || target;
  }
}
function drawPreview(parent, suggestion) {
  const { edit, text, context } = suggestion;
  const line = parent.createDiv({ cls: "vaultbot-preview", attr: { dir: "auto" } });
  if (edit.type === "property") {
    line.appendText(`${shown(edit.key)}: `);
    textIn(line, "ins", "", edit.value);
  } else if (edit.type === "new-note") {
    line.appendText("New note ");
    textIn(line, "ins", "", suggestion.note);
  } else if (edit.start === edit.end || !context.includes(text)) {
    textIn(line, "ins", "", edit.text.trim());
  } else {
    const at = context.indexOf(text);
    line.appendText(shown(context.slice(0, at)));
    textIn(line, "del", "", text);
    textIn(line, "ins", "", edit.text);
    line.appendText(shown(context.slice(at + text.length)));
  }
}

// src/suggestions/view.ts
var SUGGESTIONS_VIEW = "vaultbot-suggestions";
var SCOPES = {
  here: "Not here",
  pair: "Not this target in this note",
  phrase: "Not these words in any note"
};
var SuggestionsView = class extends import_obsidian8.ItemView {
  constructor(leaf, client, connection) {
    super(leaf);
    this.client = client;
    this.connection = connection;
    this.shownPath = "";
  }
  getViewType() {
    return SUGGESTIONS_VIEW;
  }
  getDisplayText() {
    return "Suggestions";
  }
  getIcon() {
    return "sparkles";
  }
  async onOpen() {
    this.contentEl.empty();
    this.contentEl.addClass("vaultbot", "vaultbot-suggestions");
    this.register(showTrouble(this.contentEl, this.connection));
    this.list = this.contentEl.createDiv({ cls: "vaultbot-list" });
    arrowKeys(this.list, ".vaultbot-card");
    this.note = new ActiveNote(this.app, this.connection, (path) => this.client.suggestions(path), (loaded) => this.draw(loaded));
    this.addChild(this.note);
  }
  draw(loaded) {
    this.list.setAttribute("aria-busy", String(loaded.kind === "loading"));
    if (loaded.kind === "loading" && loaded.path === this.shownPath) return;
    this.list.empty();
    this.shownPath = loaded.kind === "loaded" ? loaded.path : "";
    if (loaded.kind !== "loaded") {
      const words = { "no-note": "Open a note to see what it could be given.", loading: "Looking …", failed: "" };
      this.list.createDiv({ cls: "vaultbot-empty", text: loaded.kind === "failed" ? loaded.why : words[loaded.kind] });
      return;
    }
    const { suggestions } = loaded.value;
    if (suggestions.length === 0) this.list.createDiv({ cls: "vaultbot-empty", text: "Nothing to suggest for this note." });
    for (const kind of Object.keys(KINDS)) {
      const those = suggestions.filter((one) => one.kind === kind);
      if (those.length === 0) continue;
      const group = this.list.createEl("section", { cls: "vaultbot-group", attr: { "aria-label": KINDS[kind] } });
      group.createEl("h4", { cls: "vaultbot-kind", text: KINDS[kind] });
      for (const suggestion of those) this.drawSuggestion(group, suggestion);
    }
  }
  drawSuggestion(parent, suggestion) {
    const name = shown(headline(suggestion));
    const card = parent.createDiv({ cls: "vaultbot-card", attr: { role: "group", tabindex: "0", "aria-label": name } });
    const head = card.createDiv({ cls: "vaultbot-head" });
    textIn(head, "span", "vaultbot-name", name);
    if (suggestion.edit.type === "replace") {
      textButton(head, `line ${suggestion.line}`, "vaultbot-line", () => this.reveal(suggestion));
    }
    drawPreview(card, suggestion);
    textIn(card, "div", "vaultbot-path", suggestion.reasons.join(" · "));
    const buttons = card.createDiv({ cls: "vaultbot-buttons" });
    const accepting = textButton(buttons, "Accept", "mod-cta", () => void this.accept(card, suggestion));
    accepting.setAttribute("aria-label", `Accept: ${name}`);
    textButton(buttons, "Dismiss", "", () => void this.dismiss(card, suggestion, "here")).setAttribute("aria-label", `Dismiss: ${name}`);
    iconButton(buttons, "ellipsis", "Dismiss more", () => void 0).addEventListener("click", (event) => {
      const menu = new import_obsidian8.Menu();
      for (const scope of ["here", "pair", "phrase"]) {
        menu.addItem((item) => item.setTitle(SCOPES[scope]).onClick(() => void this.dismiss(card, suggestion, scope)));
      }
      menu.showAtMouseEvent(event);
    });
    card.addEventListener("keydown", (event) => {
      if (event.target !== card || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "a" || event.key === "Enter") void this.accept(card, suggestion);
      else if (event.key === "d") void this.dismiss(card, suggestion, "here");
    });
  }
  reveal({ note, line }) {
    void openPlace(this.app, { path: note, title: note, heading_path: [], line });
  }
  async accept(card, suggestion) {
    if (card.hasClass("is-decided")) return;
    card.addClass("is-decided");
    let undo;
    try {
      undo = await accept(this.app, suggestion);
    } catch (error) {
      card.removeClass("is-decided");
      this.fail(card, error);
      return;
    }
    const told = this.client.accepted(suggestion).catch(() => []);
    this.decided(card, "Accepted.", async () => {
      await undo();
      const numbers = await told;
      if (numbers.length > 0) await this.client.withdraw(numbers).catch(() => void 0);
    });
  }
  async dismiss(card, suggestion, scope) {
    if (card.hasClass("is-decided")) return;
    card.addClass("is-decided");
    try {
      await this.client.dismiss(this.shownPath, suggestion.id, scope);
    } catch (error) {
      card.removeClass("is-decided");
      this.fail(card, error);
      return;
    }
    this.decided(card, "Dismissed.", null);
    if (scope !== "here") await this.note.reload();
  }
  /** The card stays, so that the eye finds what it decided, and the focus moves on. */
  decided(card, words, undo) {
    var _a, _b, _c;
    const cards = Array.from(this.list.querySelectorAll(".vaultbot-card:not(.is-decided)"));
    const next = (_a = cards.find((one) => card.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)) != null ? _a : cards[0];
    const hadFocus = card.contains(card.ownerDocument.activeElement);
    (_b = card.querySelector(".vaultbot-buttons")) == null ? void 0 : _b.remove();
    (_c = card.querySelector(".vaultbot-failure")) == null ? void 0 : _c.remove();
    const row = card.createDiv({ cls: "vaultbot-buttons", attr: { role: "status" } });
    row.createSpan({ text: words });
    if (undo) {
      const button = textButton(row, "Undo", "", () => {
        undo().then(
          () => void this.note.reload(),
          (error) => this.fail(card, error)
        );
      });
      if (hadFocus && !next) button.focus();
    }
    if (hadFocus) next == null ? void 0 : next.focus();
  }
  fail(card, error) {
    var _a;
    (_a = card.querySelector(".vaultbot-failure")) == null ? void 0 : _a.remove();
    card.createDiv({ cls: "vaultbot-failure", text: wordsOf(error), attr: { role: "alert" } });
  }
};

// src/transport.ts
var import_obsidian9 = require("obsidian");
var obsidianTransport = {
  async request({ url, method, headers, body }) {
    const answer = await (0, import_obsidian9.requestUrl)({ url, method, headers, throw: false, ...body === void 0 ? {} : { body } });
    return { status: answer.status, text: answer.text };
  },
  // The one use of fetch: requestUrl gives an answer only when it is complete, and cannot be stopped.
  stream({ url, method, headers, body }, signal) {
    const init = { method, headers, signal, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };
    return window.fetch(url, body === void 0 ? init : { ...init, body });
  }
};

// src/main.ts
var VaultbotPlugin = class extends import_obsidian10.Plugin {
  constructor() {
    super(...arguments);
    this.settings = DEFAULTS;
    this.settingsChanged = () => void 0;
  }
  async onload() {
    this.settings = readSettings(await this.loadData());
    const client = new Client(() => findDaemon(this.settings, readLocalFile), obsidianTransport, folderOf(this.app));
    const connection = new Connection(client, pause);
    const conversation = new Conversation(client);
    this.register(() => conversation.stop());
    this.register(() => connection.end());
    this.registerView(CHAT_VIEW, (leaf) => new ChatView(leaf, conversation, connection));
    this.registerView(RELATED_VIEW, (leaf) => new RelatedView(leaf, client, connection));
    this.registerView(SUGGESTIONS_VIEW, (leaf) => new SuggestionsView(leaf, client, connection));
    this.registerHoverLinkSource(HOVER_SOURCE, { display: this.manifest.name, defaultMod: true });
    this.addSettingTab(new VaultbotSettingTab(this.app, this, connection));
    this.settingsChanged = () => connection.retry();
    this.addRibbonIcon("message-circle-question", "Ask your vault", () => void this.ask());
    this.addCommand({ id: "ask", name: "Ask your vault", callback: () => void this.ask() });
    this.addCommand({ id: "related", name: "Show related notes", callback: () => void this.open(RELATED_VIEW) });
    this.addCommand({ id: "suggest", name: "Show suggestions for the note", callback: () => void this.open(SUGGESTIONS_VIEW) });
    this.addCommand({ id: "index", name: "Look through the vault now", callback: () => void this.index(client) });
    this.addCommand({
      id: "check",
      name: "Check the connection",
      callback: () => {
        new import_obsidian10.Notice(inFull(connection.state));
        connection.retry();
      }
    });
    this.addStatus(connection);
    this.app.workspace.onLayoutReady(() => void connection.run());
  }
  /** Keep these settings, and look for the daemon where they say. */
  change(given) {
    this.settings = { ...this.settings, ...given };
    void this.saveData(this.settings);
    this.settingsChanged();
  }
  async ask() {
    const leaf = await this.open(CHAT_VIEW);
    if (leaf.view instanceof ChatView) leaf.view.focus();
  }
  async open(type) {
    return this.app.workspace.ensureSideLeaf(type, "right", { active: true, reveal: true });
  }
  async index(client) {
    try {
      await client.index();
      new import_obsidian10.Notice("The daemon looks through the vault.");
    } catch (error) {
      new import_obsidian10.Notice(wordsOf(error));
    }
  }
  addStatus(connection) {
    const item = this.addStatusBarItem();
    item.addClass("mod-clickable", "vaultbot-status");
    item.setAttrs({ role: "button", tabindex: "0" });
    const activate = () => {
      if (connection.state.kind === "online") void this.ask();
      else connection.retry();
    };
    this.registerDomEvent(item, "click", activate);
    this.registerDomEvent(item, "keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") activate();
    });
    this.register(
      connection.onChange((state) => {
        item.setText(`vaultbot: ${inBrief(state)}`);
        item.setAttr("aria-label", inFull(state));
        item.toggleClass("is-offline", state.kind !== "online");
      })
    );
  }
};
function folderOf(app) {
  const { adapter } = app.vault;
  return adapter instanceof import_obsidian10.FileSystemAdapter ? adapter.getBasePath() : app.vault.getName();
}
async function readLocalFile(path) {
  if (!import_obsidian10.Platform.isDesktopApp) throw new Error("Files outside the vault cannot be read here.");
  return new TextDecoder().decode(await import_obsidian10.FileSystemAdapter.readLocalFile(path));
}
var pause = (ms, cut) => new Promise((resolve) => {
  const timer = window.setTimeout(done, ms);
  function done() {
    window.clearTimeout(timer);
    cut.removeEventListener("abort", done);
    resolve();
  }
  if (cut.aborted) done();
  else cut.addEventListener("abort", done);
});
