/** Notes that are close to the one in front and not linked with it. */

import { ItemView, WorkspaceLeaf } from "obsidian";
import { ActiveNote, Loaded } from "../active-note";
import { showTrouble } from "../banner";
import { Client } from "../daemon/client";
import { Connection } from "../daemon/connection";
import { RelatedNote, RelatedNotes } from "../daemon/records";
import { arrowKeys, iconButton, placeButton, textIn } from "../elements";
import { insertAtCursor, linkTo, PlaceInNote } from "../notes";
import { shown } from "../wording";

export const RELATED_VIEW = "vaultbot-related";

export class RelatedView extends ItemView {
  private list!: HTMLElement;

  constructor(
    leaf: WorkspaceLeaf,
    private readonly client: Client,
    private readonly connection: Connection,
  ) {
    super(leaf);
  }

  getViewType(): string {
    return RELATED_VIEW;
  }

  getDisplayText(): string {
    return "Related notes";
  }

  override getIcon(): string {
    return "waypoints";
  }

  override async onOpen(): Promise<void> {
    this.contentEl.empty();
    this.contentEl.addClass("vaultbot", "vaultbot-related");
    this.register(showTrouble(this.contentEl, this.connection));
    this.list = this.contentEl.createDiv({ cls: "vaultbot-list" });
    arrowKeys(this.list, ".vaultbot-place");
    this.addChild(new ActiveNote(this.app, this.connection, (path) => this.client.related(path), (loaded) => this.draw(loaded)));
  }

  private draw(loaded: Loaded<RelatedNotes>): void {
    this.list.setAttribute("aria-busy", String(loaded.kind === "loading"));
    // The notes before stay until the new ones are there: no flicker, and nothing jumps.
    if (loaded.kind === "loading" && this.list.childElementCount > 0) return;
    this.list.empty();
    if (loaded.kind !== "loaded") {
      const words = { "no-note": "Open a note to see what is close to it.", loading: "Looking …", failed: "" };
      const text = loaded.kind === "failed" ? loaded.why : words[loaded.kind];
      this.list.createDiv({ cls: "vaultbot-empty", text });
      return;
    }
    const { notes, warnings } = loaded.value;
    for (const warning of warnings) textIn(this.list, "div", "vaultbot-note", warning);
    if (notes.length === 0) this.list.createDiv({ cls: "vaultbot-empty", text: "No note is close to this one that it is not linked with." });
    for (const note of notes) this.drawNote(note);
  }

  private drawNote(note: RelatedNote): void {
    const place: PlaceInNote = {
      path: note.path, title: note.title, heading_path: note.there?.heading_path ?? [], line: note.there?.line ?? 1,
    };
    const card = this.list.createDiv({ cls: "vaultbot-card", attr: { role: "group", "aria-label": shown(note.title) } });
    const head = card.createDiv({ cls: "vaultbot-head" });
    placeButton(this.app, head, "vaultbot-place", note.title, place);
    const percent = Math.round(note.score * 100);
    const meter = head.createEl("meter", { cls: "vaultbot-score", attr: { min: "0", max: "1", value: String(note.score) } });
    meter.setAttribute("aria-label", `Closeness ${percent} of 100`);
    meter.setAttribute("title", `Closeness ${percent} of 100`);
    iconButton(head, "link", `Insert a link to ${note.title} at the cursor`, () =>
      void insertAtCursor(this.app, (path) => linkTo(this.app, { ...place, heading_path: [] }, path)),
    );
    textIn(card, "div", "vaultbot-path", [note.path, ...(place.heading_path.length > 0 ? place.heading_path : [])].join(" › "));
    if (note.near_copy) card.createDiv({ cls: "vaultbot-doubt", text: "says the same in the same words" });
    if (note.there) textIn(card, "div", "vaultbot-snippet", note.there.text);
    this.drawReasons(card, note);
  }

  private drawReasons(card: HTMLElement, note: RelatedNote): void {
    const shared = [...note.tags.map((tag) => `#${tag}`), ...note.links.map(nameOf), ...note.words].slice(0, 8);
    if (shared.length === 0) return;
    const row = card.createDiv({ cls: "vaultbot-shared", attr: { "aria-label": "Both have" } });
    for (const word of shared) textIn(row, "span", "vaultbot-chip", word);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.md$/, "");
}
