"""Many new notes: words at once, vectors after."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from tests.index.conftest import Desk
from vaultbot.protocols import FloatArray
from vaultbot.types import IndexProgress


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
