from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex
from tests.index.conftest import Desk, tree_hash
from vaultbot import faults
from vaultbot.errors import ModelInvalid, VaultbotError, VaultMissing
from vaultbot.index.indexer import Indexer
from vaultbot.types import IndexProgress, IndexReport, Note
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.vault import Vault


@contextmanager
def unlistable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As without permission, which does not stop root."""
    scandir = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        yield


def counts(report: IndexReport) -> tuple[int, int, int, int, int]:
    """(added, changed, renamed, removed, unchanged)"""
    return report.added, report.changed, report.renamed, report.removed, report.unchanged


@pytest.fixture
def garden(desk: Desk) -> Desk:
    """Three notes in two folders, indexed."""
    desk.write("Home.md", "# Home\nWhere it starts. [[Roses]]\n")
    desk.write("Plants/Roses.md", "# Roses\nPrune them in March.\n")
    desk.write("Plants/Tulips.md", "# Tulips\nPlant the bulbs in autumn.\n")
    assert counts(desk.run()) == (3, 0, 0, 0, 0)
    return desk


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


# ── what is removed, and what is not ───────────────────────────────────────────────────────────────────────────────


def test_a_deleted_note_goes_after_two_looks(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultbot.index.indexer.SETTLE_S", 0.3)
    (garden.root / "Plants/Roses.md").unlink()

    first = garden.run(settle=False)
    assert (first.removed, garden.indexer.waits_for_missing) == (0, True)
    assert garden.find("prune") == ["Plants/Roses.md"]

    threading.Event().wait(0.3)
    second = garden.run(settle=False)
    assert (second.removed, garden.indexer.waits_for_missing) == (1, False)
    assert garden.find("prune") == []


def test_a_note_that_is_being_saved_is_never_missing_from_search(garden: Desk) -> None:
    text = (garden.root / "Home.md").read_bytes()
    (garden.root / "Home.md").unlink()
    garden.run(settle=False)
    assert garden.find("starts") == ["Home.md"]
    garden.write("Home.md", text)

    threading.Event().wait(0.1)
    report = garden.run()

    assert report.removed == 0
    assert not garden.indexer.waits_for_missing
    assert garden.find("starts") == ["Home.md"]


def test_a_note_that_comes_back_between_the_looks_stays(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultbot.index.indexer.SETTLE_S", 0.5)
    text = (garden.root / "Home.md").read_bytes()
    (garden.root / "Home.md").unlink()
    back = threading.Timer(0.2, lambda: garden.write("Home.md", text))
    back.start()

    report = garden.run(settle=True)

    back.join()
    assert report.removed == 0
    assert garden.find("starts") == ["Home.md"]


@pytest.mark.parametrize("instead", ["folder", "link", "pipe"])
def test_a_note_whose_place_something_else_took_is_removed(garden: Desk, instead: str) -> None:
    note = garden.root / "Home.md"
    note.unlink()
    if instead == "folder":
        note.mkdir()
    elif instead == "link":
        note.symlink_to("Plants/Roses.md")
    else:
        os.mkfifo(note)

    report = garden.run()

    assert report.removed == 1
    assert not garden.indexer.waits_for_missing
    assert garden.reader.paths() == ["Plants/Roses.md", "Plants/Tulips.md"]


def test_a_folder_that_went_with_its_notes_is_removed(garden: Desk) -> None:
    shutil.rmtree(garden.root / "Plants")

    assert garden.run().removed == 2


def test_notes_that_obsidian_excludes_now_are_removed_at_once(garden: Desk) -> None:
    garden.write(".obsidian/app.json", '{"userIgnoreFilters": ["Plants/"]}')

    report = garden.run(settle=False)

    assert counts(report) == (0, 0, 0, 2, 1)
    assert garden.find("prune") == []
    garden.write(".obsidian/app.json", "{}")
    assert garden.run().embedded == 0
    assert garden.find("prune") == ["Plants/Roses.md"]


def test_a_note_that_says_so_is_left_out(garden: Desk) -> None:
    garden.write("Home.md", "---\nvaultbot: false\n---\nsecret\n")

    report = garden.run()

    assert report.removed == 1
    assert [(s.path, s.reason) for s in report.skipped] == [("Home.md", "it says vaultbot: false")]
    assert garden.find("secret") == []
    assert counts(garden.run()) == (0, 0, 0, 0, 2)


def test_a_folder_that_cannot_be_listed_keeps_its_notes(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with unlistable(garden.root / "Plants", monkeypatch):
        for _ in range(3):
            report = garden.run()
            assert report.removed == 0
            assert report.warnings == ("the folder Plants cannot be listed; its notes are kept as they were",)
    assert garden.find("prune") == ["Plants/Roses.md"]
    assert counts(garden.run()) == (0, 0, 0, 0, 3)


def test_a_note_that_cannot_be_read_keeps_its_last_version(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    garden.write("Home.md", "changed\n")
    read = Vault.read

    def refuse(vault: Vault, path: str) -> object:
        if path == "Home.md":
            raise PermissionError(13, "Permission denied", path)
        return read(vault, path)

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "read", refuse)
        report = garden.run()
    assert [s.path for s in report.failed] == ["Home.md"]
    assert "Permission denied" in report.failed[0].reason
    assert garden.find("starts") == ["Home.md"]

    assert counts(garden.run()) == (0, 1, 0, 0, 2)


# ── the vault itself ───────────────────────────────────────────────────────────────────────────────────────────────


def refuses(desk: Desk) -> str:
    """The message of the refusal; nothing may have changed."""
    before = desk.indexer._catalog.recorded()
    with pytest.raises(VaultMissing) as caught:
        desk.run()
    assert desk.indexer._catalog.recorded() == before
    assert not desk.indexer.waits_for_missing
    return str(caught.value)


def test_a_vault_that_went_away_loses_nothing_and_comes_back_for_free(garden: Desk) -> None:
    away = garden.root.with_name("away")
    garden.root.rename(away)

    assert "does not exist" in refuses(garden)

    away.rename(garden.root)
    report = garden.run()
    assert counts(report) == (0, 0, 0, 0, 3)
    assert report.embedded == 0


@pytest.mark.parametrize("instead", ["empty folder", "file", "only settings"])
def test_a_vault_that_is_not_mounted_loses_nothing(garden: Desk, instead: str) -> None:
    garden.root.rename(garden.root.with_name("away"))
    if instead == "file":
        garden.root.touch()
    else:
        garden.root.mkdir()
    if instead == "only settings":
        (garden.root / ".obsidian").mkdir()

    for _ in range(3):
        refuses(garden)

    if instead == "file":
        garden.root.unlink()
    else:
        shutil.rmtree(garden.root)
    garden.root.with_name("away").rename(garden.root)
    assert counts(garden.run()) == (0, 0, 0, 0, 3)


def test_a_vault_that_was_emptied_in_place_loses_nothing_either(garden: Desk) -> None:
    for entry in garden.root.iterdir():
        shutil.move(entry, garden.root.parent / f"away-{entry.name}")

    assert "is empty" in refuses(garden)


def test_another_vault_in_its_place_is_refused(garden: Desk) -> None:
    garden.root.rename(garden.root.with_name("away"))
    garden.write("Recipes.md", "Other notes.")

    message = refuses(garden)

    assert "holds none of the 3 notes" in message
    assert "is it the same vault?" in message


def test_another_vault_with_an_unreadable_folder_is_refused_too(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    garden.root.rename(garden.root.with_name("away"))
    garden.write("Recipes.md", "Other notes.")
    garden.write("Private/x.md", "x")

    with unlistable(garden.root / "Private", monkeypatch):
        refuses(garden)


def test_a_vault_that_vanishes_between_the_looks_loses_nothing(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultbot.index.indexer.SETTLE_S", 0.5)
    (garden.root / "Home.md").unlink()

    def unmount() -> None:
        garden.root.rename(garden.root.with_name("away"))
        garden.root.mkdir()

    gone = threading.Timer(0.2, unmount)
    gone.start()
    report = garden.run(settle=True)
    gone.join()

    assert report.removed == 0
    assert len(garden.reader.paths()) == 3


def test_a_vault_copied_to_another_disk_is_the_same_vault(garden: Desk) -> None:
    garden.root.rename(garden.root.with_name("old"))
    shutil.copytree(garden.root.with_name("old"), garden.root)
    (garden.root / "Home.md").unlink()

    report = garden.run()

    assert counts(report) == (0, 0, 0, 1, 2)
    assert report.embedded == 0


def test_an_empty_vault_is_no_mistake_before_anything_was_indexed(desk: Desk) -> None:
    assert counts(desk.run()) == (0, 0, 0, 0, 0)
    desk.write("First.md", "first")
    assert counts(desk.run()) == (1, 0, 0, 0, 0)


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


def test_a_broken_model_stops_the_run_and_the_next_one_goes_on(garden: Desk) -> None:
    garden.write("New.md", "new words")
    assert garden.embedder is not None
    garden.embedder.failure = ModelInvalid("the weights are damaged")

    with pytest.raises(ModelInvalid):
        garden.run()
    assert garden.find("new") == []

    garden.embedder.failure = None
    assert counts(garden.run()) == (1, 0, 0, 0, 3)


def test_a_model_that_cannot_count_is_not_blamed_on_the_note(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    garden.write("New.md", "new words")

    def fail(texts: object) -> list[int]:
        raise ModelInvalid("tokenizer.json is damaged")

    monkeypatch.setattr(garden.embedder, "count_tokens", fail)
    with pytest.raises(ModelInvalid):
        garden.run()


# ── notes that are odd, broken or hostile ──────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "binary.md": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(500),
    "mojibake.md": b"\x80" * 3000,
    "latin1.md": "Bröd und Käse, das ist gut und reicht für alle.".encode("latin-1"),
    "broken yaml.md": b"---\nkey: [unclosed\n---\nThe body of broken yaml.",
    "deep yaml.md": b"---\nk: " + b"[" * 40_000 + b"\n---\nThe body of deep yaml.",
    "merge keys.md": b"---\na: &a {x: 1}\nb: {<<: [*a, *a]}\n---\nThe body of merge keys.",
    "nul.md": b"text and \0 nul",
    "late nul.md": b"word " * 3000 + b"\0 nul",
    "utf16.md": "\ufeffWide letters".encode("utf-16-le"),
    "empty.md": b"",
    "endless brackets.md": b"[[" * 50_000,
    "leaders.md": b"." * 100_000,
    "marks.md": ("a" + "\u0316\u0300" * 30_000).encode(),
    "one word.md": b"x" * 300_000,
    'quote\'s "name" [x] #y ^z|.md': b"odd name",
    "n\u0303 nfd.md": b"decomposed name",
    "ñ nfc.md": b"composed name",
}


def test_no_note_stops_the_others_and_none_is_written_to(garden: Desk) -> None:
    for name, data in HOSTILE.items():
        garden.write(f"Hostile/{name}", data)
    (garden.root / "out.md").symlink_to("/etc/hostname")
    (garden.root / "loop").symlink_to(".")
    os.mkfifo(garden.root / "pipe.md")
    (garden.root / "folder.md").mkdir()
    outside = garden.write("../outside.md", "canary outside")
    (garden.root / "hard link out.md").symlink_to(outside)
    before = tree_hash(garden.root)

    report = garden.run()

    lines = {s.path: s.reason for s in report.skipped}
    assert set(lines) == {
        "Hostile/binary.md", "Hostile/mojibake.md", "Hostile/nul.md",
        "out.md", "loop", "pipe.md", "folder.md", "hard link out.md",
    }  # fmt: skip
    assert lines["Hostile/binary.md"] == "binary"
    assert "named pipe" in lines["pipe.md"]
    assert "out of the vault" in lines["out.md"]
    assert report.failed == ()
    assert report.added == len(HOSTILE) - 3
    assert garden.find("canary") == []
    assert {"Hostile/broken yaml.md", "Hostile/deep yaml.md"} <= set(garden.find("body yaml"))
    assert garden.find("wide letters") == ["Hostile/utf16.md"]
    assert [s.path for s in garden.reader.skipped()] == sorted(lines)
    problems = {path: record.problems for path in garden.reader.paths() if (record := garden.reader.note(path))}
    assert [p.slug for p in problems["Hostile/deep yaml.md"]] == ["frontmatter"]
    assert [p.slug for p in problems["Hostile/latin1.md"]] == ["encoding"]
    assert tree_hash(garden.root) == before
    assert counts(garden.run())[:4] == (0, 0, 0, 0)


def test_a_note_that_nothing_foresaw_does_not_stop_the_others(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    garden.write("A.md", "first")
    garden.write("Cursed.md", "cursed")
    garden.write("Z.md", "last")

    def stumble(path: str, text: str) -> Note:
        if "cursed" in text:
            raise RecursionError("maximum recursion depth exceeded")
        return parse_note(path, text)

    monkeypatch.setattr("vaultbot.index.indexer.parse_note", stumble)
    report = garden.run()

    assert report.added == 2
    assert [s.path for s in report.failed] == ["Cursed.md"]
    assert "RecursionError" in report.failed[0].reason
    assert "cursed" not in report.failed[0].reason


def test_a_huge_note_is_read_in_part_and_says_so(desk: Desk) -> None:
    desk.write("Huge.md", "start\n" + "line of text\n" * 1000 + "the end is beyond\n")
    desk.reopen()
    desk._indexer = Indexer(
        Vault(desk.root, max_bytes=5000), desk.indexer._catalog, embedder=desk.embedder, chunk_tokens=230
    )

    assert desk.run().added == 1
    assert desk.find("start") == ["Huge.md"]
    assert desk.find("beyond") == []
    record = desk.reader.note("Huge.md")
    assert record is not None
    assert [p.slug for p in record.problems] == ["truncated"]


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
    seen = len(desk.reader.paths())
    assert 0 < seen <= 100
    before = desk.embedded

    report = desk.run()
    assert report.added == 300 - seen
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
        with pytest.raises(VaultbotError, match="is full; free some space"):
            garden.run()
    assert garden.find("new") == []
    assert counts(garden.run()) == (1, 0, 0, 0, 3)
