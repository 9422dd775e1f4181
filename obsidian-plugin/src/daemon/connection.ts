/** Keeps an eye on the daemon: whether it is there, and how indexing goes. */

import { Client } from "./client";
import { Problem, wordsOf } from "./failures";
import { IndexState, Progress, Status } from "./records";

export type ConnectionState =
  | { kind: "connecting" }
  | { kind: "online"; status: Status }
  | { kind: "offline"; why: string }
  /** It is there, and answers that something is wrong. */
  | { kind: "refused"; why: string };

/** Resolves after so many milliseconds, or when it is cut short. */
export type Pause = (ms: number, cut: AbortSignal) => Promise<void>;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Between two looks where the page may not stream. */
const UNSTREAMED_PAUSE_MS = 15_000;

export class Connection {
  state: ConnectionState = { kind: "connecting" };
  private readonly listeners = new Set<(state: ConnectionState) => void>();
  private readonly ended = new AbortController();
  private waiting = new AbortController();
  private following = new AbortController();

  constructor(
    private readonly client: Pick<Client, "status" | "events">,
    private readonly pause: Pause,
  ) {}

  /** Follow the daemon until `end`. Resolves then. */
  async run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.ended.signal.aborted) {
      this.following = new AbortController();
      try {
        const status = await this.client.status();
        this.tell({ kind: "online", status });
        pauseMs = (await this.follow(status)) ? FIRST_PAUSE_MS : UNSTREAMED_PAUSE_MS;
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
  retry(): void {
    this.following.abort();
    this.waiting.abort();
  }

  end(): void {
    this.ended.abort();
    this.following.abort();
    this.waiting.abort();
    this.listeners.clear();
  }

  /** Be told every new state, from the present one on. Returns how to be told no more. */
  onChange(listener: (state: ConnectionState) => void): () => void {
    this.listeners.add(listener);
    listener(this.state);
    return () => void this.listeners.delete(listener);
  }

  /** Whether there was anything to follow. When it ends, the daemon ends or was started again: the next look tells. */
  private async follow(first: Status): Promise<boolean> {
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

  private tell(state: ConnectionState): void {
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }
}

function moved(status: Status, { state, message, progress, last_report }: IndexState): Status {
  return { ...status, state, message, progress, notes: last_report?.notes ?? status.notes };
}

/** The state in a few words, for the status bar. */
export function inBrief(state: ConnectionState): string {
  switch (state.kind) {
    case "connecting":
      return "connecting";
    case "offline":
      return "offline";
    case "refused":
      return "error";
    case "online":
      return progressOf(state.status.progress, state.status.state) ?? counted(state.status.notes);
  }
}

function progressOf(progress: Progress | null, state: string): string | null {
  if (state === "vault-missing") return "vault missing";
  if (state !== "indexing" && state !== "starting") return null;
  return progress && progress.total > 0 ? `indexing ${progress.done}/${progress.total}` : "indexing";
}

export function counted(notes: number): string {
  return notes === 1 ? "1 note" : `${notes.toLocaleString("en")} notes`;
}
