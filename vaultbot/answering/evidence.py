"""The sentences of the found passages, weighed against the question.

Two measured signals decide nearly everything: how much of the question's meaning-carrying words a sentence (or its
neighbourhood) holds, weighted by rarity, and how close the two are in meaning.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from vaultbot.errors import VaultbotError
from vaultbot.index.analyzer import content_terms, terms
from vaultbot.index.reader import CatalogReader
from vaultbot.index.sentences import sentence_spans
from vaultbot.protocols import Embedder, FloatArray
from vaultbot.retrieval.hits import Found, heading_at
from vaultbot.retrieval.query import Query
from vaultbot.retrieval.windows import coverage

_WINDOW = 1  #: neighbours on each side that count as a sentence's surroundings
_CACHED_SENTENCES = 4096
_YES_OR_NO = re.compile(
    r"^(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must|isn't|aren't|"
    r"don't|doesn't|didn't|can't)\b|[吗嗎][?？]?$"
    r"|^(?!.*(?:何|誰|どこ|どれ|どの|どう|いつ|いく|なぜ)).*か[?？。]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A sentence of a note, where it stands, and how it relates to the question."""

    text: str
    path: str
    title: str
    heading_path: tuple[str, ...]
    heading_written: tuple[str, ...]  #: as the file has it, for links
    is_heading: bool  #: or the names of a table's columns, which say nothing either
    line: int
    source: int  #: which of the found passages, from 0
    place: int  #: which sentence of that passage, from 0
    terms: frozenset[str]
    window_terms: frozenset[str]  #: with its neighbours
    name_terms: frozenset[str]  #: of its note's title and aliases
    context_terms: frozenset[str]  #: of these and its headings
    coverage: float = 0.0  #: share of the question's weight that the sentence holds
    window_coverage: float = 0.0  #: the same for the sentence with its neighbours, its title and headings
    cosine: float | None = None  #: None where meaning is not compared
    named: float = 0.0  #: share of the question's weight that its note's title and aliases hold
    score: float = 0.0  #: as an answer to the question
    quotable: bool = False  #: says something; headings and echoes of the question do not


class _Meanings:
    """The vectors of sentences by one embedder; those asked for lately are kept."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._lock = threading.Lock()
        self._kept: dict[str, FloatArray] = {}

    def of(self, texts: Sequence[str]) -> list[FloatArray]:
        """The vector of each text; those that are not kept are embedded together."""
        with self._lock:
            found = {text: self._kept.pop(text) for text in dict.fromkeys(texts) if text in self._kept}
        unseen = [text for text in dict.fromkeys(texts) if text not in found]
        if unseen:
            found.update(zip(unseen, self.embedder.embed_documents(unseen), strict=True))
        with self._lock:
            self._kept.update(found)
            for oldest in list(self._kept)[: max(0, len(self._kept) - _CACHED_SENTENCES)]:
                del self._kept[oldest]
        return [found[text] for text in texts]


class Weigher:
    """Knows how rare each term is, and compares meanings. Safe to use from several threads."""

    def __init__(self, reader: CatalogReader, *, embedder: Embedder | None) -> None:
        self._reader = reader
        self.use(embedder)

    def use(self, embedder: Embedder | None) -> None:
        """Compare meanings by this embedder from now on."""
        self._meanings = _Meanings(embedder) if embedder else None

    def snapshot(self) -> AbstractContextManager[None]:
        """Within it, passages and what is read about them come from one moment of the index."""
        return self._reader.snapshot()

    def day_of(self, path: str) -> str | None:
        """The day a note is about: YYYY-MM-DD."""
        return self._reader.day(path)

    def weights(self, wanted: Iterable[str]) -> dict[str, float]:
        """Each term's weight: rare ones count for more (inverse document frequency)."""
        return self._reader.rarity(wanted)

    def cosines(self, text: str, others: Sequence[str], *, query: bool) -> list[float | None]:
        """Closeness in meaning of a text (a question, with `query`) to each of the others."""
        meanings = self._meanings
        if meanings is None:
            return [None] * len(others)
        try:
            vector = meanings.embedder.embed_query(text) if query else meanings.of([text])[0]
            return [float(other @ vector) for other in meanings.of(others)]
        except VaultbotError:  # The search has told of it.
            return [None] * len(others)

    def evidence(self, query: Query, found: Sequence[Found]) -> list[Evidence]:
        """Every sentence of the passages, in order."""
        weights = self.weights(query.content)
        units = [unit for source, one in enumerate(found) for unit in self._sentences(source, one)]
        texts = [unit.text for unit in units]
        # Another name for a part of it ("the project") is for finding; it must not make the note look like an answer.
        asked = query.meaning if query.synonyms else query.text
        cosines = self.cosines(asked, texts, query=True) if query.latin else [None] * len(units)
        return [
            _weighed(unit, query, weights, cosine, found[unit.source].score)
            for unit, cosine in zip(units, cosines, strict=True)
        ]

    def _sentences(self, source: int, found: Found) -> list[Evidence]:
        passage = found.passage
        headings = self._reader.headings(passage.note)
        names = frozenset(terms(" ".join((passage.title, *self._reader.aliases(passage.note)))))
        heading_lines = {heading.line for heading in headings}
        columns = _column_names(passage.text)
        heading_lines.update(passage.start_line + number for number in columns.values())
        lines = passage.text.split("\n")
        spans = sentence_spans(passage.text)
        sets = [frozenset(terms(passage.text[a:b])) for a, b in spans]
        # What a note asks is no part of what it says: the line below "When is the contest?" does not answer it.
        around = [
            held if not _asks(passage.text[a:b]) else frozenset() for held, (a, b) in zip(sets, spans, strict=True)
        ]
        units = []
        for place, (start, end) in enumerate(spans):
            line = passage.start_line + passage.text.count("\n", 0, start)
            heading = heading_at(headings, line)
            above = heading.path if heading else ()
            column_names = columns.get(line - passage.start_line)
            names_of_columns = terms(lines[column_names]) if column_names is not None else ()
            units.append(
                Evidence(
                    text=passage.text[start:end],
                    path=passage.path,
                    title=passage.title,
                    heading_path=above,
                    heading_written=heading.written if heading else (),
                    is_heading=line in heading_lines,
                    line=line,
                    source=source,
                    place=place,
                    terms=sets[place],
                    window_terms=frozenset(names_of_columns).union(
                        *around[max(0, place - _WINDOW) : place + _WINDOW + 1]
                    ),
                    name_terms=names,
                    context_terms=names | frozenset(terms(" ".join(above))),
                )
            )
        return units


def _column_names(text: str) -> dict[int, int]:
    """For each row of a table, by its line from 0, the line with the names of its columns.

    A table is a row, then the delimiters, which no reader sees, then rows.
    """
    lines = text.split("\n")
    found: dict[int, int] = {}
    names: int | None = None
    for number in range(2, len(lines)):
        if " | " not in lines[number]:
            names = None
        elif names is None and not lines[number - 1] and " | " in lines[number - 2]:
            names = number - 2
        if names is not None:
            found[number] = names
    return found


def _asks(text: str) -> bool:
    return text.rstrip().endswith(("?", "？"))


def _says_so(unit: Evidence, query: Query) -> bool:
    """Whether a sentence answers "Do bees sleep?" in the question's own words."""
    return unit.text.rstrip().endswith((".", "!", "。", "！")) and _YES_OR_NO.search(query.text.strip()) is not None


def _with_synonyms(held: frozenset[str], query: Query) -> frozenset[str]:
    """With what the question calls the same thing: who writes "retrieval-augmented generation" has said RAG."""
    return held.union(*(said for said, means in query.synonyms if means <= held))


def _weighed(
    unit: Evidence, query: Query, weights: Mapping[str, float], cosine: float | None, passage_score: float
) -> Evidence:
    own = coverage(query.content, _with_synonyms(unit.terms, query), weights)
    named = coverage(query.content, _with_synonyms(unit.name_terms, query), weights)
    if named == 1.0:  # "What is RAG?" is answered where retrieval-augmented generation is spoken of.
        title = frozenset(terms(unit.title))
        own = max(own, len(title & unit.terms) / max(1, len(title)))
    # A title counts for what stands under it, but only where the text itself has something to do with the question, or
    # where the question asks for nothing but that title or alias.
    window = _with_synonyms(unit.window_terms, query)
    touches = named == 1.0 or not window.isdisjoint(query.content)
    around = _with_synonyms(window | unit.context_terms, query) if touches else window
    news = set(content_terms(unit.text)) - set(query.content)
    return replace(
        unit,
        coverage=own,
        window_coverage=coverage(query.content, around, weights),
        cosine=cosine,
        named=named,
        # Of sentences that say it alike, one in the note of that very name was written to say it.
        score=own + (cosine or 0.0) + 0.25 * passage_score + 0.15 * named,
        quotable=not unit.is_heading and (bool(news) or _says_so(unit, query)) and not _asks(unit.text),
    )
