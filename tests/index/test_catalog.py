from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import HashEmbedder
from vaultbot.errors import VaultbotError
from vaultbot.index.analyzer import query_terms
from vaultbot.index.catalog import Catalog
from vaultbot.index.chunker import chunk_note, estimate_tokens
from vaultbot.index.graph import Graph
from vaultbot.index.note_rows import ReadNote, chunk_id, text_hash
from vaultbot.index.reader import CatalogReader
from vaultbot.protocols import FloatArray
from vaultbot.types import FileStamp, Problem, Skipped
from vaultbot.vault.markdown import parse_note

DAY = 24 * 3600.0
STAMP = FileStamp(1, 2, 3, 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(file: Path) -> Iterator[Catalog]:
    catalog = Catalog(file)
    yield catalog
    catalog.close()


@pytest.fixture
def reader(catalog: Catalog, file: Path) -> CatalogReader:
    return CatalogReader(file)


def read(path: str, text: str, *, stamp: FileStamp = STAMP, problems: tuple[Problem, ...] = ()) -> ReadNote:
    note = parse_note(path, text)
    chunks = chunk_note(note, max_tokens=230, count_tokens=estimate_tokens)
    return ReadNote(note, stamp, text_hash(text).hex(), chunks, problems)


def embed(catalog: Catalog, notes: list[ReadNote], *, fingerprint: str = "hash-1") -> None:
    texts = [chunk.embedded_text for one in notes for chunk in one.chunks]
    vectors = HashEmbedder(fingerprint=fingerprint).embed_documents(texts)
    catalog.add_vectors(fingerprint, dict(zip(texts, vectors, strict=True)))


def test_a_note_is_found_by_its_title_alias_tag_heading_and_text(catalog: Catalog, reader: CatalogReader) -> None:
    catalog.record(
        [read("Food/Kimchi.md", "---\naliases: [gimchi]\ntags: [ferment]\n---\n# Cabbage\nSalt and time.\n")]
    )

    for words in ("kimchi", "gimchi", "ferment", "cabbages", "salted"):
        assert len(reader.match_notes(query_terms(words), limit=5)) == 1, words
    assert reader.match_notes(query_terms("pizza"), limit=5) == []


def test_japanese_and_chinese_words_are_found(catalog: Catalog, reader: CatalogReader) -> None:
    catalog.record(
        [
            read("日本.md", "大規模言語モデルの量子化について。5月から7月まで。"),
            read("中文.md", "面包发酵需要时间和温度。"),
        ]
    )

    for question, title in {
        "量子化": "日本",
        "言語モデル": "日本",
        "7月": "日本",
        "发酵": "中文",
        "温度": "中文",
    }.items():
        assert passages_with(reader, question) == [title]


def passages_with(reader: CatalogReader, question: str) -> list[str]:
    """The titles of the passages with any of the question's terms, best first."""
    with reader.snapshot():
        every = dict(reader.connection.execute("SELECT rowid, note FROM chunk WHERE view = 'passage'").fetchall())
    scores = reader.passage_scores(query_terms(question), list(every))
    return [reader.titles([every[rowid]])[every[rowid]][1] for rowid in sorted(scores, key=lambda r: -scores[r])]


@pytest.mark.parametrize(
    "question",
    ['"', "AND", "OR NOT", "a-b", "col:x", "(a", "*", "^", "NEAR(a b)", "", " ", "'; DROP TABLE note; --", "{a b}:c",
     "don't", "100%", "\0", "\ud800", "title:", "п'ять", "word " * 3000, "".join(map(chr, range(0x4E00, 0x5600)))],
    ids=lambda q: repr(q[:12]),
)  # fmt: skip
def test_no_question_breaks_the_search(catalog: Catalog, reader: CatalogReader, question: str) -> None:
    catalog.record([read("A.md", "a b c col x don't п'ять word 丁丂")])

    asked = query_terms(question)

    found = [note for note, _ in reader.match_notes(asked, limit=5)]
    rowids = [passage.rowid for passage in reader.passages_of(found)]
    assert set(reader.passage_scores(asked, rowids)) == set(rowids)
    assert set(reader.document_frequency(asked)[0]) == set(asked)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=40))
def test_a_note_is_found_by_any_text_it_holds(catalog: Catalog, reader: CatalogReader, text: str) -> None:
    catalog.record([read("Note.md", f"x\n{text}\n")])

    asked = query_terms(text)
    visible = " ".join(parse_note("Note.md", f"x\n{text}\n").visible)
    if set(asked) & set(query_terms(visible)):
        assert reader.match_notes(asked, limit=5)
    assert reader.note("Note.md") is not None


def test_what_was_read_comes_back(catalog: Catalog, reader: CatalogReader) -> None:
    text = (
        "---\naliases: [Loaf, 'Bröd']\nis: '[[Food]]'\nrating: 4.5\nnested: {a: [1, null, true]}\n"
        'word: "\\uD83D\\uDE00"\n---\n'
        "# Bread #baking\nSee [[Flour#Rye|rye]] and ![[oven.png]].\n"
    )
    one = read("Food/Bread.md", text, problems=(Problem("encoding", "not valid UTF-8"),))
    catalog.record([one])

    record = reader.note("Food/Bread.md")

    assert record is not None
    assert record.properties == one.note.properties
    assert record.properties["word"] == "😀"
    assert record.aliases == ("Loaf", "Bröd")
    assert record.tags == ("baking",)
    assert tuple(edge.link for edge in Graph(reader).outgoing(one.note.path)) == one.note.links
    assert [(h.text, h.path, h.line, h.written) for h in record.headings] == [
        (h.text, h.path, h.line, h.written) for h in one.note.headings
    ]
    assert record.problems == (Problem("encoding", "not valid UTF-8"), *one.note.problems)
    assert reader.names() == [("Food/Bread.md", "Bread", ("Loaf", "Bröd"))]
    assert [p.text for p in reader.passages_of([record.key])] == [c.text for c in one.chunks if c.view == "passage"]


def test_lone_surrogates_do_not_stop_a_note(catalog: Catalog, reader: CatalogReader) -> None:
    catalog.record(
        [read("A.md", '---\naliases: ["\\ud800"]\nk\ud801: \ud802\n---\n# H\ud803 #t\ud804\n[[L\ud805|d\ud806]]\n')]
    )

    record = reader.note("A.md")

    assert record is not None
    repr(record).encode()
    assert reader.counts() == (1, 1)


@pytest.mark.parametrize(
    "stamp",
    [FileStamp(0, 0, 0, 0), FileStamp(10**12, -(10**18), -1, 2**64 - 1), FileStamp(1, 2**64, 2**70, 2**127)],
    ids=["zero", "before 1970", "beyond 2262 and 64 bits"],
)
def test_any_stamp_of_a_file_system_is_remembered(catalog: Catalog, stamp: FileStamp) -> None:
    catalog.record([read("A.md", "a", stamp=stamp)])
    assert catalog.recorded()["A.md"].stamp == stamp

    catalog.touch({"A.md": stamp})
    assert catalog.recorded()["A.md"].stamp == stamp


def test_a_batch_is_recorded_whole_or_not_at_all(catalog: Catalog, file: Path) -> None:
    catalog.record([read("Old.md", "old")])
    before = _tables(file)
    broken = read("B.md", "b")
    bad = ReadNote(broken.note, broken.stamp, None, broken.chunks)  # type: ignore[arg-type]

    with pytest.raises(sqlite3.IntegrityError):
        catalog.record([read("A.md", "a"), bad], removed=["Old.md"])

    assert _tables(file) == before
    catalog.record([read("A.md", "a")])
    assert set(catalog.recorded()) == {"Old.md", "A.md"}


def test_a_note_that_changes_leaves_nothing_of_its_old_text(
    catalog: Catalog, reader: CatalogReader, file: Path
) -> None:
    catalog.record([read("A.md", "# Old\nantique #ancient [[Past]]")])
    catalog.record([read("A.md", "# New\nmodern")])

    assert reader.match_notes(query_terms("antique ancient old"), limit=5) == []
    assert passages_with(reader, "antique") == []
    with closing(sqlite3.connect(file)) as db:
        counts = {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("note", "link", "tag", "heading")}
        assert counts == {"note": 1, "link": 0, "tag": 0, "heading": 1}
        db.execute("INSERT INTO note_terms (note_terms) VALUES ('integrity-check')")
        db.execute("INSERT INTO passage_terms (passage_terms) VALUES ('integrity-check')")


def test_the_outbox_names_every_chunk_that_came_or_went(catalog: Catalog) -> None:
    old, new = read("A.md", "old"), read("A.md", "new")
    catalog.record([old])
    seq, first = catalog.pending(limit=100)
    catalog.drained(seq)
    assert set(first) == {chunk_id(chunk) for chunk in old.chunks}
    assert catalog.pending(limit=100) == (0, [])

    catalog.record([new])
    _, second = catalog.pending(limit=100)
    assert set(second) == {chunk_id(chunk) for chunk in (*old.chunks, *new.chunks)}

    embed(catalog, [new])
    assert set(catalog.vectors_of("hash-1", second)) == {chunk_id(chunk) for chunk in new.chunks}
    assert catalog.ids_with_vectors("hash-1") == set(catalog.vectors_of("hash-1", second))
    assert catalog.ids_with_vectors("hash-2") == set()


def test_the_outbox_is_emptied_from_its_oldest_row_on(catalog: Catalog) -> None:
    catalog.record([read(f"{n}.md", f"note {n}") for n in range(10)])
    seen: list[str] = []
    while (batch := catalog.pending(limit=3)) != (0, []):
        seen += batch[1]
        catalog.drained(batch[0])

    assert len(seen) == len(set(seen)) == 20


def test_vectors_come_back_bit_for_bit(catalog: Catalog) -> None:
    one = read("A.md", "a")
    catalog.record([one])
    vectors: dict[str, FloatArray] = {c.embedded_text: np.linspace(-1, 1, 9).astype(np.float32) for c in one.chunks}
    catalog.add_vectors("f", vectors)

    for vector in catalog.vectors_of("f", [chunk_id(chunk) for chunk in one.chunks]).values():
        assert (vector == np.linspace(-1, 1, 9).astype(np.float32)).all()


def test_a_text_is_asked_for_once(catalog: Catalog) -> None:
    texts = [f"text {n}" for n in range(1200)]
    catalog.add_vectors("f", {text: np.ones(2, np.float32) for text in texts[:1100]})

    assert catalog.unknown_texts("f", [*texts, *texts]) == texts[1100:]
    assert catalog.unknown_texts("g", texts) == texts


def test_unused_vectors_are_kept_for_a_week(catalog: Catalog) -> None:
    one, two = read("A.md", "a"), read("B.md", "b")
    embed(catalog, [one, two])
    catalog.record([one, two])
    texts = list({chunk.embedded_text for chunk in two.chunks})

    catalog.record([], removed=["B.md"])
    catalog.sweep_vectors("hash-1", now=100 * DAY)
    catalog.sweep_vectors("hash-1", now=106 * DAY)
    assert catalog.unknown_texts("hash-1", texts) == []

    catalog.sweep_vectors("hash-1", now=108 * DAY)
    assert catalog.unknown_texts("hash-1", texts) == texts
    assert catalog.ids_with_vectors("hash-1") == {chunk_id(chunk) for chunk in one.chunks}


def test_a_note_that_comes_back_keeps_its_vectors_for_good(catalog: Catalog) -> None:
    one = read("A.md", "a")
    embed(catalog, [one])
    catalog.sweep_vectors("hash-1", now=100 * DAY)
    catalog.record([one])
    for day in range(102, 130, 2):
        catalog.sweep_vectors("hash-1", now=day * DAY)

    assert catalog.unknown_texts("hash-1", [chunk.embedded_text for chunk in one.chunks]) == []


def test_vectors_of_a_model_that_is_no_longer_used_go_after_a_week(catalog: Catalog) -> None:
    one = read("A.md", "a")
    catalog.record([one])
    for fingerprint in ("hash-1", "hash-2"):
        embed(catalog, [one], fingerprint=fingerprint)

    catalog.sweep_vectors("hash-2", now=100 * DAY)
    catalog.sweep_vectors("hash-2", now=108 * DAY)

    assert catalog.ids_with_vectors("hash-1") == set()
    assert catalog.ids_with_vectors("hash-2") == {chunk_id(chunk) for chunk in one.chunks}


def test_the_same_text_in_another_note_is_another_chunk_with_the_same_vector() -> None:
    one, two = read("X/A.md", "text"), read("Y/A.md", "text")

    assert {chunk_id(c) for c in one.chunks}.isdisjoint(chunk_id(c) for c in two.chunks)
    assert [text_hash(c.embedded_text) for c in one.chunks] == [text_hash(c.embedded_text) for c in two.chunks]


def test_what_was_left_out_is_listed(catalog: Catalog, reader: CatalogReader) -> None:
    catalog.set_skipped([Skipped("b.md", "binary"), Skipped("a.md", "a pipe"), Skipped("b.md", "binary")])
    catalog.set_skipped([Skipped("b.md", "binary"), Skipped("a.md", "a pipe"), Skipped("b.md", "still binary")])

    assert reader.skipped() == [Skipped("a.md", "a pipe"), Skipped("b.md", "still binary")]


def _tables(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(file)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in names if name != "sqlite_sequence"}


def test_files_that_could_not_be_written_are_written_the_next_time(catalog: Catalog, file: Path) -> None:
    def full(statement: str) -> int:
        return sqlite3.SQLITE_DENY if statement == "COMMIT" else sqlite3.SQLITE_OK

    catalog._db.set_authorizer(
        lambda action, one, *_: full(str(one)) if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK
    )
    with pytest.raises(sqlite3.DatabaseError):
        catalog.set_files(["A.md"])
    catalog._db.set_authorizer(None)

    catalog.set_files(["A.md"])

    assert catalog.files() == ["A.md"]
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT path FROM file").fetchall() == [("A.md",)]


def test_what_is_recorded_at_once_is_seen_as_a_whole(catalog: Catalog, reader: CatalogReader) -> None:
    with catalog.at_once():
        catalog.record([read("A.md", "a")])
        with catalog.at_once():
            catalog.set_meta("built_with", "something")
        catalog.record([read("B.md", "b")])
        assert reader.paths() == []

    assert reader.paths() == ["A.md", "B.md"]


def test_what_is_recorded_at_once_is_undone_as_a_whole(catalog: Catalog, reader: CatalogReader) -> None:
    catalog.record([read("A.md", "See [[B]].")])

    def fail_in_the_end() -> None:
        with catalog.at_once():
            catalog.set_files(["A.md", "B.md"])
            catalog.record([read("B.md", "b")], removed=["A.md"])
            raise KeyError

    with pytest.raises(KeyError):
        fail_in_the_end()

    assert reader.paths() == ["A.md"]
    assert catalog.files() == []
    catalog.set_files(["A.md", "B.md"])
    assert [edge.target for edge in Graph(reader).outgoing("A.md")] == ["B.md"]


def test_nothing_is_recorded_after_sqlite_undid_a_part_of_it(catalog: Catalog, reader: CatalogReader) -> None:
    """As it does by itself when the disk is full."""

    def go_on_regardless() -> None:
        with catalog.at_once():
            catalog.record([read("A.md", "a")])
            catalog._db.execute("ROLLBACK")
            catalog.record([read("B.md", "b")])

    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        go_on_regardless()

    assert reader.paths() == []
    catalog.record([read("C.md", "c")])
    assert reader.paths() == ["C.md"]


def test_single_notes_can_be_asked_for_again(catalog: Catalog) -> None:
    catalog.record([read("A.md", "a"), read("B.md", "b")])

    catalog.ask_for_another_read(["A.md", "Gone.md"])

    assert {path: bool(known.hash) for path, known in catalog.recorded().items()} == {"A.md": False, "B.md": True}


def test_vectors_of_one_model_have_one_length(catalog: Catalog) -> None:
    catalog.add_vectors("f", {"a": np.ones(2, np.float32)})

    for vectors in ({"b": np.ones(3, np.float32)}, {"b": np.ones(2, np.float32), "c": np.ones(3, np.float32)}):
        with pytest.raises(VaultbotError, match="vectors of another length"):
            catalog.add_vectors("f", vectors)
    assert catalog.unknown_texts("f", ["a", "b", "c"]) == ["b", "c"]
    catalog.add_vectors("g", {"b": np.ones(3, np.float32)})
    catalog.add_vectors("f", {})
