"""The vault's own words: what an unknown word of a question may have been meant to say."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from vaultbot.index.analyzer import fold, terms

#: At most so many words are kept, the most frequent ones: about 40 MB.
_MOST = 300_000
#: Passages that are looked through for the ways a word is written.
_SAMPLED = 100
#: Of the time, in parts: a vocabulary that took a second to read is read again after two minutes at the earliest.
_SHARE_OF_TIME = 120
_SOONEST_S = 1.0

#: The range leaves out numbers, which come before "a", and the scripts without spaces, which come behind all alphabets.
_COUNTS = """
SELECT term, doc FROM note_vocabulary
WHERE term >= 'a' AND term < char(0x2e80) AND length(term) BETWEEN 3 AND 30 AND term NOT GLOB '*[0-9]*'
ORDER BY doc DESC, term LIMIT ?
"""
_PASSAGES = """
SELECT chunk.context, chunk.text FROM passage_terms JOIN chunk ON chunk.rowid = passage_terms.rowid
WHERE passage_terms MATCH ? LIMIT ?
"""


class Vocabulary:
    """The words of the notes. Safe to use from several threads; each gives its own connection, within a snapshot.

    They are read when they are first asked for, and again when notes were recorded since, but so seldom that it takes
    less than a hundredth of the time. Whether a word is known is never a matter of this copy.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Mapping[str, int] = {}
        self._state = -1  #: of the catalog when they were read
        self._good_until = 0.0

    def counts(self, db: sqlite3.Connection) -> Mapping[str, int]:
        """In how many notes each term stands, the most frequent first: terms of alphabets, of three letters or more."""
        with self._lock:
            began = self._clock()
            if self._state < 0 or (began >= self._good_until and self._state != _state(db)):
                self._state = _state(db)
                self._counts = dict(db.execute(_COUNTS, (_MOST,)))
                done = self._clock()
                self._good_until = done + max(_SOONEST_S, _SHARE_OF_TIME * (done - began))
            return self._counts


def knows(db: sqlite3.Connection, term: str) -> bool:
    """Whether the term stands anywhere in the vault."""
    wanted = (_exactly(term),)
    return any(
        db.execute(f"SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT 1", wanted).fetchone()
        for table in ("note_terms", "passage_terms")
    )


def written(db: sqlite3.Connection, term: str) -> Counter[str]:
    """The ways a term is written in the vault, with how often in a sample: "quantiz" as "quantization", "Quantized"."""
    # Stemming changes the last letter at most ("colony", "coloni"), so the words need not all be stemmed.
    likely = re.compile(rf"\b{re.escape(term[: max(2, len(term) - 1)])}\w*")
    found: Counter[str] = Counter()
    for text in _texts(db, term):
        folded = fold(text)
        aligned = len(folded) == len(text)
        for match in likely.finditer(folded):
            found[text[match.start() : match.end()] if aligned else match.group()] += 1
    return Counter({word: count for word, count in found.items() if terms(word) == [term]})


def _texts(db: sqlite3.Connection, term: str) -> list[str]:
    return ["\n".join(row) for row in db.execute(_PASSAGES, (_exactly(term), _SAMPLED))]


def _exactly(term: str) -> str:
    return '"' + term.replace('"', "") + '"'


def _state(db: sqlite3.Connection) -> int:
    """Grows with every chunk that is recorded or forgotten."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return row[0] if row else 0
