import { describe, expect, test } from "vitest";
import { prove } from "../../src/daemon/proof";
import { AskEvent } from "../../src/daemon/records";
import { answer, events, FakeDaemon, PLACE, VAULT } from "./daemon";
import { mention } from "./mention";

async function all(told: AsyncIterable<AskEvent>): Promise<AskEvent[]> {
  const found: AskEvent[] = [];
  for await (const event of told) found.push(event);
  return found;
}

const QUESTION = { messages: [{ role: "user" as const, content: "What is in kimchi?" }] };

describe("the client", () => {
  test("makes the same proof as the daemon does", async () => {
    // From docs/api.md's rule, computed with openssl.
    expect(await prove("secret-token-secret-token-secret-token", 8765, "00112233445566778899aabbccddeeff")).toBe(
      "c447987d18530d5c10c4a4ec276001c2422cc61e43c190a07bc74e1a07e22c5b",
    );
  });

  test("sends its token to nobody who cannot prove to know it", async () => {
    const impostor = new FakeDaemon();
    impostor.token = "x".repeat(43);
    impostor.answers["/api/status"] = { status: 200, text: '{"notes": 1, "name": null}' };
    await expect(impostor.client().status()).rejects.toThrow("not this vault's daemon");
    await expect(all(impostor.client().ask(QUESTION, new AbortController().signal))).rejects.toThrow("not this vault's daemon");
    expect(impostor.sent.map(({ url }) => new URL(url).pathname)).toEqual(["/health", "/health"]);
    expect(JSON.stringify(impostor.sent)).not.toContain(PLACE.token);
  });

  test("asks with a new challenge each time", async () => {
    const daemon = new FakeDaemon();
    daemon.answers["/api/status"] = { status: 200, text: '{"notes": 1, "name": null}' };
    await daemon.client().status();
    await daemon.client().status();
    const challenges = daemon.sent.map(({ headers }) => headers["X-Vaultbot-Challenge"]).filter((one) => one !== undefined);
    expect(new Set(challenges).size).toBe(2);
    expect(challenges[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("asks for suggestions that are worth a person's look, and not for what is hardly likely", async () => {
    const daemon = new FakeDaemon();
    daemon.answers["/api/suggestions"] = { status: 200, text: '{"note": "A.md", "suggestions": []}' };
    await daemon.client().suggestions("A.md");
    expect(daemon.sent.map(({ url }) => new URL(url).search)).toContain("?note=A.md&min_score=0.1");
  });

  test("tells an answer as it comes", async () => {
    const daemon = new FakeDaemon();
    const whole = answer();
    daemon.stream_ = () =>
      events(["sources", { match: "good", model: "tiny" }], ["delta", { text: "Salt.", sentence: { text: "Salt.", citations: [1], support: "quote" }, citations: [] }], ["waiting", { before: 2 }], ["some-later-event", {}], ["done", whole]);
    const told = await all(daemon.client().ask(QUESTION, new AbortController().signal));
    expect(told.map(({ kind }) => kind)).toEqual(["sources", "sentence", "waiting", "answer"]);
    expect(told[2]).toEqual({ kind: "waiting", before: 2 });
    expect(told[3]).toEqual({ kind: "answer", answer: whole });
    expect(JSON.parse(daemon.sent[1]?.body ?? "")).toEqual({ ...QUESTION, stream: true });
  });

  test("takes the whole answer where it may not stream", async () => {
    const daemon = new FakeDaemon();
    daemon.streams = false;
    daemon.answers["/api/ask"] = { status: 200, text: JSON.stringify(answer()) };
    expect((await all(daemon.client().ask(QUESTION, new AbortController().signal))).map(({ kind }) => kind)).toEqual(["answer"]);
  });

  test("says what the daemon says is wrong, before and in a stream", async () => {
    const daemon = new FakeDaemon();
    const problem = { type: "/problems/queue-full", title: "Busy", status: 503, detail: "Eight questions wait; ask again soon." };
    daemon.stream_ = () => new Response(JSON.stringify(problem), { status: 503 });
    await expect(all(daemon.client().ask(QUESTION, new AbortController().signal))).rejects.toMatchObject({ slug: "queue-full", message: problem.detail });
    daemon.stream_ = () => events(["sources", { match: "good", model: null }], ["error", problem]);
    await expect(all(daemon.client().ask(QUESTION, new AbortController().signal))).rejects.toMatchObject({ slug: "queue-full", message: problem.detail });
  });

  test("does not take half an answer for one", async () => {
    const daemon = new FakeDaemon();
    daemon.stream_ = () => events(["sources", { match: "good", model: null }]);
    await expect(all(daemon.client().ask(QUESTION, new AbortController().signal))).rejects.toThrow("hung up");
  });

  test("says how to start a daemon that is not there", async () => {
    const daemon = new FakeDaemon();
    daemon.up = false;
    await expect(daemon.client().related("A.md")).rejects.toThrow("vaultbot start");
  });

  test("notices a daemon of another version", async () => {
    const daemon = new FakeDaemon();
    daemon.answers["/api/suggestions"] = { status: 200, text: '{"links": []}' };
    await expect(daemon.client().suggestions("A.md")).rejects.toThrow("Bring both up to date");
  });

  test("says with every request which vault is meant, and only then", async () => {
    const daemon = new FakeDaemon();
    daemon.answers["/api/status"] = { status: 200, text: '{"notes": 1, "name": "garden"}' };
    await daemon.client().status();
    daemon.stream_ = () => events(["sources", { match: "good", model: null }], ["done", answer()]);
    await all(daemon.client().ask(QUESTION, new AbortController().signal));
    const named = daemon.sent.filter(({ url }) => new URL(url).pathname !== "/health").map(({ headers }) => headers["X-Vaultbot-Vault"] ?? "");
    expect(named.map(decodeURIComponent)).toEqual([VAULT, VAULT]);
    expect(named[0]).toMatch(/^[\x21-\x7e]+$/);
  });

  test("shows nothing of another vault, and says how to come to the right one", async () => {
    const daemon = new FakeDaemon();
    const words = "This daemon serves another vault, /notes/work. …";
    const text = JSON.stringify({ type: "/problems/other-vault", title: "This daemon serves another vault", status: 409, detail: words });
    for (const path of ["/api/status", "/api/suggestions", "/api/related"]) daemon.answers[path] = { status: 409, text };
    daemon.stream_ = () => new Response(text, { status: 409 });
    const client = daemon.client();
    for (const ask of [() => client.status(), () => client.suggestions("A.md"), () => client.related("A.md")]) {
      await expect(ask()).rejects.toMatchObject({ slug: "other-vault", message: words });
    }
    await expect(all(daemon.client().ask(QUESTION, new AbortController().signal))).rejects.toMatchObject({ slug: "other-vault" });
  });

  test("does not trust a daemon that cannot tell vaults apart", async () => {
    const daemon = new FakeDaemon();
    daemon.answers["/api/status"] = { status: 200, text: '{"notes": 1, "vault": "/notes/work"}' };
    await expect(daemon.client().status()).rejects.toThrow("Bring both up to date");
  });

  test("tells what was accepted without the note's text, and takes it back by number", async () => {
    const daemon = new FakeDaemon();
    daemon.answers["/api/suggestions/accepted"] = { status: 200, text: '{"decisions":[{"number":7}]}' };
    daemon.answers["/api/suggestions/withdraw"] = { status: 200, text: '{"cleared":1}' };
    const client = daemon.client();
    expect(await client.accepted(mention("They like compost.", "compost", "[[Compost|compost]]"))).toEqual([7]);
    await client.withdraw([7]);
    const bodies = daemon.sent.filter(({ method }) => method === "POST").map(({ body }) => JSON.parse(body ?? "") as unknown);
    const told = { id: "s_1", kind: "mention", note: "Tomato.md", target: "Compost.md", text: "compost", key: null, score: 0.8 };
    expect(bodies).toEqual([{ suggestions: [told] }, { numbers: [7] }]);
  });

  test("writes a note's name into the address so that it stays one", async () => {
    const daemon = new FakeDaemon();
    daemon.answers["/api/related"] = { status: 200, text: '{"note":"","notes":[],"warnings":[]}' };
    await daemon.client().related("A & B/C#?=量子.md");
    expect(new URL(daemon.sent[1]?.url ?? "").searchParams.get("path")).toBe("A & B/C#?=量子.md");
  });
});
