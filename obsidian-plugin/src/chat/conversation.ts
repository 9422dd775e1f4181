/** What was asked and answered. Kept in memory alone: nothing of it is written anywhere. */

import { Client } from "../daemon/client";
import { wordsOf } from "../daemon/failures";
import { Answer, Citation, Match, Message, Question, Sentence } from "../daemon/records";

export type TurnState = "asking" | "answering" | "done" | "stopped" | "failed";

export interface Turn {
  readonly question: string;
  /** Only notes whose path has this in it; empty for the whole vault. */
  readonly path: string;
  state: TurnState;
  model: string | null;
  match: Match | null;
  sentences: Sentence[];
  citations: Citation[];
  answer: Answer | null;
  failure: string;
  /** Questions that the model answers first. */
  before: number;
}

/** The most that the daemon takes. */
const MOST_MESSAGES = 100;
const LONGEST_MESSAGE = 20_000;

export class Conversation {
  readonly turns: Turn[] = [];
  private running: AbortController | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly client: Pick<Client, "ask">) {}

  get busy(): boolean {
    return this.running !== null;
  }

  /** Ask, and take in the answer as it comes. One question at a time. */
  async ask(question: string, path = ""): Promise<void> {
    if (this.busy || question.trim() === "") return;
    const asked: Question = { messages: this.messages(question), ...(path === "" ? {} : { path }) };
    const turn: Turn = {
      question, path, state: "asking", model: null, match: null, sentences: [], citations: [], answer: null, failure: "", before: 0,
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

  stop(): void {
    this.running?.abort();
  }

  /** Ask the last question again, in place of its answer. */
  async retry(): Promise<void> {
    if (this.busy) return;
    const last = this.turns.pop();
    if (last) await this.ask(last.question, last.path);
  }

  clear(): void {
    this.stop();
    this.turns.length = 0;
    this.changed();
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** What was said before, as far as it was answered, and the question. */
  private messages(question: string): Message[] {
    const before = this.turns.flatMap(({ question: asked, answer }): Message[] =>
      answer === null
        ? []
        : [
            { role: "user", content: asked.slice(0, LONGEST_MESSAGE) },
            { role: "assistant", content: answer.answer.slice(0, LONGEST_MESSAGE), cited: citedTitles(answer) },
          ],
    );
    return [...before.slice(-(MOST_MESSAGES - 2)), { role: "user", content: question }];
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

function citedTitles(answer: Answer): string[] {
  return [...new Set(answer.citations.map(({ title }) => title))].slice(0, 50);
}
