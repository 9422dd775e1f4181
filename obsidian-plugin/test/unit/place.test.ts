import { describe, expect, test } from "vitest";
import { findDaemon } from "../../src/daemon/place";

const TOKEN = "t".repeat(43);

function files(found: Record<string, string>) {
  return (path: string): Promise<string> => (path in found ? Promise.resolve(found[path] as string) : Promise.reject(new Error("ENOENT")));
}

describe("the daemon", () => {
  test("tells its port beside the token", async () => {
    const read = files({ "/state/token": `${TOKEN}\n`, "/state/daemon.json": '{"pid": 1, "port": 41234}' });
    expect(await findDaemon({ port: 0, tokenFile: "/state/token" }, read)).toEqual({ port: 41234, token: TOKEN });
  });

  test("is found on Windows, too", async () => {
    const read = files({ "C:\\state\\token": TOKEN, "C:\\state\\daemon.json": '{"port": 8765}' });
    expect((await findDaemon({ port: 0, tokenFile: "C:\\state\\token" }, read)).port).toBe(8765);
  });

  test("may have a port of the user's choice", async () => {
    expect((await findDaemon({ port: 9000, tokenFile: "/t" }, files({ "/t": TOKEN }))).port).toBe(9000);
  });

  test.each([
    [{ port: 0, tokenFile: "" }, {}, "vaultbot plugin install"],
    [{ port: 0, tokenFile: "/state/token" }, {}, "vaultbot start"],
    [{ port: 0, tokenFile: "/state/token" }, { "/state/token": TOKEN }, "not running"],
    [{ port: 0, tokenFile: "/state/token" }, { "/state/token": TOKEN, "/state/daemon.json": '{"port": "80"}' }, "not running"],
    [{ port: 0, tokenFile: "/etc/passwd" }, { "/etc/passwd": "root:x:0:0" }, "holds no token"],
  ])("that cannot be found is told with the next step: %j", async (where, found, words) => {
    await expect(findDaemon(where, files(found as Record<string, string>))).rejects.toThrow(words);
  });
});
