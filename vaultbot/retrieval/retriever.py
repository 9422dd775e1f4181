"""Question → notes and their best passages, by words and by meaning together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from heapq import nlargest
from itertools import islice

from vaultbot.errors import InvalidRequest
from vaultbot.index.abbreviations import meanings
from vaultbot.index.filtering import any_dated, fitting
from vaultbot.index.reader import CatalogReader, Passage
from vaultbot.index.vocabulary import Vocabulary
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.retrieval.copies import below_originals, copies_among
from vaultbot.retrieval.expansion import Expander
from vaultbot.retrieval.explanation import beaten, explained, filtered_out, kept_out, missing_words
from vaultbot.retrieval.filters import Options, days_in_words, in_words
from vaultbot.retrieval.fragments import with_neighbours
from vaultbot.retrieval.hits import Found, hit_of
from vaultbot.retrieval.query import Query, local_today, parse_query
from vaultbot.retrieval.ranking import Mode, Ranker, Scores, Weights
from vaultbot.retrieval.reranking import Reranking
from vaultbot.retrieval.rewriting import with_wordings
from vaultbot.retrieval.spelling import words_of
from vaultbot.retrieval.windows import best_window
from vaultbot.types import Hit, SearchResult, Skipped

_PLACES = 3  #: of one note among the passages for an answer
_SPARE = 4  #: times as many passages are looked at, for some are copies


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to take a question: what to look for, and in which notes."""

    query: Query
    notes: frozenset[int] | None  #: keys of those that its filter leaves; None for all
    warnings: tuple[str, ...] = ()


class Retriever:
    """Finds passages. Safe to use from several threads."""

    def __init__(
        self,
        reader: CatalogReader,
        *,
        embedder: Embedder | None,
        vault_name: str,
        today: Callable[[], date] = local_today,
        weights: Weights | None = None,
        expander: Expander | None = None,
        reranking: Reranking | None = None,
    ) -> None:
        self.reranking = reranking
        self.away: str | None = None  #: why there is no vector index at the moment, though there will be
        self._reader = reader
        self._weights = weights or Weights()
        self._ranker = Ranker(reader, embedder=embedder, weights=weights)
        self._expander = expander or Expander(Vocabulary())
        self._vault_name = vault_name
        self.today = today  #: what "yesterday" is seen from

    def use(self, embedder: Embedder | None, vectors: VectorIndex | None) -> None:
        """Compare meanings by these from now on; a question that is being answered goes on with those it began with."""
        ranker = Ranker(self._reader, embedder=embedder, weights=self._weights)
        ranker.vectors = vectors
        self._ranker = ranker

    @property
    def meaning(self) -> tuple[Embedder | None, VectorIndex | None]:
        """The embedder and the index of its vectors, which belong together."""
        ranker = self._ranker
        return ranker.embedder, ranker.vectors

    @property
    def _embedder(self) -> Embedder | None:
        return self._ranker.embedder

    @property
    def vectors(self) -> VectorIndex | None:
        """The vector index; None while it is being opened, or when it failed: words alone decide then."""
        return self._ranker.vectors

    @vectors.setter
    def vectors(self, vectors: VectorIndex | None) -> None:
        self._ranker.vectors = vectors

    @property
    def readable(self) -> Mapping[str, float]:
        """How well the embedder reads each script, where that was measured; words count for less where it is well."""
        return self._ranker.readable

    @readable.setter
    def readable(self, readable: Mapping[str, float]) -> None:
        self._ranker.readable = readable

    def search(
        self,
        text: str,
        *,
        limit: int,
        options: Options | None = None,
        mode: Mode = "hybrid",
        explain: bool = False,
        wordings: Sequence[str] = (),
    ) -> SearchResult:
        """The best passage of each of the best notes; with filters alone, the notes they leave, newest first.

        `wordings` are other ways to put the question. Raises InvalidRequest for an empty or endless question, a date
        that is none, and for "dense" without an embedding model.
        """
        if mode == "dense" and self._embedder is None:
            raise InvalidRequest("there is no embedding model to compare meanings with; search without --mode dense")
        began = time.perf_counter()
        query = parse_query(text, today=self.today(), options=options)
        hits: tuple[Hit, ...] = ()
        warnings: tuple[str, ...] = ()
        left_out: tuple[Skipped, ...] = ()
        with self._reader.snapshot():
            for reading in self.readings(query, wordings=wordings):
                found, why_not_reranked = self._found(reading, limit=limit, mode=mode)
                warnings = reading.warnings
                if explain:
                    found = self._with_missing(reading.query, found)
                    warnings += why_not_reranked
                    left_out = tuple(self._left_out(reading, found, mode=mode))
                hits = tuple(self._hit(reading.query, one) for one in found)
                if hits:
                    break
        if not explain:
            hits = tuple(replace(hit, explained=None) for hit in hits)
        if query.text and mode != "lexical" and not self.by_meaning and self._embedder is not None:
            warnings += (self.trouble or "the vector index is not ready: words alone were searched",)
        return SearchResult(text, hits, round((time.perf_counter() - began) * 1000, 2), warnings, left_out)

    def read_words(self) -> None:
        """Have the vault's words ready, so that the first question with an unknown one need not wait for them."""
        with self._reader.snapshot():
            self._expander.read_words(self._reader.connection)

    @property
    def by_meaning(self) -> bool:
        """Whether meaning counts at the moment, and not words alone."""
        return self._embedder is not None and self.vectors is not None and not self.trouble

    @property
    def trouble(self) -> str | None:
        """Why words alone were searched although there is an embedder; None when it did what it should."""
        trouble = self._ranker.trouble or self.away
        return f"words alone were searched, for {trouble}" if trouble else None

    def readings(self, query: Query, *, wordings: Sequence[str] = ()) -> Iterator[Reading]:
        """The ways to take the question, the likeliest first; the next one is for when it finds nothing.

        Days that it names in plain words are a filter first and words then: nobody asked for a filter by an operator.
        To be used within one snapshot.
        """
        days, otherwise = query.days, query.otherwise
        if days is None or otherwise is None:
            yield self._reading(query, wordings)
            return
        db = self._reader.connection
        if not days.relative and not any_dated(db, days.dated):
            yield self._reading(otherwise, wordings)  # No diary is meant by "in March 2024" where there is none.
            return
        named = f"{days_in_words(days.dated.first, days.dated.last)} (“{days.words}”)"
        dated = self._reading(query, wordings)
        if dated.notes:
            yield replace(dated, warnings=(f"only notes dated {named} were searched", *dated.warnings))
            why = f"not enough was found in the notes dated {named}"
        else:
            why = f"no note {'that fits the other filters ' if otherwise.filter else ''}is dated {named}"
        rest = self._reading(otherwise, wordings)
        told = f"{why}; all {'that fit' if otherwise.filter else 'notes'} were searched"
        yield rest if rest.notes == frozenset() else replace(rest, warnings=(told, *rest.warnings))

    def _reading(self, query: Query, wordings: Sequence[str]) -> Reading:
        db = self._reader.connection
        notes = fitting(db, query.filter) if query.filter else None
        if notes is not None and not notes:
            return Reading(query, notes, (f"no note fits the filter: {in_words(query.filter)}",))
        # Until the embedder is loaded nobody waits for what it knows.
        is_word = words_of(self._embedder) if self._embedder and self.by_meaning else None
        query, notices = self._expander.expand(db, query, is_word=is_word, meanings=partial(meanings, db))
        if wordings:
            notices += (f"also searched for: {' · '.join(wordings)}",)
        return Reading(with_wordings(query, wordings), notes, notices)

    def hits(self, reading: Reading, *, limit: int, mode: Mode = "hybrid") -> tuple[Hit, ...]:
        """The best passage of each of the best notes, for showing."""
        found, _ = self._found(reading, limit=limit, mode=mode)
        return tuple(self._hit(reading.query, one) for one in found)

    def _found(self, reading: Reading, *, limit: int, mode: Mode) -> tuple[list[Found], tuple[str, ...]]:
        """With why it was not reranked, where that was expected."""
        if not reading.query.text:
            return self._listed(reading, limit=limit), ()
        if mode != "hybrid" or self.reranking is None:
            return self.retrieve(reading, limit=limit, mode=mode), ()
        found, why_not = self._reranked(reading.query, self.retrieve(reading, limit=max(limit, self.reranking.top)))
        return found[:limit], why_not

    def retrieve(self, reading: Reading, *, limit: int, mode: Mode = "hybrid") -> list[Found]:
        """The best passage of each note, best notes first, before any reranking; of copies the first alone."""
        return self._notes_found(self._ranker.rank(reading.query, reading.notes, mode=mode), limit)

    def _notes_found(self, scores: Scores, limit: int) -> list[Found]:
        held = set(scores.note_of.values())
        candidates = {note: score for note, score in scores.notes.items() if note in held}
        looked_at = limit + _SPARE  # The original of a sync program's copy may come a little behind it.
        while True:
            top = _best(candidates, looked_at)
            best: dict[int, Passage] = {}
            passages = self._reader.passages_of(top)
            for passage in passages:
                other = best.get(passage.note)
                if other is None or scores.passages.get(passage.rowid, 0) > scores.passages.get(other.rowid, 0):
                    best[passage.note] = passage
            ordered = sorted(best.values(), key=lambda p: (-top[p.note], p.path))
            ordered = below_originals(ordered, path=lambda p: p.path)
            copies = copies_among([one.note for one in ordered], passages)
            if len(ordered) - len(copies) >= limit or len(top) == len(candidates):
                break
            looked_at += len(copies)
        of: dict[int, list[str]] = {}
        for copy, original in copies.items():
            of.setdefault(original, []).append(best[copy].path)
        return [
            Found(
                p,
                top[p.note],
                top[p.note],
                scores.cosines.get(p.rowid),
                explained(scores, p.note, self._weights),
                tuple(of.get(p.note, ())),
            )
            for p in ordered
            if p.note not in copies
        ][:limit]

    def passages(self, reading: Reading, *, limit: int) -> list[Found]:
        """The passages to read for an answer: a passage counts by itself, by its note and by its best three sentences.

        A copy of one that is there already says nothing more, and no note takes more than three places. Beside a
        fragment of a long list, table or paragraph stands what comes before and after it, beyond the `limit`.
        """
        scores = self._ranker.rank(reading.query, reading.notes)
        share = self._weights.note
        joined = {
            rowid: share * scores.notes.get(note, 0) + (1 - share) * scores.passages.get(rowid, 0)
            for rowid, note in scores.note_of.items()
        }
        top = _best(joined, max(_SPARE * limit, self.reranking.top if self.reranking else 0))
        every = self._reader.passages_of({scores.note_of[rowid] for rowid in top})
        rarity, window = self._reader.rarity(reading.query.content), self._weights.window
        found = [
            Found(
                p,
                (top[p.rowid] + window * best_window(p.text, rarity)) / (1 + window),
                scores.notes.get(p.note, 0),
                scores.cosines.get(p.rowid),
            )
            for p in every
            if p.rowid in top
        ]
        ordered = sorted(found, key=lambda f: (-f.score, f.passage.path, f.passage.start_line))
        ordered = below_originals(ordered, path=lambda f: f.passage.path)
        if self.reranking is None:
            chosen = list(islice(_without_copies(ordered), limit))
        else:
            chosen = self._reranked(reading.query, list(_without_copies(ordered)))[0][:limit]
        return list(with_neighbours(chosen, every, headings=self._reader.headings))

    def _reranked(self, query: Query, found: Sequence[Found]) -> tuple[list[Found], tuple[str, ...]]:
        """The same in the order of the mean of their score and the reranker's, and why not, where it has none.

        What it did not read keeps its place behind the others: it counts as if the reranker had said no.
        """
        read = [] if self.reranking is None else found[: self.reranking.top]
        if not read or self.reranking is None:
            return list(found), ()
        verdicts = self.reranking.verdicts(query.meaning, [_as_read(one.passage) for one in read])
        if not verdicts.scores:
            return list(found), (verdicts.why_none,)
        said = [*verdicts.scores, *[None] * (len(found) - len(read))]
        joined = [
            replace(
                one,
                score=(one.score + (score or 0.0)) / 2,
                explained={**(one.explained or {}), "reranker": None if score is None else round(score, 4)},
            )
            for one, score in zip(found, said, strict=True)
        ]
        return sorted(joined, key=lambda one: -one.score), ()

    # ── showing ────────────────────────────────────────────────────────────────────────────────────────────────

    def _with_missing(self, query: Query, found: Sequence[Found]) -> list[Found]:
        missing = missing_words(self._reader, query, [one.passage.note for one in found])
        return [
            replace(one, explained={**(one.explained or {}), "missing": list(missing[one.passage.note])})
            for one in found
        ]

    def _left_out(self, reading: Reading, found: Sequence[Found], *, mode: Mode) -> Iterator[Skipped]:
        """The notes that came next, those that the filter cost a place, and those that are not searched at all."""
        query, reader = reading.query, self._reader
        if query.text:
            copies = {path for one in found for path in one.copies}
            ranked = self._ranker.rank(query, reading.notes, mode=mode).notes
            shown = [one.passage.note for one in found]
            yield from (one for one in beaten(reader, ranked, shown) if one.path not in copies)
            if reading.notes is not None:
                every = self._ranker.rank(query, None, mode=mode).notes
                yield from filtered_out(reader, every, reading.notes, in_words(query.filter))
        yield from kept_out(reader, query)

    def _hit(self, query: Query, found: Found) -> Hit:
        return hit_of(found, query, reader=self._reader, vault_name=self._vault_name)

    def _listed(self, reading: Reading, *, limit: int) -> list[Found]:
        """The notes that a filter without words leaves. Each fits as well as the others."""
        return [Found(p, 1.0, 1.0, None) for p in self._reader.newest(reading.notes or (), limit=limit)]


def _as_read(passage: Passage) -> str:
    """What the reranker gets: the passage and what it stands under."""
    return f"{' › '.join((passage.title, *passage.heading_path))}\n{passage.text}"


def _without_copies(found: Iterable[Found]) -> Iterator[Found]:
    """Those whose words were not there before, at most three of a note."""
    seen: set[str] = set()
    places: Counter[int] = Counter()
    for one in found:
        words = " ".join(one.passage.text.split())
        places[one.passage.note] += 1
        if words not in seen and places[one.passage.note] <= _PLACES:
            seen.add(words)
            yield one


def _best(scores: Mapping[int, float], limit: int) -> dict[int, float]:
    """The highest scores; where the last place is tied, all of those who share it."""
    if len(scores) <= limit:
        return dict(scores)
    least = nlargest(limit, scores.values())[-1]
    return {key: score for key, score in scores.items() if score >= least}
