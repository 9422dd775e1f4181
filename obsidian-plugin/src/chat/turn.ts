/** One question and its answer, drawn. */

import { App } from "obsidian";
import { Answer, Citation, Sentence } from "../daemon/records";
import { iconButton, placeButton, textIn } from "../elements";
import { differing, placeName, shown } from "../wording";
import { Turn } from "./conversation";
import { placeOf } from "./markdown";

export interface TurnActions {
  copy(turn: Turn): void;
  insert(turn: Turn): void;
  /** Only for the last turn. */
  retry?: () => void;
}

export function drawTurn(app: App, el: HTMLElement, turn: Turn, actions: TurnActions): void {
  const asked = textIn(el, "h3", "vaultbot-question", turn.question);
  if (turn.path !== "") textIn(asked, "span", "vaultbot-scope", `in ${turn.path}`);
  const running = turn.state === "asking" || turn.state === "answering";
  const body = el.createDiv({ cls: "vaultbot-answer", attr: { "aria-busy": String(running) } });
  if (turn.answer?.refused) drawRefusal(app, body, turn.answer);
  else for (const sentence of turn.sentences) drawSentence(app, body, sentence, turn.citations);
  if (running) body.createDiv({ cls: "vaultbot-working", text: workingOn(turn) });
  if (turn.state === "stopped") body.createDiv({ cls: "vaultbot-note", text: "Stopped." });
  if (turn.state === "failed") body.createDiv({ cls: "vaultbot-failure", text: turn.failure, attr: { role: "alert" } });
  for (const difference of turn.answer?.differences ?? []) {
    textIn(el, "div", "vaultbot-note", differing(difference, shown, (n) => `[${n}]`));
  }
  if (!turn.answer?.refused) drawSources(app, el, turn);
  for (const warning of turn.answer?.warnings ?? []) textIn(el, "div", "vaultbot-note", warning);
  if (!running) drawFoot(el, turn, actions);
}

function workingOn(turn: Turn): string {
  if (turn.state === "asking") return "Looking through your notes";
  if (turn.before > 0) return turn.before === 1 ? "1 question before this one" : `${turn.before} questions before this one`;
  return turn.model === null ? "Choosing the sentences" : `${shown(turn.model)} reads them`;
}

function drawSentence(app: App, parent: HTMLElement, sentence: Sentence, citations: readonly Citation[]): void {
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

function drawSources(app: App, parent: HTMLElement, turn: Turn): void {
  if (turn.citations.length === 0) return;
  const quoted = new Set(turn.sentences.filter(({ support }) => support === "quote").map(({ text }) => text));
  const list = parent.createEl("ol", { cls: "vaultbot-sources", attr: { "aria-label": "Sources" } });
  for (const citation of turn.citations) {
    const item = list.createEl("li", { cls: "vaultbot-source" });
    item.createSpan({ cls: "vaultbot-number", text: String(citation.n), attr: { "aria-hidden": "true" } });
    const column = item.createDiv({ cls: "vaultbot-source-text" });
    placeButton(app, column, "vaultbot-place", placeName(citation.title, citation.heading_path), placeOf(citation));
    textIn(column, "span", "vaultbot-path", `${citation.path}:${citation.line_start}`);
    // What stands in the answer already is not said twice.
    if (!quoted.has(citation.quote)) textIn(column, "q", "vaultbot-snippet", citation.quote);
  }
}

function drawRefusal(app: App, parent: HTMLElement, answer: Answer): void {
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

function drawFoot(parent: HTMLElement, turn: Turn, actions: TurnActions): void {
  const foot = parent.createDiv({ cls: "vaultbot-foot" });
  if (turn.answer) foot.createSpan({ cls: "vaultbot-summary", text: summaryOf(turn.answer) });
  const buttons = foot.createDiv({ cls: "vaultbot-buttons" });
  if (turn.sentences.length > 0 || turn.answer?.refused) {
    iconButton(buttons, "copy", "Copy the answer with its sources", () => actions.copy(turn));
    iconButton(buttons, "text-cursor-input", "Insert the answer at the cursor", () => actions.insert(turn));
  }
  if (actions.retry) iconButton(buttons, "rotate-ccw", "Ask again", actions.retry);
}

function summaryOf(answer: Answer): string {
  const model = answer.model === null ? "no model was asked" : shown(answer.model);
  const seconds = `${(answer.timings_ms.total / 1000).toFixed(1)}\u00A0s`;
  return (answer.match === "none" ? [model, seconds] : [`${answer.match} match`, model, seconds]).join(" · ");
}
