/** The view that answers questions. */

import { ItemView, Notice, WorkspaceLeaf } from "obsidian";
import { showTrouble } from "../banner";
import { Connection } from "../daemon/connection";
import { iconButton } from "../elements";
import { insertAtCursor, linkTo } from "../notes";
import { shown } from "../wording";
import { Conversation, Turn } from "./conversation";
import { answerAsMarkdown } from "./markdown";
import { drawTurn } from "./turn";

export const CHAT_VIEW = "vaultbot-chat";

type ScopeChoice = "vault" | "folder" | "note";

export class ChatView extends ItemView {
  private turns!: HTMLElement;
  private spoken!: HTMLElement;
  private readonly drawn = new Map<Turn, { el: HTMLElement; as: string }>();
  private announced = "";
  private input!: HTMLTextAreaElement;
  private where!: HTMLSelectElement;
  private submit!: HTMLButtonElement;

  constructor(
    leaf: WorkspaceLeaf,
    private readonly conversation: Conversation,
    private readonly connection: Connection,
  ) {
    super(leaf);
  }

  getViewType(): string {
    return CHAT_VIEW;
  }

  getDisplayText(): string {
    return "Ask your vault";
  }

  override getIcon(): string {
    return "message-circle-question";
  }

  override async onOpen(): Promise<void> {
    this.contentEl.empty();
    this.drawn.clear();
    this.contentEl.addClass("vaultbot", "vaultbot-chat");
    this.register(showTrouble(this.contentEl, this.connection));
    this.turns = this.contentEl.createDiv({
      cls: "vaultbot-turns",
      attr: { role: "region", "aria-label": "Questions and answers", tabindex: "0" },
    });
    // What is drawn anew would be read out anew, so what is new is told on its own.
    this.spoken = this.contentEl.createDiv({ cls: "vaultbot-spoken", attr: { role: "status" } });
    this.makeForm();
    this.register(this.conversation.onChange(() => this.draw()));
    this.registerEvent(this.app.workspace.on("file-open", () => this.nameScopes()));
    this.nameScopes();
    this.draw();
  }

  /** Where the next question is typed. */
  focus(): void {
    this.input.focus();
  }

  private makeForm(): void {
    const form = this.contentEl.createEl("form", { cls: "vaultbot-form" });
    this.input = form.createEl("textarea", {
      cls: "vaultbot-input",
      attr: { rows: "2", placeholder: "Ask your vault", "aria-label": "Your question", maxlength: "4000", dir: "auto" },
    });
    const row = form.createDiv({ cls: "vaultbot-row" });
    this.where = row.createEl("select", { cls: "dropdown", attr: { "aria-label": "Where to look" } });
    for (const choice of ["vault", "folder", "note"]) this.where.createEl("option", { value: choice });
    iconButton(row, "square-pen", "New conversation", () => {
      this.conversation.clear();
      this.focus();
    });
    this.submit = row.createEl("button", { cls: "mod-cta vaultbot-submit", attr: { type: "submit" } });
    this.registerDomEvent(form, "submit", (event) => {
      event.preventDefault();
      this.askOrStop();
    });
    this.registerDomEvent(this.input, "keydown", (event) => {
      // While Japanese or Chinese is being composed, Enter chooses a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.conversation.busy) this.askOrStop();
    });
    this.registerDomEvent(this.contentEl, "keydown", (event) => {
      if (event.key === "Escape" && this.conversation.busy) this.conversation.stop();
    });
  }

  private askOrStop(): void {
    if (this.conversation.busy) {
      this.conversation.stop();
      return;
    }
    const question = this.input.value.trim();
    if (question === "") return;
    this.input.value = "";
    void this.conversation.ask(question, this.scopePath());
    this.focus();
  }

  private scopePath(): string {
    const file = this.app.workspace.getActiveFile();
    const choice = this.where.value as ScopeChoice;
    if (!file || choice === "vault") return "";
    if (choice === "note") return file.path;
    return file.parent && !file.parent.isRoot() ? `${file.parent.path}/` : "";
  }

  private nameScopes(): void {
    const file = this.app.workspace.getActiveFile();
    const folder = file?.parent && !file.parent.isRoot() ? file.parent.name : null;
    const names: Record<ScopeChoice, string | null> = {
      vault: "Whole vault",
      folder: folder === null ? null : `Folder: ${folder}`,
      note: file ? `Note: ${file.basename}` : null,
    };
    for (const option of Array.from(this.where.options)) {
      const name = names[option.value as ScopeChoice];
      option.text = shown(name ?? "");
      option.hidden = option.disabled = name === null;
      if (name === null && option.selected) this.where.value = "vault";
    }
  }

  private draw(): void {
    const { turns, busy } = this.conversation;
    const atEnd = this.turns.scrollHeight - this.turns.scrollTop - this.turns.clientHeight < 40;
    for (const [turn, { el }] of this.drawn) {
      if (turns.includes(turn)) continue;
      el.remove();
      this.drawn.delete(turn);
    }
    this.turns.querySelector(".vaultbot-welcome")?.remove();
    if (turns.length === 0) this.drawWelcome();
    turns.forEach((turn, at) => this.drawOnce(turn, at === turns.length - 1 && !busy));
    if (atEnd) this.turns.scrollTop = this.turns.scrollHeight;
    this.announce(turns[turns.length - 1]);
    this.submit.setText(busy ? "Stop" : "Ask");
    this.submit.setAttribute("aria-label", busy ? "Stop answering (Escape)" : "Ask");
    this.submit.toggleClass("mod-warning", busy);
    this.submit.toggleClass("mod-cta", !busy);
  }

  /** A turn that looks as before stays as it is, and whatever has the focus in it keeps it. */
  private drawOnce(turn: Turn, retry: boolean): void {
    const as = [turn.state, turn.sentences.length, turn.model, turn.before, retry].join();
    const before = this.drawn.get(turn);
    if (before?.as === as) return;
    const el = before?.el ?? this.turns.createDiv({ cls: "vaultbot-turn" });
    el.empty();
    drawTurn(this.app, el, turn, {
      copy: (one) => void this.copy(one),
      insert: (one) => void insertAtCursor(this.app, (path) => this.markdown(one, path)),
      ...(retry ? { retry: () => void this.conversation.retry() } : {}),
    });
    this.drawn.set(turn, { el, as });
  }

  private announce(turn: Turn | undefined): void {
    const words = turn?.answer?.refused
      ? "Not in your notes."
      : turn?.state === "failed"
        ? turn.failure
        : turn?.state === "stopped"
          ? "Stopped."
          : (turn?.sentences[turn.sentences.length - 1]?.text ?? "");
    if (words === this.announced) return;
    this.announced = words;
    this.spoken.setText(shown(words));
  }

  private drawWelcome(): void {
    const welcome = this.turns.createDiv({ cls: "vaultbot-welcome" });
    welcome.createEl("p", { text: "Ask a question. The answer comes from your own notes, every sentence with its source." });
    welcome.createEl("p", {
      text: "A follow-up is understood from the question before. Filters such as tag:cooking or “last week” may stand in it.",
    });
  }

  private markdown(turn: Turn, source: string): string {
    const { sentences, citations, answer } = turn;
    const { refused = false, nearest = [], differences = [] } = answer ?? {};
    const whole = { sentences, citations, refused, nearest, differences };
    return answerAsMarkdown(whole, (place) => linkTo(this.app, place, source));
  }

  private async copy(turn: Turn): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.markdown(turn, ""));
      new Notice("Copied, with its sources.");
    } catch {
      new Notice("The clipboard cannot be used here.");
    }
  }
}
