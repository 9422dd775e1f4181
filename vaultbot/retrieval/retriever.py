"""Question → notes and their best passages, by words and by meaning together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from heapq import nlargest
from itertools import islice

from vaultbot.errors import InvalidRequest
from vaultbot.index.analyzer import tokens
from vaultbot.index.filtering import any_dated, fitting
from vaultbot.index.reader import CatalogReader, Passage
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.retrieval.filters import Options, days_in_words, in_words
from vaultbot.retrieval.query import Query, local_today, parse_query
from vaultbot.retrieval.ranking import Mode, Ranker, Scores, Weights
from vaultbot.types import Heading, Hit, SearchResult
from vaultbot.vault.uris import open_uri, wikilink

_PLACES = 3  #: of one note among the passages for an answer
_SPARE = 4  #: times as many passages are looked at, for some are copies


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with what speaks for it."""

    passage: Passage
    score: float  #: of its note and itself together, 0 to 1 within one question
    note_score: float
    cosine: float | None  #: of the passage and the question; None without an embedder
    explained: Mapping[str, float | None] | None = None  #: what speaks for its note


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
    ) -> None:
        self._reader = reader
        self._embedder = embedder
        self._ranker = Ranker(reader, embedder=embedder, weights=weights)
        self._vault_name = vault_name
        self.today = today  #: what "yesterday" is seen from

    @property
    def vectors(self) -> VectorIndex | None:
        """The vector index; None while it is being opened, or when it failed: words alone decide then."""
        return self._ranker.vectors

    @vectors.setter
    def vectors(self, vectors: VectorIndex | None) -> None:
        self._ranker.vectors = vectors

    def search(
        self,
        text: str,
        *,
        limit: int,
        options: Options | None = None,
        mode: Mode = "hybrid",
        explain: bool = False,
    ) -> SearchResult:
        """The best passage of each of the best notes; with filters alone, the notes they leave, newest first.

        Raises InvalidRequest for an empty or endless question, a date that is none, and for "dense" without an
        embedding model.
        """
        if mode == "dense" and self._embedder is None:
            raise InvalidRequest("there is no embedding model to compare meanings with; search without --mode dense")
        began = time.perf_counter()
        query = parse_query(text, today=self.today(), options=options)
        hits: tuple[Hit, ...] = ()
        warnings: tuple[str, ...] = ()
        with self._reader.snapshot():
            for reading in self.readings(query):
                hits, warnings = self.hits(reading, limit=limit, mode=mode), reading.warnings
                if hits:
                    break
        if not explain:
            hits = tuple(replace(hit, explained=None) for hit in hits)
        if query.text and mode != "lexical" and not self.by_meaning and self._embedder is not None:
            warnings += ("the vector index is not ready: words alone were searched",)
        return SearchResult(text, hits, round((time.perf_counter() - began) * 1000, 2), warnings)

    @property
    def by_meaning(self) -> bool:
        """Whether meaning counts at the moment, and not words alone."""
        return self._embedder is not None and self.vectors is not None

    def readings(self, query: Query) -> Iterator[Reading]:
        """The ways to take the question, the likeliest first; the next one is for when it finds nothing.

        Days that it names in plain words are a filter first and words then: nobody asked for a filter by an operator.
        To be used within one snapshot.
        """
        days, otherwise = query.days, query.otherwise
        if days is None or otherwise is None:
            yield self._reading(query)
            return
        db = self._reader.connection
        if not days.relative and not any_dated(db, days.dated):
            yield self._reading(otherwise)  # No diary is meant by "in March 2024" where there is none.
            return
        named = f"{days_in_words(days.dated.first, days.dated.last)} (“{days.words}”)"
        dated = self._reading(query)
        if dated.notes:
            yield replace(dated, warnings=(f"only notes dated {named} were searched",))
            why = f"not enough was found in the notes dated {named}"
        else:
            why = f"no note {'that fits the other filters ' if otherwise.filter else ''}is dated {named}"
        rest = self._reading(otherwise)
        told = f"{why}; all {'that fit' if otherwise.filter else 'notes'} were searched"
        yield rest if rest.warnings else replace(rest, warnings=(told,))

    def _reading(self, query: Query) -> Reading:
        if not query.filter:
            return Reading(query, None)
        notes = fitting(self._reader.connection, query.filter)
        return Reading(query, notes, () if notes else (f"no note fits the filter: {in_words(query.filter)}",))

    def hits(self, reading: Reading, *, limit: int, mode: Mode = "hybrid") -> tuple[Hit, ...]:
        """The best passage of each of the best notes, for showing."""
        if reading.query.text:
            found = self.retrieve(reading, limit=limit, mode=mode)
        else:
            found = self._listed(reading, limit=limit)
        return tuple(self._hit(reading.query, one) for one in found)

    def retrieve(self, reading: Reading, *, limit: int, mode: Mode = "hybrid") -> list[Found]:
        """The best passage of each note, best notes first."""
        scores = self._ranker.rank(reading.query, reading.notes, mode=mode)
        held = set(scores.note_of.values())
        top = _best({note: score for note, score in scores.notes.items() if note in held}, limit)
        best: dict[int, Passage] = {}
        for passage in self._reader.passages_of(top):
            other = best.get(passage.note)
            if other is None or scores.passages.get(passage.rowid, 0) > scores.passages.get(other.rowid, 0):
                best[passage.note] = passage
        ordered = sorted(best.values(), key=lambda p: (-top[p.note], p.path))
        return [
            Found(p, top[p.note], top[p.note], scores.cosines.get(p.rowid), _explained(scores, p.note))
            for p in ordered[:limit]
        ]

    def passages(self, reading: Reading, *, limit: int) -> list[Found]:
        """The passages to read for an answer: a passage counts by itself and by its note.

        A copy of one that is there already says nothing more, and no note takes more than three places.
        """
        scores = self._ranker.rank(reading.query, reading.notes)
        joined = {
            rowid: (scores.notes.get(note, 0) + scores.passages.get(rowid, 0)) / 2
            for rowid, note in scores.note_of.items()
        }
        top = _best(joined, _SPARE * limit)
        found = [
            Found(p, top[p.rowid], scores.notes.get(p.note, 0), scores.cosines.get(p.rowid))
            for p in self._reader.passages_of({scores.note_of[rowid] for rowid in top})
            if p.rowid in top
        ]
        ordered = sorted(found, key=lambda f: (-f.score, f.passage.path, f.passage.start_line))
        return list(islice(_without_copies(ordered), limit))

    def _listed(self, reading: Reading, *, limit: int) -> list[Found]:
        """The notes that a filter without words leaves. Each fits as well as the others."""
        return [Found(p, 1.0, 1.0, None) for p in self._reader.newest(reading.notes or (), limit=limit)]

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
            found.explained,
        )


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


def _explained(scores: Scores, note: int) -> dict[str, float | None]:
    """The signals of a note, rounded for people, and how much words counted against meaning."""
    signals = {**asdict(scores.signals[note]), "words_share": scores.words_share}
    return {name: None if value is None else round(value, 4) for name, value in signals.items()}


def heading_at(headings: Sequence[Heading], line: int) -> Heading | None:
    """The heading that this line stands under; None above the first one."""
    return next((heading for heading in reversed(headings) if heading.line <= line), None)


def _best(scores: Mapping[int, float], limit: int) -> dict[int, float]:
    """The highest scores; where the last place is tied, all of those who share it."""
    if len(scores) <= limit:
        return dict(scores)
    least = nlargest(limit, scores.values())[-1]
    return {key: score for key, score in scores.items() if score >= least}
