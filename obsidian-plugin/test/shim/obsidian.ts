/** As much of Obsidian as the plugin uses, after obsidian.d.ts: small, and working. */

import { Disk } from "./disk";
import { Editor } from "./editor";
import { Component, Events } from "./events";
import { drawIcon } from "./icons";
import { FileManager, MetadataCache, TFile, Vault } from "./vault";

export { Component, Events } from "./events";
export { resolveSubpath, stripHeadingForLink, TFile, TFolder } from "./vault";
export { Setting, SettingTab as PluginSettingTab } from "./settings";

/** What is different where the shim runs. */
export const machine = {
  readLocalFile: (path: string): Promise<ArrayBuffer> => Promise.reject(new Error(`no file ${path}`)),
  requestUrl: (_sent: RequestUrlParam): Promise<{ status: number; text: string }> => Promise.reject(new Error("net::ERR_CONNECTION_REFUSED")),
  notices: [] as string[],
};

export interface RequestUrlParam {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  throw?: boolean;
}

export const requestUrl = (sent: RequestUrlParam): Promise<{ status: number; text: string }> => machine.requestUrl(sent);
export const Platform = { isDesktopApp: true, isMobile: false };
export const normalizePath = (path: string): string => path.replace(/\u00A0/g, " ").replace(/\/+/g, "/").replace(/^\/|\/$/g, "").normalize("NFC");
export const setIcon = drawIcon;

export class FileSystemAdapter {
  constructor(private readonly folder: string) {}

  getBasePath(): string {
    return this.folder;
  }

  static readLocalFile(path: string): Promise<ArrayBuffer> {
    return machine.readLocalFile(path);
  }
}

export class Notice {
  constructor(message: string) {
    machine.notices.push(message);
  }
}

export const Keymap = {
  isModEvent: (event: MouseEvent | null): "tab" | false => (event && (event.ctrlKey || event.metaKey) ? "tab" : false),
};

export function debounce<T extends unknown[]>(call: (...given: T) => unknown, ms: number, reset = false): (...given: T) => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  return (...given) => {
    if (timer !== null && !reset) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      call(...given);
    }, ms);
  };
}

export class Menu {
  private readonly items: MenuItem[] = [];

  addItem(build: (item: MenuItem) => unknown): this {
    const item = new MenuItem();
    build(item);
    this.items.push(item);
    return this;
  }

  showAtMouseEvent(): void {
    const menu = document.body.createDiv({ cls: "menu", attr: { role: "menu" } });
    for (const { title, action } of this.items) {
      const el = menu.createDiv({ cls: "menu-item", text: title, attr: { role: "menuitem", tabindex: "0" } });
      el.addEventListener("click", () => {
        menu.remove();
        action();
      });
    }
  }
}

class MenuItem {
  title = "";
  action: () => unknown = () => undefined;

  setTitle(title: string): this {
    this.title = title;
    return this;
  }

  onClick(action: () => unknown): this {
    this.action = action;
    return this;
  }
}

// ── views ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export class View extends Component {
  readonly app: App;
  readonly containerEl: HTMLElement;

  constructor(readonly leaf: WorkspaceLeaf) {
    super();
    this.app = leaf.app;
    this.containerEl = leaf.el;
  }
}

export class ItemView extends View {
  readonly contentEl: HTMLElement;

  constructor(leaf: WorkspaceLeaf) {
    super(leaf);
    this.contentEl = leaf.el.createDiv({ cls: "view-content" });
  }

  async onOpen(): Promise<void> {}
}

export class MarkdownView extends View {
  editor = new Editor("", () => undefined);
  file: TFile | null = null;

  getMode(): "source" | "preview" {
    return "source";
  }

  async open(file: TFile): Promise<void> {
    this.file = file;
    const text = await this.app.vault.read(file);
    this.app.metadataCache.texts.set(file.path, text);
    this.editor = new Editor(text, (edited) => {
      this.draw();
      void this.app.vault.disk.write(file.path, new TextEncoder().encode(edited));
    });
    this.draw();
  }

  draw(): void {
    this.containerEl.empty();
    this.containerEl.createEl("h1", { cls: "inline-title", text: this.file?.basename ?? "" });
    this.containerEl.createEl("pre", { cls: "note", text: this.editor.getValue() });
  }
}

export class WorkspaceLeaf {
  view: View = new View(this);

  constructor(
    readonly app: App,
    readonly el: HTMLElement,
  ) {}
}

export class Workspace extends Events {
  readonly rootSplit = {};
  readonly main: WorkspaceLeaf;
  readonly side = new Map<string, WorkspaceLeaf>();
  /** What was opened by a link, and where. */
  opened: { path: string; line: number; pane: unknown } | null = null;
  layoutReady: Promise<void> = Promise.resolve();

  constructor(
    private readonly app: App,
    mainEl: HTMLElement,
    private readonly sideEl: HTMLElement,
  ) {
    super();
    this.main = new WorkspaceLeaf(app, mainEl);
    this.main.view = new MarkdownView(this.main);
  }

  get markdown(): MarkdownView {
    return this.main.view as MarkdownView;
  }

  onLayoutReady(callback: () => unknown): void {
    void this.layoutReady.then(callback);
  }

  getActiveFile(): TFile | null {
    return this.markdown.file;
  }

  getMostRecentLeaf(): WorkspaceLeaf {
    return this.main;
  }

  getLeavesOfType(type: string): WorkspaceLeaf[] {
    if (type === "markdown") return [this.main];
    const leaf = this.side.get(type);
    return leaf ? [leaf] : [];
  }

  async openLinkText(link: string, _source: string, pane: unknown, state?: { eState?: { line?: number } }): Promise<void> {
    const file = this.app.vault.getFileByPath(link);
    if (!file) throw new Error(`openLinkText would make ${link}`);
    const line = state?.eState?.line ?? 0;
    await this.markdown.open(file);
    this.markdown.editor.setCursor({ line, ch: 0 });
    this.opened = { path: link, line, pane };
    this.trigger("file-open", file);
  }

  async ensureSideLeaf(type: string): Promise<WorkspaceLeaf> {
    for (const leaf of this.side.values()) leaf.el.style.display = "none";
    const before = this.side.get(type);
    if (before) {
      before.el.style.display = "";
      return before;
    }
    const leaf = new WorkspaceLeaf(this.app, this.sideEl.createDiv({ cls: "workspace-leaf-content" }));
    const view = this.app.views.get(type)?.(leaf) as ItemView;
    leaf.view = view;
    this.side.set(type, leaf);
    view.load();
    await view.onOpen();
    return leaf;
  }
}

export class App {
  readonly vault: Vault;
  readonly metadataCache = new MetadataCache();
  readonly fileManager: FileManager;
  readonly workspace: Workspace;
  readonly views = new Map<string, (leaf: WorkspaceLeaf) => View>();
  readonly commands = new Map<string, () => unknown>();

  constructor(
    folder: string,
    disk: Disk,
    private readonly els: { main: HTMLElement; side: HTMLElement; status: HTMLElement },
  ) {
    this.vault = new Vault(folder.slice(folder.lastIndexOf("/") + 1), disk, new FileSystemAdapter(folder));
    this.fileManager = new FileManager(this.vault);
    this.workspace = new Workspace(this, els.main, els.side);
    this.vault.onWritten = (path, text) => {
      const { markdown } = this.workspace;
      if (markdown.file?.path !== path) return;
      markdown.editor.reload(text);
      markdown.draw();
    };
  }

  get statusEl(): HTMLElement {
    return this.els.status;
  }
}

// ── the plugin ────────────────────────────────────────────────────────────────────────────────────────────────────

export class Plugin extends Component {
  stored: unknown = null;
  settingTab: unknown = null;

  constructor(
    readonly app: App,
    readonly manifest: { id: string; name: string },
  ) {
    super();
  }

  async loadData(): Promise<unknown> {
    return this.stored;
  }

  async saveData(data: unknown): Promise<void> {
    this.stored = JSON.parse(JSON.stringify(data));
  }

  registerView(type: string, make: (leaf: WorkspaceLeaf) => View): void {
    this.app.views.set(type, make);
  }

  registerHoverLinkSource(): void {}

  addSettingTab(tab: unknown): void {
    this.settingTab = tab;
  }

  addRibbonIcon(): void {}

  addCommand({ id, callback }: { id: string; callback: () => unknown }): void {
    this.app.commands.set(id, callback);
  }

  addStatusBarItem(): HTMLElement {
    const item = this.app.statusEl.createDiv({ cls: "status-bar-item" });
    this.register(() => item.remove());
    return item;
  }
}
