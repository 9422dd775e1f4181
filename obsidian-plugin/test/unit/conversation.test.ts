import { describe, expect, test } from "vitest";
import { Conversation } from "../../src/chat/conversation";
import { Answer, AskEvent, Question } from "../../src/daemon/records";
import { answer } from "./daemon";

const ANSWER = answer() as unknown as Answer;

function answering(...told: AskEvent[]) {
  const asked: Question[] = [];
  return {
    asked,
    ask: async function* (question: Question) {
      asked.push(question);
      yield* told;
    },
  };
}

describe("a conversation", () => {
  test("sends what was said before, with the titles of what was cited", async () => {
    const daemon = answering({ kind: "answer", answer: ANSWER });
    const conversation = new Conversation(daemon);
    await conversation.ask("What is in kimchi?");
    await conversation.ask("and how much?", "Food/");
    expect(daemon.asked[0]).toEqual({ messages: [{ role: "user", content: "What is in kimchi?" }] });
    expect(daemon.asked[1]).toEqual({
      messages: [
        { role: "user", content: "What is in kimchi?" },
        { role: "assistant", content: "Salt. [1]", cited: ["Kimchi"] },
        { role: "user", content: "and how much?" },
      ],
      path: "Food/",
    });
  });

  test("never sends more messages than the daemon takes", async () => {
    const daemon = answering({ kind: "answer", answer: ANSWER });
    const conversation = new Conversation(daemon);
    for (let turn = 0; turn < 60; turn++) await conversation.ask(`Question ${turn}`);
    const last = daemon.asked[59]?.messages ?? [];
    expect(last.length).toBe(99);
    expect(last[0]?.role).toBe("user");
    expect(last[98]?.content).toBe("Question 59");
  });

  test("leaves out what was not answered", async () => {
    let fails = true;
    const asked: Question[] = [];
    const conversation = new Conversation({
      ask: async function* (question) {
        asked.push(question);
        if (fails) throw new Error("Offline.");
        yield { kind: "answer", answer: ANSWER };
      },
    });
    await conversation.ask("First?");
    expect(conversation.turns[0]).toMatchObject({ state: "failed", failure: "Offline." });
    fails = false;
    await conversation.ask("Second?");
    expect(asked[1]?.messages).toEqual([{ role: "user", content: "Second?" }]);
  });

  test("knows how many questions the model answers first", async () => {
    const seen: number[] = [];
    const conversation = new Conversation(answering(
      { kind: "sources", match: "good", model: "tiny" }, { kind: "waiting", before: 2 }, { kind: "waiting", before: 0 },
      { kind: "answer", answer: ANSWER },
    ));
    conversation.onChange(() => void seen.push(conversation.turns[0]?.before ?? 0));
    await conversation.ask("What is in kimchi?");
    expect(seen).toEqual([0, 0, 2, 0, 0, 0]);
    expect(conversation.turns[0]?.state).toBe("done");
  });

  test("that is stopped keeps what was said so far", async () => {
    let signal: AbortSignal | undefined;
    const conversation: Conversation = new Conversation({
      ask: async function* (_question, given) {
        signal = given;
        yield { kind: "sources", match: "good", model: "tiny" };
        yield { kind: "sentence", sentence: { text: "Salt.", citations: [1], support: "quote" }, citations: [] };
        conversation.stop();
        throw new DOMException("aborted", "AbortError");
      },
    });
    await conversation.ask("What?");
    expect(signal?.aborted).toBe(true);
    expect(conversation.turns[0]).toMatchObject({ state: "stopped", failure: "" });
    expect(conversation.turns[0]?.sentences).toHaveLength(1);
    expect(conversation.busy).toBe(false);
  });

  test("asks the last question again in place of its answer", async () => {
    const daemon = answering({ kind: "answer", answer: ANSWER });
    const conversation = new Conversation(daemon);
    await conversation.ask("What?", "Food/");
    await conversation.retry();
    expect(conversation.turns).toHaveLength(1);
    expect(daemon.asked[1]).toEqual(daemon.asked[0]);
  });
});
