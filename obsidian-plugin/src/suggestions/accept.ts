/** Carries out what a person accepted, through Obsidian, and takes it back again. */

import { App, Editor, TFile, normalizePath } from "obsidian";
import { sha256 } from "../daemon/proof";
import { NewNote, PropertyValue, Replacement, Suggestion } from "../daemon/records";
import { editorOf } from "../notes";
import { locate } from "./locate";

/** The note is not any more as it was when the suggestion was made. Nothing was written. */
export class Stale extends Error {
  override readonly name = "Stale";
}

/** Takes one accepted suggestion back. Rejects with Stale when the note has been edited there since. */
export type Undo = () => Promise<void>;

const CHANGED = "The note has changed there since it was read. Nothing was written; look again in a moment.";

export async function accept(app: App, suggestion: Suggestion): Promise<Undo> {
  const { edit } = suggestion;
  switch (edit.type) {
    case "replace":
      return replace(app, noteOf(app, suggestion.note), suggestion, edit);
    case "property":
      return addProperty(app, noteOf(app, suggestion.note), edit);
    case "new-note":
      return create(app, suggestion.note, edit);
  }
}

function noteOf(app: App, path: string): TFile {
  const file = app.vault.getFileByPath(path);
  if (!file) throw new Stale(`There is no ${path} any more.`);
  return file;
}

// ── words in the note ─────────────────────────────────────────────────────────────────────────────────────────────

async function replace(app: App, file: TFile, suggestion: Suggestion, edit: Replacement): Promise<Undo> {
  const bytes = await app.vault.readBinary(file);
  const read = (await sha256(bytes)) === suggestion.sha256 ? new TextDecoder("utf-8").decode(bytes) : null;
  const editor = editorOf(app, file.path);
  if (editor) return replaceInEditor(app, file, editor, suggestion, edit, read);
  return rewrite(app, file, (text) => {
    const span = locate(text, suggestion, edit, read);
    if (!span) throw new Stale(CHANGED);
    return text.slice(0, span.from) + edit.text + text.slice(span.to);
  });
}

/** In the editor, so that its own undo takes it back as well. */
function replaceInEditor(app: App, file: TFile, editor: Editor, suggestion: Suggestion, edit: Replacement, read: string | null): Undo {
  const text = editor.getValue();
  const span = locate(text, suggestion, edit, read);
  if (!span) throw new Stale(CHANGED);
  const before = text.slice(span.from, span.to);
  change(editor, span.from, span.to, edit.text);
  const after = text.slice(0, span.from) + edit.text + text.slice(span.to);
  return async () => {
    const open = editorOf(app, file.path);
    if (!open) {
      await rewrite(app, file, (now) => takenBack(now, after, text));
      return;
    }
    if (open.getValue() !== after) throw new Stale(CHANGED);
    change(open, span.from, span.from + edit.text.length, before);
  };
}

function change(editor: Editor, from: number, to: number, text: string): void {
  editor.transaction({ changes: [{ from: editor.offsetToPos(from), to: editor.offsetToPos(to), text }] });
}

/** In the file, between nobody's reading and writing. Obsidian passes the text without a byte order mark. */
async function rewrite(app: App, file: TFile, rewritten: (text: string) => string): Promise<Undo> {
  let before = "";
  const after = await app.vault.process(file, (text) => {
    before = text;
    return rewritten(text);
  });
  return async () => {
    await app.vault.process(file, (now) => takenBack(now, after, before));
  };
}

function takenBack(now: string, after: string, before: string): string {
  if (now !== after) throw new Stale(CHANGED);
  return before;
}

// ── properties ────────────────────────────────────────────────────────────────────────────────────────────────────

async function addProperty(app: App, file: TFile, { key, value }: PropertyValue): Promise<Undo> {
  const before = await app.vault.read(file);
  if (hasComment(before)) {
    throw new Stale("The properties of this note hold a comment, which Obsidian would remove. Add the value by hand.");
  }
  await app.fileManager.processFrontMatter(file, (properties: Record<string, unknown>) => {
    const name = Object.keys(properties).find((one) => one.toLowerCase() === key.toLowerCase()) ?? key;
    properties[name] = withValue(name, properties[name], value);
  });
  const after = await app.vault.read(file);
  return async () => {
    await app.vault.process(file, (now) => takenBack(now, after, before));
  };
}

function withValue(key: string, present: unknown, value: string): unknown[] {
  if (present === undefined || present === null || present === "") return [value];
  const list: unknown[] = Array.isArray(present) ? present : typeof present === "string" ? [present] : [];
  if (list.length === 0 && !Array.isArray(present)) throw new Stale(`The property ${key} holds no list. Add the value by hand.`);
  return list.includes(value) ? list : [...list, value];
}

function hasComment(text: string): boolean {
  const block = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)?.[1] ?? "";
  // A "#" in quotes is none; a doubt is decided for the note.
  return block.split("\n").some((line) => /^\s*#|\s#\s/.test(line.replace(/"[^"]*"|'[^']*'/g, "")));
}

// ── a new note ────────────────────────────────────────────────────────────────────────────────────────────────────

async function create(app: App, path: string, { text }: NewNote): Promise<Undo> {
  const place = normalizePath(path);
  if (app.vault.getAbstractFileByPath(place)) throw new Stale(`There is a ${place} already.`);
  const folder = place.includes("/") ? place.slice(0, place.lastIndexOf("/")) : "";
  if (folder !== "" && !app.vault.getFolderByPath(folder)) await app.vault.createFolder(folder);
  const file = await app.vault.create(place, text);
  return async () => {
    if ((await app.vault.read(file)) !== text) throw new Stale(`${place} has been written in since.`);
    await app.fileManager.trashFile(file);
  };
}
