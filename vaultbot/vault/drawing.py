"""A drawing of Excalidraw's own format, read like a note: its text elements are the words."""

from __future__ import annotations

from vaultbot.types import Note, Problem
from vaultbot.vault.cards import Cards, json_object, objects, string, unreadable
from vaultbot.vault.titles import title_of


def parse_drawing(path: str, text: str) -> Note:
    """Read an `.excalidraw` file; never raises. A broken one has a problem "excalidraw".

    Every text element is read as Markdown, and so is a wikilink that hangs on an element of any kind. Newer drawings
    are notes (`.excalidraw.md`), which `parse_note` reads.
    """
    title = title_of(path)
    try:
        drawing = json_object(text)
    except ValueError as error:
        message = f"The drawing cannot be read: {error}. Open and save it with the Excalidraw plugin."
        return unreadable(path, title, Problem("excalidraw", message))
    cards = Cards(path)
    for element in objects(drawing, "elements"):
        if element.get("isDeleted"):
            continue
        if string(element, "type") == "text":
            # "text" is broken into lines to fit its box, and shows a link's words instead of the link.
            words = next((w for key in ("rawText", "originalText", "text") if (w := string(element, key))), "")
            cards.markdown(words, titled=False)
        if "[[" in (link := string(element, "link")):
            cards.markdown(link, titled=False)
    return cards.note(title)
