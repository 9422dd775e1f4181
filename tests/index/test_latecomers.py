"""Notes that are saved while a long run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.index.conftest import Desk, counts
from vaultbot.types import IndexProgress, IndexReport

NOTES = 200


@pytest.fixture
def large(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A vault whose first run takes several batches, and looks again all the time."""
    monkeypatch.setattr("vaultbot.index.latecomers._EVERY_S", 0.0)
    monkeypatch.setattr("vaultbot.index.latecomers._SHARE", 0)
    for number in range(NOTES):
        desk.write(f"{number:03}.md", f"note number {number}")
    desk.indexer.attach(desk.vectors, stopping=threading.Event())
    return desk


def first_run(desk: Desk, acts: dict[int, Callable[[], object]]) -> tuple[IndexReport, list[tuple[float, float]]]:
    """The first run; each act comes after so many notes, and is told of. Also when it said that it had caught up."""
    told = threading.Event()
    caught_up: list[tuple[float, float]] = []

    def act(progress: IndexProgress) -> None:
        if progress.stage == "index" and progress.done in acts:
            acts.pop(progress.done)()
            told.set()

    def is_told() -> bool:
        was = told.is_set()
        told.clear()
        return was

    report = desk.indexer.run(
        settle=True,
        on_progress=act,
        is_told=is_told,
        on_caught_up=lambda since, began: caught_up.append((since, began)),
    )
    assert not acts
    return report, caught_up


def test_it_is_found_before_the_run_ends(large: Desk) -> None:
    found: dict[str, list[str]] = {}

    def save() -> None:
        large.write("Late.md", "a latecomer of its own")
        large.write("003.md", "edited after it was read")
        large.write("199.md", "edited before it was read")

    def look() -> None:
        for words in ("latecomer", "after", "before"):
            found[words] = large.find(words)

    report, caught_up = first_run(large, {70: save, 80: look})

    assert found == {"latecomer": ["Late.md"], "after": ["003.md"], "before": ["199.md"]}
    assert len(caught_up) == 2  # of the save, and of the look, which was told of as well
    assert caught_up[0][0] == caught_up[1][0] < caught_up[0][1] < caught_up[1][1]
    assert (report.added, report.changed) == (NOTES + 1, 0)  # One was added as it was, and then as it is.
    assert large.vectors.ids() == large.indexer._catalog.ids_with_vectors("hash-1")
    assert counts(large.run()) == (0, 0, 0, 0, NOTES + 1)


def test_one_that_is_edited_twice_ends_as_it_was_at_last(large: Desk) -> None:
    def save(moment: int) -> Callable[[], object]:
        return lambda: large.write("Late.md", f"the text of moment{moment}")

    report, _ = first_run(large, {moment: save(moment) for moment in (66, 67, 150)})

    assert report.added == NOTES + 1
    assert large.find("moment150") == ["Late.md"]
    assert large.find("moment66") == large.find("moment67") == []
    assert large.vectors.ids() == large.indexer._catalog.ids_with_vectors("hash-1")


def test_one_that_is_renamed_is_known_as_such_by_the_next_run(large: Desk) -> None:
    first_run(large, {100: lambda: (large.root / "007.md").rename(large.root / "Bond.md")})

    assert counts(large.run()) == (0, 0, 1, 0, NOTES - 1)


def test_another_vault_in_the_place_is_not_taken_in(large: Desk) -> None:
    def replace() -> None:
        large.root.rename(large.root.with_name("away"))
        large.write("Stranger.md", "a note of another vault")

    first_run(large, {100: replace})

    assert large.find("another") == []


def test_one_that_is_taken_out_of_search_meanwhile_is_not_recorded_after_all(large: Desk) -> None:
    def withdraw() -> None:
        large.write("070.md", "---\nvaultbot: false\n---\nnote number 70")

    report, _ = first_run(large, {71: withdraw})

    assert [one.path for one in report.skipped] == ["070.md"]
    assert "070.md" not in large.reader.paths()
    assert counts(large.run())[:4] == (0, 0, 0, 0)


def test_what_the_settings_keep_out_stays_out_while_they_cannot_be_read(desk: Desk, large: Desk) -> None:
    app = large.write(".obsidian/app.json", '{"userIgnoreFilters": ["P/"]}')
    large.write("P/private.md", "a hidden word")
    large.run()
    for number in range(NOTES):
        large.write(f"{number:03}.md", f"note number {number} again")
    app.write_text('{"userIgnore')

    first_run(large, {100: lambda: large.write("P/private.md", "another hidden word")})

    assert large.find("hidden") == []


def test_nobody_looks_where_nothing_was_told(large: Desk) -> None:
    def save(progress: IndexProgress) -> None:
        if progress.done == 100:
            large.write("Late.md", "late")

    large.indexer.run(settle=True, on_progress=save)

    assert large.find("late") == []
