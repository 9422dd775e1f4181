import { expect, test } from "vitest";
import { troubleOf } from "../../src/banner";
import { inFull, readSettings } from "../../src/settings";

test.each([
  [null, { port: 0, tokenFile: "" }],
  [{ port: 9000, tokenFile: " /state/token " }, { port: 9000, tokenFile: "/state/token" }],
  [{ port: "9000", tokenFile: 7, token: "secret" }, { port: 0, tokenFile: "" }],
  [{ port: 70000 }, { port: 0, tokenFile: "" }],
  [[], { port: 0, tokenFile: "" }],
])("settings are read as far as they are valid: %j", (stored, settings) => {
  expect(readSettings(stored)).toEqual(settings);
});

test("what ails is said above every view", () => {
  const status = { state: "ready", message: "ready", vault: "/users/me/Work", name: "work", notes: 1, model: null, version: "0.1.0", progress: null };
  expect(troubleOf({ kind: "online", status })).toBeNull();
  expect(troubleOf({ kind: "online", status: { ...status, state: "vault-missing", message: "It is gone." } })).toBe("It is gone.");
  expect(troubleOf({ kind: "refused", why: "This daemon serves another vault." })).toBe("This daemon serves another vault.");
  expect(inFull({ kind: "online", status })).toContain("for work, /users/me/Work: 1 note");
});
