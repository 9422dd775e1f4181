"""Question → notes and their best passages, by words and by meaning together.

A note's score by meaning is the mean of its card and its best passage; by words it is BM25 over title, aliases,
headings and text. The two scores are fused, not their ranks: measured better everywhere, and ranks would halve Japanese
and Chinese, which an English embedder cannot read (docs/retrieval.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vaultbot.errors import DataDamaged
from vaultbot.index.analyzer import tokens
from vaultbot.index.reader import CatalogReader, Passage
from vaultbot.protocols import Embedder, FloatArray, VectorIndex
from vaultbot.retrieval.query import Query, parse_query
from vaultbot.types import Heading, Hit, SearchResult
from vaultbot.vault.uris import open_uri, wikilink

log = logging.getLogger("vaultbot.retrieval")

_NEAREST_CHUNKS = 200
_LEXICAL_NOTES = 100
_CANDIDATE_NOTES = 80  #: of each kind
#: Cosines are compared to the best one from this floor, so that a weak best does not look strong.
_COSINE_FLOOR = 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with what speaks for it."""

    passage: Passage
    score: float  #: of its note and itself together, 0 to 1 within one question
    note_score: float
    cosine: float | None  #: of the passage and the question; None without an embedder


@dataclass(frozen=True, slots=True)
class _Scores:
    """Scores of the candidate notes and their passages, each 0 to 1 within the question."""

    notes: Mapping[int, float]
    passages: Mapping[int, float]  #: by rowid
    cosines: Mapping[int, float]  #: by rowid


class Retriever:
    """Finds passages. Safe to use from several threads."""

    def __init__(self, reader: CatalogReader, *, embedder: Embedder | None, vault_name: str) -> None:
        self._reader = reader
        self._embedder = embedder
        self._vault_name = vault_name
        self.vectors: VectorIndex | None = None  #: None while it is being opened: words alone decide then

    def search(self, text: str, *, limit: int) -> SearchResult:
        """The best passage of each of the best notes. Raises InvalidRequest for an empty or endless question."""
        began = time.perf_counter()
        query = parse_query(text)
        with self._reader.snapshot():
            found = self.retrieve(query, limit=limit)
            hits = tuple(self._hit(query, one) for one in found)
        warnings = (
            ()
            if self.by_meaning or self._embedder is None
            else ("the vector index is not ready: words alone were searched",)
        )
        return SearchResult(text, hits, round((time.perf_counter() - began) * 1000, 2), warnings)

    @property
    def by_meaning(self) -> bool:
        """Whether meaning counts at the moment, and not words alone."""
        return self._embedder is not None and self.vectors is not None

    def retrieve(self, query: Query, *, limit: int) -> list[Found]:
        """The best passage of each note, best notes first."""
        scores, passages = self._rank(query)
        best: dict[int, Passage] = {}
        for passage in passages:
            held = best.get(passage.note)
            if held is None or scores.passages.get(passage.rowid, 0) > scores.passages.get(held.rowid, 0):
                best[passage.note] = passage
        ordered = sorted(best.values(), key=lambda p: (-scores.notes.get(p.note, 0), p.path))
        return [
            Found(p, scores.notes.get(p.note, 0), scores.notes.get(p.note, 0), scores.cosines.get(p.rowid))
            for p in ordered[:limit]
        ]

    def passages(self, query: Query, *, limit: int) -> list[Found]:
        """The passages to read for an answer: a passage counts by itself and by its note."""
        scores, passages = self._rank(query)
        found = [
            Found(
                p,
                (scores.notes.get(p.note, 0) + scores.passages.get(p.rowid, 0)) / 2,
                scores.notes.get(p.note, 0),
                scores.cosines.get(p.rowid),
            )
            for p in passages
        ]
        return sorted(found, key=lambda f: (-f.score, f.passage.path, f.passage.start_line))[:limit]

    # ── ranking ────────────────────────────────────────────────────────────────────────────────────────────────

    def _rank(self, query: Query) -> tuple[_Scores, list[Passage]]:
        lexical_notes = dict(self._reader.match_notes(query.terms, limit=_LEXICAL_NOTES))
        vector, nearest = self._nearest(query)
        candidates = list(dict.fromkeys([*nearest[:_CANDIDATE_NOTES], *list(lexical_notes)[:_CANDIDATE_NOTES]]))
        passages = self._reader.passages_of(candidates)
        lexical_passages = self._reader.passage_scores(query.terms, [p.rowid for p in passages])
        dense_notes, cosines = self._dense(vector, candidates)
        share = query.lexical_share if vector is not None else 1.0
        return (
            _Scores(
                notes=_fuse(dense_notes, lexical_notes, lexical_share=share),
                passages=_fuse(cosines, lexical_passages, lexical_share=max(share, 0.35)),
                cosines=cosines,
            ),
            passages,
        )

    def _nearest(self, query: Query) -> tuple[FloatArray | None, list[int]]:
        """The question's vector and the notes of the chunks next to it; nothing when words alone must do."""
        vectors = self.vectors  # It may be taken away by the index thread at any moment.
        if self._embedder is None or vectors is None:
            return None, []
        vector = self._embedder.embed_query(query.text)
        try:
            near = vectors.query(vector, limit=_NEAREST_CHUNKS)
        except DataDamaged as error:
            log.warning("%s", error)
            self.vectors = None
            return None, []
        notes = self._reader.notes_of([identity for identity, _ in near])
        return vector, list(dict.fromkeys(notes[identity] for identity, _ in near if identity in notes))

    def _dense(self, vector: FloatArray | None, notes: Sequence[int]) -> tuple[dict[int, float], dict[int, float]]:
        """Cosine of each note (card and best passage together) and of each passage, exact, from the catalog."""
        if vector is None or self._embedder is None:
            return {}, {}
        by_note: dict[int, float] = {}
        by_passage: dict[int, float] = {}
        for note, chunks in self._reader.vectors_of(notes, self._embedder.fingerprint).items():
            cosines = np.stack([v for _, _, v in chunks]) @ vector
            cards = [float(c) for c, (_, view, _) in zip(cosines, chunks, strict=True) if view == "card"]
            own = {rowid: float(c) for c, (rowid, view, _) in zip(cosines, chunks, strict=True) if view == "passage"}
            by_passage.update(own)
            card = max(cards, default=0.0)
            by_note[note] = (card + max(own.values(), default=card)) / 2
        return by_note, by_passage

    # ── showing ────────────────────────────────────────────────────────────────────────────────────────────────

    def _hit(self, query: Query, found: Found) -> Hit:
        passage = found.passage
        wanted = set(query.terms)
        matched = [t for t in tokens(passage.text) if t.term in wanted]
        words = tuple(dict.fromkeys(passage.text[t.start : t.end] for t in matched))
        line = passage.start_line
        if matched:
            by_line: dict[int, set[str]] = {}
            for token in matched:
                by_line.setdefault(passage.text.count("\n", 0, token.start), set()).add(token.term)
            line += max(by_line, key=lambda n: (len(by_line[n]), -n))
        heading = heading_at(self._reader.headings(passage.note), line)
        shown, written = (heading.path, heading.written) if heading else ((), ())
        return Hit(
            passage.path,
            passage.title,
            shown,
            passage.start_line,
            passage.end_line,
            line,
            passage.text,
            round(found.score, 4),
            wikilink(passage.path, passage.title, written, shown=shown),
            open_uri(self._vault_name, passage.path, written),
            words,
        )


def heading_at(headings: Sequence[Heading], line: int) -> Heading | None:
    """The heading that this line stands under; None above the first one."""
    return next((heading for heading in reversed(headings) if heading.line <= line), None)


def _fuse(dense: Mapping[int, float], lexical: Mapping[int, float], *, lexical_share: float) -> dict[int, float]:
    """(1 - a) · meaning + a · words, both relative to the best of this question."""
    top = max(dense.values(), default=0.0) + _COSINE_FLOOR
    most = max(lexical.values(), default=0.0)
    return {
        key: (1 - lexical_share) * max(0.0, dense.get(key, -_COSINE_FLOOR) + _COSINE_FLOOR) / (top or 1.0)
        + (lexical_share * lexical.get(key, 0.0) / most if most > 0 else 0.0)
        for key in dense.keys() | lexical.keys()
    }
