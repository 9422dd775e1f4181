/** Where the shim's vault keeps its files: in memory, or in a real folder behind the page's server. */

export interface Disk {
  list(): Promise<string[]>;
  read(path: string): Promise<Uint8Array>;
  write(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
}

export class MemoryDisk implements Disk {
  readonly files = new Map<string, Uint8Array>();

  constructor(texts: Record<string, string> = {}) {
    for (const [path, text] of Object.entries(texts)) this.files.set(path, new TextEncoder().encode(text));
  }

  async list(): Promise<string[]> {
    return [...this.files.keys()];
  }

  async read(path: string): Promise<Uint8Array> {
    const bytes = this.files.get(path);
    if (!bytes) throw new Error(`no file ${path}`);
    return bytes;
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.files.set(path, bytes);
  }

  async remove(path: string): Promise<void> {
    this.files.delete(path);
  }

  text(path: string): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.files.get(path));
  }
}
