/** Events and lifetimes, as Obsidian has them. */

export type Unsubscribe = () => void;

export class Events {
  private readonly listeners = new Map<string, Set<(...data: never[]) => unknown>>();

  on(name: string, callback: (...data: never[]) => unknown): Unsubscribe {
    const those = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, those.add(callback));
    return () => void those.delete(callback);
  }

  trigger(name: string, ...data: unknown[]): void {
    for (const listener of this.listeners.get(name) ?? []) listener(...(data as never[]));
  }
}

export class Component {
  private readonly cleanups: Unsubscribe[] = [];
  private readonly children: Component[] = [];
  private loaded = false;

  load(): void {
    if (this.loaded) return;
    this.loaded = true;
    void this.onload();
    for (const child of this.children) child.load();
  }

  unload(): void {
    if (!this.loaded) return;
    this.loaded = false;
    for (const child of this.children.splice(0)) child.unload();
    for (const cleanup of this.cleanups.splice(0)) cleanup();
    this.onunload();
  }

  onload(): void | Promise<void> {}

  onunload(): void {}

  addChild<T extends Component>(child: T): T {
    this.children.push(child);
    if (this.loaded) child.load();
    return child;
  }

  register(cleanup: Unsubscribe): void {
    this.cleanups.push(cleanup);
  }

  registerEvent(unsubscribe: Unsubscribe): void {
    this.cleanups.push(unsubscribe);
  }

  registerDomEvent(el: HTMLElement, name: string, callback: (event: never) => unknown): void {
    el.addEventListener(name, callback as EventListener);
    this.cleanups.push(() => el.removeEventListener(name, callback as EventListener));
  }
}
