"""Every note as a row of numbers, so that all of them can be compared at once: by meaning and by words.

A note's meaning is the mean of its card and its passages, its words are weighed by how rare they are. Both are read
from the catalog; nothing is embedded. 6,500 notes take about two seconds and 40 MB.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from scipy import sparse

from vaultbot.index.analyzer import STOP_WORDS, terms
from vaultbot.index.reader import CatalogReader
from vaultbot.links.cosines import Cosines
from vaultbot.protocols import FloatArray

Near: TypeAlias = list[tuple[int, float]]  #: rows with how near they are, the nearest first

_TITLE_COUNTS = 3  #: times a word of the body
_MOST_TERMS = 2_000  #: of one note's body that are read
_COMMON = 0.2  #: a term in more of the notes tells nothing…
_FEW = 50  #: …unless those are few
_NOTES_AT_ONCE = 500


class NoteSpace:
    """The notes that may be linked to, one row each, in the order of their paths."""

    def __init__(
        self,
        keys: tuple[int, ...],
        paths: tuple[str, ...],
        meaning: FloatArray,
        words: sparse.csr_array,
        terms: tuple[frozenset[str], ...],
        title_terms: tuple[frozenset[str], ...],
    ) -> None:
        self.keys = keys  #: of the notes in the catalog; good for one snapshot
        self.paths = paths
        self.row_of = {path: row for row, path in enumerate(paths)}
        self.meaning = meaning  #: (notes, dimensions), unit length or zero; (notes, 0) without an embedding model
        self.words = words  #: (notes, terms), unit length or zero
        self.terms = terms  #: of each note's text, its inline tags apart
        self.title_terms = title_terms
        self._by_words = Cosines(words)
        self._by_meaning = Cosines(meaning)
        self._last: tuple[int, FloatArray, FloatArray] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def has_meaning(self) -> bool:
        """Whether there are vectors at all."""
        return bool(self.meaning.shape[1])

    def cosines(self, row: int) -> tuple[FloatArray, FloatArray]:
        """How near every note is to the one of that row, by meaning and by words. Zeros where nothing is known."""
        last = self._last
        if last is None or last[0] != row:
            # Several kinds of suggestions ask about the same note, one after the other.
            by_meaning = self._by_meaning.of(row) if self.has_meaning else np.zeros(len(self), np.float32)
            by_words = self._by_words.of(row)
            self._last = last = row, by_meaning, by_words
        return last[1], last[2]


class Neighbourhood:
    """The notes of a space that are asked about, and which of them are nearest to a note."""

    def __init__(self, space: NoteSpace, among: Sequence[int]) -> None:
        self._space = space
        self._among = np.array(among, np.int64)

    def by_meaning(self, row: int, *, limit: int) -> Near:
        """The nearest rows with their cosines, the nearest first, the row itself apart."""
        return self._nearest(row, self._space.cosines(row)[0], limit)

    def by_words(self, row: int, *, limit: int) -> Near:
        """The same by the words that they share."""
        return self._nearest(row, self._space.cosines(row)[1], limit)

    def _nearest(self, row: int, cosines: FloatArray, limit: int) -> Near:
        most = min(limit + 1, len(self._among))
        if not most:
            return []
        scores = cosines[self._among]
        best = np.argpartition(-scores, most - 1)[:most]
        ordered = best[np.lexsort((best, -scores[best]))]
        found = zip(self._among[ordered].tolist(), scores[ordered].tolist(), strict=True)
        return [(other, score) for other, score in found if other != row and score > 0][:limit]


def read_space(reader: CatalogReader, notes: Mapping[str, int], fingerprint: str | None) -> NoteSpace:
    """The space of these notes, keys by path, with the vectors of that embedding model. Within a snapshot."""
    paths = tuple(sorted(notes))
    keys = tuple(notes[path] for path in paths)
    inline = _inline_tags(reader)
    bags, titles = [], []
    for key, title, headings, body in _texts(reader, keys):
        in_title = title.split()
        counts = Counter(body.split()[:_MOST_TERMS])
        counts.subtract(inline.get(key, ()))
        counts.update(headings.split())
        for term in in_title:
            counts[term] += _TITLE_COUNTS
        bags.append({term: count for term, count in counts.items() if count > 0 and term not in STOP_WORDS})
        titles.append(frozenset(in_title))
    return NoteSpace(
        keys,
        paths,
        _meanings(reader, keys, fingerprint),
        _weighed(bags),
        tuple(frozenset(bag) for bag in bags),
        tuple(titles),
    )


def by_rarest(names: Sequence[frozenset[str]]) -> Mapping[str, list[tuple[int, frozenset[str]]]]:
    """The places of the names, with all their words, by the word that fewest of them have: few are looked at then."""
    spread = Counter(word for words in names for word in words)
    found: dict[str, list[tuple[int, frozenset[str]]]] = {}
    for place, words in enumerate(names):
        if words:
            rarest = min(words, key=lambda word: (spread[word], -len(word), word))
            found.setdefault(rarest, []).append((place, words))
    return found


def _texts(reader: CatalogReader, keys: Sequence[int]) -> Iterator[tuple[int, str, str, str]]:
    """(key, title, headings, body) of each note, in the order of the keys, as terms with blanks between."""
    for start in range(0, len(keys), _NOTES_AT_ONCE):
        batch = keys[start : start + _NOTES_AT_ONCE]
        rows = reader.connection.execute(
            "SELECT rowid, title, headings, body FROM note_terms WHERE rowid IN (SELECT value FROM json_each(?))",
            (json.dumps(batch),),
        )
        held = {row[0]: row for row in rows}
        for key in batch:
            yield held.get(key, (key, "", "", ""))


def _inline_tags(reader: CatalogReader) -> dict[int, list[str]]:
    """The terms of the tags that stand in each note's text: what is asked for must not answer."""
    found: dict[int, list[str]] = {}
    for note, name in reader.connection.execute("SELECT note, name FROM tag WHERE NOT in_frontmatter"):
        found.setdefault(note, []).extend(terms(name))
    return found


def _meanings(reader: CatalogReader, keys: Sequence[int], fingerprint: str | None) -> FloatArray:
    """The mean of each note's card and the mean of its passages."""
    if fingerprint is None or not keys:
        return np.zeros((len(keys), 0), np.float32)
    place = {key: row for row, key in enumerate(keys)}
    made: FloatArray | None = None
    for start in range(0, len(keys), _NOTES_AT_ONCE):
        held = reader.vectors_of(keys[start : start + _NOTES_AT_ONCE], fingerprint)
        if not held.notes:
            continue
        if made is None:
            made = np.zeros((2, len(keys), held.matrix.shape[1]), np.float32)
        rows = np.array([place[note] for note in held.notes])
        cards = np.array(held.cards, bool)
        np.add.at(made[0], rows[cards], held.matrix[cards])
        np.add.at(made[1], rows[~cards], held.matrix[~cards])
    if made is None:
        return np.zeros((len(keys), 0), np.float32)
    return _unit(_unit(made[0]) + _unit(made[1]))


def _unit(matrix: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _weighed(bags: Sequence[Mapping[str, int]]) -> sparse.csr_array:
    """Each note's words by how often they stand in it, dampened, and how few notes have them."""
    spread = Counter(term for bag in bags for term in bag)
    most = max(_FEW, _COMMON * len(bags))
    column = {term: place for place, term in enumerate(t for t, notes in spread.items() if 1 < notes <= most)}
    rarity = np.zeros(len(column), np.float32)
    for term, place in column.items():
        rarity[place] = np.log(1 + len(bags) / spread[term])
    columns, counts, starts = array("i"), array("f"), array("q", [0])
    for bag in bags:
        for term, count in bag.items():
            if (known := column.get(term)) is not None:
                columns.append(known)
                counts.append(count)
        starts.append(len(columns))
    places = np.array(columns, np.int32)
    values = (1 + np.log(np.array(counts, np.float32))) * rarity[places]
    matrix = sparse.csr_array((values, places, np.array(starts)), shape=(len(bags), len(column)), dtype=np.float32)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ matrix, dtype=np.float32)
