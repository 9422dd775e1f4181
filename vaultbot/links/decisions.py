"""What was decided about suggestions: dismissed here, for this pair of notes, or for these words everywhere; accepted.

Kept in a file of the vault's state folder. What was dismissed is not suggested again, and all of it teaches the ranker.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Literal

from vaultbot.database import open_database
from vaultbot.suggestion import Suggestion, SuggestionKind

#: "here": this one suggestion. "pair": this target for this note. "phrase": these words (tag, alias, value) anywhere.
Scope = Literal["here", "pair", "phrase"]
Verdict = Literal["accepted", "dismissed"]

_TABLES = """
CREATE TABLE decision (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    verdict TEXT NOT NULL, scope TEXT NOT NULL,
    suggestion TEXT NOT NULL,          -- its id when it was decided
    kind TEXT NOT NULL, note TEXT NOT NULL, target TEXT NOT NULL, text TEXT NOT NULL, key TEXT,
    score REAL NOT NULL,
    at REAL NOT NULL,                  -- seconds since 1970
    run TEXT NOT NULL,                 -- the run of edits that it was accepted with; '' for what was dismissed
    moved INTEGER NOT NULL             -- 1: a note was renamed since, so that the id is another
)
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a person about one suggestion."""

    number: int
    verdict: Verdict
    scope: Scope  #: "here" for what was accepted
    suggestion: str  #: the suggestion's id when it was decided
    kind: SuggestionKind
    note: str  #: where the note is now, as far as its renames could be followed
    target: str
    text: str
    key: str | None
    score: float  #: the suggestion's, when it was decided
    at: float  #: seconds since 1970
    run: str = ""  #: the run of edits that it was accepted with
    moved: bool = False  #: one of the notes was renamed since, so that the suggestion's id is another


class Decisions:
    """All decisions about one vault's suggestions. Safe to use from several threads.

    Without a `file` they are kept in memory.
    """

    def __init__(self, file: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        place = file or Path(":memory:")
        self._db = open_database(place, _TABLES, version=1)
        self._clock = clock
        self._lock = threading.RLock()
        self._all: dict[int, Decision] = {}
        self._dismissed: frozenset[tuple[str, ...]] = frozenset()
        self._version = 0
        for row in self._db.execute("SELECT * FROM decision ORDER BY number"):
            decision = Decision(*row)
            self._all[decision.number] = replace(decision, moved=bool(decision.moved))
        self._changed()

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def version(self) -> int:
        """Grows with every decision: what was learned from an earlier one is out of date."""
        return self._version

    def dismissed(self, suggestion: Suggestion) -> bool:
        """Whether a person does not want to see it again."""
        return not self._dismissed.isdisjoint(_keys_of(suggestion))

    def __iter__(self) -> Iterator[Decision]:
        """Every decision, the oldest first."""
        with self._lock:
            return iter(list(self._all.values()))

    def accepted(self) -> list[Decision]:
        """What was accepted and not undone, the oldest first."""
        return [decision for decision in self if decision.verdict == "accepted"]

    def refused(self) -> list[Decision]:
        """What was dismissed, in whichever scope, the oldest first."""
        return [decision for decision in self if decision.verdict == "dismissed"]

    # ── deciding ───────────────────────────────────────────────────────────────────────────────────────────────

    def dismiss(self, suggestion: Suggestion, scope: Scope) -> Decision:
        """Remember that it is not wanted."""
        return self._remember([self._decision(suggestion, "dismissed", scope)])[0]

    def accept(self, suggestions: Iterable[Suggestion], *, run: str) -> list[Decision]:
        """Remember what was written by that run of edits."""
        return self._remember([self._decision(one, "accepted", "here", run) for one in suggestions])

    def record(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Remember what another program wrote; each gets its number and the time of now."""
        now = self._clock()
        return self._remember([replace(one, at=now) for one in decisions])

    def withdraw(self, run: str, notes: Collection[str]) -> None:
        """That run was undone in these notes, so what it accepted there was not accepted after all."""
        self.clear([one.number for one in self if one.run == run and one.note in notes])

    def clear(self, numbers: Collection[int]) -> int:
        """Forget these decisions; how many of them there were."""
        with self._lock:
            known = [number for number in numbers if number in self._all]
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("DELETE FROM decision WHERE number = ?", [(number,) for number in known])
            for number in known:
                del self._all[number]
            self._changed()
            return len(known)

    def follow(self, old: str, new: str) -> None:
        """A note was renamed: what was decided about it stays decided."""
        with self._lock:
            moved = [one for one in self._all.values() if old in (one.note, one.target)]
            if not moved:
                return
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute("UPDATE decision SET note = ?, moved = 1 WHERE note = ?", (new, old))
                self._db.execute("UPDATE decision SET target = ?, moved = 1 WHERE target = ?", (new, old))
            for one in moved:
                note, target = (new if path == old else path for path in (one.note, one.target))
                self._all[one.number] = replace(one, note=note, target=target, moved=True)
            self._changed()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _decision(self, of: Suggestion, verdict: Verdict, scope: Scope, run: str = "") -> Decision:
        now = self._clock()
        return Decision(0, verdict, scope, of.id, of.kind, of.note, of.target, of.text, of.key, of.score, now, run)

    def _remember(self, decisions: list[Decision]) -> list[Decision]:
        with self._lock:
            kept = []
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for decision in decisions:
                    row = self._db.execute(_INSERT, astuple(decision)[1:])
                    kept.append(replace(decision, number=row.lastrowid or 0))
            self._all.update({decision.number: decision for decision in kept})
            self._changed()
            return kept

    def _changed(self) -> None:
        self._dismissed = frozenset(map(_key, (one for one in self._all.values() if one.verdict == "dismissed")))
        self._version += 1


_INSERT = "INSERT INTO decision VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _key(decision: Decision) -> tuple[str, ...]:
    """What a suggestion must have for this dismissal to be about it."""
    kind = _family(decision.kind)
    if decision.scope == "pair":
        return ("pair", kind, decision.key or "", decision.note, decision.target)
    if decision.scope == "phrase":
        return ("phrase", kind, decision.key or "", _folded(decision.text))
    if decision.moved:  # Its id is another now; the same words for the same pair of notes are near enough.
        return ("words", kind, decision.key or "", decision.note, decision.target, _folded(decision.text))
    return ("here", decision.suggestion)


def _keys_of(suggestion: Suggestion) -> tuple[tuple[str, ...], ...]:
    kind, key = _family(suggestion.kind), suggestion.key or ""
    note, target, words = suggestion.note, suggestion.target, _folded(suggestion.text)
    return (
        ("here", suggestion.id),
        ("pair", kind, key, note, target),
        ("words", kind, key, note, target, words),
        ("phrase", kind, key, words),
    )


def _family(kind: SuggestionKind) -> str:
    """Who does not want a note linked from its words does not want it in a list of links either."""
    return "link" if kind in ("mention", "semantic") else kind


def _folded(words: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", words).casefold().split())
