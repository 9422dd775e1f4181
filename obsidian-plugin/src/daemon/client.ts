/** Calls the daemon's API. Knows no Obsidian: how a request travels is the transport's matter. */

import { Offline, problemOf, Problem } from "./failures";
import { Place } from "./place";
import { newChallenge, prove } from "./proof";
import { Answer, AskEvent, Citation, IndexState, Match, Question, RelatedNotes, Scope, Sentence, Status, Suggestion, Suggestions } from "./records";
import { readEvents } from "./sse";

export interface Sent {
  url: string;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
}

export interface Received {
  status: number;
  text: string;
}

export interface Transport {
  /** A whole answer, whatever its status. Rejects when nobody answers. */
  request(sent: Sent): Promise<Received>;
  /** An answer as it comes. Rejects with a TypeError where a page may not do that, and when nobody answers. */
  stream(sent: Sent, signal: AbortSignal): Promise<Response>;
}

/** What is less likely only programs are told, as on the command line. */
const WORTH_SHOWING = "0.1";

export class Client {
  constructor(
    private readonly find: () => Promise<Place>,
    private readonly transport: Transport,
    /** The folder that Obsidian has open: the daemon of another vault refuses, and nothing of it is shown. */
    private readonly vault: string,
  ) {}

  async status(): Promise<Status> {
    return this.json<Status>("GET", "/api/status", {}, "name");
  }

  async related(path: string): Promise<RelatedNotes> {
    return this.json<RelatedNotes>("GET", "/api/related", { path }, "notes");
  }

  async suggestions(note: string): Promise<Suggestions> {
    return this.json<Suggestions>("GET", "/api/suggestions", { note, min_score: WORTH_SHOWING }, "suggestions");
  }

  /** Not to be suggested again, as far as the scope reaches. */
  async dismiss(note: string, id: string, scope: Scope): Promise<void> {
    await this.json("POST", "/api/suggestions/dismiss", { note, id, scope });
  }

  /** Remembered as accepted, though Obsidian wrote it and not the daemon. Returns what `withdraw` takes. */
  async accepted({ id, kind, note, target, text, key, score }: Suggestion): Promise<number[]> {
    const suggestions = [{ id, kind, note, target, text, key, score }];
    const { decisions } = await this.json<{ decisions: { number: number }[] }>("POST", "/api/suggestions/accepted", { suggestions }, "decisions");
    return decisions.map(({ number }) => number);
  }

  /** It was taken back, so it was not accepted after all. */
  async withdraw(numbers: number[]): Promise<void> {
    await this.json("POST", "/api/suggestions/withdraw", { numbers });
  }

  /** Have the daemon look through the vault now, without waiting for it. */
  async index(): Promise<void> {
    await this.json("POST", "/api/index", { wait: false });
  }

  /** An answer as it comes, sentence by sentence; in one piece where streaming is not possible. */
  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<AskEvent> {
    const place = await this.proven();
    let response: Response;
    try {
      response = await this.transport.stream(this.sent(place, "POST", "/api/ask", { ...question, stream: true }), signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof TypeError)) throw error;
      // The page may not read the answer: this origin is not on the daemon's list. A whole answer is not held back.
      yield { kind: "answer", answer: await this.json<Answer>("POST", "/api/ask", { ...question }, "sentences") };
      return;
    }
    let answered = false;
    // To its very end, which comes right after the answer: hanging up earlier would look like somebody who left.
    for await (const { name, value } of await valuesOf(response)) {
      const event = askEvent(name, value);
      if (event) yield event;
      answered = answered || event?.kind === "answer";
    }
    if (!answered) throw new Offline("The daemon hung up in the middle of the answer. Ask again.");
  }

  /** How indexing goes, until somebody hangs up. */
  async *events(signal: AbortSignal): AsyncGenerator<IndexState> {
    const place = await this.proven();
    const response = await this.transport.stream(this.sent(place, "GET", "/api/events", {}), signal);
    for await (const { name, value } of await valuesOf(response)) {
      if (name === "status") yield value as IndexState;
    }
  }

  private async json<T>(method: "GET" | "POST", path: string, given: object, expected?: keyof T): Promise<T> {
    const place = await this.proven();
    const received = await this.answered(this.sent(place, method, path, given));
    if (received.status >= 400) throw problemOf(received.status, received.text);
    let value: unknown;
    try {
      value = JSON.parse(received.text);
    } catch {
      value = null;
    }
    if (typeof value !== "object" || value === null || (expected !== undefined && !(expected in value))) {
      throw new Problem("not-understood", "The daemon's version does not fit the plugin's. Bring both up to date.", 200);
    }
    return value as T;
  }

  /** Where the daemon is, after it has shown that it knows the token. */
  private async proven(): Promise<Place> {
    const place = await this.find();
    const challenge = newChallenge();
    const asked: Sent = { url: `${base(place)}/health`, method: "GET", headers: { "X-Vaultbot-Challenge": challenge } };
    const received = await this.answered(asked);
    let proof: unknown;
    try {
      proof = (JSON.parse(received.text) as { proof?: unknown }).proof;
    } catch {
      proof = undefined;
    }
    if (proof !== (await prove(place.token, place.port, challenge))) {
      throw new Offline(`Whatever listens on port ${place.port} is not this vault's daemon, but another program or the daemon of another vault. It was sent nothing.`);
    }
    return place;
  }

  private sent(place: Place, method: "GET" | "POST", path: string, given: object): Sent {
    const headers: Record<string, string> = { Authorization: `Bearer ${place.token}`, "X-Vaultbot-Vault": encodeURIComponent(this.vault) };
    if (method === "POST") {
      return { url: base(place) + path, method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(given) };
    }
    const query = new URLSearchParams(given as Record<string, string>).toString();
    return { url: base(place) + path + (query === "" ? "" : `?${query}`), method, headers };
  }

  private async answered(asked: Sent): Promise<Received> {
    try {
      return await this.transport.request(asked);
    } catch {
      throw new Offline("vaultbot is not running. Start it with: vaultbot start");
    }
  }
}

function base(place: Place): string {
  return `http://127.0.0.1:${place.port}`;
}

async function valuesOf(response: Response): Promise<AsyncIterable<{ name: string; value: unknown }>> {
  if (!response.ok || !response.body) throw problemOf(response.status, await response.text());
  return values(response.body);
}

async function* values(body: ReadableStream<Uint8Array>): AsyncGenerator<{ name: string; value: unknown }> {
  for await (const { name, data } of readEvents(body)) {
    if (name === "error") throw problemOf(500, data);
    yield { name, value: JSON.parse(data) };
  }
}

function askEvent(name: string, value: unknown): AskEvent | null {
  if (name === "sources") return { kind: "sources", ...(value as { match: Match; model: string | null }) };
  if (name === "delta") {
    const { sentence, citations } = value as { sentence: Sentence; citations: Citation[] };
    return { kind: "sentence", sentence, citations };
  }
  if (name === "waiting") return { kind: "waiting", before: (value as { before: number }).before };
  return name === "done" ? { kind: "answer", answer: value as Answer } : null;
}
