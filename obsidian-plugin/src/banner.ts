/** The line at the top of a view that says when the daemon is not there, and what to do. */

import { Connection, ConnectionState } from "./daemon/connection";

/** What ails, in a sentence; null when all is well. */
export function troubleOf(state: ConnectionState, vaultName: string): string | null {
  switch (state.kind) {
    case "connecting":
      return null;
    case "offline":
    case "refused":
      return state.why;
    case "online": {
      if (isOtherVault(state.status.vault, vaultName)) {
        return `This daemon serves another vault, ${state.status.vault}. Name this vault's token file in the settings.`;
      }
      return state.status.state === "vault-missing" ? state.status.message : null;
    }
  }
}

/** By the folder's name: the same folder may be reached by several paths. */
export function isOtherVault(served: string, vaultName: string): boolean {
  const name = served.split(/[/\\]/).filter((part) => part !== "").pop() ?? "";
  return name.normalize("NFC") !== vaultName.normalize("NFC");
}

/** Shows it for as long as the view is open. Returns how to stop. */
export function showTrouble(parent: HTMLElement, connection: Connection, vaultName: string): () => void {
  const banner = parent.createDiv({ cls: "vaultbot-banner", attr: { role: "status" } });
  return connection.onChange((state) => {
    const trouble = troubleOf(state, vaultName);
    banner.empty();
    banner.toggle(trouble !== null);
    if (trouble === null) return;
    banner.createSpan({ text: trouble });
    const again = banner.createEl("button", { text: "Try again", attr: { type: "button" } });
    again.addEventListener("click", () => connection.retry());
  });
}
