"""Suggestions for a note: what it mentions and does not link yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vaultbot.links.mentions import Mention, MentionFinder, Name
from vaultbot.types import Note, Suggestion
from vaultbot.vault.resolver import Resolver

_CONTEXT = 80  #: characters of the line shown on each side


class Suggester:
    """Suggests links for the notes of one vault, given every note's path, title and aliases."""

    def __init__(self, names: Sequence[tuple[str, str, Sequence[str]]]) -> None:
        self._resolver = Resolver(path for path, _, _ in names)
        self._finder = MentionFinder(_names(names))

    def suggest(self, note: Note) -> list[Suggestion]:
        """The first mention of every note that this one neither is nor links to, in the order of the text."""
        linked = {self._resolver.resolve(link.linkpath, note.path).path for link in note.links}
        seen = linked | {note.path}
        found = []
        for mention in self._finder.find(note):
            targets = [name for name in mention.names if name.path not in seen]
            # A name that some note of its kind is linked by already is no news here.
            if not targets or len(targets) < len(mention.names):
                continue
            seen.update(name.path for name in targets)
            found.append(self._suggestion(note, mention, targets))
        return found

    def _suggestion(self, note: Note, mention: Mention, targets: Sequence[Name]) -> Suggestion:
        name = targets[0]
        words = note.text[mention.start : mention.end]
        linktext = self._resolver.linktext(name.path, note.path)
        line_start = note.text.rfind("\n", 0, mention.start) + 1
        line_end = note.text.find("\n", mention.end)
        line_end = len(note.text) if line_end < 0 else line_end
        return Suggestion(
            kind="mention",
            note=note.path,
            target=name.path,
            text=words,
            replacement=f"[[{words}]]" if linktext == words else f"[[{linktext}|{words}]]",
            line=note.text.count("\n", 0, mention.start) + 1,
            col=mention.start - line_start + 1,
            start=mention.start,
            end=mention.end,
            matched=name.text,
            by=name.by,
            context=note.text[
                max(line_start, mention.start - _CONTEXT) : min(line_end, mention.end + _CONTEXT)
            ].strip(),
            alternatives=tuple(dict.fromkeys(other.path for other in targets[1:])),
        )


def _names(notes: Iterable[tuple[str, str, Sequence[str]]]) -> Iterable[Name]:
    for path, title, aliases in notes:
        yield Name(title, path, "title")
        for alias in aliases:
            yield Name(alias, path, "alias")
