// @ts-check
/** One question and its answer, drawn. */

import { button, el, langOf, obsidianLink, placeName, words } from "./elements.js";
import { inline } from "./markdown.js";

/** @typedef {{ read: ReadHere, copy: (turn: Turn) => void, retry: (() => void) | null }} Actions */

/** @param {Turn} turn @param {Actions} actions */
export function drawTurn(turn, actions) {
  const running = turn.state === "asking" || turn.state === "answering";
  // Japanese and Chinese share signs: the answer as a whole tells more than one sentence.
  const lang = langOf(turn.question + turn.sentences.map(({ text }) => text).join(" "));
  const body = el("div", { class: "answer", "aria-busy": String(running), ...(lang ? { lang } : {}) });
  if (turn.answer?.refused) body.append(...refusal(turn.answer, actions.read));
  else body.append(...turn.sentences.map((one, at) => sentence(one, turn.remarks[at] ?? "", turn.citations, actions.read, lang)));
  if (running) body.append(el("p", { class: "working" }, workingOn(turn)));
  if (turn.state === "stopped") body.append(el("p", { class: "remark" }, "Stopped."));
  if (turn.state === "failed") body.append(el("p", { class: "failure", role: "alert" }, turn.failure));
  return [
    words("h2", "question", turn.question),
    body,
    ...(turn.answer?.differences ?? []).map((one) => difference(one)),
    turn.answer?.refused || turn.citations.length === 0 ? null : sources(turn, actions.read),
    ...(turn.answer?.warnings ?? []).map((one) => words("p", "remark", one)),
    running ? null : foot(turn, actions),
  ];
}

/** @param {Turn} turn */
function workingOn({ state, model, before }) {
  if (state === "asking") return "Looking through your notes";
  if (before > 0) return before === 1 ? "1 question before this one" : `${before} questions before this one`;
  return model === null ? "Choosing the sentences" : `${model} reads them`;
}

/** @param {Sentence} said @param {string} remark @param {Citation[]} citations @param {ReadHere} read @param {string} lang */
function sentence(said, remark, citations, read, lang) {
  const quoted = said.support === "quote";
  const text = quoted ? words("q", "", said.text, lang) : el("span", { dir: "auto", ...(lang ? { lang } : {}) }, ...inline(said.text, { follow: () => null }));
  const marks = said.citations.flatMap((n) => {
    const citation = citations.find((one) => one.n === n);
    if (!citation) return [];
    const label = `Source ${n}: ${placeName(citation.title, citation.heading_path)}, line ${citation.line_start}`;
    return [" ", button("mark", String(n), () => read(citation.path, citation.line_start), { "aria-label": label, title: label })];
  });
  const doubt = said.support === "unsupported" ? el("span", { class: "doubt" }, ` ${remark || "(Not in your notes.)"}`) : null;
  return el(quoted ? "blockquote" : "p", { class: `sentence ${said.support}` }, text, marks, doubt);
}

/** @param {Turn} turn @param {ReadHere} read */
function sources({ citations, sentences }, read) {
  const quoted = new Set(sentences.filter(({ support }) => support === "quote").map(({ text }) => text));
  return el("ol", { class: "sources", "aria-label": "Sources" }, citations.map((one) => el("li", { class: "source", "data-n": one.n },
    el("span", { class: "number", "aria-hidden": "true" }, String(one.n)),
    // What stands in the answer already is not said twice.
    sourceCard(one, one.line_start, quoted.has(one.quote) ? "" : one.quote, read))));
}

/** @param {Place} place @param {number} line @param {string} quote @param {ReadHere} read */
export function sourceCard(place, line, quote, read) {
  const name = placeName(place.title, place.heading_path);
  const title = button("place", name, () => read(place.path, line), { dir: "auto", title: `Read ${name} here`, "data-path": place.path });
  return el("div", { class: "source-text" },
    el("div", { class: "source-head" }, title, obsidianLink(place.uri, "Open in Obsidian")),
    words("span", "path", `${place.path}:${line}`),
    quote ? words("q", "snippet", quote) : null);
}

/** @param {Answer} answer @param {ReadHere} read */
function refusal(answer, read) {
  const said = words("p", "refusal", answer.answer || "Not in your notes.");
  if (answer.nearest.length === 0) return [said];
  return [said, el("p", { class: "remark" }, "The closest notes:"),
    el("ul", { class: "sources", "aria-label": "The closest notes" }, answer.nearest.map((hit) => el("li", { class: "source" }, sourceCard(hit, hit.line, "", read))))];
}

/** @param {Difference} found */
function difference({ words: said, citations, dates }) {
  const told = citations.map((n, at) => `${said[at] ? `“${said[at]}”` : "no “not”"} [${n}]${dates[at] ? ` (${dates[at]})` : ""}`);
  return words("p", "difference", `Your notes say two things here: ${told.join(", and ")}.`);
}

/** @param {Turn} turn @param {Actions} actions */
function foot(turn, { copy, retry }) {
  const told = turn.answer ? summary(turn.answer) : "";
  const ready = turn.sentences.length > 0 || turn.answer?.refused;
  return el("div", { class: "foot" }, el("span", {}, told), el("span", { class: "buttons" },
    ready ? button("quiet", "Copy", () => copy(turn), { "aria-label": "Copy the answer with its sources" }) : null,
    retry ? button("quiet", "Ask again", retry) : null));
}

/** @param {Answer} answer */
function summary({ match, model, timings_ms }) {
  const told = [model ?? "no model was asked", `${(timings_ms.total / 1000).toFixed(1)}\u00A0s`];
  return (match === "none" ? told : [`${match} match`, ...told]).join(" · ");
}

/** The answer with its sources, for the clipboard. @param {Turn} turn */
export function asText({ sentences, citations, answer }) {
  if (answer?.refused) return `${answer.answer}\n`;
  const said = sentences.map(({ text, citations: numbers, support }) => {
    const marks = numbers.map((n) => ` [${n}]`).join("");
    return support === "quote" ? `“${text}”${marks}` : `${text}${marks}${support === "unsupported" ? " (not in your notes)" : ""}`;
  });
  const from = citations.map((one) => `[${one.n}] ${placeName(one.title, one.heading_path)} (${one.path}:${one.line_start})`);
  return [said.join("\n"), ...(from.length ? [from.join("\n")] : [])].join("\n\n") + "\n";
}
