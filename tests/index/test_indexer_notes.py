"""Notes that are odd, broken or hostile: one line each in the report, and the rest is indexed."""

from __future__ import annotations

import os

import pytest

from tests.index.conftest import Desk, counts, tree_hash
from vaultbot.index.indexer import Indexer
from vaultbot.types import Note
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.vault import Vault

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

    monkeypatch.setattr("vaultbot.index.indexer.parse_document", stumble)
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
