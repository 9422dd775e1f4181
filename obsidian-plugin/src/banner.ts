/** The line at the top of a view that says when the daemon is not there, and what to do. */

import { Connection, ConnectionState } from "./daemon/connection";

/** What ails, in a sentence; null when all is well. */
export function troubleOf(state: ConnectionState): string | null {
  switch (state.kind) {
    case "connecting":
      return null;
    case "offline":
    case "refused":
      return state.why;
    case "online":
      return state.status.state === "vault-missing" ? state.status.message : null;
  }
}

/** Shows it for as long as the view is open. Returns how to stop. */
export function showTrouble(parent: HTMLElement, connection: Connection): () => void {
  const banner = parent.createDiv({ cls: "vaultbot-banner", attr: { role: "status" } });
  return connection.onChange((state) => {
    const trouble = troubleOf(state);
    banner.empty();
    banner.toggle(trouble !== null);
    if (trouble === null) return;
    banner.createSpan({ text: trouble });
    const again = banner.createEl("button", { text: "Try again", attr: { type: "button" } });
    again.addEventListener("click", () => connection.retry());
  });
}
