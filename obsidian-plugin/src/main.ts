/** The companion of the vaultbot daemon: views, commands, and the connection that they share. */

import { App, FileSystemAdapter, Notice, Platform, Plugin, WorkspaceLeaf } from "obsidian";
import { CHAT_VIEW, ChatView } from "./chat/view";
import { Conversation } from "./chat/conversation";
import { Client } from "./daemon/client";
import { Connection, inBrief, Pause } from "./daemon/connection";
import { wordsOf } from "./daemon/failures";
import { findDaemon, Whereabouts } from "./daemon/place";
import { HOVER_SOURCE } from "./elements";
import { RELATED_VIEW, RelatedView } from "./related/view";
import { DEFAULTS, inFull, readSettings, VaultbotSettingTab } from "./settings";
import { SUGGESTIONS_VIEW, SuggestionsView } from "./suggestions/view";
import { obsidianTransport } from "./transport";

export default class VaultbotPlugin extends Plugin {
  override settings: Whereabouts = DEFAULTS;

  override async onload(): Promise<void> {
    this.settings = readSettings(await this.loadData());
    const client = new Client(() => findDaemon(this.settings, readLocalFile), obsidianTransport, folderOf(this.app));
    const connection = new Connection(client, pause);
    const conversation = new Conversation(client);
    this.register(() => conversation.stop());
    this.register(() => connection.end());

    this.registerView(CHAT_VIEW, (leaf) => new ChatView(leaf, conversation, connection));
    this.registerView(RELATED_VIEW, (leaf) => new RelatedView(leaf, client, connection));
    this.registerView(SUGGESTIONS_VIEW, (leaf) => new SuggestionsView(leaf, client, connection));
    this.registerHoverLinkSource(HOVER_SOURCE, { display: this.manifest.name, defaultMod: true });
    this.addSettingTab(new VaultbotSettingTab(this.app, this, connection));
    this.settingsChanged = () => connection.retry();

    this.addRibbonIcon("message-circle-question", "Ask your vault", () => void this.ask());
    this.addCommand({ id: "ask", name: "Ask your vault", callback: () => void this.ask() });
    this.addCommand({ id: "related", name: "Show related notes", callback: () => void this.open(RELATED_VIEW) });
    this.addCommand({ id: "suggest", name: "Show suggestions for the note", callback: () => void this.open(SUGGESTIONS_VIEW) });
    this.addCommand({ id: "index", name: "Look through the vault now", callback: () => void this.index(client) });
    this.addCommand({
      id: "check",
      name: "Check the connection",
      callback: () => {
        new Notice(inFull(connection.state));
        connection.retry();
      },
    });
    this.addStatus(connection);
    // Obsidian is not kept waiting for a daemon.
    this.app.workspace.onLayoutReady(() => void connection.run());
  }

  /** Keep these settings, and look for the daemon where they say. */
  change(given: Partial<Whereabouts>): void {
    this.settings = { ...this.settings, ...given };
    void this.saveData(this.settings);
    this.settingsChanged();
  }

  private settingsChanged: () => void = () => undefined;

  private async ask(): Promise<void> {
    const leaf = await this.open(CHAT_VIEW);
    if (leaf.view instanceof ChatView) leaf.view.focus();
  }

  private async open(type: string): Promise<WorkspaceLeaf> {
    return this.app.workspace.ensureSideLeaf(type, "right", { active: true, reveal: true });
  }

  private async index(client: Client): Promise<void> {
    try {
      await client.index();
      new Notice("The daemon looks through the vault.");
    } catch (error) {
      new Notice(wordsOf(error));
    }
  }

  private addStatus(connection: Connection): void {
    const item = this.addStatusBarItem();
    item.addClass("mod-clickable", "vaultbot-status");
    item.setAttrs({ role: "button", tabindex: "0" });
    const activate = (): void => {
      if (connection.state.kind === "online") void this.ask();
      else connection.retry();
    };
    this.registerDomEvent(item, "click", activate);
    this.registerDomEvent(item, "keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") activate();
    });
    this.register(
      connection.onChange((state) => {
        item.setText(`vaultbot: ${inBrief(state)}`);
        item.setAttr("aria-label", inFull(state));
        item.toggleClass("is-offline", state.kind !== "online");
      }),
    );
  }
}

/** The vault's folder on this computer. */
function folderOf(app: App): string {
  const { adapter } = app.vault;
  return adapter instanceof FileSystemAdapter ? adapter.getBasePath() : app.vault.getName();
}

/** The token's file lies outside the vault, where Obsidian reads on a computer only. */
async function readLocalFile(path: string): Promise<string> {
  if (!Platform.isDesktopApp) throw new Error("Files outside the vault cannot be read here.");
  return new TextDecoder().decode(await FileSystemAdapter.readLocalFile(path));
}

const pause: Pause = (ms, cut) =>
  new Promise((resolve) => {
    const timer = window.setTimeout(done, ms);
    function done(): void {
      window.clearTimeout(timer);
      cut.removeEventListener("abort", done);
      resolve();
    }
    if (cut.aborted) done();
    else cut.addEventListener("abort", done);
  });
