"""A canvas read like a note: its text cards are the words, its file cards and their links are the links."""

from __future__ import annotations

from collections.abc import Mapping

from vaultbot.types import Note, Problem
from vaultbot.vault.cards import Cards, clipped, json_object, objects, one_line, string, unreadable
from vaultbot.vault.titles import title_of


def parse_canvas(path: str, text: str) -> Note:
    """Read a `.canvas` file; never raises. An empty one is an empty canvas, a broken one has a problem "canvas".

    The note's text is not the file's: it holds the Markdown of every text card in the file's order, an embed for every
    file card (from the vault's root, which leads nowhere else), group labels, and "A —label→ B" for every labelled
    arrow, a blank line before each. Offsets and lines count in it. Each text card, label and arrow has a heading, by
    which it is cited.
    """
    title = title_of(path)
    try:
        canvas = json_object(text)
    except ValueError as error:
        message = f"The canvas cannot be read: {error}. Open and save it in Obsidian."
        return unreadable(path, title, Problem("canvas", message))
    cards = Cards(path)
    names: dict[str, str] = {}
    for node in objects(canvas, "nodes"):
        names[string(node, "id")] = _take(cards, node)
    for edge in objects(canvas, "edges"):
        if label := one_line(string(edge, "label")):
            ends = (names.get(string(edge, end), "…") for end in ("fromNode", "toNode"))
            cards.words(f" —{label}→ ".join(ends))
    return cards.note(title)


def _take(cards: Cards, node: Mapping[str, object]) -> str:
    """Take in a card; the name by which arrows call it."""
    match string(node, "type"):
        case "text":
            return cards.markdown(string(node, "text"), titled=True)
        case "file" if file := string(node, "file"):
            cards.file(file, string(node, "subpath"))
            return clipped(file.rpartition("/")[2].removesuffix(".md"))
        case "group":
            if label := one_line(string(node, "label")):
                cards.label(label)
            return clipped(label) or "…"
        case "link":
            return clipped(string(node, "url")) or "…"
    return "…"
