// @ts-check
/** Who this page is: a one-time code from the address, changed for a token that this tab keeps until it is closed. */

import { changeCode } from "./daemon.js";

const KEPT = "vaultbot-token";

/**
 * The token, or "" when there is none. Rejects when the address has a code that lets nobody in.
 * @returns {Promise<string>}
 */
export async function logIn() {
  const code = location.hash.startsWith("#c=") ? location.hash.slice(3) : "";
  if (code === "") return sessionStorage.getItem(KEPT) ?? "";
  // Out of the address before anything else: nobody should find it in the history.
  history.replaceState(null, "", location.pathname);
  forgetToken();
  const token = await changeCode(code);
  sessionStorage.setItem(KEPT, token);
  return token;
}

export function forgetToken() {
  sessionStorage.removeItem(KEPT);
}

// A new code in the address of this tab changes the fragment alone, which loads nothing by itself.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#c=")) location.reload();
});
