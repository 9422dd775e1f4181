/** What a view at the side shows about the note in front: loaded when the note changes, and only for the last of them. */

import { App, Component, TFile, debounce } from "obsidian";
import { Connection } from "./daemon/connection";
import { wordsOf } from "./daemon/failures";

export type Loaded<T> =
  | { kind: "no-note" }
  | { kind: "loading"; path: string }
  | { kind: "loaded"; path: string; value: T }
  | { kind: "failed"; path: string; why: string };

/** Long enough that walking through notes asks for none but the last. */
const SETTLE_MS = 300;

export class ActiveNote<T> extends Component {
  private path: string | null = null;
  private generation = 0;
  private notes = -1;
  private online = false;

  constructor(
    private readonly app: App,
    private readonly connection: Connection,
    private readonly ask: (path: string) => Promise<T>,
    private readonly show: (loaded: Loaded<T>) => void,
  ) {
    super();
  }

  override onload(): void {
    const settle = debounce(() => this.follow(), SETTLE_MS, true);
    this.registerEvent(this.app.workspace.on("file-open", settle));
    this.registerEvent(this.app.vault.on("rename", settle));
    this.register(
      this.connection.onChange((state) => {
        const online = state.kind === "online";
        const indexed = state.kind === "online" && state.status.state === "ready" ? state.status.notes : this.notes;
        // It came back, or the first look through the vault is done: what was not known may be known now.
        if ((online && !this.online) || indexed !== this.notes) void this.reload();
        this.online = online;
        this.notes = indexed;
      }),
    );
    this.follow();
  }

  override onunload(): void {
    this.generation++;
  }

  /** Ask again about the same note. */
  async reload(): Promise<void> {
    const path = this.path;
    const mine = ++this.generation;
    if (path === null) {
      this.show({ kind: "no-note" });
      return;
    }
    this.show({ kind: "loading", path });
    let loaded: Loaded<T>;
    try {
      loaded = { kind: "loaded", path, value: await this.ask(path) };
    } catch (error) {
      loaded = { kind: "failed", path, why: wordsOf(error) };
    }
    if (mine === this.generation) this.show(loaded);
  }

  private follow(): void {
    const file = this.app.workspace.getActiveFile();
    const path = isNote(file) ? file.path : null;
    // A canvas or an image in front: the last note stays.
    if (path === this.path || (path === null && file !== null && this.path !== null)) return;
    this.path = path;
    void this.reload();
  }
}

function isNote(file: TFile | null): file is TFile {
  return file !== null && file.extension === "md";
}
