/** Server-sent events, read from the body of a `fetch`: an EventSource can send no token. */

export interface ServerEvent {
  name: string;
  data: string;
}

/** Takes the text of a stream in whatever pieces it comes, and gives the events that are complete. */
export class EventParser {
  private rest = "";
  private name = "";
  private data: string[] = [];

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.rest + text).split("\n");
    // A line that has not ended yet waits for the rest of it.
    this.rest = lines.pop() ?? "";
    for (const raw of lines) {
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

  private take(line: string): void {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    // A line that begins with ":" is a comment, which keeps the connection alive.
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
  }
}

/** The events of a body, until it ends. Leaving the loop early hangs up. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Rejects when the connection was cut already.
    if (!ended) void reader.cancel().catch(() => undefined);
  }
}
