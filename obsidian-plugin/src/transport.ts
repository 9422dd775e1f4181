/** How requests travel from within Obsidian. */

import { requestUrl } from "obsidian";
import { Transport } from "./daemon/client";

export const obsidianTransport: Transport = {
  async request({ url, method, headers, body }) {
    const answer = await requestUrl({ url, method, headers, throw: false, ...(body === undefined ? {} : { body }) });
    return { status: answer.status, text: answer.text };
  },

  // The one use of fetch: requestUrl gives an answer only when it is complete, and cannot be stopped.
  stream({ url, method, headers, body }, signal) {
    const init: RequestInit = { method, headers, signal, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };
    return window.fetch(url, body === undefined ? init : { ...init, body });
  },
};
