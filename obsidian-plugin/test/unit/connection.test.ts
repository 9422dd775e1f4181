import { describe, expect, test } from "vitest";
import { Connection, inBrief } from "../../src/daemon/connection";
import { Offline, Problem } from "../../src/daemon/failures";
import { IndexState, Status } from "../../src/daemon/records";

const READY: Status = { state: "ready", message: "ready", vault: "/notes/garden", name: null, notes: 35, model: null, version: "0.1.0", progress: null };

/** Pauses that end when the test says so, and are written down. */
class Pauses {
  readonly lengths: number[] = [];
  private resume: () => void = () => undefined;
  readonly pause = (ms: number, cut: AbortSignal): Promise<void> => {
    this.lengths.push(ms);
    return new Promise((resolve) => {
      this.resume = resolve;
      cut.addEventListener("abort", () => resolve());
      this.paused();
    });
  };
  paused: () => void = () => undefined;

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.paused = resolve;
      this.resume();
    });
  }
}

function indexState(given: Partial<IndexState>): IndexState {
  return { state: "ready", message: "ready", progress: null, last_report: { notes: 35 }, version: 1, ...given };
}

describe("the connection", () => {
  test("waits longer and longer for a daemon that is not there, and a minute at most", async () => {
    const pauses = new Pauses();
    const connection = new Connection({ status: () => Promise.reject(new Offline("not running")), events: async function* () {} }, pauses.pause);
    const first = pauses.next();
    void connection.run();
    await first;
    for (let turn = 0; turn < 8; turn++) await pauses.next();
    expect(pauses.lengths).toEqual([1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
    expect(connection.state).toEqual({ kind: "offline", why: "not running" });
    connection.end();
  });

  test("comes back by itself, or at once when it is told to", async () => {
    const pauses = new Pauses();
    let up = false;
    const seen: string[] = [];
    const connection = new Connection(
      {
        status: () => (up ? Promise.resolve(READY) : Promise.reject(new Offline("not running"))),
        events: async function* () {
          yield indexState({});
        },
      },
      pauses.pause,
    );
    connection.onChange((state) => seen.push(inBrief(state)));
    const first = pauses.next();
    void connection.run();
    await first;
    up = true;
    const again = new Promise<void>((resolve) => (pauses.paused = resolve));
    connection.retry();
    await again;
    expect(seen).toEqual(["connecting", "offline", "35 notes", "35 notes"]);
    expect(pauses.lengths).toEqual([1000, 1000]);
    connection.end();
  });

  test("tells how indexing goes", async () => {
    const pauses = new Pauses();
    const seen: string[] = [];
    const connection = new Connection(
      {
        status: () => Promise.resolve({ ...READY, state: "starting", notes: 0 }),
        events: async function* () {
          yield indexState({ state: "indexing", progress: { stage: "index", done: 120, total: 4000 }, last_report: null });
          yield indexState({ last_report: { notes: 4000 } });
        },
      },
      pauses.pause,
    );
    connection.onChange((state) => seen.push(inBrief(state)));
    const first = pauses.next();
    void connection.run();
    await first;
    expect(seen).toEqual(["connecting", "indexing", "indexing 120/4000", "4,000 notes"]);
    connection.end();
  });

  test("looks now and then where it may not stream", async () => {
    const pauses = new Pauses();
    const connection = new Connection(
      {
        status: () => Promise.resolve(READY),
        // eslint-disable-next-line require-yield
        events: async function* (): AsyncGenerator<IndexState> {
          throw new TypeError("Failed to fetch");
        },
      },
      pauses.pause,
    );
    const first = pauses.next();
    void connection.run();
    await first;
    expect(connection.state.kind).toBe("online");
    expect(pauses.lengths).toEqual([15_000]);
    connection.end();
  });

  test("tells a refusal from an absence", async () => {
    const pauses = new Pauses();
    const connection = new Connection({ status: () => Promise.reject(new Problem("token-required", "Wrong token.", 401)), events: async function* () {} }, pauses.pause);
    const first = pauses.next();
    void connection.run();
    await first;
    expect(connection.state).toEqual({ kind: "refused", why: "Wrong token." });
    connection.end();
  });

  test("ends for good", async () => {
    const pauses = new Pauses();
    const connection = new Connection({ status: () => Promise.reject(new Offline("gone")), events: async function* () {} }, pauses.pause);
    const first = pauses.next();
    const run = connection.run();
    await first;
    connection.end();
    await run;
    expect(pauses.lengths).toHaveLength(1);
  });
});
