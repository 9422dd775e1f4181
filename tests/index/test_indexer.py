"""What a run of the indexer does and costs; what it removes is in test_indexer_removals.py."""

from __future__ import annotations

import errno
import os
import threading
import time

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex
from tests.index.conftest import Desk, counts
from vaultbot import faults
from vaultbot.errors import ModelInvalid, VaultbotError
from vaultbot.types import IndexProgress

# ── what costs no embedding ────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_run_finds_nothing_to_do(garden: Desk) -> None:
    report = garden.run()

    assert counts(report) == (0, 0, 0, 0, 3)
    assert report.embedded == 0
    assert not report.touched


def test_a_second_run_after_a_restart_finds_nothing_to_do(garden: Desk) -> None:
    garden.reopen()

    report = garden.run()

    assert counts(report) == (0, 0, 0, 0, 3)
    assert report.embedded == 0


def test_a_renamed_folder_is_a_rename_of_its_notes(garden: Desk) -> None:
    (garden.root / "Plants").rename(garden.root / "Flowers")

    report = garden.run()

    assert counts(report) == (0, 0, 2, 0, 1)
    assert report.embedded == 0
    assert garden.find("prune") == ["Flowers/Roses.md"]
    assert garden.reader.paths() == ["Flowers/Roses.md", "Flowers/Tulips.md", "Home.md"]


def test_a_renamed_note_is_embedded_anew_because_its_title_is_part_of_it(garden: Desk) -> None:
    (garden.root / "Plants/Roses.md").rename(garden.root / "Plants/Shrubs.md")

    report = garden.run()

    assert counts(report) == (0, 0, 1, 0, 2)
    assert garden.find("shrubs") == ["Plants/Shrubs.md"]
    assert garden.reader.note("Plants/Roses.md") is None


def test_two_notes_may_swap_their_names(garden: Desk) -> None:
    roses, tulips, spare = (garden.root / "Plants" / name for name in ("Roses.md", "Tulips.md", "spare"))
    roses.rename(spare)
    tulips.rename(roses)
    spare.rename(tulips)

    report = garden.run()

    assert counts(report) == (0, 2, 0, 0, 1)
    assert garden.find("bulbs") == ["Plants/Roses.md"]


def test_a_touched_note_is_not_embedded(garden: Desk) -> None:
    os.utime(garden.root / "Home.md", (1_800_000_000, 1_800_000_000))

    report = garden.run()

    assert counts(report) == (0, 0, 0, 0, 3)
    assert report.embedded == 0
    assert garden.run().unchanged == 3


def test_an_edit_embeds_what_changed_alone(garden: Desk) -> None:
    garden.write("Home.md", "# Home\nWhere it ends.\n")

    report = garden.run()

    assert counts(report) == (0, 1, 0, 0, 2)
    assert {text.split("\n")[0] for text in garden.embedder.embedded[-report.embedded :]} == {"Home"}  # type: ignore[union-attr]
    assert garden.find("ends") == ["Home.md"]
    assert garden.find("starts") == []


def test_an_edit_is_seen_although_size_and_time_stay_the_same(garden: Desk) -> None:
    garden.write("Home.md", "# Home\nWhere it rests. [[Roses]]\n")

    assert counts(garden.run()) == (0, 1, 0, 0, 2)


def test_a_note_that_comes_back_costs_no_embedding(garden: Desk) -> None:
    (garden.root / "Home.md").rename(garden.root.parent / "Home.md")
    assert garden.run().removed == 1
    (garden.root.parent / "Home.md").rename(garden.root / "Home.md")

    report = garden.run()

    assert counts(report) == (1, 0, 0, 0, 2)
    assert report.embedded == 0


def test_the_same_text_in_many_notes_is_embedded_once(desk: Desk) -> None:
    for number in range(5):
        desk.write(f"{number}/Index.md", "The same text.")

    report = desk.run()

    assert report.added == 5
    assert report.embedded == 1


# ── embedders ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_embedder_reads_everything_anew_and_mixes_nothing(garden: Desk) -> None:
    garden.indexer.attach(garden.vectors, stopping=threading.Event())
    before = dict(garden.vectors.vectors)
    garden.reopen()
    garden.embedder = HashEmbedder(fingerprint="hash-2", dimensions=32)
    garden.vectors = ListVectorIndex()
    garden.indexer.attach(garden.vectors, stopping=threading.Event())
    assert garden.vectors.vectors == {}

    report = garden.run()

    assert counts(report) == (0, 3, 0, 0, 0)
    assert report.embedded > 0
    assert set(garden.vectors.vectors) == set(before)
    assert {vector.shape for vector in garden.vectors.vectors.values()} == {(32,)}


def test_an_embedder_that_is_taken_up_again_costs_nothing(garden: Desk) -> None:
    garden.reopen()
    garden.embedder = HashEmbedder(fingerprint="hash-2")
    garden.run()
    garden.reopen()
    garden.embedder = HashEmbedder(fingerprint="hash-1")

    report = garden.run()

    assert report.changed == 3
    assert report.embedded == 0


def test_words_are_found_without_an_embedder_and_meaning_later(garden: Desk) -> None:
    garden.reopen()
    garden.embedder = None
    assert counts(garden.run()) == (0, 3, 0, 0, 0)
    assert garden.find("prune") == ["Plants/Roses.md"]
    assert garden.indexer._catalog.pending(limit=1) == (0, [])

    garden.reopen()
    garden.embedder = HashEmbedder()
    garden.indexer.attach(garden.vectors, stopping=threading.Event())
    garden.run()
    assert garden.vectors.ids() == garden.indexer._catalog.ids_with_vectors("hash-1") != set()


def test_a_broken_model_leaves_words_and_its_vectors_are_made_when_it_is_well_again(garden: Desk) -> None:
    garden.write("New.md", "new words")
    assert garden.embedder is not None
    garden.embedder.failure = ModelInvalid("the weights are damaged")

    with pytest.raises(ModelInvalid):
        garden.run()
    assert garden.find("new") == ["New.md"]

    garden.embedder.failure = None
    report = garden.run()
    assert (counts(report), report.embedded) == ((0, 1, 0, 0, 3), 1)
    assert counts(garden.run()) == (0, 0, 0, 0, 4)


def test_while_a_model_is_broken_notes_are_not_read_in_vain_and_new_ones_are_found(garden: Desk) -> None:
    def to_read() -> int:
        seen: list[IndexProgress] = []
        with pytest.raises(ModelInvalid):
            garden.run(on_progress=seen.append)
        return max((one.total for one in seen if one.stage == "index"), default=0)

    garden.write("New.md", "new words")
    assert garden.embedder is not None
    garden.embedder.failure = ModelInvalid("the weights are damaged")
    assert to_read() == 1

    garden.write("Newer.md", "newer words")
    assert [to_read(), to_read()] == [1, 0]
    assert garden.find("words") == ["New.md", "Newer.md"]

    garden.write("New.md", "other things")
    assert to_read() == 1
    assert garden.find("other") == ["New.md"]


def test_a_model_that_cannot_count_is_not_blamed_on_the_note(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    garden.write("New.md", "new words")

    def fail(texts: object) -> list[int]:
        raise ModelInvalid("tokenizer.json is damaged")

    monkeypatch.setattr(garden.embedder, "count_tokens", fail)
    with pytest.raises(ModelInvalid):
        garden.run()


# ── stopping, progress, faults ─────────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_is_stopped_keeps_its_work(desk: Desk) -> None:
    for number in range(300):
        desk.write(f"{number:03}.md", f"note number {number}")
    stopping = threading.Event()

    def stop_at_100(progress: IndexProgress) -> None:
        if progress.stage == "index" and progress.done == 100:
            stopping.set()

    stopped = desk.indexer.run(settle=True, on_progress=stop_at_100, stopping=stopping)
    assert stopped.notes == 0
    seen = sum(bool(one.hash) for one in desk.indexer._catalog.recorded().values())
    assert 0 < seen <= 100
    assert len(desk.reader.paths()) == 300  # By their words all are found.
    before = desk.embedded

    report = desk.run()
    assert (report.added, report.unchanged) == (300 - seen, seen)
    assert desk.embedded == len(set(desk.embedder.embedded)) >= before  # type: ignore[union-attr]


def test_a_huge_note_does_not_hold_up_the_stop(desk: Desk) -> None:
    desk.write("Huge.md", "\n\n".join(" ".join(f"w{n}x{k}" for k in range(220)) for n in range(400)))
    stopping = threading.Event()
    embedder = desk.embedder
    assert embedder is not None
    embed = embedder.embed_documents

    def stop_after_the_first(texts: list[str]) -> object:
        stopping.set()
        return embed(texts)

    embedder.embed_documents = stop_after_the_first  # type: ignore[method-assign, assignment]
    desk.indexer.run(settle=True, stopping=stopping)

    assert embedder.calls == 1
    assert desk.reader.paths() == []
    embedder.embed_documents = embed  # type: ignore[method-assign]
    first = len(embedder.embedded)
    assert desk.run().added == 1
    assert first > 0
    assert len(embedder.embedded) == len(set(embedder.embedded))


def test_nothing_is_removed_by_a_run_that_was_stopped(garden: Desk) -> None:
    (garden.root / "Plants").rename(garden.root / "Flowers")
    stopping = threading.Event()
    stopping.set()

    for _ in range(2):
        report = garden.indexer.run(settle=True, stopping=stopping)
        assert counts(report)[:4] == (0, 0, 0, 0)
        threading.Event().wait(0.1)

    assert garden.run().renamed == 2


def test_progress_grows_up_to_the_whole(desk: Desk) -> None:
    for number in range(20):
        desk.write(f"{number}.md", "text")
    seen: list[IndexProgress] = []

    desk.run(on_progress=seen.append)

    assert seen[0].stage == "scan"
    index = [p for p in seen if p.stage == "index"]
    assert [p.done for p in index] == list(range(1, 21))
    assert {p.total for p in index} == {20}


@pytest.mark.parametrize("place", ["catalog.in-transaction", "catalog.before-commit", "indexer.before-record"])
def test_a_full_disk_is_told_and_the_next_run_goes_on(
    garden: Desk, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    garden.write("New.md", "new words")

    def full(name: str) -> None:
        if name == place:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(faults, "point", full)
        with pytest.raises(
            VaultbotError, match=r"is full: [\d,]+ MB are free, and about 17 MB are needed; free some space"
        ):
            garden.run()
    assert garden.find("new") == []
    assert counts(garden.run()) == (1, 0, 0, 0, 3)


def test_an_edit_that_no_stamp_tells_of_is_found_when_everything_is_read_once_a_day(garden: Desk) -> None:
    """Some programs put the times back, and on some systems nothing else would tell."""
    garden.write("Home.md", "# Home\nWhere it ended. [[Roses]]\n")
    catalog = garden.indexer._catalog
    catalog.touch(
        {"Home.md": garden.indexer._vault.scan().notes["Home.md"]}
    )  # As if nothing could be seen from outside.
    assert counts(garden.run()) == (0, 0, 0, 0, 3)
    assert garden.find("ended") == []

    assert garden.indexer.is_stale()
    report = garden.indexer.run(settle=False, thorough=True)

    assert counts(report) == (0, 1, 0, 0, 2)
    assert garden.find("ended") == ["Home.md"]
    assert not garden.indexer.is_stale()


@pytest.mark.parametrize("hours", [25, -25])
def test_everything_is_read_again_after_a_day_whichever_way_the_clock_was_set(
    garden: Desk, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    garden.indexer.run(settle=False, thorough=True)
    now = time.time()
    monkeypatch.setattr("vaultbot.index.indexer.time.time", lambda: now + hours * 3600)

    assert garden.indexer.is_stale()


@pytest.mark.parametrize("why", [errno.EDEADLK, errno.ETIMEDOUT])
def test_a_note_that_a_sync_program_did_not_bring_keeps_its_last_version(
    garden: Desk, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    garden.write("Home.md", "changed\n")

    def refuse(path: object, flags: int, *more: object, **named: object) -> int:
        raise OSError(why, os.strerror(why))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        report = garden.run()

    [failed] = report.failed
    assert failed.path == "Home.md"
    assert failed.reason.startswith("in the cloud, it seems, and not on this machine")
    assert report.removed == 0
    assert garden.find("starts") == ["Home.md"]
