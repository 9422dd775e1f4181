"""How well notes and passages fit a question: the signals, and how they are put together.

A note's score is meaning and words, fused as scores and not as ranks, and a little for a name or heading that says what
was asked. What each signal is worth is measured (docs/retrieval.md); all weights stand in `Weights`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import islice
from typing import Literal

import numpy as np

from vaultbot.errors import DataDamaged, DiskFull, Unreachable, VaultbotError
from vaultbot.index.analyzer import query_terms
from vaultbot.index.reader import CatalogReader
from vaultbot.index.scripts import script_shares
from vaultbot.protocols import Embedder, FloatArray, VectorIndex
from vaultbot.retrieval.calibration import words_share
from vaultbot.retrieval.query import Query

log = logging.getLogger("vaultbot.retrieval")

_NEAREST_CHUNKS = 200
_CANDIDATE_NOTES = 80  #: of each kind
_SCORED_CHUNKS = 8_000  #: as many as a filter may leave for each to be scored
_SCORED_NOTES = 20_000  #: by words; of more notes, those with the rarest words of the question…
_FEW_NOTES = 1_000  #: …as long as these are not too few


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
    pairs: float = 0.5  #: words that stand side by side in question and note or passage, against words alone
    name: float = 0.15  #: a title or alias that says what was asked
    heading: float = 0.1  #: the same of a heading
    note: float = 0.4  #: a passage's note against the passage itself, among those for an answer…
    window: float = 0.2  #: …and what is added for the question's words within three sentences
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
        self.readable: Mapping[str, float] = {}  #: how well the embedder reads each script, where that was measured
        self.trouble: str | None = None  #: why the last question could not be compared in meaning

    @property
    def embedder(self) -> Embedder | None:
        """What meanings are compared by."""
        return self._embedder

    def rank(self, query: Query, within: frozenset[int] | None, *, mode: Mode = "hybrid") -> Scores:
        """The scores of the notes worth a look, of those `within` alone where a filter leaves only some."""
        asked, vectors = None, self.vectors  # It may be taken away by the index thread at any moment.
        if self._embedder is not None and vectors is not None and mode != "lexical" and (within is None or within):
            asked = self._asked(self._embedder, query, mode)
        every = within is not None and self._can_score_all(within)
        limit = None if every else _CANDIDATE_NOTES
        words = self._matches(query, limit=limit, within=within) if mode != "dense" else {}
        candidates: Collection[int]
        if every and within is not None:
            candidates = within if asked is not None else words
        else:
            near = self._near(vectors, asked, within) if vectors is not None and asked is not None else None
            if near is None:
                asked = None  # Words alone must do.
            near = (near or [])[:_CANDIDATE_NOTES]
            candidates = dict.fromkeys([*near, *nlargest(_CANDIDATE_NOTES, words, lambda note: words[note])])
            if mode != "dense":  # Those that only meaning found may have the words as well.
                words |= self._matches(query, limit=None, within=[note for note in near if note not in words])
        return self._scores(query, candidates, words, asked, mode)

    def _asked(self, embedder: Embedder, query: Query, mode: Mode) -> FloatArray | None:
        """A vector for each wording; None when the embedder fails, for words can be searched without it."""
        try:
            asked = np.stack([embedder.embed_query(text) for text in (query.meaning, *query.rewordings)])
        except VaultbotError as error:
            if mode == "dense":
                raise
            log.warning("%s", error)
            self.trouble = str(error)
            return None
        self.trouble = None
        return asked

    def _scores(
        self,
        query: Query,
        candidates: Collection[int],
        words: Mapping[int, float],
        asked: FloatArray | None,
        mode: str,
    ) -> Scores:
        note_of = self._reader.passage_notes(candidates)
        dense = self._dense(asked, candidates)
        share = 1.0 if asked is None else 0.0 if mode == "dense" else self._share(query)
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
        passage_words = self._passage_words(query, list(note_of)) if mode != "dense" else {}
        passage_share = 0.0 if mode == "dense" and asked is not None else max(share, self._weights.passage_words)
        return Scores(
            notes={note: self._total(one, share) for note, one in signals.items()},
            passages=_fused(_relative(dense.passages, floor=self._weights.floor), passage_words, passage_share),
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
        read, unread = self._weights.words, self._weights.words_other_scripts
        share = read + (unread - read) * (1 - query.latin_share)
        if self.readable:
            for script, part in script_shares([query.text]).items():
                # Titles that say nothing of their notes ("Meeting 12") are no reason to distrust it in Latin script.
                if script != "LATIN" and script in self.readable:
                    share += part * (words_share(self.readable[script], read=read, unread=unread) - unread)
        return min(1.0, max(0.0, share))

    # ── meaning ────────────────────────────────────────────────────────────────────────────────────────────────

    def _can_score_all(self, notes: Collection[int]) -> bool:
        """Whether a filter leaves so few notes that each can be scored: no other way finds the best for certain."""
        if len(notes) <= 2 * _CANDIDATE_NOTES:
            return True
        return len(notes) <= _SCORED_CHUNKS and self._reader.chunk_count(notes) <= _SCORED_CHUNKS

    def _near(self, vectors: VectorIndex, asked: FloatArray, within: Collection[int] | None) -> list[int] | None:
        """The notes of the chunks next to the question; None when the index is damaged.

        As the index knows no filter, it is asked for more until enough of what it names fits.
        """
        limit = _NEAREST_CHUNKS
        if within is not None:  # Mostly that is enough at once; a share of one more, for it is no even share.
            notes, _ = self._reader.counts()
            limit += limit * notes // max(1, len(within))
        while True:
            try:
                near = _nearest(vectors, asked, limit=limit)
            except (DataDamaged, DiskFull, Unreachable) as error:
                log.warning("%s", error)
                self.vectors = None
                self.trouble = str(error) if isinstance(error, Unreachable) else None
                return None
            note_of = self._reader.notes_of([identity for identity, _ in near])
            known = [note_of[identity] for identity, _ in near if identity in note_of]
            allowed = known if within is None else [note for note in known if note in within]
            if within is None or len(allowed) >= _NEAREST_CHUNKS or len(near) < limit:
                return list(dict.fromkeys(allowed[:_NEAREST_CHUNKS]))
            limit *= 4

    def _dense(self, asked: FloatArray | None, notes: Collection[int]) -> _Dense:
        """Cosines of the notes' cards and passages, exact, from the catalog."""
        cards: dict[int, float] = {}
        best: dict[int, float] = {}
        passages: dict[int, float] = {}
        if asked is None or self._embedder is None:
            return _Dense(cards, best, passages)
        held = self._reader.vectors_of(notes, self._embedder.fingerprint)
        # Line by line, so that like texts have like cosines wherever they stand: a tie is a tie.
        each = [np.einsum("ij,j->i", held.matrix, vector) for vector in asked] if held.notes else []
        cosines = np.max(each, axis=0).tolist() if each else []
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

    def _matches(
        self,
        query: Query,
        *,
        limit: int | None,
        within: Collection[int] | None,
    ) -> dict[int, float]:
        """BM25 of notes by the question's terms, and by those that say the same."""
        found = self._match(query.terms, limit=limit, within=within)
        for wording in query.more:
            more = self._match(wording.terms, limit=limit, within=within)
            if limit is not None:  # What one of the two did not reach may have the words of the other as well.
                found |= self._reader.match_notes(query.terms, limit=None, within=more.keys() - found.keys())
                more |= self._reader.match_notes(wording.terms, limit=None, within=found.keys() - more.keys())
            found = _joined(found, more, wording.weight)
        return found

    def _match(self, terms: Sequence[str], *, limit: int | None, within: Collection[int] | None) -> dict[int, float]:
        if limit is not None and within is not None:  # So many that it is faster to tell them apart here.
            rows = self._reader.match_notes(terms, limit=None)
            return dict(islice((row for row in rows if row[0] in within), limit))
        telling = None
        if limit is not None:
            counted, _ = self._reader.document_frequency(terms)
            telling = telling_terms(counted)
        return dict(self._reader.match_notes(terms, limit=limit, within=within, holding=telling))

    def _passage_words(self, query: Query, passages: Sequence[int]) -> dict[int, float]:
        words = self._passage_matches(query, passages)
        alone = _relative(words)
        if not query.pairs or not alone:
            return alone
        pairs = self._reader.passage_scores((), list(alone), pairs=query.pairs)
        return _relative(_fused(alone, _relative(_joined(words, pairs, 1.0)), self._weights.pairs))

    def _passage_matches(self, query: Query, passages: Sequence[int]) -> dict[int, float]:
        found = self._reader.passage_scores(query.terms, passages)
        for wording in query.more:
            found = _joined(found, self._reader.passage_scores(wording.terms, passages), wording.weight)
        return found

    def _with_pairs(self, query: Query, words: Mapping[int, float]) -> dict[int, float]:
        """Words alone, and words with those that stand side by side, each relative to its best."""
        alone = _relative(words)
        if not query.pairs or not words:
            return alone
        pairs = dict(self._reader.match_notes((), limit=None, within=words, pairs=query.pairs))
        return _relative(_fused(alone, _relative(_joined(words, pairs, 1.0)), self._weights.pairs))

    def _named(self, query: Query, notes: Collection[int]) -> tuple[dict[int, float], dict[int, float]]:
        """How much the best name and the best heading of each note say what was asked, and nothing besides."""
        wanted = frozenset(query.terms)
        if not wanted or not (self._weights.name or self._weights.heading):
            return {}, {}
        rarity = self._reader.rarity(wanted)
        names, headings = self._reader.names_of(notes), self._reader.headings_of(notes)
        return (
            {note: _likeness(wanted, texts, rarity) for note, texts in names.items()},
            {note: _likeness(wanted, texts, rarity) for note, texts in headings.items()},
        )


def _nearest(vectors: VectorIndex, asked: FloatArray, *, limit: int) -> list[tuple[str, float]]:
    """What is next to any of the question's wordings, with the best of its cosines, the best first."""
    found: dict[str, float] = {}
    for vector in asked:
        for identity, cosine in vectors.query(vector, limit=limit):
            found[identity] = max(cosine, found.get(identity, cosine))
    return sorted(found.items(), key=lambda one: -one[1])


def telling_terms(counted: Mapping[str, int]) -> list[str] | None:
    """The rarest terms, whose notes are scored, by all terms; None when there is time for every note with a term.

    In a hundred thousand notes a question of common words fits half of them, and those with the common ones alone are
    never the best.
    """
    chosen: list[str] = []
    notes = 0
    for term, count in sorted(counted.items(), key=lambda one: one[1]):
        if notes > _FEW_NOTES and notes + count > _SCORED_NOTES:
            return chosen
        chosen.append(term)
        notes += count
    return None


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


def _joined(one: Mapping[int, float], other: Mapping[int, float], weight: float) -> dict[int, float]:
    """one + weight · other."""
    return {key: one.get(key, 0.0) + weight * other.get(key, 0.0) for key in one.keys() | other.keys()}


def _relative(scores: Mapping[int, float], *, floor: float = 0.0) -> dict[int, float]:
    """Scores against the best one, from 0 to 1."""
    top = max(scores.values(), default=0.0) + floor
    return {key: max(0.0, score + floor) / top for key, score in scores.items()} if top > 0 else {}


def _fused(one: Mapping[int, float], other: Mapping[int, float], share: float) -> dict[int, float]:
    """(1 - share) · one + share · other."""
    return {key: (1 - share) * one.get(key, 0.0) + share * other.get(key, 0.0) for key in one.keys() | other.keys()}
