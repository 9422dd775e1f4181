/** What can go wrong on the way to the daemon. Every message is for a person, with the next step in it. */

import { shown } from "../wording";

/** Nobody answers, or nobody that can be trusted. */
export class Offline extends Error {
  override readonly name = "Offline";
}

/** The daemon answered that it cannot do that. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    /** A word that does not change, as in docs/api.md. */
    readonly slug: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** The problem that an answer with this body is about. */
export function problemOf(status: number, body: string): Problem {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    document = null;
  }
  const { type, title, detail } = (document ?? {}) as Record<string, unknown>;
  const words = [detail, title].find((one): one is string => typeof one === "string" && one !== "");
  const slug = typeof type === "string" ? type.slice(type.lastIndexOf("/") + 1) : "unknown";
  return new Problem(slug, words ?? `The daemon answered ${status}. Its log says more: vaultbot status names it.`, status);
}

/** What to tell a person about any error. */
export function wordsOf(error: unknown): string {
  return shown(error instanceof Error ? error.message : String(error));
}
