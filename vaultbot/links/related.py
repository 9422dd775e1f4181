"""Notes that are close to a note and not linked with it: worth a look, and perhaps a link.

Close in meaning by the same two views as in a search, the cards and the passages. Their vectors are in the catalog;
none is computed. Where there are none, the note's rarest words decide.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from heapq import nlargest

import numpy as np

from vaultbot.errors import DataDamaged, DiskFull, Unreachable
from vaultbot.index.analyzer import content_terms, latin_share, terms
from vaultbot.index.filtering import Filter, fitting, keys
from vaultbot.index.graph import Graph
from vaultbot.index.reader import CatalogReader, NoteRecord, Passage, Vectors
from vaultbot.links.wording import Wording, clipped, nearest_sentence, with_most
from vaultbot.protocols import Embedder, FloatArray, VectorIndex
from vaultbot.retrieval.filters import Options, in_words, read_options
from vaultbot.retrieval.hits import heading_at
from vaultbot.retrieval.query import local_today
from vaultbot.retrieval.ranking import Weights
from vaultbot.vault.uris import open_uri, wikilink

log = logging.getLogger("vaultbot.links")

_NEAREST_CHUNKS = 200
_ENOUGH_NOTES = 50
_CANDIDATE_NOTES = 100  #: of each kind
_SCRIPT_READ = 200  #: characters of a note that tell its script
_SCORED_CHUNKS = 20_000  #: as many as may be left for each to be scored
_ROWS_AT_ONCE = 2_048  #: of the candidates' vectors, so that two huge notes do not fill the memory
_TERMS_LOOKED_UP = 400
_RAREST = 30  #: terms that stand for a note where there is no meaning
_COMMON = 500  #: a term in more notes than that is not rare in any vault
_WORDS_SHOWN = 6

_NO_MEANING = "there is no embedding model, or it has not read this note yet: words alone were compared"
_NO_INDEX = "the vector index is not ready: only notes that share rare words with this one were looked at"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a note comes closest to the other one."""

    heading_path: tuple[str, ...]
    line: int
    text: str  #: the closest sentence of that line as a reader sees it; the beginning of a long one
    uri: str


@dataclass(frozen=True, slots=True)
class Related:
    """A note that is close to another, and why."""

    path: str
    title: str
    score: float  #: 0 to 1
    near_copy: bool  #: it says the same in the same words, or very nearly
    here: Spot | None  #: the closest two passages: in the note that was asked about…
    there: Spot | None  #: …and in this one
    tags: tuple[str, ...]  #: that both have
    links: tuple[str, ...]  #: paths that both link to
    words: tuple[str, ...]  #: rare in the vault, and in both; as the note that was asked about writes them
    wikilink: str
    uri: str


@dataclass(frozen=True, slots=True)
class RelatedNotes:
    """The notes that are close to one note and not linked with it, the closest first."""

    note: str  #: path
    notes: tuple[Related, ...]
    took_ms: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Score:
    """How close a note is, and the rowids of the closest two passages."""

    score: float
    here: int | None = None
    there: int | None = None


class RelatedFinder:
    """Finds related notes. Safe to use from several threads.

    `vectors` is the index of the embedder's vectors, or None while there is none.
    """

    def __init__(
        self,
        reader: CatalogReader,
        graph: Graph,
        *,
        embedder: Embedder | None,
        vectors: VectorIndex | None,
        vault_name: str,
        today: Callable[[], date] = local_today,
    ) -> None:
        self._reader = reader
        self._graph = graph
        self._embedder = embedder
        self._vectors = vectors
        self._vault_name = vault_name
        self._today = today
        self._words_share = Weights().words_other_scripts

    def find(self, path: str, *, limit: int, options: Options | None = None) -> RelatedNotes:
        """The notes closest to the one of that path, of those that `options` leave.

        The path must be in the index. Raises InvalidRequest for a filter that is none.
        """
        began = time.perf_counter()
        wanted = read_options(options or Options(), today=self._today())
        with self._reader.snapshot():
            notes, warnings = self._find(path, wanted, limit)
        return RelatedNotes(path, notes, round((time.perf_counter() - began) * 1000, 2), warnings)

    def _find(self, path: str, wanted: Filter, limit: int) -> tuple[tuple[Related, ...], tuple[str, ...]]:
        note, standing = self._reader.note(path), self._graph.standing(path)
        assert note is not None
        assert standing is not None
        if not standing.searched:
            return (), ("this note is kept out of search, so what it says is not known",)
        within = fitting(self._reader.connection, wanted) if wanted else None
        if within is not None and not within:
            return (), (f"no note fits the filter: {in_words(wanted)}",)
        own = Wording(note, self._reader.passages_of([note.key]))
        rarity = self._rarity(own.terms)
        left_out = {note.key, *self._linked(path)}
        words = self._with_words(note.key, within, left_out, rarity)
        scores, warning = self._by_meaning(note.key, within, left_out, words)
        if scores is None:
            scores, warning = {other: _Score(score) for other, score in words.items()}, _NO_MEANING
        else:
            scores = self._as_far_as_read(note.key, scores, words)
        titles = self._reader.titles(list(scores))
        best = sorted(scores, key=lambda other: (-scores[other].score, titles[other][0]))[:limit]
        return self._explained(own, {other: scores[other] for other in best}, rarity), (warning,) if warning else ()

    def _linked(self, path: str) -> list[int]:
        paths = json.dumps([one.path for one in self._graph.neighbours(path)])
        rows = self._reader.connection.execute(
            "SELECT id FROM note WHERE path IN (SELECT value FROM json_each(?))", (paths,)
        )
        return [key for (key,) in rows]

    # ── by meaning ─────────────────────────────────────────────────────────────────────────────────────────────

    def _by_meaning(
        self, note: int, within: Collection[int] | None, left_out: Collection[int], words: Mapping[int, float]
    ) -> tuple[dict[int, _Score] | None, str | None]:
        """The candidates' scores, None without vectors of the note; and what a person should know of them."""
        if self._embedder is None:
            return None, None
        fingerprint = self._embedder.fingerprint
        own = self._reader.vectors_of([note], fingerprint)
        if not own.notes:
            return None, None
        candidates, warning = self._every(within), None
        if candidates is None:
            candidates = self._near(_anchors(own), within, left_out)
        if candidates is None:
            candidates, warning = (), _NO_INDEX
        wanted = {*candidates, *nlargest(_CANDIDATE_NOTES, words, key=words.__getitem__)}.difference(left_out)
        held = self._reader.vectors_of(wanted, fingerprint)
        return _scores(own, held), warning

    def _every(self, within: Collection[int] | None) -> Collection[int] | None:
        """The notes that are left when they are so few that each can be scored: no other way loses none."""
        if within is None:
            if self._vectors is not None or self._reader.counts()[1] > _SCORED_CHUNKS:
                return None
            return fitting(self._reader.connection, Filter())
        return within if self._reader.chunk_count(within) <= _SCORED_CHUNKS else None

    def _near(
        self, anchors: Iterable[FloatArray], within: Collection[int] | None, left_out: Collection[int]
    ) -> set[int] | None:
        """The notes of the chunks next to the note; None without a vector index.

        As the index knows no filter and no links, it is asked for more until enough of what it names may be shown.
        """
        vectors = self._vectors
        if vectors is None:
            return None
        found: set[int] = set()
        try:
            for anchor in anchors:
                limit = _NEAREST_CHUNKS
                while True:
                    near = vectors.query(anchor, limit=limit)
                    notes = set(self._reader.notes_of([identity for identity, _ in near]).values())
                    allowed = notes.difference(left_out)
                    allowed = allowed if within is None else allowed.intersection(within)
                    if len(allowed) >= _ENOUGH_NOTES or len(near) < limit:
                        break
                    limit *= 4
                found |= allowed
        except (DataDamaged, DiskFull, Unreachable) as error:
            log.warning("%s", error)
            return None
        return found

    def _as_far_as_read(self, note: int, scores: Mapping[int, _Score], words: Mapping[int, float]) -> dict[int, _Score]:
        """The best scores, with words in place of meaning where one of the notes is in a script that an English
        embedder cannot read: all Japanese is alike to it. As in a search.
        """
        best = nlargest(_CANDIDATE_NOTES, scores, key=lambda other: scores[other].score)
        best += nlargest(_CANDIDATE_NOTES, words, key=words.__getitem__)
        rows = self._reader.connection.execute(
            "SELECT note, substr(text, 1, ?) FROM chunk"
            " WHERE view = 'card' AND note IN (SELECT value FROM json_each(?))",
            (_SCRIPT_READ, keys({note, *best})),
        )
        latin = {other: 1.0 if text.isascii() else latin_share(text) for other, text in rows}
        found: dict[int, _Score] = {}
        for other in best:
            share = self._words_share * (1 - min(latin.get(note, 1.0), latin.get(other, 1.0)))
            known = scores.get(other, _Score(0.0))
            found[other] = replace(known, score=(1 - share) * known.score + share * words.get(other, 0.0))
        return found

    # ── by words ───────────────────────────────────────────────────────────────────────────────────────────────

    def _rarity(self, wanted: Iterable[str]) -> dict[str, float]:
        """The terms that few notes have, this one among them, with what each counts: 1 of one note, 1/2 of two, …"""
        total = self._reader.counts()[0]
        most = max(3, min(_COMMON, total // 20))
        rarity: dict[str, float] = {}
        for term in list(wanted)[:_TERMS_LOOKED_UP]:
            rows = self._reader.connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM note_terms WHERE note_terms MATCH ? LIMIT ?)",
                (f'"{term}"', most + 1),
            )
            count = rows.fetchone()[0]
            if 1 <= count <= most:
                rarity[term] = 1 / count
        return rarity

    def _with_words(
        self, note: int, within: Collection[int] | None, left_out: Collection[int], rarity: Mapping[str, float]
    ) -> dict[int, float]:
        """The notes with its rarest words, each against what the note itself would score."""
        rarest = sorted(rarity, key=lambda term: -rarity[term])
        alone = [term for term in rarest if rarity[term] == 1]  # They find nothing else, and are missing there.
        looked_up = [*alone[:_RAREST], *rarest[len(alone) :][:_RAREST]]
        among = None if within is None else {*within, note}
        scores = dict(self._reader.match_notes(looked_up, limit=None, within=among))
        whole = scores.get(note, 0.0)
        return {
            other: min(1.0, score / whole) for other, score in scores.items() if whole > 0 and other not in left_out
        }

    # ── why ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _explained(
        self, own: Wording, scores: Mapping[int, _Score], rarity: Mapping[str, float]
    ) -> tuple[Related, ...]:
        tags, links = self._shared_tags(own.note.key, scores), self._shared_links(own.note.key, scores)
        passages: dict[int, list[Passage]] = {}
        for passage in self._reader.passages_of(scores):
            passages.setdefault(passage.note, []).append(passage)
        found = []
        for key, (path, title) in sorted(self._reader.titles(list(scores)).items(), key=lambda one: one[1]):
            note = self._reader.note(path)
            assert note is not None
            other = Wording(note, passages.get(key, []))
            shared = {term: rarity[term] for term in other.terms if term in rarity}
            here, there = _closest(own.passages, other.passages, scores[key], shared)
            found.append(
                Related(
                    path,
                    title,
                    round(max(0.0, min(1.0, scores[key].score)), 4),
                    own.says_the_same(other),
                    self._spot(own.note, here, there),
                    self._spot(note, there, here),
                    tags.get(key, ()),
                    links.get(key, ()),
                    own.written(shared)[:_WORDS_SHOWN],
                    wikilink(path, title),
                    open_uri(self._vault_name, path),
                )
            )
        return tuple(sorted(found, key=lambda one: (-one.score, one.path)))

    def _shared_tags(self, note: int, others: Iterable[int]) -> dict[int, tuple[str, ...]]:
        return self._shared(
            "SELECT other.note, tag.name, tag.key FROM tag JOIN tag AS other ON other.key = tag.key"
            " WHERE tag.note = ? AND other.note IN (SELECT value FROM json_each(?)) ORDER BY tag.ordinal",
            note,
            others,
        )

    def _shared_links(self, note: int, others: Iterable[int]) -> dict[int, tuple[str, ...]]:
        return self._shared(
            "SELECT other.note, link.target, link.target FROM link JOIN link AS other ON other.target = link.target"
            " WHERE link.note = ? AND other.note IN (SELECT value FROM json_each(?))"
            " AND NOT link.nested AND NOT other.nested ORDER BY link.ordinal",
            note,
            others,
        )

    def _shared(self, sql: str, note: int, others: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """(other note, name, key of the name) as name by key, of each note."""
        found: dict[int, dict[str, str]] = {}
        for other, name, key in self._reader.connection.execute(sql, (note, keys(others))):
            found.setdefault(other, {}).setdefault(key, name)
        return {other: tuple(names.values()) for other, names in found.items()}

    def _spot(self, note: NoteRecord, passage: Passage | None, near: Passage | None) -> Spot | None:
        if passage is None or near is None:
            return None
        offset, text = nearest_sentence(passage.text, set(content_terms(near.text)))
        line = passage.start_line + offset
        heading = heading_at(note.headings, line)
        shown, written = (heading.path, heading.written) if heading else ((), ())
        return Spot(shown, line, clipped(text), open_uri(self._vault_name, note.path, written))


def _anchors(own: Vectors) -> list[FloatArray]:
    """What the vector index is asked with: the note's card, and the mean of its passages."""
    cards = np.array(own.cards, bool)
    found: list[FloatArray] = [own.matrix[cards][0]] if cards.any() else []
    if not cards.all():
        mean = own.matrix[~cards].mean(axis=0)
        length = float(np.linalg.norm(mean))
        found += [(mean / length).astype(np.float32)] if length > 0 else []
    return found


def _scores(own: Vectors, held: Vectors) -> dict[int, _Score]:
    """Half the cosine of the cards and half that of the closest two passages; the one alone where there is no other."""
    own_cards = np.array(own.cards, bool)
    rowids = [rowid for rowid, card in zip(own.rowids, own.cards, strict=True) if not card]
    cards: dict[int, float] = {}
    pairs: dict[int, _Score] = {}
    for first in range(0, len(held.notes), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        block, is_card = held.matrix[rows], np.array(held.cards[rows], bool)
        notes, chunks = np.array(held.notes[rows]), np.array(held.rowids[rows])
        if own_cards.any():
            to_card = block[is_card] @ own.matrix[own_cards][0]
            cards.update(zip(notes[is_card].tolist(), to_card.tolist(), strict=True))
        if rowids:
            cosines = block[~is_card] @ own.matrix[~own_cards].T
            best, nearest = cosines.max(axis=1).tolist(), cosines.argmax(axis=1).tolist()
            passages = zip(notes[~is_card].tolist(), chunks[~is_card].tolist(), best, nearest, strict=True)
            for note, there, cosine, here in passages:
                if note not in pairs or cosine > pairs[note].score:
                    pairs[note] = _Score(cosine, rowids[here], there)
    found: dict[int, _Score] = {}
    for note in cards.keys() | pairs.keys():
        pair = pairs.get(note, _Score(cards.get(note, 0.0)))
        found[note] = _Score((cards.get(note, pair.score) + pair.score) / 2, pair.here, pair.there)
    return found


def _closest(
    own: Mapping[int, Passage], other: Mapping[int, Passage], score: _Score, shared: Mapping[str, float]
) -> tuple[Passage | None, Passage | None]:
    """The closest two passages: by meaning, or those with most of the words that the notes share."""
    if score.here is not None and score.there is not None:
        return own.get(score.here), other.get(score.there)
    here = with_most(own.values(), shared)
    found = {} if here is None else {term: shared[term] for term in set(terms(here.text)) & shared.keys()}
    there = with_most(other.values(), found)
    return (here, there) if here and there else (None, None)
