"""Search within what a filter leaves: the same as scoring each of those notes, and what is said about days."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import VaultBuilder
from tests.fakes import HashEmbedder
from vaultbot.errors import InvalidRequest
from vaultbot.index.analyzer import terms
from vaultbot.index.chunker import chunk_note
from vaultbot.index.reader import CatalogReader
from vaultbot.paths import StatePaths
from vaultbot.protocols import FloatArray
from vaultbot.retrieval import ranking
from vaultbot.retrieval.filters import Options
from vaultbot.retrieval.query import Query, parse_query
from vaultbot.retrieval.retriever import Reading, Retriever
from vaultbot.types import Chunk
from vaultbot.vault.markdown import parse_note

TODAY = date(2026, 5, 25)  # a Monday
NOTES = 1000
_WORDS = (
    "bed bean compost frost garden heap lime mulch pear plum pot prune rake root rot seed soil sow till vine".split()
)


@dataclass(frozen=True)
class Made:
    """A note of the made vault."""

    number: int
    path: str
    text: str

    def has(self, words: str) -> bool:
        return words in self.text


def made(number: int) -> Made:
    rng = random.Random(number)
    tags = [name for name, every in (("tenth", 10), ("rare/hundredth", 100), ("single", NOTES)) if number % every == 0]
    lines = ["---", f"tags: [{', '.join(tags)}]", f"status: {'draft' if number % 3 else 'final'}"]
    if number % 4 == 0:
        lines.append(f"date: 2026-{number % 12 + 1:02}-{number % 28 + 1:02}")
    paragraphs = [" ".join(rng.choices(_WORDS, k=rng.randint(5, 90))) for _ in range(rng.choice((1, 1, 1, 2, 5)))]
    path = f"{'AB'[number % 2]}/{'deep/' * (number % 7 == 0)}{rng.choice(_WORDS)} {number}.md"
    return Made(number, path, "\n".join([*lines, "---"]) + "\n" + "\n\n".join(paragraphs))


Scores = dict[str, float]
Place = tuple[str, int]  #: a passage's path and line


@dataclass(frozen=True)
class Shelf:
    """The made vault, and a way to score its notes that takes no short cut."""

    notes: list[Made]
    retriever: Retriever
    reader: CatalogReader
    embedder: HashEmbedder
    chunks: dict[str, list[Chunk]]
    vectors: dict[str, FloatArray]

    def scored(
        self, question: str, fits: Callable[[Made], bool], *, limit: int = NOTES
    ) -> tuple[Scores, dict[Place, float]]:
        """The score of every note that fits, and of the passages that may be among `limit` for an answer."""
        query = parse_query(question, today=TODAY)
        vector = self.embedder.embed_query(query.text)
        left = [note.path for note in self.notes if fits(note)]
        cosines = {path: [float(np.dot(one, vector)) for one in self.vectors[path]] for path in left}
        words, passage_words = self._words(query)
        views = {
            path: 0.3 * max(card, *passages) + 0.7 * (card + max(passages)) / 2
            for path, (card, *passages) in cosines.items()
        }
        words = {path: pair for path, pair in words.items() if path in cosines}
        most, most_beside = (max((pair[n] for pair in words.values()), default=0) or 1 for n in (0, 1))
        lexical = {path: 0.5 * alone / most + 0.5 * beside / most_beside for path, (alone, beside) in words.items()}
        fused = _joined(views, lexical, 0.45)
        notes = {path: (score + 0.15 * self._named(query, path)) / 1.25 for path, score in fused.items()}
        places = {
            (path, chunk.start_line): (path, n) for path in left for n, chunk in enumerate(self.chunks[path]) if n
        }
        passage_words = {place: pair for place, pair in passage_words.items() if place in places}
        most, most_beside = (max((pair[n] for pair in passage_words.values()), default=0) or 1 for n in (0, 1))
        passages = _joined(
            {place: cosines[path][n] for place, (path, n) in places.items()},
            {place: 0.5 * one / most + 0.5 * beside / most_beside for place, (one, beside) in passage_words.items()},
            0.45,
        )
        joined = {place: 0.4 * notes[place[0]] + 0.6 * score for place, score in passages.items()}
        least = min(sorted(joined.values(), reverse=True)[: 4 * limit], default=0.0)
        return notes, {
            place: (score + 0.2 * self._window(query, *places[place])) / 1.2
            for place, score in joined.items()
            if score >= least
        }

    def _window(self, query: Query, path: str, n: int) -> float:
        """How much of the question the passage says in one place: these have no sentences, so that a line is one."""
        weight = self._weight(query.content)
        lines = [set(terms(line)) for line in self.chunks[path][n].text.split("\n") if line.strip()]
        near = [set().union(*lines[max(0, place - 1) : place + 2]) for place in range(len(lines))]
        whole = sum(weight.values()) or 1
        return max((sum(weight[term] for term in weight.keys() & held) for held in near), default=0) / whole

    def _weight(self, wanted: Iterable[str]) -> dict[str, float]:
        counted, total = self.reader.document_frequency(wanted)
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in counted.items()}

    def _named(self, query: Query, path: str) -> float:
        """What the question and the note's title share, by weight. The notes have no headings and no other names."""
        weight = self._weight(query.terms)
        title = set(terms(path.rpartition("/")[2].removesuffix(".md")))
        usual = sum(weight.values()) / len(weight) if weight else 0
        shared = title & set(weight)
        return sum(weight[t] for t in shared) / (sum(weight.values()) + usual * len(title - shared)) if shared else 0

    def _words(self, query: Query) -> tuple[dict[str, tuple[float, float]], dict[Place, tuple[float, float]]]:
        """BM25 over the whole vault, which a filter does not change: words alone, and with those side by side."""
        with self.reader.snapshot():
            notes = self.reader.match_notes(query.terms, limit=None)
            beside = dict(self.reader.match_notes(query.terms, limit=None, pairs=query.pairs))
            paths = {key: path for key, (path, _) in self.reader.titles(list(dict(notes))).items()}
            places = {one.rowid: (one.path, one.start_line) for one in self.reader.passages_of(paths)}
            passages = self.reader.passage_scores(query.terms, list(places))
            passages_beside = self.reader.passage_scores(query.terms, list(places), pairs=query.pairs)
        return (
            {paths[key]: (score, beside[key]) for key, score in notes},
            {places[rowid]: (score, passages_beside[rowid]) for rowid, score in passages.items()},
        )


Key = TypeVar("Key")


def _joined(meaning: Mapping[Key, float], words: Mapping[Key, float], share: float) -> dict[Key, float]:
    top, most = max(meaning.values(), default=0) + 0.2, max(words.values(), default=0)
    return {
        key: (1 - share) * max(0, cosine + 0.2) / top + (share * words.get(key, 0) / most if most else 0)
        for key, cosine in meaning.items()
    }


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "vault").mkdir()
    vault = VaultBuilder(folder / "vault", StatePaths(folder / "state"))
    notes = [made(number) for number in range(NOTES)]
    for note in notes:
        vault.write(note.path, note.text)
    vault.index()
    embedder = HashEmbedder()
    chunks = {
        note.path: chunk_note(parse_note(note.path, note.text), max_tokens=230, count_tokens=embedder.count_tokens)
        for note in notes
    }
    vectors = {path: embedder.embed_documents([one.embedded_text for one in cut]) for path, cut in chunks.items()}
    vault.assistant._retriever.today = lambda: TODAY
    yield Shelf(notes, vault.assistant._retriever, vault.assistant._reader, embedder, chunks, vectors)
    vault.close()


#: Operators, and which of the made notes they leave.
OPERATORS: dict[str, Callable[[Made], bool]] = {
    "tag:tenth": lambda note: note.number % 10 == 0,
    "tag:#rare": lambda note: note.number % 100 == 0,
    "tag:single": lambda note: note.number == 0,
    "-tag:Tenth": lambda note: note.number % 10 != 0,
    "path:a/": lambda note: note.number % 2 == 0,
    "path:deep": lambda note: note.number % 7 == 0,
    "-file:5": lambda note: "5" not in note.path,
    "[status:final]": lambda note: note.number % 3 == 0,
    "-[date]": lambda note: note.number % 4 != 0,
    "on:2026-05": lambda note: note.number % 12 == 4,
    "before:2026-05": lambda note: note.number % 12 == 0,
    '"pear plum"': lambda note: note.has("pear plum"),
    '-"frost heap"': lambda note: not note.has("frost heap"),
    "tag:rare OR path:B/deep": lambda note: note.number % 100 == 0 or note.number % 14 == 7,
}


def agrees(shelf: Shelf, words: str, operators: list[str], limit: int) -> None:
    """The search finds what scoring each note that fits finds, with the same scores, in the same order."""
    question = " ".join([words, *operators])
    agrees_with(shelf, question, lambda note: all(OPERATORS[one](note) for one in operators), limit)


def agrees_with(shelf: Shelf, question: str, fits: Callable[[Made], bool], limit: int) -> None:
    notes, passages = shelf.scored(question, fits, limit=limit)
    with shelf.reader.snapshot():
        (reading,) = shelf.retriever.readings(parse_query(question, today=TODAY))
        found = shelf.retriever.retrieve(reading, limit=limit)
        read = shelf.retriever.passages(reading, limit=limit)
    same_order(notes, [(one.passage.path, one.score) for one in found], limit)
    same_order(passages, [((one.passage.path, one.passage.start_line), one.score) for one in read], limit)


def same_order(expected: Mapping[Key, float], found: list[tuple[Key, float]], limit: int) -> None:
    """What was found is the best of what was expected. Equal scores may stand in any order."""
    best = sorted(expected.values(), reverse=True)[:limit]
    assert len(dict(found)) == len(found) == len(best)
    assert [score for _, score in found] == pytest.approx(best, abs=1e-5)
    assert [expected[key] for key, _ in found] == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize(
    "operators",
    [["tag:tenth"], ["tag:#rare"], ["tag:single"], ["path:a/"], ["-tag:Tenth"]],
    ids=["10 %", "1 %", "0.1 %: one note", "50 %", "90 %"],
)
@pytest.mark.parametrize("words", ["which compost for beans", "pears", "zzz", "frost"])
def test_a_filtered_search_is_the_search_of_all_that_fit(shelf: Shelf, operators: list[str], words: str) -> None:
    agrees(shelf, words, operators, limit=50)


@pytest.mark.parametrize("share", [0.01, 0.001])
def test_two_hundred_random_filters_lose_nothing(shelf: Shelf, share: float) -> None:
    rng = random.Random(4)
    for _ in range(100):
        picked = frozenset(note.path for note in rng.sample(shelf.notes, max(1, round(share * NOTES))))
        words = " ".join(rng.choices(_WORDS, k=rng.randint(1, 4)))
        either = " OR ".join(f'path:"{path}"' for path in sorted(picked))
        agrees_with(shelf, f"{words} {either}", lambda note, picked=picked: note.path in picked, limit=8)  # type: ignore[misc]


def test_any_filter_leaves_the_best_of_what_fits(shelf: Shelf) -> None:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4).map(" ".join),
        st.lists(st.sampled_from(sorted(OPERATORS)), min_size=1, max_size=3, unique=True),
        st.integers(1, 50),
    )
    def search(words: str, operators: list[str], limit: int) -> None:
        agrees(shelf, words, operators, limit)

    search()


def test_a_filter_that_leaves_too_much_to_score_it_all_is_asked_of_the_vector_index(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the chunks next to the question none fits, nor of many more: the index is asked until enough do."""
    question = "which compost for beans"
    notes, _ = shelf.scored(question, lambda _: True)
    last = sorted(notes, key=notes.__getitem__)[:300]
    monkeypatch.setattr(ranking, "_SCORED_CHUNKS", 0)
    with shelf.reader.snapshot():
        keys = {shelf.reader.note(path).key for path in last}  # type: ignore[union-attr]
        reading = Reading(parse_query(question, today=TODAY), frozenset(keys))
        found = shelf.retriever.retrieve(reading, limit=20)

    expected, _ = shelf.scored(question, lambda note: note.path in last)
    same_order(expected, [(one.passage.path, one.score) for one in found], limit=20)


# ── in a vault in plain sight ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def diary(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Daily/2026-05-12.md", "Sowed the beans. #garden")
    vault.write("Daily/2026-05-18.md", "Baked bread with rye.")
    vault.write("Daily/2026-05-24.md", "Sowed the peas. #garden/beds")
    vault.write("Beans.md", "Beans are sowed in May. #garden")
    vault.write("Empty.md", "---\ntags: [todo]\n---\n")
    vault.index()
    vault.assistant._retriever.today = lambda: TODAY
    return vault


def found(vault: VaultBuilder, query: str, **options: Any) -> tuple[list[str], tuple[str, ...]]:
    result = vault.assistant.search(query, options=Options(**options))
    assert result.query == query
    return [hit.path for hit in result.hits], result.warnings


def test_only_what_fits_is_found(diary: VaultBuilder) -> None:
    assert found(diary, "tag:#garden/beds what was sowed?") == (["Daily/2026-05-24.md"], ())
    assert set(found(diary, "sowed path:Daily -rye")[0]) == {"Daily/2026-05-12.md", "Daily/2026-05-24.md"}
    assert found(diary, '"the beans"') == (["Daily/2026-05-12.md"], ())


def test_options_filter_as_operators_do_and_both_together(diary: VaultBuilder) -> None:
    assert found(diary, "sowed", tags=["garden"], path="daily/", after="2026-05-12") == (["Daily/2026-05-24.md"], ())
    assert found(diary, "tag:garden sowed", on="2026-05-12") == (["Daily/2026-05-12.md"], ())


def test_filters_alone_list_the_newest_notes_first_and_then_by_path(diary: VaultBuilder) -> None:
    assert found(diary, "tag:garden") == (["Daily/2026-05-24.md", "Daily/2026-05-12.md", "Beans.md"], ())
    assert found(diary, "-tag:garden") == (["Daily/2026-05-18.md", "Empty.md"], ())
    assert found(diary, "", before="2026-05-20") == (["Daily/2026-05-18.md", "Daily/2026-05-12.md"], ())
    assert found(diary, "tag:todo") == (["Empty.md"], ())


def test_a_filter_that_no_note_fits_says_so(diary: VaultBuilder) -> None:
    assert found(diary, "beans tag:#gardn") == ([], ("no note fits the filter: tagged #gardn",))


def test_nothing_is_found_where_words_alone_are_searched_and_none_fits(diary: VaultBuilder) -> None:
    diary.assistant._retriever.vectors = None

    assert found(diary, "rye tag:garden")[0] == []
    assert found(diary, "beans tag:garden")[0] == ["Beans.md", "Daily/2026-05-12.md"]


@pytest.mark.parametrize("question", ["what did I bake last week", "先週 bread", "上周 bread"])
def test_last_week_is_the_week_before_this_one_by_the_notes_own_dates(diary: VaultBuilder, question: str) -> None:
    paths, (warning,) = found(diary, question)

    assert paths == ["Daily/2026-05-18.md", "Daily/2026-05-24.md"]
    assert warning.startswith("only notes dated 18 to 24 May 2026 (“")
    assert warning.endswith("”) were searched")


def test_days_alone_list_their_notes(diary: VaultBuilder) -> None:
    assert found(diary, "yesterday") == (
        ["Daily/2026-05-24.md"], ("only notes dated 24 May 2026 (“yesterday”) were searched",)
    )  # fmt: skip


def test_where_no_note_is_of_those_days_all_are_searched_and_it_says_so(diary: VaultBuilder) -> None:
    diary.assistant._retriever.today = lambda: date(2026, 11, 16)

    days = "9 to 15 November 2026 (“last week”)"

    paths, warnings = found(diary, "which beans last week")

    assert paths[0] == "Beans.md"
    assert warnings == (f"no note is dated {days}; all notes were searched",)
    assert found(diary, "which beans last week tag:garden/beds") == (
        ["Daily/2026-05-24.md"],
        (f"no note that fits the other filters is dated {days}; all that fit were searched",),
    )


def test_where_the_other_filters_leave_nothing_the_days_do_not_matter(diary: VaultBuilder) -> None:
    assert found(diary, "beans yesterday tag:gardn") == ([], ("no note fits the filter: tagged #gardn",))


def test_a_date_operator_that_no_note_fits_finds_nothing(diary: VaultBuilder) -> None:
    assert found(diary, "beans on:2020") == ([], ("no note fits the filter: dated 2020",))


def test_a_month_is_a_filter_only_where_some_note_is_of_it(diary: VaultBuilder) -> None:
    paths, warnings = found(diary, "what was sowed in May 2026?")

    assert set(paths) == {"Daily/2026-05-12.md", "Daily/2026-05-18.md", "Daily/2026-05-24.md"}
    assert warnings == ("only notes dated May 2026 (“in May 2026”) were searched",)

    paths, warnings = found(diary, "what was sowed in June 2026?")

    assert "Beans.md" in paths
    assert warnings == ()


def test_a_note_that_is_changed_may_fit_no_longer(diary: VaultBuilder) -> None:
    diary.write("Daily/2026-05-12.md", "Sowed the beans.")

    assert [hit.path for hit in diary.search("beans path:Daily tag:garden")] == ["Daily/2026-05-24.md"]


def test_no_filter_makes_a_search_fail(diary: VaultBuilder) -> None:
    parts = [
        *'" “ ” [ ] : ： - OR tag: path: file: on:2026 before:today [a] [a:<5] "x" beans 昨日 豆'.split(),
        "\0",
        "\ud800",
    ]

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.sampled_from(parts), min_size=1, max_size=8), st.sampled_from(["", " "]))
    def search(words: list[str], between: str) -> None:
        with contextlib.suppress(InvalidRequest):
            diary.assistant.search(between.join(words))

    search()


@pytest.mark.parametrize("kind", ["tag", "path", "file", "[a", "word"])
def test_half_a_character_in_a_filter_fits_nothing_and_breaks_nothing(diary: VaultBuilder, kind: str) -> None:
    asked = {"[a": "[a:\ud800]", "word": "-\ud800 beans"}.get(kind, f"{kind}:\ud800")

    diary.search(f"beans {asked}")
