"""The vault's own words: what an unknown word of a question may have been meant to say."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vaultbot.index.analyzer import fold, terms

#: The most frequent ones: about 40 MB of them.
_MOST = 300_000
#: The range leaves out numbers, which come before "a", and the scripts without spaces, which come behind all alphabets.
_WORDS = """
SELECT term, max(doc), max(col IN ('title', 'aliases', 'description', 'headings')) FROM note_vocabulary
WHERE term >= 'a' AND term < char(0x2e80) AND length(term) BETWEEN 3 AND 30 AND term NOT GLOB '*[0-9]*'
GROUP BY term ORDER BY 2 DESC, term LIMIT ?
"""
#: Aliases and descriptions stand in no passage.
_TEXTS = """
SELECT * FROM (
    SELECT chunk.context, chunk.text FROM passage_terms JOIN chunk ON chunk.rowid = passage_terms.rowid
    WHERE passage_terms MATCH ?1 LIMIT ?2
) UNION ALL SELECT * FROM (
    SELECT note.title, note.properties FROM note_terms JOIN note ON note.id = note_terms.rowid
    WHERE note_terms MATCH '{title aliases description tags} : ' || ?1 LIMIT ?2
)
"""
_SAMPLED = 100  #: passages, and notes, that are looked through for the ways a word is written

#: How long words are good for, in units of the time it took to read them: less than a hundredth of all time goes there.
_REST = 120
_SHORTEST_REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Words:
    """Terms of three letters or more, of alphabets, without digits."""

    counts: Mapping[str, int] = field(default_factory=dict)  #: in how many notes each stands, most frequent first
    named: frozenset[str] = frozenset()  #: those in a title, alias, description or heading


class Vocabulary:
    """The words of the notes. Safe to use from several threads: each asks with its own connection, in a snapshot.

    They are read when they are first asked for. They are read again when notes were recorded since, but not for every
    save: so seldom that it costs nothing to speak of. What a question may do with an old copy is harmless, as long as
    it asks `knows` what is really there.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._words = Words()
        self._recorded: int | None = None  #: of the catalog, when they were read
        self._good_until = 0.0

    def words(self, db: sqlite3.Connection) -> Words:
        """The words as of now, or of not long ago."""
        # While another thread reads them anew, the old ones will do.
        if not self._lock.acquire(blocking=self._recorded is None):
            return self._words
        try:
            began = self._clock()
            if self._recorded is None or (began >= self._good_until and self._recorded != _recorded(db)):
                self._recorded, self._words = _recorded(db), _read(db)
                done = self._clock()
                self._good_until = done + max(_SHORTEST_REST_S, _REST * (done - began))
            return self._words
        finally:
            self._lock.release()


def knows(db: sqlite3.Connection, term: str) -> bool:
    """Whether the term stands anywhere in the vault."""
    wanted = (_exactly(term),)
    return any(
        db.execute(f"SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT 1", wanted).fetchone()
        for table in ("note_terms", "passage_terms")
    )


def stands_in(db: sqlite3.Connection, term: str, *, most: int) -> int:
    """In how many passages the term stands; no more than `most` are counted."""
    counted: int = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM passage_terms WHERE passage_terms MATCH ? LIMIT ?)", (_exactly(term), most)
    ).fetchone()[0]
    return counted


def written(db: sqlite3.Connection, term: str) -> Counter[str]:
    """The ways a term is written in the vault, with how often in a sample: "quantiz" as "quantization", "Quantized"."""
    # Stemming replaces no more than the last letter ("colony", "coloni"), so few words need be stemmed to find them.
    likely = re.compile(rf"\b{re.escape(term[: max(2, len(term) - 1)])}\w*")
    found: Counter[str] = Counter()
    for stored in db.execute(_TEXTS, (_exactly(term), _SAMPLED)):
        text = "\n".join(stored)
        folded = fold(text)
        as_written = text if len(text) == len(folded) else folded
        found.update(as_written[match.start() : match.end()] for match in likely.finditer(folded))
    return Counter({word: count for word, count in found.items() if terms(word) == [term]})


def _read(db: sqlite3.Connection) -> Words:
    counts: dict[str, int] = {}
    named = []
    for term, notes, is_name in db.execute(_WORDS, (_MOST,)):
        counts[term] = notes
        if is_name:
            named.append(term)
    return Words(counts, frozenset(named))


def _recorded(db: sqlite3.Connection) -> int:
    """Grows with every chunk that is recorded or forgotten."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return row[0] if row else 0


def _exactly(term: str) -> str:
    return '"' + term.replace('"', "") + '"'
