/** What would change, before anything does. */

import { Suggestion, SuggestionKind } from "../daemon/records";
import { textIn } from "../elements";
import { shown } from "../wording";

export const KINDS: Record<SuggestionKind, string> = {
  mention: "Words that could be links",
  semantic: "Links to close notes",
  property: "Properties",
  tag: "Tags",
  alias: "Aliases",
  "fix-link": "Links to mend",
  create: "Notes to make",
};

/** What the suggestion is about, in a few words. */
export function headline({ kind, target, key, text }: Suggestion): string {
  const name = target.slice(target.lastIndexOf("/") + 1).replace(/\.md$/, "");
  switch (kind) {
    case "tag":
      return `#${target}`;
    case "property":
      return `${key ?? ""}: ${text}`;
    case "alias":
      return target;
    default:
      return name || target;
  }
}

/** The line as it is and as it would be: taken away is struck through, added is underlined. */
export function drawPreview(parent: HTMLElement, suggestion: Suggestion): void {
  const { edit, text, context } = suggestion;
  const line = parent.createDiv({ cls: "vaultbot-preview", attr: { dir: "auto" } });
  if (edit.type === "property") {
    line.appendText(`${shown(edit.key)}: `);
    textIn(line, "ins", "", edit.value);
  } else if (edit.type === "new-note") {
    line.appendText("New note ");
    textIn(line, "ins", "", suggestion.note);
  } else if (edit.start === edit.end || !context.includes(text)) {
    textIn(line, "ins", "", edit.text.trim());
  } else {
    const at = context.indexOf(text);
    line.appendText(shown(context.slice(0, at)));
    textIn(line, "del", "", text);
    textIn(line, "ins", "", edit.text);
    line.appendText(shown(context.slice(at + text.length)));
  }
}
