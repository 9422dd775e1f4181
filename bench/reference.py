"""The ranking once more, written plainly: every note is scored, and nothing is cut off or approximated.

It shares the index with vaultbot (vectors, BM25, names) and none of the ranking's code, so that a difference between
the two is a mistake in one of them, or what looking at few candidates costs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from vaultbot.index.analyzer import query_terms
from vaultbot.index.reader import CatalogReader
from vaultbot.protocols import Embedder, FloatArray
from vaultbot.retrieval.query import Query
from vaultbot.retrieval.ranking import Weights


class Reference:
    """Scores all notes of an index. To be used within one snapshot of the reader."""

    def __init__(self, reader: CatalogReader, embedder: Embedder, weights: Weights) -> None:
        self._reader = reader
        self._embedder = embedder
        self._weights = weights
        keys = [row[0] for row in reader.connection.execute("SELECT id FROM note WHERE searched ORDER BY path")]
        held = reader.vectors_of(keys, embedder.fingerprint)
        # A note without passages, which has nothing to show, is no hit.
        shown = {note for note, card in zip(held.notes, held.cards, strict=True) if not card}
        self._keys = [key for key in keys if key in shown]
        self._paths = {key: path for key, (path, _) in _titles(reader, self._keys).items()}
        self._place = {key: place for place, key in enumerate(self._keys)}
        rows = [row for row, note in enumerate(held.notes) if note in self._place]
        self._matrix: FloatArray = held.matrix[rows]
        self._note = np.array([self._place[held.notes[row]] for row in rows], np.int64)
        self._card = np.array([held.cards[row] for row in rows], bool)
        self._names = [
            [frozenset(query_terms(name)) for name in names] for names in _all(reader.names_of(keys), self._keys)
        ]
        self._headings = [
            [frozenset(query_terms(text)) for text in texts] for texts in _all(reader.headings_of(keys), self._keys)
        ]

    def rank(self, query: Query, within: Collection[int] | None, *, limit: int) -> list[str]:
        """The paths of the best notes, best first."""
        weights = self._weights
        share = weights.words + (weights.words_other_scripts - weights.words) * (1 - query.latin_share)
        names, headings = self._named(query)
        scores = (
            (1 - share) * self._meaning(query)
            + share * self._words(query)
            + weights.name * names
            + weights.heading * headings
        )
        left = [place for key, place in self._place.items() if within is None or key in within]
        best = sorted(left, key=lambda place: (-scores[place], self._paths[self._keys[place]]))[:limit]
        return [self._paths[self._keys[place]] for place in best]

    def _meaning(self, query: Query) -> FloatArray:
        cosines = self._matrix @ self._embedder.embed_query(query.meaning)
        cards, passages = (np.full(len(self._keys), -np.inf, np.float32) for _ in range(2))
        np.maximum.at(cards, self._note[self._card], cosines[self._card])
        np.maximum.at(passages, self._note[~self._card], cosines[~self._card])
        card, passage = np.where(np.isneginf(cards), passages, cards), passages
        better = self._weights.best_view
        joined = better * np.maximum(card, passage) + (1 - better) * (card + passage) / 2
        floor = self._weights.floor
        return np.asarray(np.maximum(0, joined + floor) / (joined.max() + floor), np.float32)

    def _words(self, query: Query) -> FloatArray:
        alone = self._matched(query, ())
        if not query.pairs:
            return alone
        share = self._weights.pairs
        joined = (1 - share) * alone + share * self._matched(query, query.pairs)
        return np.asarray(joined / (joined.max() or 1), np.float32)

    def _matched(self, query: Query, pairs: tuple[tuple[str, str], ...]) -> FloatArray:
        scores = self._bm25(query.terms, pairs)
        for wording in query.more:
            scores = scores + wording.weight * self._bm25(wording.terms, ())
        return np.asarray(scores / (scores.max() or 1), np.float32)

    def _bm25(self, terms: tuple[str, ...], pairs: tuple[tuple[str, str], ...]) -> FloatArray:
        scores = np.zeros(len(self._keys), np.float32)
        for key, score in self._reader.match_notes(terms, limit=None, pairs=pairs):
            if key in self._place:
                scores[self._place[key]] = score
        return scores

    def _named(self, query: Query) -> tuple[FloatArray, FloatArray]:
        wanted = frozenset(query.terms)
        counted, total = self._reader.document_frequency(wanted)
        rarity = {term: math.log(1 + (total - count + 0.5) / (count + 0.5)) for term, count in counted.items()}
        both = []
        for held in (self._names, self._headings):
            likeness = [max((_alike(wanted, name, rarity) for name in names), default=0.0) for names in held]
            both.append(np.array(likeness, np.float32))
        return both[0], both[1]


def _alike(wanted: frozenset[str], name: frozenset[str], rarity: Mapping[str, float]) -> float:
    """A Jaccard of terms by their rarity; a term that only the name has counts as the question's do on average."""
    if not wanted & name:
        return 0.0
    asked = sum(rarity[term] for term in wanted)
    return sum(rarity[term] for term in wanted & name) / (asked + len(name - wanted) * asked / len(wanted))


def _titles(reader: CatalogReader, keys: list[int]) -> dict[int, tuple[str, str]]:
    titles: dict[int, tuple[str, str]] = {}
    for start in range(0, len(keys), 500):
        titles |= reader.titles(keys[start : start + 500])
    return titles


def _all(found: Mapping[int, list[str]], keys: Iterable[int]) -> list[list[str]]:
    return [found.get(key, []) for key in keys]
