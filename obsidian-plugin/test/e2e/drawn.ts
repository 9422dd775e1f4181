/** What stands in the window: whether all of it is the plugin's own, and what it says. */

import type { Page } from "playwright-core";

/** All that the plugin draws with. The rest of its views is text. */
const OURS = {
  tags: ["div", "span", "p", "q", "blockquote", "button", "ol", "ul", "li", "h3", "h4", "ins", "del", "section", "form", "textarea", "select", "option", "meter", "svg", "path"],
  attributes: [
    "class", "dir", "role", "title", "type", "tabindex", "aria-label", "aria-busy", "aria-hidden", "rows", "placeholder", "maxlength", "value", "min", "max",
    "hidden", "disabled", "viewBox", "fill", "stroke", "stroke-width", "stroke-linecap", "d",
  ],
  classes: [
    "is-quote", "is-supported", "is-unsupported", "clickable-icon", "mod-cta", "mod-warning", "dropdown", "svg-icon", "view-content", "workspace-leaf-content",
  ],
};

/** What nobody sees and what changes how its neighbours look: controls, zero widths, overrides of direction, tags. */
const UNSEEN = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\xad\\u200b\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\u{e0000}-\\u{e007f}]";

/** Elements and attributes in the views that the plugin does not draw, and characters that are not seen. */
export function strangers(page: Page): Promise<string[]> {
  return page.evaluate(
    ({ ours, unseen }) => {
      const hidden = new RegExp(unseen, "u");
      const found: string[] = [];
      for (const el of Array.from(document.querySelectorAll("#side *"))) {
        if (!ours.tags.includes(el.localName)) found.push(`<${el.localName}>`);
        for (const { name, value } of Array.from(el.attributes)) {
          if (hidden.test(value)) found.push(`unseen in ${name}: ${JSON.stringify(value)}`);
          if (name === "style" ? ["", "display: none;"].includes(value) : ours.attributes.includes(name)) continue;
          found.push(`<${el.localName} ${name}=${value}>`);
        }
        for (const name of Array.from(el.classList)) if (!name.startsWith("vaultbot") && !ours.classes.includes(name)) found.push(`.${name}`);
      }
      if (hidden.test(document.querySelector("#side")?.textContent ?? "")) found.push("unseen in the text");
      return found;
    },
    { ours: OURS, unseen: UNSEEN },
  );
}

/** Every element outside of the plugin's views, with its attributes: the same for one note as for another, but for what the
 * status says. */
export function around(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    Array.from(document.querySelectorAll("*"))
      .filter((el) => !el.matches("#side *"))
      .map((el) => [el.localName, ...Array.from(el.attributes, ({ name, value }) => (name === "aria-label" ? name : `${name}=${value}`))].join(" ")),
  );
}

export interface DrawnSentence {
  words: string;
  marks: string[];
}

export interface DrawnAnswer {
  refused: boolean;
  sentences: DrawnSentence[];
  sources: { n: string; path: string; snippet: string | null }[];
  lists: number;
  marks: number;
  failures: string[];
}

/** The only answer of the conversation. */
export function answerIn(page: Page): Promise<DrawnAnswer> {
  return page.evaluate(() => {
    const turn = document.querySelector(".vaultbot-turn:only-child");
    if (!turn) throw new Error("not one turn");
    const text = (el: Element, selector: string): string | null => el.querySelector(selector)?.textContent ?? null;
    const all = (el: Element | Document, selector: string): Element[] => Array.from(el.querySelectorAll(selector));
    return {
      refused: turn.querySelector(".vaultbot-refusal") !== null,
      sentences: all(turn, ".vaultbot-sentence").map((one) => ({
        words: text(one, ".vaultbot-words") ?? "", marks: all(one, ".vaultbot-mark").map((mark) => mark.textContent ?? ""),
      })),
      sources: all(turn, ".vaultbot-source").map((one) => ({
        n: text(one, ".vaultbot-number") ?? "", path: text(one, ".vaultbot-path") ?? "", snippet: text(one, ".vaultbot-snippet"),
      })),
      lists: all(turn, ".vaultbot-sources").length,
      marks: all(document, ".vaultbot-mark").length,
      failures: all(document, "#side .vaultbot-failure, #side .vaultbot-banner:not([style])").map((one) => one.textContent ?? ""),
    };
  });
}

/** The texts of the elements, also where their view is behind another. */
export function textsIn(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allTextContents();
}
