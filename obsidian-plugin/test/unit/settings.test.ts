import { expect, test } from "vitest";
import { isOtherVault, troubleOf } from "../../src/banner";
import { readSettings } from "../../src/settings";

test.each([
  [null, { port: 0, tokenFile: "" }],
  [{ port: 9000, tokenFile: " /state/token " }, { port: 9000, tokenFile: "/state/token" }],
  [{ port: "9000", tokenFile: 7, token: "secret" }, { port: 0, tokenFile: "" }],
  [{ port: 70000 }, { port: 0, tokenFile: "" }],
  [[], { port: 0, tokenFile: "" }],
])("settings are read as far as they are valid: %j", (stored, settings) => {
  expect(readSettings(stored)).toEqual(settings);
});

test("another vault is told by its folder's name", () => {
  expect(isOtherVault("/home/me/Garden", "Garden")).toBe(false);
  expect(isOtherVault("C:\\Users\\me\\Garden\\", "Garden")).toBe(false);
  expect(isOtherVault("/home/me/Work", "Garden")).toBe(true);
  const status = { state: "ready", message: "ready", vault: "/home/me/Work", notes: 1, model: null, version: "0.1.0", progress: null };
  expect(troubleOf({ kind: "online", status }, "Garden")).toContain("/home/me/Work");
  expect(troubleOf({ kind: "online", status }, "Work")).toBeNull();
});
