/** Ways into the user's notes: opening one at a heading, linking to one, and the editor that is in use. */

import { App, Editor, MarkdownView, Notice, PaneType, TFile, resolveSubpath, stripHeadingForLink } from "obsidian";
import { asLinkText, asPlainMarkdown, placeName, shown } from "./wording";

/** A place in a note, as the daemon last read it. */
export interface PlaceInNote {
  path: string;
  title: string;
  heading_path: readonly string[];
  /** From 1. */
  line: number;
}

/** Open the note at the very line, or at the heading when the line is no longer below it. */
export async function openPlace(app: App, place: PlaceInNote, pane: PaneType | boolean = false): Promise<void> {
  const file = app.vault.getFileByPath(place.path);
  if (!file) {
    new Notice(shown(`There is no ${place.path} any more.`));
    return;
  }
  await app.workspace.openLinkText(place.path, "", pane, { active: true, eState: { line: lineNow(app, file, place) } });
}

/** From 0. Notes are edited between the reading and the opening. */
function lineNow(app: App, file: TFile, place: PlaceInNote): number {
  const cache = app.metadataCache.getFileCache(file);
  const section = cache && place.heading_path.length > 0 ? resolveSubpath(cache, subpathOf(place.heading_path)) : null;
  const line = place.line - 1;
  if (!section) return line;
  const from = section.start.line;
  const to = section.end?.line ?? Infinity;
  return from <= line && line <= to ? line : from;
}

/** "#Compost#Ingredients" */
export function subpathOf(headingPath: readonly string[]): string {
  return headingPath.map((heading) => `#${stripHeadingForLink(heading)}`).join("");
}

/** A link from a note to a place in another, written as the user's settings want it. */
export function linkTo(app: App, place: PlaceInNote, source: string): string {
  const file = app.vault.getFileByPath(place.path);
  const words = placeName(place.title, place.heading_path);
  if (!file) return asPlainMarkdown(words);
  return app.fileManager.generateMarkdownLink(file, source, subpathOf(place.heading_path), asLinkText(words));
}

/** The editor of the note that was in use last, also while a view at the side has the focus. */
export function lastEditor(app: App): { editor: Editor; file: TFile } | null {
  const view = app.workspace.getMostRecentLeaf(app.workspace.rootSplit)?.view;
  return view instanceof MarkdownView && view.file && view.getMode() === "source" ? { editor: view.editor, file: view.file } : null;
}

/** Put text where the cursor is, so that undo takes it back. */
export function insertAtCursor(app: App, textFor: (path: string) => string): boolean {
  const last = lastEditor(app);
  if (!last) {
    new Notice("Open a note for editing first.");
    return false;
  }
  last.editor.replaceSelection(textFor(last.file.path));
  new Notice(shown(`Inserted into ${last.file.basename}.`));
  return true;
}

/** An editor that has the note open. */
export function editorOf(app: App, path: string): Editor | null {
  for (const leaf of app.workspace.getLeavesOfType("markdown")) {
    const { view } = leaf;
    if (view instanceof MarkdownView && view.file?.path === path && view.getMode() === "source") return view.editor;
  }
  return null;
}
