"""How well an embedding model reads each script, measured on the vault's own notes.

A model that reads a script finds a note by its title among others; one that does not is as good as a guess, and words
have to count for more then. The measure is the share of titles whose own text is nearest among thirty.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from vaultbot.errors import ShuttingDown
from vaultbot.index.catalog import Catalog
from vaultbot.index.reader import CatalogReader
from vaultbot.index.scripts import script_shares
from vaultbot.protocols import Embedder

if TYPE_CHECKING:
    from vaultbot.retrieval.retriever import Retriever

log = logging.getLogger("vaultbot.retrieval")

FEWEST = 30  #: notes of a script; fewer tell nothing

_MOST = 200
_CHARACTERS = 1000  #: of a note's text
_LOOKED_AT = 5000  #: notes, to take the sample from
_AT_ONCE = 4  #: so few that a daemon that is to end is not held up
_AMONG = 30
#: all-MiniLM-L6-v2 has 0.77 to 0.97 in English, which it reads, and 0.41 and 0.42 in Japanese and Chinese, which it
#: does not: there, only signs that stand in both count.
_READ, _UNREAD = 0.7, 0.5
_NUMBERED = re.compile(r"[\d\s]+")

#: A note's title and its text.
TitledText = tuple[str, str]


class Calibrator:
    """Tells a retriever how well its embedding model reads the vault. For the thread that writes the catalog.

    It is measured when there are enough notes, and again when they are twice as many.
    """

    def __init__(self, catalog: Catalog, reader: CatalogReader, retriever: Retriever) -> None:
        self._catalog = catalog
        self._reader = reader
        self._retriever = retriever

    def calibrate(self, stopping: threading.Event) -> None:
        """Measure if it is due, which takes seconds. Raises what the embedder raises, and ShuttingDown."""
        embedder, vectors = self._retriever.meaning
        count, _ = self._reader.counts()
        if embedder is None or vectors is None or count < FEWEST:
            return
        key = f"readability {embedder.fingerprint}"
        kept = self._catalog.kept(key, {"notes": 0, "scripts": {}})
        if count >= 2 * kept["notes"]:
            measured = readability(embedder, by_script(self._notes(count)), stopping=stopping)
            kept = {"notes": count, "scripts": measured}
            self._catalog.set_meta(key, json.dumps(kept))
            for script, value in measured.items():
                log.info("%s finds %.0f %% of the notes titled in %s letters", embedder.name, 100 * value, script)
        self._retriever.readable = kept["scripts"]

    def _notes(self, count: int) -> list[TitledText]:
        """Titles and first passages, of so many notes spread over the vault at most."""
        with self._reader.snapshot():
            rows = self._reader.connection.execute(
                "SELECT note.title, substr(chunk.text, 1, ?) FROM note JOIN chunk ON chunk.note = note.id"
                " WHERE chunk.view = 'passage' AND chunk.ordinal = 0 AND note.id % ? = 0",
                (2 * _CHARACTERS, max(1, count // _LOOKED_AT)),
            )
            return rows.fetchall()


def words_share(readable: float, *, read: float, unread: float) -> float:
    """How much words are to count against meaning: `read` where the model reads the script, `unread` where it does not.

    In between it is in between.
    """
    known = min(1.0, max(0.0, (readable - _UNREAD) / (_READ - _UNREAD)))
    return unread + known * (read - unread)


def readability(
    embedder: Embedder, notes: Mapping[str, Sequence[TitledText]], *, stopping: threading.Event | None = None
) -> dict[str, float]:
    """For each script with enough notes the share of titles whose own text is nearest among thirty, 0 to 1.

    Of a script with many notes a sample is embedded. Raises what the embedder raises, and ShuttingDown soon after
    `stopping` is set.
    """
    samples = {script: _sample(of_script) for script, of_script in notes.items()}
    return {script: _found(embedder, sample, stopping) for script, sample in samples.items() if len(sample) >= FEWEST}


def by_script(notes: Iterable[TitledText]) -> dict[str, list[TitledText]]:
    """The notes by the script that most of their title is in; those without letters are left out."""
    found: dict[str, list[TitledText]] = {}
    for title, text in notes:
        if script := next(iter(script_shares([title])), ""):
            found.setdefault(script, []).append((title, text))
    return found


def _sample(notes: Sequence[TitledText]) -> list[TitledText]:
    """Some of those with a text and a title of their own: "Day 1" and "Day 2" are found by no meaning."""
    shuffled = Random(0).sample(notes, len(notes))  # noqa: S311
    distinct: dict[str, TitledText] = {}
    for title, text in shuffled:
        # The title's own words in the text would be found by any model.
        rest = " ".join(text[:_CHARACTERS].replace(title, " ").split())
        if rest:
            distinct.setdefault(_NUMBERED.sub("", title).casefold(), (title, rest))
        if len(distinct) == _MOST:
            break
    return list(distinct.values())


def _found(embedder: Embedder, notes: Sequence[TitledText], stopping: threading.Event | None) -> float:
    asked, texts = [], []
    for start in range(0, len(notes), _AT_ONCE):
        if stopping is not None and stopping.is_set():
            raise ShuttingDown("vaultbot is shutting down; it is measured after the next start")
        part = notes[start : start + _AT_ONCE]
        asked += [embedder.embed_query(title) for title, _ in part]
        texts.append(embedder.embed_documents([text for _, text in part]))
    cosines = np.stack(asked) @ np.concatenate(texts).T
    # As near is no better: to a model that reads nothing all texts may be alike.
    nearer = ((cosines >= np.diag(cosines)[:, None]).sum(axis=1) - 1) / (len(notes) - 1)
    # How likely it is that none of those nearer is among twenty-nine others.
    return float(((1 - nearer) ** (_AMONG - 1)).mean())
