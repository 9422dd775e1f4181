/** What the note in front could be given: shown first, done when it is accepted, forgotten when it is dismissed. */

import { ItemView, Menu, WorkspaceLeaf } from "obsidian";
import { ActiveNote, Loaded } from "../active-note";
import { showTrouble } from "../banner";
import { Client } from "../daemon/client";
import { Connection } from "../daemon/connection";
import { wordsOf } from "../daemon/failures";
import { Scope, Suggestion, SuggestionKind, Suggestions } from "../daemon/records";
import { arrowKeys, iconButton, textButton, textIn } from "../elements";
import { openPlace } from "../notes";
import { shown } from "../wording";
import { accept, Undo } from "./accept";
import { drawPreview, headline, KINDS } from "./preview";

export const SUGGESTIONS_VIEW = "vaultbot-suggestions";

const SCOPES: Record<Scope, string> = {
  here: "Not here",
  pair: "Not this target in this note",
  phrase: "Not these words in any note",
};

export class SuggestionsView extends ItemView {
  private list!: HTMLElement;
  private note!: ActiveNote<Suggestions>;
  private shownPath = "";

  constructor(
    leaf: WorkspaceLeaf,
    private readonly client: Client,
    private readonly connection: Connection,
  ) {
    super(leaf);
  }

  getViewType(): string {
    return SUGGESTIONS_VIEW;
  }

  getDisplayText(): string {
    return "Suggestions";
  }

  override getIcon(): string {
    return "sparkles";
  }

  override async onOpen(): Promise<void> {
    this.contentEl.empty();
    this.contentEl.addClass("vaultbot", "vaultbot-suggestions");
    this.register(showTrouble(this.contentEl, this.connection));
    this.list = this.contentEl.createDiv({ cls: "vaultbot-list" });
    arrowKeys(this.list, ".vaultbot-card");
    this.note = new ActiveNote(this.app, this.connection, (path) => this.client.suggestions(path), (loaded) => this.draw(loaded));
    this.addChild(this.note);
  }

  private draw(loaded: Loaded<Suggestions>): void {
    this.list.setAttribute("aria-busy", String(loaded.kind === "loading"));
    if (loaded.kind === "loading" && loaded.path === this.shownPath) return;
    this.list.empty();
    this.shownPath = loaded.kind === "loaded" ? loaded.path : "";
    if (loaded.kind !== "loaded") {
      const words = { "no-note": "Open a note to see what it could be given.", loading: "Looking …", failed: "" };
      this.list.createDiv({ cls: "vaultbot-empty", text: loaded.kind === "failed" ? loaded.why : words[loaded.kind] });
      return;
    }
    const { suggestions } = loaded.value;
    if (suggestions.length === 0) this.list.createDiv({ cls: "vaultbot-empty", text: "Nothing to suggest for this note." });
    for (const kind of Object.keys(KINDS) as SuggestionKind[]) {
      const those = suggestions.filter((one) => one.kind === kind);
      if (those.length === 0) continue;
      const group = this.list.createEl("section", { cls: "vaultbot-group", attr: { "aria-label": KINDS[kind] } });
      group.createEl("h4", { cls: "vaultbot-kind", text: KINDS[kind] });
      for (const suggestion of those) this.drawSuggestion(group, suggestion);
    }
  }

  private drawSuggestion(parent: HTMLElement, suggestion: Suggestion): void {
    const name = shown(headline(suggestion));
    const card = parent.createDiv({ cls: "vaultbot-card", attr: { role: "group", tabindex: "0", "aria-label": name } });
    const head = card.createDiv({ cls: "vaultbot-head" });
    textIn(head, "span", "vaultbot-name", name);
    if (suggestion.edit.type === "replace") {
      textButton(head, `line ${suggestion.line}`, "vaultbot-line", () => this.reveal(suggestion));
    }
    drawPreview(card, suggestion);
    textIn(card, "div", "vaultbot-path", suggestion.reasons.join(" · "));
    const buttons = card.createDiv({ cls: "vaultbot-buttons" });
    const accepting = textButton(buttons, "Accept", "mod-cta", () => void this.accept(card, suggestion));
    accepting.setAttribute("aria-label", `Accept: ${name}`);
    textButton(buttons, "Dismiss", "", () => void this.dismiss(card, suggestion, "here")).setAttribute("aria-label", `Dismiss: ${name}`);
    iconButton(buttons, "ellipsis", "Dismiss more", () => undefined).addEventListener("click", (event) => {
      const menu = new Menu();
      for (const scope of ["here", "pair", "phrase"] as const) {
        menu.addItem((item) => item.setTitle(SCOPES[scope]).onClick(() => void this.dismiss(card, suggestion, scope)));
      }
      menu.showAtMouseEvent(event);
    });
    card.addEventListener("keydown", (event) => {
      if (event.target !== card || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "a" || event.key === "Enter") void this.accept(card, suggestion);
      else if (event.key === "d") void this.dismiss(card, suggestion, "here");
    });
  }

  private reveal({ note, line }: Suggestion): void {
    void openPlace(this.app, { path: note, title: note, heading_path: [], line });
  }

  private async accept(card: HTMLElement, suggestion: Suggestion): Promise<void> {
    if (card.hasClass("is-decided")) return;
    card.addClass("is-decided");
    let undo: Undo;
    try {
      undo = await accept(this.app, suggestion);
    } catch (error) {
      card.removeClass("is-decided");
      this.fail(card, error);
      return;
    }
    // The note is written, whether the daemon learns of it or not.
    const told = this.client.accepted(suggestion).catch(() => []);
    this.decided(card, "Accepted.", async () => {
      await undo();
      const numbers = await told;
      if (numbers.length > 0) await this.client.withdraw(numbers).catch(() => undefined);
    });
  }

  private async dismiss(card: HTMLElement, suggestion: Suggestion, scope: Scope): Promise<void> {
    if (card.hasClass("is-decided")) return;
    card.addClass("is-decided");
    try {
      await this.client.dismiss(this.shownPath, suggestion.id, scope);
    } catch (error) {
      card.removeClass("is-decided");
      this.fail(card, error);
      return;
    }
    this.decided(card, "Dismissed.", null);
    // What else the dismissal reaches is not listed any more.
    if (scope !== "here") await this.note.reload();
  }

  /** The card stays, so that the eye finds what it decided, and the focus moves on. */
  private decided(card: HTMLElement, words: string, undo: Undo | null): void {
    const cards = Array.from(this.list.querySelectorAll<HTMLElement>(".vaultbot-card:not(.is-decided)"));
    const next = cards.find((one) => card.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) ?? cards[0];
    const hadFocus = card.contains(card.ownerDocument.activeElement);
    card.querySelector(".vaultbot-buttons")?.remove();
    card.querySelector(".vaultbot-failure")?.remove();
    const row = card.createDiv({ cls: "vaultbot-buttons", attr: { role: "status" } });
    row.createSpan({ text: words });
    if (undo) {
      const button = textButton(row, "Undo", "", () => {
        undo().then(
          () => void this.note.reload(),
          (error: unknown) => this.fail(card, error),
        );
      });
      if (hadFocus && !next) button.focus();
    }
    if (hadFocus) next?.focus();
  }

  private fail(card: HTMLElement, error: unknown): void {
    card.querySelector(".vaultbot-failure")?.remove();
    card.createDiv({ cls: "vaultbot-failure", text: wordsOf(error), attr: { role: "alert" } });
  }
}
