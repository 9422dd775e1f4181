/** Files, their headings and their properties. */

import { parse, stringify } from "yaml";
import { Disk } from "./disk";
import { Events } from "./events";

export class TFolder {
  constructor(readonly path: string) {}

  get name(): string {
    return this.path.slice(this.path.lastIndexOf("/") + 1);
  }

  isRoot(): boolean {
    return this.path === "/";
  }
}

export class TFile {
  constructor(readonly path: string) {}

  get name(): string {
    return this.path.slice(this.path.lastIndexOf("/") + 1);
  }

  get basename(): string {
    return this.name.replace(/\.[^.]*$/, "");
  }

  get extension(): string {
    return this.name.includes(".") ? this.name.slice(this.name.lastIndexOf(".") + 1) : "";
  }

  get parent(): TFolder {
    return new TFolder(this.path.includes("/") ? this.path.slice(0, this.path.lastIndexOf("/")) : "/");
  }
}

export class Vault extends Events {
  readonly configDir = ".obsidian";
  readonly files = new Map<string, TFile>();
  /** Editors that have a file open hear of its change. */
  onWritten: (path: string, text: string) => void = () => undefined;

  constructor(
    private readonly name: string,
    readonly disk: Disk,
    readonly adapter: unknown = null,
  ) {
    super();
  }

  async scan(): Promise<void> {
    for (const path of await this.disk.list()) if (!this.files.has(path)) this.files.set(path, new TFile(path));
  }

  getName(): string {
    return this.name;
  }

  getFileByPath(path: string): TFile | null {
    return this.files.get(path) ?? null;
  }

  getFolderByPath(path: string): TFolder | null {
    return [...this.files.keys()].some((one) => one.startsWith(`${path}/`)) ? new TFolder(path) : null;
  }

  getAbstractFileByPath(path: string): TFile | TFolder | null {
    return this.getFileByPath(path) ?? this.getFolderByPath(path);
  }

  async read(file: TFile): Promise<string> {
    return new TextDecoder().decode(await this.disk.read(file.path));
  }

  async readBinary(file: TFile): Promise<ArrayBuffer> {
    const bytes = await this.disk.read(file.path);
    return bytes.slice().buffer;
  }

  async process(file: TFile, rewritten: (text: string) => string): Promise<string> {
    const before = await this.disk.read(file.path);
    const text = rewritten(new TextDecoder().decode(before));
    const mark = before[0] === 0xef && before[1] === 0xbb && before[2] === 0xbf ? "\uFEFF" : "";
    await this.disk.write(file.path, new TextEncoder().encode(mark + text));
    this.onWritten(file.path, text);
    return text;
  }

  async create(path: string, text: string): Promise<TFile> {
    if (this.files.has(path)) throw new Error("File already exists.");
    await this.disk.write(path, new TextEncoder().encode(text));
    const file = new TFile(path);
    this.files.set(path, file);
    return file;
  }

  async createFolder(): Promise<void> {}
}

export interface HeadingCache {
  heading: string;
  level: number;
  position: { start: { line: number } };
}

export class MetadataCache {
  /** Of the texts that were read last. */
  readonly texts = new Map<string, string>();

  getFileCache(file: TFile): { headings: HeadingCache[] } | null {
    const text = this.texts.get(file.path);
    if (text === undefined) return null;
    const headings: HeadingCache[] = [];
    let fenced = false;
    text.split("\n").forEach((line, number) => {
      if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
      const found = fenced ? null : /^(#{1,6})\s+(.+)$/.exec(line);
      if (found) headings.push({ heading: found[2] ?? "", level: found[1]?.length ?? 1, position: { start: { line: number } } });
    });
    return { headings };
  }
}

const strip = (heading: string): string => heading.replace(/[#^[\]|\\%]+/g, " ").replace(/\s+/g, " ").trim();
export const stripHeadingForLink = strip;

export function resolveSubpath(cache: { headings: HeadingCache[] }, subpath: string): unknown {
  const wanted = subpath.split("#").filter((part) => part !== "");
  let at = -1;
  let level = 0;
  for (const part of wanted) {
    at = cache.headings.findIndex(({ heading, level: one }, place) => place > at && one > level && strip(heading) === part);
    const found = cache.headings[at];
    if (!found) return null;
    level = found.level;
  }
  const next = cache.headings.find((one, place) => place > at && one.level <= level);
  const start = cache.headings[at]?.position.start;
  return start ? { type: "heading", start, end: next ? next.position.start : null } : null;
}

export class FileManager {
  constructor(private readonly vault: Vault) {}

  generateMarkdownLink(file: TFile, _source: string, subpath = "", alias = ""): string {
    const namesakes = [...this.vault.files.values()].filter(({ name }) => name === file.name).length;
    const link = (namesakes > 1 ? file.path.replace(/\.md$/, "") : file.basename) + subpath;
    return alias === "" || alias === link ? `[[${link}]]` : `[[${link}|${alias}]]`;
  }

  async processFrontMatter(file: TFile, change: (properties: Record<string, unknown>) => void): Promise<void> {
    await this.vault.process(file, (text) => {
      const block = /^---\r?\n([\s\S]*?\r?\n)?---[ \t]*(?:\r?\n|$)/.exec(text);
      const properties = (block?.[1] ? parse(block[1]) : null) as Record<string, unknown> | null;
      const changed = properties ?? {};
      change(changed);
      return `---\n${stringify(changed)}---\n${block ? text.slice(block[0].length) : text}`;
    });
  }

  async trashFile(file: TFile): Promise<void> {
    this.vault.files.delete(file.path);
    await this.vault.disk.remove(file.path);
  }
}
