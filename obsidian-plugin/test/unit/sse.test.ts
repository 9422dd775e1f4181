import { describe, expect, test } from "vitest";
import { EventParser, readEvents, ServerEvent } from "../../src/daemon/sse";

const STREAM = 'event: sources\ndata: {"match":"good"}\n\n: still here\n\nevent: delta\r\ndata: {"text":"Käse 🧀 — 発酵"}\r\n\r\ndata: a\ndata:b\n\n';
const EVENTS: ServerEvent[] = [
  { name: "sources", data: '{"match":"good"}' },
  { name: "delta", data: '{"text":"Käse 🧀 — 発酵"}' },
  { name: "message", data: "a\nb" },
];

describe("server-sent events", () => {
  test("are the same in whatever pieces they arrive", () => {
    for (let size = 1; size < STREAM.length; size++) {
      const parser = new EventParser();
      const found: ServerEvent[] = [];
      for (let at = 0; at < STREAM.length; at += size) found.push(...parser.push(STREAM.slice(at, at + size)));
      expect(found).toEqual(EVENTS);
    }
  });

  test("survive a network that splits characters", async () => {
    const bytes = new TextEncoder().encode(STREAM);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const found: ServerEvent[] = [];
    for await (const event of readEvents(body)) found.push(event);
    expect(found).toEqual(EVENTS);
  });

  test("that are not complete are not told", () => {
    expect(new EventParser().push("event: done\ndata: {}\n")).toEqual([]);
  });

  test("leaving early hangs up", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\ndata: 2\n\n")),
      cancel: () => void (cancelled = true),
    });
    for await (const event of readEvents(body)) {
      expect(event.data).toBe("1");
      break;
    }
    expect(cancelled).toBe(true);
  });
});
