"""How well notes and passages fit a question: the signals, and how they are put together.

A note's score is meaning and words, fused as scores and not as ranks, and a little for a name or heading that says what
was asked. What each signal is worth is measured (docs/retrieval.md); all weights stand in `Weights`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from vaultbot.errors import DataDamaged
from vaultbot.index.analyzer import query_terms
from vaultbot.index.reader import CatalogReader
from vaultbot.protocols import Embedder, FloatArray, VectorIndex
from vaultbot.retrieval.query import Query

log = logging.getLogger("vaultbot.retrieval")

_NEAREST_CHUNKS = 200
_LEXICAL_NOTES = 100
_CANDIDATE_NOTES = 80  #: of each kind
_SCORED_CHUNKS = 20_000  #: as many as a filter may leave for each to be scored


#: By words and by meaning together, or by one of them alone.
Mode = Literal["hybrid", "lexical", "dense"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal counts, chosen once for all vaults on practice questions in three languages."""

    words: float = 0.45  #: words against meaning, for a question in Latin script…
    words_other_scripts: float = 0.9  #: …and in a script that an English embedder cannot read
    passage_words: float = 0.35  #: the least that words count among the passages of a note
    card: bool = True  #: whether a note's card counts as a view of it, beside its passages
    best_view: float = 0.3  #: the better one of card and passage, against the mean of the two
    pairs: float = 0.5  #: words that stand side by side in question and note, against words alone
    name: float = 0.15  #: a title or alias that says what was asked
    heading: float = 0.1  #: the same of a heading
    floor: float = 0.2  #: cosines are compared to the best one from here, so that a weak best does not look strong


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for a note, each from 0 to 1 within the question, before it is weighed."""

    meaning: float
    words: float
    name: float
    heading: float
    card_cosine: float | None
    passage_cosine: float | None  #: of the best passage


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of the candidate notes and their passages, each 0 to 1 within the question."""

    notes: Mapping[int, float]
    passages: Mapping[int, float]  #: by rowid
    cosines: Mapping[int, float]  #: by rowid
    note_of: Mapping[int, int]  #: by rowid, of every passage of the candidates
    signals: Mapping[int, Signals]  #: by note
    words_share: float  #: how much words counted against meaning


@dataclass(frozen=True, slots=True)
class _Dense:
    cards: Mapping[int, float]  #: by note
    best: Mapping[int, float]  #: of a note's passages
    passages: Mapping[int, float]  #: by rowid


class Ranker:
    """Scores notes and passages. Safe to use from several threads."""

    def __init__(self, reader: CatalogReader, *, embedder: Embedder | None, weights: Weights | None = None) -> None:
        self._reader = reader
        self._embedder = embedder
        self._weights = weights or Weights()
        self.vectors: VectorIndex | None = None  #: None while it is being opened: words alone decide then

    def rank(self, query: Query, within: frozenset[int] | None, *, mode: Mode = "hybrid") -> Scores:
        """The scores of the notes worth a look, of those `within` alone where a filter leaves only some."""
        vector, vectors = None, self.vectors  # It may be taken away by the index thread at any moment.
        if self._embedder is not None and vectors is not None and mode != "lexical" and (within is None or within):
            vector = self._embedder.embed_query(query.text)
        every = within is not None and self._can_score_all(within)
        limit = None if every else _LEXICAL_NOTES
        words = dict(self._reader.match_notes(query.terms, limit=limit, within=within)) if mode != "dense" else {}
        candidates: Collection[int]
        if every and within is not None:
            candidates = within if vector is not None else words
        else:
            near = self._near(vectors, vector, within) if vectors is not None and vector is not None else None
            if near is None:
                vector = None  # Words alone must do.
            near = (near or [])[:_CANDIDATE_NOTES]
            candidates = dict.fromkeys([*near, *list(words)[:_CANDIDATE_NOTES]])
            if mode != "dense":  # Those that only meaning found may have the words as well.
                words |= self._reader.match_notes(query.terms, limit=None, within=near)
        return self._scores(query, candidates, words, vector, mode)

    def _scores(
        self,
        query: Query,
        candidates: Collection[int],
        words: Mapping[int, float],
        vector: FloatArray | None,
        mode: str,
    ) -> Scores:
        note_of = self._reader.passage_notes(candidates)
        dense = self._dense(vector, candidates)
        share = 1.0 if vector is None else 0.0 if mode == "dense" else self._share(query)
        lexical = self._with_pairs(query, {note: words[note] for note in candidates if note in words})
        names, headings = self._named(query, candidates) if mode != "dense" else ({}, {})
        meaning = _relative(self._views(dense), floor=self._weights.floor)
        signals = {
            note: Signals(
                meaning.get(note, 0.0),
                lexical.get(note, 0.0),
                names.get(note, 0.0),
                headings.get(note, 0.0),
                dense.cards.get(note),
                dense.best.get(note),
            )
            for note in candidates
        }
        passage_words = self._reader.passage_scores(query.terms, list(note_of)) if mode != "dense" else {}
        passage_share = 0.0 if mode == "dense" and vector is not None else max(share, self._weights.passage_words)
        return Scores(
            notes={note: self._total(one, share) for note, one in signals.items()},
            passages=_fused(
                _relative(dense.passages, floor=self._weights.floor), _relative(passage_words), passage_share
            ),
            cosines=dense.passages,
            note_of=note_of,
            signals=signals,
            words_share=share,
        )

    def _total(self, signals: Signals, share: float) -> float:
        weights = self._weights
        fused = (1 - share) * signals.meaning + share * signals.words
        named = weights.name * signals.name + weights.heading * signals.heading
        return (fused + named) / (1 + weights.name + weights.heading)

    def _share(self, query: Query) -> float:
        weights = self._weights
        return weights.words + (weights.words_other_scripts - weights.words) * (1 - query.latin_share)

    # ── meaning ────────────────────────────────────────────────────────────────────────────────────────────────

    def _can_score_all(self, notes: Collection[int]) -> bool:
        """Whether a filter leaves so few notes that each can be scored: no other way finds the best for certain."""
        return len(notes) <= 2 * _CANDIDATE_NOTES or self._reader.chunk_count(notes) <= _SCORED_CHUNKS

    def _near(self, vectors: VectorIndex, vector: FloatArray, within: Collection[int] | None) -> list[int] | None:
        """The notes of the chunks next to the question; None when the index is damaged.

        As the index knows no filter, it is asked for more until enough of what it names fits.
        """
        limit = _NEAREST_CHUNKS
        while True:
            try:
                near = vectors.query(vector, limit=limit)
            except DataDamaged as error:
                log.warning("%s", error)
                self.vectors = None
                return None
            notes = self._reader.notes_of([identity for identity, _ in near])
            known = [notes[identity] for identity, _ in near if identity in notes]
            allowed = known if within is None else [note for note in known if note in within]
            if within is None or len(allowed) >= _NEAREST_CHUNKS or len(near) < limit:
                return list(dict.fromkeys(allowed[:_NEAREST_CHUNKS]))
            limit *= 4

    def _dense(self, vector: FloatArray | None, notes: Collection[int]) -> _Dense:
        """Cosines of the notes' cards and passages, exact, from the catalog."""
        cards: dict[int, float] = {}
        best: dict[int, float] = {}
        passages: dict[int, float] = {}
        if vector is None or self._embedder is None:
            return _Dense(cards, best, passages)
        held = self._reader.vectors_of(notes, self._embedder.fingerprint)
        # Line by line, so that like texts have like cosines wherever they stand: a tie is a tie.
        cosines = np.einsum("ij,j->i", held.matrix, vector).tolist() if held.notes else []
        for note, rowid, card, cosine in zip(held.notes, held.rowids, held.cards, cosines, strict=True):
            if card:
                cards[note] = cosine
            else:
                passages[rowid] = cosine
                best[note] = max(cosine, best.get(note, -1.0))
        return _Dense(cards, best, passages)

    def _views(self, dense: _Dense) -> dict[int, float]:
        """A note's cosine by its card and its best passage; by the one alone where it has no other."""
        cards = dense.cards if self._weights.card or not dense.best else {}
        better = self._weights.best_view
        found: dict[int, float] = {}
        for note in cards.keys() | dense.best.keys():
            card, passage = cards.get(note), dense.best.get(note)
            card, passage = passage if card is None else card, card if passage is None else passage
            assert card is not None
            assert passage is not None
            found[note] = better * max(card, passage) + (1 - better) * (card + passage) / 2
        return found

    # ── words ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _with_pairs(self, query: Query, words: Mapping[int, float]) -> dict[int, float]:
        """Words alone, and words with those that stand side by side, each relative to its best."""
        alone = _relative(words)
        if not query.pairs or not words:
            return alone
        beside = _relative(dict(self._reader.match_notes(query.terms, limit=None, within=words, pairs=query.pairs)))
        return _relative(_fused(alone, beside, self._weights.pairs))

    def _named(self, query: Query, notes: Collection[int]) -> tuple[dict[int, float], dict[int, float]]:
        """How much the best name and the best heading of each note say what was asked, and nothing besides."""
        wanted = frozenset(query.terms)
        if not wanted or not (self._weights.name or self._weights.heading):
            return {}, {}
        counted, total = self._reader.document_frequency(wanted)
        rarity = {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in counted.items()}
        names, headings = self._reader.names_of(notes), self._reader.headings_of(notes)
        return (
            {note: _likeness(wanted, texts, rarity) for note, texts in names.items()},
            {note: _likeness(wanted, texts, rarity) for note, texts in headings.items()},
        )


@lru_cache(maxsize=20_000)
def _terms_of_name(name: str) -> frozenset[str]:
    return frozenset(query_terms(name))


def _likeness(wanted: frozenset[str], names: Iterable[str], rarity: Mapping[str, float]) -> float:
    """Weight of the terms that the question and the most similar name share, against all that either has, 0 to 1."""
    whole = sum(rarity.values())
    usual = whole / len(wanted)
    best = 0.0
    for name in names:
        terms = _terms_of_name(name)
        shared = terms & wanted
        if shared:
            common = sum(rarity[term] for term in shared)
            best = max(best, common / (whole + (len(terms) - len(shared)) * usual))
    return best


def _relative(scores: Mapping[int, float], *, floor: float = 0.0) -> dict[int, float]:
    """Scores against the best one, from 0 to 1."""
    top = max(scores.values(), default=0.0) + floor
    return {key: max(0.0, score + floor) / top for key, score in scores.items()} if top > 0 else {}


def _fused(one: Mapping[int, float], other: Mapping[int, float], share: float) -> dict[int, float]:
    """(1 - share) · one + share · other."""
    return {key: (1 - share) * one.get(key, 0.0) + share * other.get(key, 0.0) for key in one.keys() | other.keys()}
