/** Where the daemon listens, and the token that it wants. */

import { Offline } from "./failures";

export interface Place {
  port: number;
  token: string;
}

export interface Whereabouts {
  /** 0: as the daemon itself tells in `daemon.json`, beside the token's file. */
  port: number;
  /** Where the token's file is. The token itself is never stored. */
  tokenFile: string;
}

/** Reads a small file outside the vault. */
export type ReadFile = (path: string) => Promise<string>;

const START = "Start it with: vaultbot start";

/** Read anew for every request: a daemon that was started again may have another port. */
export async function findDaemon(where: Whereabouts, read: ReadFile): Promise<Place> {
  if (where.tokenFile === "") {
    throw new Offline("The token's file is not set. Run: vaultbot plugin install, or name it in the settings.");
  }
  let token: string;
  try {
    token = (await read(where.tokenFile)).trim();
  } catch {
    throw new Offline(`There is no token at ${where.tokenFile} yet. ${START}`);
  }
  // The rule of the daemon itself, so that no other file is ever sent anywhere by mistake.
  if (!/^[A-Za-z0-9_-]{32,100}$/.test(token)) {
    throw new Offline(`${where.tokenFile} holds no token. The right file is named by: vaultbot status`);
  }
  return { port: where.port === 0 ? await portBeside(where.tokenFile, read) : where.port, token };
}

async function portBeside(tokenFile: string, read: ReadFile): Promise<number> {
  const file = tokenFile.replace(/[^/\\]*$/, "daemon.json");
  let port: unknown;
  try {
    port = (JSON.parse(await read(file)) as { port?: unknown }).port;
  } catch {
    // The daemon removes it when it ends.
  }
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Offline(`vaultbot is not running. ${START}`);
  }
  return port;
}
