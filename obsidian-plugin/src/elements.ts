/** The few pieces that the views are built of. All text goes into text nodes; nothing is ever parsed as HTML. */

import { App, Keymap, setIcon } from "obsidian";
import { openPlace, PlaceInNote } from "./notes";
import { shown } from "./wording";

export const HOVER_SOURCE = "vaultbot";

/** Text of notes and models, in its own direction, without characters that are not seen. */
export function textIn(parent: HTMLElement, tag: keyof HTMLElementTagNameMap, cls: string, text: string): HTMLElement {
  return parent.createEl(tag, { cls, text: shown(text), attr: { dir: "auto" } });
}

export function iconButton(parent: HTMLElement, icon: string, label: string, onClick: () => void): HTMLButtonElement {
  const button = parent.createEl("button", { cls: "clickable-icon", attr: { type: "button", "aria-label": shown(label) } });
  setIcon(button, icon);
  button.addEventListener("click", onClick);
  return button;
}

export function textButton(parent: HTMLElement, text: string, cls: string, onClick: () => void): HTMLButtonElement {
  const button = parent.createEl("button", { cls, text, attr: { type: "button" } });
  button.addEventListener("click", onClick);
  return button;
}

/** A button that opens a place in a note; with Ctrl or Cmd in a new tab, and its preview on hovering so. */
export function placeButton(app: App, parent: HTMLElement, cls: string, words: string, place: PlaceInNote): HTMLButtonElement {
  const label = `Open ${shown(place.path)}, line ${place.line}`;
  const button = parent.createEl("button", { cls, text: shown(words), attr: { type: "button", dir: "auto", title: label } });
  button.addEventListener("click", (event) => void openPlace(app, place, Keymap.isModEvent(event)));
  button.addEventListener("mouseover", (event) => {
    app.workspace.trigger("hover-link", {
      event, source: HOVER_SOURCE, hoverParent: { hoverPopover: null }, targetEl: button, linktext: place.path,
      state: { scroll: place.line - 1 },
    });
  });
  return button;
}

/** Moves the focus among `items` with the arrow keys, as in a list. */
export function arrowKeys(list: HTMLElement, selector: string): void {
  list.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || event.defaultPrevented) return;
    const items = Array.from(list.querySelectorAll<HTMLElement>(selector));
    const here = items.findIndex((item) => item.contains(event.target as Node));
    const next = items[here + step];
    if (here < 0 || !next) return;
    event.preventDefault();
    next.focus();
  });
}
