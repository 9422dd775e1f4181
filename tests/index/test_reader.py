from __future__ import annotations

import threading

import pytest

from tests.index.conftest import Desk
from vaultbot.index.analyzer import query_terms


@pytest.fixture
def library(desk: Desk) -> Desk:
    desk.write("Authors/Tolkien.md", "---\naliases: [JRRT]\n---\nWrote [[The Hobbit]] and [it](The%20Hobbit.md).")
    desk.write("Books/The Hobbit.md", "# Story\nA hobbit and a dragon.\n\n# Author\n[[tolkien|He]] wrote it.\n")
    desk.write("Books/Dune.md", "Sand, spice and [[Missing note]]. Dragon? No.")
    desk.run()
    return desk


def test_it_counts_notes_and_passages(library: Desk) -> None:
    assert library.reader.counts() == (3, 3)


def test_it_lists_paths_and_names(library: Desk) -> None:
    assert library.reader.paths() == ["Authors/Tolkien.md", "Books/Dune.md", "Books/The Hobbit.md"]
    assert library.reader.names()[0] == ("Authors/Tolkien.md", "Tolkien", ("JRRT",))


def test_the_note_with_the_word_in_its_title_comes_first(library: Desk) -> None:
    assert library.find("hobbit") == ["Books/The Hobbit.md", "Authors/Tolkien.md"]


def test_rare_words_can_be_told_from_common_ones(library: Desk) -> None:
    [dragon], [spice], [unicorn] = query_terms("dragon"), query_terms("spice"), query_terms("unicorn")

    assert library.reader.document_frequency([dragon, spice, unicorn]) == ({dragon: 2, spice: 1, unicorn: 0}, 3)


def test_passages_and_vectors_come_by_note(library: Desk) -> None:
    reader = library.reader
    record = reader.note("Books/The Hobbit.md")
    assert record is not None

    [passage] = reader.passages_of([record.key])
    vectors = reader.vectors_of([record.key], "hash-1")

    assert (passage.start_line, passage.end_line) == (1, 5)
    assert sorted(vectors.cards) == [False, True]
    assert set(vectors.notes) == {record.key}
    assert vectors.rowids[vectors.cards.index(False)] == passage.rowid
    assert vectors.matrix.shape == (2, 64)
    assert (reader.chunk_count([record.key]), reader.passage_notes([record.key])) == (2, {passage.rowid: record.key})
    assert reader.notes_of([passage.id, "unknown"]) == {passage.id: record.key}
    assert reader.vectors_of([record.key], "another").notes == []


def test_nothing_is_asked_of_nothing(library: Desk) -> None:
    reader = library.reader

    assert reader.match_notes([], limit=5) == []
    assert reader.passage_scores([], [1]) == reader.passage_scores(["x"], []) == {}
    assert reader.notes_of([]) == {}
    assert reader.titles([]) == {}
    assert reader.vectors_of([], "hash-1").matrix.size == 0
    assert reader.match_notes(["dragon"], limit=None, within=[]) == []
    assert reader.passages_of([]) == reader.newest([], limit=5) == []
    assert reader.passage_notes([]) == {}
    assert reader.chunk_count([]) == 0
    assert reader.note("No such note.md") is None


def test_notes_are_matched_within_some_by_the_same_scores(library: Desk) -> None:
    reader = library.reader
    everywhere = dict(reader.match_notes(query_terms("dragon"), limit=5))
    least = min(everywhere)

    assert len(everywhere) == 2
    assert reader.match_notes(query_terms("dragon"), limit=5, within=[least]) == [(least, everywhere[least])]


def test_notes_with_the_rare_word_are_scored_by_all_words(library: Desk) -> None:
    reader = library.reader
    [dragon], [spice] = query_terms("dragon"), query_terms("spice")

    every = dict(reader.match_notes([dragon, spice], limit=10))
    rare = dict(reader.match_notes([dragon, spice], limit=10, holding=[spice]))

    assert len(every) == 2
    assert rare == {max(every, key=lambda note: every[note]): max(every.values())}


def test_words_are_counted_anew_in_every_snapshot(library: Desk) -> None:
    reader = library.reader
    [spice] = query_terms("spice")

    with reader.snapshot():
        before, _ = reader.document_frequency([spice])
        library.write("Kitchen.md", "Spice and salt.")
        library.run()
        meanwhile, _ = reader.document_frequency([spice])
    with reader.snapshot():
        after, passages = reader.document_frequency([spice])

    assert (before, meanwhile, after, passages) == ({spice: 1}, {spice: 1}, {spice: 2}, 4)


def test_a_snapshot_stays_as_it_was_while_notes_are_written(library: Desk) -> None:
    reader = library.reader
    with reader.snapshot():
        [(key, _)] = reader.match_notes(query_terms("spice"), limit=5)
        library.write("Books/Dune.md", "Nothing of the kind.")
        library.run()
        with reader.snapshot():
            assert reader.titles([key])[key] == ("Books/Dune.md", "Dune")
        assert reader.match_notes(query_terms("spice"), limit=5)

    assert reader.match_notes(query_terms("spice"), limit=5) == []
    assert reader.titles([key]) == {}


def test_many_threads_read_while_one_writes(library: Desk) -> None:
    reader = library.reader
    done = threading.Event()
    seen: list[set[str]] = []
    failures: list[Exception] = []

    def look() -> None:
        try:
            while not done.is_set():
                seen.append(set(library.find("dragon")))
                assert reader.counts()[0] >= 3
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for thread in readers:
        thread.start()
    for number in range(15):
        library.write("Books/Dune.md", f"Edition {number} has no dragon.")
        library.run()
    done.set()
    for thread in readers:
        thread.join()

    assert failures == []
    assert seen
    assert all(found == {"Books/The Hobbit.md", "Books/Dune.md"} for found in seen)
