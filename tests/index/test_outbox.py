from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from tests.index.conftest import Desk
from vaultbot.errors import DataDamaged
from vaultbot.index import outbox
from vaultbot.protocols import FloatArray

GO_ON = threading.Event()


def attach(desk: Desk) -> None:
    desk.indexer.attach(desk.vectors, stopping=GO_ON)


def agrees(desk: Desk) -> bool:
    catalog = desk.indexer._catalog
    expected = catalog.vectors_of("hash-1", sorted(catalog.ids_with_vectors("hash-1")))
    return desk.vectors.ids() == set(expected) and all(
        (desk.vectors.vectors[identity] == vector).all() for identity, vector in expected.items()
    )


@pytest.fixture
def kitchen(desk: Desk) -> Desk:
    desk.write("Bread.md", "Flour and water.")
    desk.write("Soup.md", "Water and salt.")
    desk.run()
    return desk


def test_an_index_that_is_attached_later_gets_everything_without_embedding(kitchen: Desk) -> None:
    before = kitchen.embedded
    attach(kitchen)

    assert len(kitchen.vectors.vectors) == 4
    assert agrees(kitchen)
    assert kitchen.embedded == before


def test_every_run_carries_its_changes_over(kitchen: Desk) -> None:
    attach(kitchen)
    kitchen.write("Bread.md", "Rye and water.")
    (kitchen.root / "Soup.md").unlink()
    kitchen.write("Cake.md", "Sugar.")

    kitchen.run()

    assert agrees(kitchen)
    assert kitchen.indexer._catalog.pending(limit=1) == (0, [])


def test_strangers_are_thrown_out_and_gaps_filled(kitchen: Desk) -> None:
    attach(kitchen)
    kitchen.reopen()
    identity, vector = kitchen.vectors.vectors.popitem()
    kitchen.vectors.vectors["stranger"] = vector

    attach(kitchen)

    assert identity in kitchen.vectors.vectors
    assert agrees(kitchen)


def test_an_index_that_fails_in_a_run_is_given_up_and_mended_at_the_next_start(kitchen: Desk) -> None:
    attach(kitchen)
    kitchen.vectors.failure = DataDamaged("the vector index cannot be used")
    kitchen.write("Bread.md", "Rye and water.")

    report = kitchen.run()

    assert report.changed == 1
    assert kitchen.find("rye") == ["Bread.md"]
    assert kitchen.indexer.vectors_failure == "the vector index cannot be used"
    assert kitchen.indexer._catalog.pending(limit=100)[1]

    kitchen.vectors.failure = None
    kitchen.write("Soup.md", "Stock and salt.")
    kitchen.run()
    assert not agrees(kitchen)
    kitchen.reopen()
    attach(kitchen)
    assert agrees(kitchen)
    assert kitchen.indexer.vectors_failure is None


def test_an_index_that_fails_at_once_is_not_used(kitchen: Desk) -> None:
    kitchen.vectors.failure = RuntimeError("boom")

    attach(kitchen)

    assert kitchen.indexer.vectors_failure == "boom"
    kitchen.write("Bread.md", "Rye.")
    assert kitchen.run().changed == 1


def test_filling_an_index_stops_when_asked(kitchen: Desk) -> None:
    stopping = threading.Event()
    stopping.set()

    kitchen.indexer.attach(kitchen.vectors, stopping=stopping)

    assert kitchen.vectors.vectors == {}
    kitchen.reopen()
    attach(kitchen)
    assert agrees(kitchen)


def test_it_is_closed_with_the_indexer(kitchen: Desk) -> None:
    attach(kitchen)
    kitchen.reopen()

    assert kitchen.vectors.closed == 1


def test_what_the_index_holds_is_not_put_there_again(kitchen: Desk) -> None:
    attach(kitchen)
    put: list[str] = []
    upsert = kitchen.vectors.upsert

    def counted(vectors: Mapping[str, FloatArray]) -> None:
        put.extend(vectors)
        upsert(vectors)

    kitchen.vectors.upsert = counted  # type: ignore[method-assign]
    kitchen.indexer._catalog.ask_for_another_read()
    kitchen.run()
    assert put == []
    kitchen.write("Bread.md", "Rye and water.")
    kitchen.run()

    assert len(put) == 2
    assert agrees(kitchen)


def test_in_a_long_run_vectors_come_to_the_index_before_its_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_EVERY_S", 0.0)
    for number in range(200):
        desk.write(f"{number:03}.md", f"note number {number}")
    held: list[int] = []
    attach(desk)

    desk.run(on_progress=lambda progress: held.append(len(desk.vectors.vectors)) if progress.stage == "index" else None)

    assert 0 < held[150] < len(desk.vectors.vectors)
    assert agrees(desk)
