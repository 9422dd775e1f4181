"""Many new notes: words at once, vectors after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from tests.index.conftest import Desk, counts
from tests.index.test_refusals import Picky
from vaultbot.errors import ModelInvalid
from vaultbot.protocols import FloatArray
from vaultbot.types import IndexProgress, IndexReport


def test_of_many_new_notes_all_are_found_by_words_before_the_first_has_a_vector(desk: Desk) -> None:
    for number in range(100):
        desk.write(f"{number:03}.md", f"note number {number}")
    desk.write("private.md", "---\nvaultbot: false\n---\nsecret")
    found: list[int] = []
    embed = desk.embedder.embed_documents  # type: ignore[union-attr]

    def embed_slowly(texts: Sequence[str]) -> FloatArray:
        found.append(len(desk.reader.paths()))
        return embed(texts)

    desk.embedder.embed_documents = embed_slowly  # type: ignore[union-attr,method-assign]
    stages: list[str] = []
    desk.indexer.attach(desk.vectors, stopping=threading.Event())
    report = desk.run(on_progress=lambda progress: stages.append(progress.stage))

    assert found[0] == 100
    assert list(dict.fromkeys(stages)) == ["scan", "words", "index", "vectors"]
    assert (report.added, report.changed, len(report.skipped)) == (100, 0, 1)
    assert desk.vectors.ids() == desk.indexer._catalog.ids_with_vectors("hash-1")
    assert all(one.hash for one in desk.indexer._catalog.recorded().values())
    assert desk.run().unchanged == 100


def test_a_note_that_is_edited_while_vectors_are_made_is_recorded_as_it_is_then(desk: Desk) -> None:
    for number in range(100):
        desk.write(f"{number:03}.md", f"note number {number}")

    def edit(progress: IndexProgress) -> None:
        if progress.stage == "index" and progress.done == 1:
            desk.write("099.md", "another text")

    desk.indexer.attach(desk.vectors, stopping=threading.Event())
    report = desk.run(on_progress=edit)

    assert report.added == 100
    assert desk.vectors.ids() == desk.indexer._catalog.ids_with_vectors("hash-1")
    embedded = " ".join(desk.embedder.embedded)  # type: ignore[union-attr]
    assert "another text" in embedded
    assert "number 99" not in embedded


def during_the_vectors(desk: Desk, act: Callable[[], object]) -> IndexReport:
    """A first run over a hundred notes; the act comes when the first vectors are made."""
    for number in range(100):
        desk.write(f"{number:03}.md", f"note number {number}")
    desk.indexer.attach(desk.vectors, stopping=threading.Event())

    def acting(progress: IndexProgress) -> None:
        if progress.stage == "index" and progress.done == 1:
            act()

    return desk.run(on_progress=acting)


def is_whole(desk: Desk) -> bool:
    """Every note in the vault is recorded, once, with its vectors, and nothing else is."""
    catalog = desk.indexer._catalog
    recorded = catalog.recorded()
    notes = {file.relative_to(desk.root).as_posix() for file in desk.root.rglob("*.md")}
    (chunks,) = catalog._db.execute("SELECT count(*) FROM chunk").fetchone()
    held = catalog.ids_with_vectors("hash-1")
    return recorded.keys() == notes and len(held) == chunks and desk.vectors.ids() == held


def test_a_note_that_goes_meanwhile_and_comes_back_is_recorded(desk: Desk) -> None:
    note = desk.root / "099.md"
    during_the_vectors(desk, lambda: note.rename(desk.root / "b.md"))
    desk.run()
    assert is_whole(desk)

    (desk.root / "b.md").rename(note)

    assert desk.run().renamed == 1
    assert is_whole(desk)
    text = note.read_bytes()
    note.unlink()
    desk.run()
    note.write_bytes(text)
    assert desk.run().added == 1
    assert is_whole(desk)


def test_a_note_that_becomes_private_meanwhile_is_found_no_more(desk: Desk) -> None:
    report = during_the_vectors(desk, lambda: desk.write("099.md", "---\nvaultbot: false\n---\nnumber 99"))

    assert [one.path for one in report.skipped] == ["099.md"]
    assert "099.md" not in desk.indexer._catalog.recorded()


def test_what_is_wrong_with_a_text_is_kept(desk: Desk) -> None:
    assert desk.embedder is not None
    Picky(desk.embedder)
    desk.write("Odd.md", "a poison that has no vector")

    report = during_the_vectors(desk, lambda: None)

    assert [one.path for one in report.damaged] == ["Odd.md"]
    assert [one.path for one in desk.reader.damaged()] == ["Odd.md"]


def test_notes_that_are_left_out_each_time_are_not_new_each_time(desk: Desk) -> None:
    for number in range(100):
        desk.write(f"{number:03}.md", f"---\nvaultbot: false\n---\n{number}")
    desk.run()
    desk.write("Kimchi.md", "Cabbage.")
    stages: set[str] = set()

    desk.run(on_progress=lambda progress: stages.add(progress.stage))

    assert "words" not in stages


class Killed(BaseException):
    """Nothing of vaultbot's catches it."""


def test_notes_whose_vectors_an_interrupted_first_run_did_not_come_to_are_told_as_added_by_the_next(desk: Desk) -> None:
    for number in range(100):
        desk.write(f"{number:03}.md", f"note number {number}")

    def kill(progress: IndexProgress) -> None:
        if progress.stage == "index" and progress.done == 70:
            raise Killed

    with pytest.raises(Killed):
        desk.run(on_progress=kill)
    desk.reopen()
    assert len(desk.reader.paths()) == 100
    desk.write("Later.md", "another note")

    assert counts(desk.run()) == (37, 0, 0, 0, 64)
    desk.write("099.md", "edited")
    assert counts(desk.run()) == (0, 1, 0, 0, 100)


def test_an_embedder_that_fails_in_the_middle_leaves_words_and_the_next_run_the_rest(desk: Desk) -> None:
    embedder = desk.embedder
    assert embedder is not None

    def fail() -> None:
        embedder.failure = ModelInvalid("gone")

    with pytest.raises(ModelInvalid):
        during_the_vectors(desk, fail)
    assert len(desk.reader.paths()) == 100
    embedder.failure = None

    desk.run()

    assert is_whole(desk)
