// @ts-check
/** The view that answers questions. */

import { asText, drawTurn } from "./answer.js";
import { Conversation } from "./conversation.js";
import { byId, el, fill, shown } from "./elements.js";

/** @param {import("./daemon.js").Daemon} daemon @param {ReadHere} read */
export function makeAsk(daemon, read) {
  const turns = byId("turns"), spoken = byId("spoken"), fresh = byId("fresh");
  const submit = /** @type {HTMLButtonElement} */ (byId("submit"));
  const input = /** @type {HTMLTextAreaElement} */ (byId("question"));
  const conversation = new Conversation(daemon, draw);
  /** @type {Map<Turn, { element: HTMLElement, as: string }>} */
  const drawn = new Map();
  let announced = "", about = "";

  function draw() {
    const { busy } = conversation;
    const atEnd = turns.scrollHeight - turns.scrollTop - turns.clientHeight < 60;
    for (const [turn, { element }] of drawn) {
      if (conversation.turns.includes(turn)) continue;
      element.remove();
      drawn.delete(turn);
    }
    turns.querySelector(".welcome")?.remove();
    if (conversation.turns.length === 0) turns.append(welcome());
    conversation.turns.forEach((turn, at) => drawOnce(turn, at === conversation.turns.length - 1 && !busy));
    if (atEnd) turns.scrollTop = turns.scrollHeight;
    announce(conversation.turns.at(-1));
    submit.textContent = busy ? "Stop" : "Ask";
    submit.title = busy ? "Stop the answer (Esc)" : "";
    submit.classList.toggle("stop", busy);
    fresh.hidden = conversation.turns.length === 0;
  }

  /** A turn that looks as before stays as it is, and whatever has the focus in it keeps it. @param {Turn} turn @param {boolean} last */
  function drawOnce(turn, last) {
    const as = [turn.state, turn.sentences.length, turn.model, turn.before, last].join();
    const before = drawn.get(turn);
    if (before?.as === as) return;
    const element = before?.element ?? turns.appendChild(el("article", { class: "turn" }));
    fill(element, drawTurn(turn, { read, copy, retry: last ? () => void conversation.retry() : null }));
    drawn.set(turn, { element, as });
  }

  /** What is drawn anew would be read out anew, so what is new is told on its own. @param {Turn | undefined} turn */
  function announce(turn) {
    const said = turn?.answer?.refused ? turn.answer.answer
      : turn?.state === "failed" ? turn.failure
      : turn?.state === "stopped" ? "Stopped."
      : (turn?.sentences.at(-1)?.text ?? "");
    if (said === announced) return;
    announced = said;
    spoken.textContent = shown(said);
  }

  function welcome() {
    return el("div", { class: "welcome" },
      el("p", { class: "lead" }, "Ask your notes."),
      el("p", {}, "The answer comes from what you wrote, every sentence with its source. A follow-up is understood from the question before; filters such as ",
        el("code", {}, "tag:cooking"), " or “last week” may stand in it."),
      about ? el("p", { class: "remark" }, about) : null);
  }

  /** @param {Turn} turn */
  async function copy(turn) {
    try {
      await navigator.clipboard.writeText(asText(turn));
      spoken.textContent = "Copied, with its sources.";
    } catch {
      spoken.textContent = "The clipboard cannot be used here.";
    }
  }

  function askOrStop() {
    if (conversation.busy) {
      conversation.stop();
      return;
    }
    const question = input.value.trim();
    if (question === "") return;
    input.value = "";
    turns.scrollTop = turns.scrollHeight;
    void conversation.ask(question);
    input.focus();
  }

  byId("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    askOrStop();
  });
  input.addEventListener("keydown", (event) => {
    // While Japanese or Chinese is being composed, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!conversation.busy) askOrStop();
  });
  fresh.addEventListener("click", () => {
    conversation.clear();
    input.focus();
  });
  draw();

  return {
    focus: () => input.focus(),
    /** Whether there was an answer to stop. */
    stop() {
      const { busy } = conversation;
      conversation.stop();
      return busy;
    },
    /** What a person should know before asking. @param {string} words */
    tell(words) {
      if (words === about) return;
      about = words;
      if (conversation.turns.length === 0) draw();
    },
  };
}
