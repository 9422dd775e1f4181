"""Suggestions for a note: what it mentions and does not link yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set

from vaultbot import suggestion as records
from vaultbot.links.mentions import Mention, MentionFinder, Name
from vaultbot.links.view import Page, suggestion_id
from vaultbot.suggestion import Replacement
from vaultbot.types import Note, Suggestion
from vaultbot.vault.linktext import LinkStyle, LinkWriter
from vaultbot.vault.resolver import Resolver
from vaultbot.vault.scanner import scan_blocks

_CONTEXT = 80  #: characters of the line shown on each side
_SPOILS_A_LINK = ("!", "\\")  #: right before it, they make it an embed or plain words
_DELIMITER = re.compile(r"-:?[ \t]*\||\|[ \t]*:?-")  #: of the cells in the second row of a table


class Suggester:
    """Suggests links for the notes of one vault.

    `names` is the path, title and aliases of each note that may be linked to; `files` every file of the vault, for a
    link must lead to the right one of them.
    """

    def __init__(
        self,
        names: Sequence[tuple[str, str, Sequence[str]]],
        *,
        files: Iterable[str] = (),
        style: LinkStyle | None = None,
    ) -> None:
        self._resolver = Resolver([*files, *(path for path, _, _ in names)])
        self._writer = LinkWriter(self._resolver, style)
        self._finder = MentionFinder(_names(names))

    def of_page(self, page: Page) -> list[records.Suggestion]:
        """The same as records that can be accepted."""
        return [
            records.Suggestion(
                id=suggestion_id(one.kind, one.note, one.target, one.text),
                kind=one.kind,
                note=one.note,
                target=one.target,
                text=one.text,
                edit=Replacement(one.start, one.end, one.replacement),
                score=0.5,
                reasons=(f"the note has this {one.by}",),
                line=one.line,
                col=one.col,
                context=one.context,
                sha256=page.sha256,
                alternatives=one.alternatives,
            )
            for one in self.suggest(page.note)
        ]

    def suggest(self, note: Note) -> list[Suggestion]:
        """The first mention of every note that this one neither is nor links to, in the order of the text."""
        linked = {self._resolver.resolve(link.linkpath, note.path).path for link in note.links}
        seen = linked | {note.path}
        table_rows = _table_rows(note)
        found = []
        for mention in self._finder.find(note):
            targets = [name for name in mention.names if name.path not in seen]
            # A name that some note of its kind is linked by already is no news here.
            if not targets or len(targets) < len(mention.names):
                continue
            if suggestion := self._suggestion(note, mention, targets, table_rows):
                seen.update(name.path for name in targets)
                found.append(suggestion)
        return found

    def _suggestion(
        self, note: Note, mention: Mention, targets: Sequence[Name], table_rows: Set[int]
    ) -> Suggestion | None:
        """The link to the first of the notes that can be linked from there."""
        if note.text.endswith(_SPOILS_A_LINK, 0, mention.start):
            return None
        words = note.text[mention.start : mention.end]
        line = note.text.count("\n", 0, mention.start) + 1
        for name in targets:
            link = self._writer.link(name.path, note.path, display=words, table=line in table_rows)
            if link:
                break
        else:
            return None
        line_start = note.text.rfind("\n", 0, mention.start) + 1
        line_end = note.text.find("\n", mention.end)
        line_end = len(note.text) if line_end < 0 else line_end
        return Suggestion(
            kind="mention",
            note=note.path,
            target=name.path,
            text=words,
            replacement=link,
            line=line,
            col=mention.start - line_start + 1,
            start=mention.start,
            end=mention.end,
            matched=name.text,
            by=name.by,
            context=note.text[
                max(line_start, mention.start - _CONTEXT) : min(line_end, mention.end + _CONTEXT)
            ].strip(),
            alternatives=tuple(dict.fromkeys(other.path for other in targets if other.path != name.path)),
        )


def _table_rows(note: Note) -> Set[int]:
    """The lines that are rows of a table. The note is read again only if it seems to have any."""
    return frozenset(scan_blocks(note.text, note.body_start).tables) if _DELIMITER.search(note.text) else frozenset()


def _names(notes: Iterable[tuple[str, str, Sequence[str]]]) -> Iterable[Name]:
    for path, title, aliases in notes:
        yield Name(title, path, "title")
        for alias in aliases:
            yield Name(alias, path, "alias")
