// @ts-check
/** What was asked and answered. Kept in memory alone: a reload forgets it. */

/** The most that the daemon takes. */
const MOST_MESSAGES = 100;
const LONGEST_MESSAGE = 20_000;

export class Conversation {
  /** @type {Turn[]} */
  turns = [];
  /** @type {AbortController | null} */
  #running = null;
  #daemon;
  #changed;

  /** @param {import("./daemon.js").Daemon} daemon @param {() => void} changed */
  constructor(daemon, changed) {
    this.#daemon = daemon;
    this.#changed = changed;
  }

  get busy() {
    return this.#running !== null;
  }

  /** Ask, and take in the answer as it comes. One question at a time. @param {string} question */
  async ask(question) {
    if (this.busy || question.trim() === "") return;
    const messages = this.#messages(question);
    /** @type {Turn} */
    const turn = { question, state: "asking", model: null, sentences: [], remarks: [], citations: [], answer: null, failure: "", before: 0 };
    this.turns.push(turn);
    const running = new AbortController();
    this.#running = running;
    this.#changed();
    try {
      for await (const { name, data } of this.#daemon.events("/api/ask", { messages, stream: true }, running.signal)) {
        if (running.signal.aborted) break;
        if (name === "sources") {
          Object.assign(turn, { state: "answering", model: data.model });
        } else if (name === "delta") {
          turn.sentences.push(data.sentence);
          turn.remarks.push(data.remark);
          turn.citations.push(...data.citations);
        } else if (name === "waiting") {
          turn.before = data.before;
        } else if (name === "done") {
          const { sentences, citations, model } = data;
          Object.assign(turn, { answer: data, sentences, citations, model, state: "done" });
        }
        this.#changed();
      }
      if (turn.state !== "done" && !running.signal.aborted) throw new Error("The answer broke off; ask again.");
    } catch (error) {
      if (!running.signal.aborted) Object.assign(turn, { state: "failed", failure: error instanceof Error ? error.message : String(error) });
    } finally {
      if (running.signal.aborted && turn.state !== "done") turn.state = "stopped";
      if (this.#running === running) this.#running = null;
      this.#changed();
    }
  }

  stop() {
    this.#running?.abort();
  }

  /** Ask the last question again, in place of its answer. */
  async retry() {
    if (this.busy) return;
    const last = this.turns.pop();
    if (last) await this.ask(last.question);
  }

  clear() {
    this.stop();
    this.turns = [];
    this.#changed();
  }

  /** What was said before, as far as it was answered, and the question. @param {string} question */
  #messages(question) {
    const before = this.turns.flatMap(({ question: asked, answer }) => answer === null ? [] : [
      { role: "user", content: asked.slice(0, LONGEST_MESSAGE) },
      {
        role: "assistant", content: answer.answer.slice(0, LONGEST_MESSAGE),
        cited: [...new Set(answer.citations.map(({ title }) => title))].slice(0, 50),
      },
    ]);
    return [...before.slice(-(MOST_MESSAGES - 2)), { role: "user", content: question }];
  }
}
