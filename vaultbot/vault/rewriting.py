"""A note's text with edits made in it: text in, text out, each edit proved on its own.

An edit that cannot be made is left out with its reason, and the others are made all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vaultbot.errors import EditRefused
from vaultbot.suggestion import Edit, PropertyValue, Replacement
from vaultbot.types import Note
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.proof import check_place, prove_property, prove_replacement, refuse_repeated
from vaultbot.vault.property_lines import with_value

#: Why one of several edits waits: what it would put there depends on what the other one does.
SAME_PLACE = "another edit puts a line in the same place first"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The text after the edits, and why some were not made, by their place in the list."""

    text: str
    refused: dict[int, str]


def rewrite(path: str, text: str, edits: Sequence[Edit]) -> Rewritten:
    """Make the edits, whose offsets all belong to `text`. A note says itself whether it may be changed."""
    note = parse_note(path, text)
    if any(str(note.properties.get(switch)).lower() == "false" for switch in ("vaultbot", "vaultbot-links")):
        return Rewritten(text, dict.fromkeys(range(len(edits)), "its properties say that vaultbot leaves it alone"))
    refused: dict[int, str] = {}
    crlf = "\r\n" in text[: text.find("\n") + 1]
    replacements = [(one.start, one.end, n) for n, one in enumerate(edits) if isinstance(one, Replacement)]
    gaps: dict[int, int] = {}
    for start, end, n in replacements:
        if start == end and gaps.setdefault(start, n) != n:
            refused[n] = SAME_PLACE
    reach = len(text) + 1
    # From the end of the note to its beginning, so that the offsets of those to come still hold.
    for start, end, n in sorted(replacements, reverse=True):
        edit = edits[n]
        if n in refused or not isinstance(edit, Replacement):
            continue
        if crlf:
            edit = replace(edit, text=edit.text.replace("\r\n", "\n").replace("\n", "\r\n"))
        try:
            if end > reach:
                raise EditRefused("another edit of this run changes the same words")
            note = _replaced(note, edit)
            reach = start
        except EditRefused as error:
            refused[n] = str(error)
    for n, edit in enumerate(edits):
        if isinstance(edit, PropertyValue):
            try:
                note = _with_property(note, edit)
            except EditRefused as error:
                refused[n] = str(error)
        elif not isinstance(edit, Replacement):
            refused[n] = "the note is there already"
    return Rewritten(note.text, dict(sorted(refused.items())))


def _replaced(note: Note, edit: Replacement) -> Note:
    check_place(note, edit)
    after = parse_note(note.path, note.text[: edit.start] + edit.text + note.text[edit.end :])
    prove_replacement(note, after, edit)
    return after


def _with_property(note: Note, edit: PropertyValue) -> Note:
    refuse_repeated(note, edit)
    after = parse_note(note.path, with_value(note.text, edit.key, edit.value))
    prove_property(note, after, edit)
    return after
