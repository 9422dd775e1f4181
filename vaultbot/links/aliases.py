"""Other names that a note could have: what links call it, its acronym, and how else its name was written."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vaultbot.index.abbreviations import abbreviations
from vaultbot.index.analyzer import STOP_WORDS, fold, terms
from vaultbot.links.repairs import Repairs
from vaultbot.links.view import Page, VaultView, suggestion_id
from vaultbot.suggestion import PropertyValue, Suggestion
from vaultbot.types import Note
from vaultbot.vault.dates import is_daily_name
from vaultbot.vault.resolver import path_key, without_md
from vaultbot.vault.titles import title_of

_FEWEST_NOTES = 2  #: that call it so
_OF_ALL = 0.8  #: of the links with these words must lead to the note
_LINKED = 0.1  #: of the notes that say these words must link them: "background" is hardly ever a name
_LONGEST = 60
_MOST_WORDS = 6
_NAMED = 3  #: notes that a reason names
_MOST_SHOWN = 5
_ACRONYM_LIKELY = 0.6
_SLIP_LIKELY = 0.35  #: a name written almost so, by a link that leads nowhere
_LETTER = re.compile(r"[^\W\d_]")
#: What is no name: links, marks, sentences.
_NO_NAME = re.compile(r"[\[\]|`*\\\n]|://|[.!?。！？]$|%%")


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that a note could have."""

    text: str
    likely: float
    reason: str


class AliasKind:
    """Suggests aliases for the note that they are names of. Made once per state of the vault."""

    def __init__(self, view: VaultView) -> None:
        self._view = view
        self._taken: dict[str, set[str]] = defaultdict(set)
        for path in view.graph.files():
            self._taken[path_key(title_of(path))].add(path)
        for alias, path in view.graph.aliases():
            self._taken[path_key(alias)].add(path)
        self._names: dict[str, list[_Name]] = defaultdict(list)
        self._from_links()
        self._from_slips()

    def suggest(self, page: Page) -> list[Suggestion]:
        """The names that the note could have besides its own, the likeliest first."""
        if page.path not in self._view.targets or any(one.slug == "frontmatter" for one in page.note.problems):
            return []
        own = {path_key(name) for name in (page.note.title, *page.note.aliases)}
        found: dict[str, _Name] = {}
        for name in sorted([*self._names.get(page.path, ()), *_acronyms(page.note)], key=lambda one: -one.likely):
            key = path_key(name.text)
            # A name that means another note as well would make every mention of it a riddle.
            if key not in own and not self._taken.get(key, set()) - {page.path}:
                found.setdefault(key, name)
        property_name = next((one for one in page.note.properties if path_key(one.strip()) == "aliases"), "aliases")
        return [
            Suggestion(
                suggestion_id("alias", page.path, name.text, name.text), "alias", page.path, name.text, name.text,
                PropertyValue(property_name, name.text), name.likely, (name.reason,), 1, 1, "", page.sha256,
            )
            for name in list(found.values())[:_MOST_SHOWN]
        ]  # fmt: skip

    def _from_links(self) -> None:
        """What the links of several notes call it."""
        said: dict[str, Counter[str]] = defaultdict(Counter)  # by the words: the targets
        notes: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        written: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for source, target, display in self._view.reader.connection.execute(
            "SELECT note.path, target, display FROM link JOIN note ON note.id = link.note"
            " WHERE target NOTNULL AND target <> note.path AND display NOTNULL AND subpath = '' AND NOT embed"
            " AND NOT nested AND NOT in_comment ORDER BY note.path, ordinal"
        ):
            words = " ".join(display.split())
            key = path_key(words)
            said[key][target] += 1
            notes[target, key][source] = None
            written[target, key][words] += 1
        for (target, key), sources in notes.items():
            share = said[key][target] / said[key].total()
            if len(sources) >= _FEWEST_NOTES and share >= _OF_ALL:
                text = written[target, key].most_common(1)[0][0]
                linked = len(sources) / max(len(sources), self._notes_saying(text)) if _is_name(text) else 0.0
                if linked >= _LINKED:
                    likely = round(share * math.sqrt(linked) * len(sources) / (len(sources) + 2), 4)
                    reason = f"{len(sources)} notes call it so: {_listed(list(sources))}"
                    self._names[target].append(_Name(text, likely, reason))

    def _notes_saying(self, text: str) -> int:
        """How many notes say these words, linked or not."""
        said = terms(text)
        if not said:
            return 0
        # Characters without blanks between are told apart in pairs, which stand in no order.
        query = f'"{" ".join(said)}"' if len(said) == len(text.split()) else " AND ".join(f'"{one}"' for one in said)
        db = self._view.reader.connection
        count: int = db.execute("SELECT count(*) FROM note_terms WHERE note_terms MATCH ?", (query,)).fetchone()[0]
        return count

    def _from_slips(self) -> None:
        """Links that lead nowhere and are written almost as the note is called."""
        repairs = Repairs(self._view.graph, self._view.settings)
        for name in self._view.graph.unresolved():
            edge = next((one for one in name.edges if not one.link.in_comment and not one.link.embed), None)
            if edge is None or is_daily_name(name.linkpath, self._view.settings):
                continue
            repair = repairs.of_unresolved(edge)
            text = without_md(name.linkpath).rpartition("/")[2]
            if repair is not None and repair.how == "name" and _is_name(text):
                sources = list(dict.fromkeys(one.source for one in name.edges))
                reason = f"links that lead nowhere call it so, in {_listed(sources)}"
                self._names[repair.target].append(_Name(text, _SLIP_LIKELY, reason))


def _acronyms(note: Note) -> Iterable[_Name]:
    """What the note itself says is short for its name: "Large language model (LLM)"."""
    own = {fold(name): name for name in (note.title, *note.aliases)}
    for one in abbreviations(note):
        for short, long in ((one.short, one.long), (one.long, one.short)):
            if fold(long) in own:
                yield _Name(short, _ACRONYM_LIKELY, f"the note says it is {_kind(short, long)} “{long}”")


def _kind(short: str, long: str) -> str:
    return "short for" if len(short) < len(long) else "the whole name of"


def _is_name(text: str) -> bool:
    words = text.split()
    return (
        len(text) <= _LONGEST
        and len(words) <= _MOST_WORDS
        and _LETTER.search(text) is not None
        and not _NO_NAME.search(text)
        and not all(fold(word) in STOP_WORDS for word in words)
    )


def _listed(paths: Sequence[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(title_of(path) for path in paths[:_NAMED]) + (f" and {more} more" if more > 0 else "")
