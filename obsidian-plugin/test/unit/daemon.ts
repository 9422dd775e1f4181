/** A daemon in a few lines: it proves that it knows the token, and answers what it was given. */

import { Client, Received, Sent, Transport } from "../../src/daemon/client";
import { prove } from "../../src/daemon/proof";

export const PLACE = { port: 8765, token: "s".repeat(43) };
/** What Obsidian has open. */
export const VAULT = "/notes/My Garden 庭";

export class FakeDaemon implements Transport {
  readonly sent: Sent[] = [];
  /** What proves it; another token than the client's for an impostor. */
  token = PLACE.token;
  up = true;
  /** Whether a page may read from it. */
  streams = true;
  answers: Record<string, Received> = {};
  stream_: (signal: AbortSignal) => Response = () => new Response("");

  async request(sent: Sent): Promise<Received> {
    this.sent.push(sent);
    if (!this.up) throw new Error("net::ERR_CONNECTION_REFUSED");
    const { pathname } = new URL(sent.url);
    if (pathname === "/health") {
      const proof = await prove(this.token, PLACE.port, sent.headers["X-Vaultbot-Challenge"] ?? "");
      return { status: 200, text: JSON.stringify({ status: "ok", proof }) };
    }
    return this.answers[pathname] ?? { status: 404, text: '{"type":"/problems/not-found","detail":"no such route"}' };
  }

  async stream(sent: Sent, signal: AbortSignal): Promise<Response> {
    this.sent.push(sent);
    if (!this.up || !this.streams) throw new TypeError("Failed to fetch");
    return this.stream_(signal);
  }

  client(): Client {
    return new Client(() => Promise.resolve(PLACE), this, VAULT);
  }
}

export function events(...told: [name: string, data: unknown][]): Response {
  return new Response(told.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join(""));
}

export function answer(given: Partial<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    question: "?", answer: "Salt. [1]", sentences: [{ text: "Salt.", citations: [1], support: "quote" }],
    citations: [{ n: 1, path: "Kimchi.md", title: "Kimchi", heading_path: ["Steps"], line_start: 4, line_end: 4, quote: "Salt." }],
    grounded: true, refused: false, model: null, timings_ms: { total: 12 }, match: "good", nearest: [], warnings: [], ...given,
  };
}
