"""Reading a vault that nobody vouches for."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from vaultbot.errors import InvalidRequest, NoteNotFound, VaultMissing
from vaultbot.vault.vault import FileBusy, Vault


def write(root: Path, path: str, text: str | bytes = "x\n") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


# ── the folder ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_vault_is_called_after_its_folder(tmp_path: Path) -> None:
    assert Vault(tmp_path / "x/../My Vault").name == "My Vault"


def test_a_missing_vault_is_named_with_what_to_do(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "gone")

    for look in (vault.check, vault.scan, vault.identity):
        with pytest.raises(VaultMissing, match=r"gone does not exist; give the folder") as caught:
            look()
        assert caught.value.exit_code == 4


def test_a_file_is_no_vault(tmp_path: Path) -> None:
    with pytest.raises(VaultMissing, match="is not a folder"):
        Vault(write(tmp_path, "Note.md")).check()
    with pytest.raises(VaultMissing):
        Vault(tmp_path / "Note.md").scan()


def test_a_vault_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("vaultbot.vault.vault.os.scandir", forbidden)

    with pytest.raises(VaultMissing, match="you may not read"):
        Vault(tmp_path).check()
    with pytest.raises(VaultMissing, match="you may not read"):
        Vault(tmp_path).scan()


def test_another_vault_at_the_same_place_has_another_identity(tmp_path: Path) -> None:
    write(tmp_path, "v/a.md")
    write(tmp_path, "w/a.md")
    vault = Vault(tmp_path / "v")
    before = vault.identity()
    assert vault.identity() == before

    (tmp_path / "v").rename(tmp_path / "old")
    (tmp_path / "w").rename(tmp_path / "v")

    assert vault.identity() != before


def test_a_vault_behind_a_link_is_read(tmp_path: Path) -> None:
    write(tmp_path, "real/Note.md", "hello")
    (tmp_path / "shown").symlink_to(tmp_path / "real")
    vault = Vault(tmp_path / "shown")

    assert list(vault.scan().notes) == ["Note.md"]
    assert vault.read("Note.md").text == "hello"
    assert vault.name == "shown"


# ── its settings ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_obsidian_hides_is_read_for_its_links_and_what_we_exclude_is_not(tmp_path: Path) -> None:
    write(tmp_path, ".obsidian/app.json", '{"userIgnoreFilters": ["Old/", "/draft$/"]}')
    write(tmp_path, ".obsidian/templates.json", '{"folder": "Templates"}')
    for path in ("Old/Log.md", "Old/pic.png", "Old/Private/b.md", "Private/a.md", "Templates/Day.md", "Open.md"):
        write(tmp_path, path)

    listing = Vault(tmp_path, exclude=["Private/"]).scan()

    assert list(listing.notes) == ["Old/Log.md", "Open.md", "Templates/Day.md"]
    assert listing.unsearched == {"Old/Log.md": "excluded", "Templates/Day.md": "template"}
    assert listing.files == ("Old/Private/b.md", "Old/pic.png", "Private/a.md")
    assert listing.skipped == ()


def test_settings_in_a_folder_of_another_name_hold_and_are_named(tmp_path: Path) -> None:
    write(tmp_path, ".work/app.json", '{"userIgnoreFilters": ["Old/", "/(/"]}')
    write(tmp_path, "Old/Log.md")

    listing = Vault(tmp_path).scan()

    assert listing.unsearched == {"Old/Log.md": "excluded"}
    assert [skipped.path for skipped in listing.skipped] == [".work/app.json"]


@pytest.mark.parametrize("settings", ["{", "[]", "[" * 100_000, '{"userIgnoreFilters": ["/(/"]}'])
def test_settings_that_cannot_be_read_are_reported_and_the_notes_are_listed(tmp_path: Path, settings: str) -> None:
    write(tmp_path, ".obsidian/app.json", settings)
    write(tmp_path, "Note.md")

    listing = Vault(tmp_path).scan()

    assert list(listing.notes) == ["Note.md"]
    assert [skipped.path for skipped in listing.skipped] == [".obsidian/app.json"]


def test_settings_outside_the_vault_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/app.json", '{"userIgnoreFilters": ["N"]}')
    write(tmp_path, "v/Note.md")
    (tmp_path / "v/.obsidian").symlink_to(tmp_path / "elsewhere")

    listing = Vault(tmp_path / "v").scan()

    assert list(listing.notes) == ["Note.md"]
    assert "out of the vault" in listing.skipped[0].reason


def test_a_pipe_in_place_of_the_settings_does_not_block(tmp_path: Path) -> None:
    (tmp_path / ".obsidian").mkdir()
    os.mkfifo(tmp_path / ".obsidian/app.json")

    assert Vault(tmp_path).scan().skipped[0].path == ".obsidian/app.json"


@pytest.mark.parametrize("name", ["vaultbot.toml", "config.toml", ".vaultbot.yml", ".gitignore", ".vaultbotignore"])
def test_a_vault_configures_nothing_else(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "*.md\n[vault]\nexclude = ['*']\n")
    write(tmp_path, "Note.md")

    assert list(Vault(tmp_path).scan().notes) == ["Note.md"]


# ── one note ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_comes_with_the_stamp_of_the_file_that_was_read(tmp_path: Path) -> None:
    write(tmp_path, "a/Käse.md", "🧀\r\n")
    vault = Vault(tmp_path)

    note = vault.read("a/Käse.md")

    assert note.text == "🧀\r\n"
    assert note.stamp == vault.scan().notes["a/Käse.md"]
    assert note.content_hash == hashlib.blake2b("🧀\r\n".encode(), digest_size=32).hexdigest()
    assert (note.problems, note.skip_reason) == ((), None)


def test_of_a_huge_note_the_first_lines_are_read(tmp_path: Path) -> None:
    write(tmp_path, "Log.md", "one line of the log\n" * 1000)
    write(tmp_path, "Fits.md", "x" * 1000)
    vault = Vault(tmp_path, max_bytes=1000)

    note = vault.read("Log.md")

    assert note.text == "one line of the log\n" * 50
    assert [problem.slug for problem in note.problems] == ["truncated"]
    assert note.stamp.size == 20_000
    assert vault.read("Fits.md").problems == ()


def test_a_picture_called_a_note_has_a_reason_and_no_text(tmp_path: Path) -> None:
    write(tmp_path, "pic.md", b"\x89PNG\0\0")

    note = Vault(tmp_path).read("pic.md")

    assert (note.text, note.skip_reason) == ("", "binary")


def test_a_missing_note_and_one_that_may_not_be_read_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        Vault(tmp_path).read("gone.md")

    def forbidden(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("vaultbot.vault.vault.os.open", forbidden)
    with pytest.raises(PermissionError):
        Vault(tmp_path).read("locked.md")


def test_pipes_links_and_folders_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    write(tmp_path, "real.md")
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")

    for path in ("pipe.md", "folder.md", "link.md"):
        with pytest.raises(OSError, match=r"."):
            Vault(tmp_path).read(path)


@pytest.mark.parametrize("swapped", ["Note.md", "sub"])
def test_a_file_that_turns_into_a_link_at_the_last_moment_gives_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    write(tmp_path, "outside/Note.md", "canary")
    write(tmp_path, "v/Note.md")
    write(tmp_path, "v/sub/Note.md")
    real_open = os.open

    def swap_and_open(path: Path, flags: int) -> int:
        (tmp_path / "v" / swapped).rename(tmp_path / "aside")
        (tmp_path / "v" / swapped).symlink_to(tmp_path / "outside" / ("" if swapped == "sub" else "Note.md"))
        return real_open(path, flags)

    monkeypatch.setattr("vaultbot.vault.vault.os.open", swap_and_open)

    with pytest.raises((NoteNotFound, OSError)):
        Vault(tmp_path / "v").read("Note.md" if swapped == "Note.md" else "sub/Note.md")


def test_a_note_that_is_rewritten_all_the_time_is_never_read_as_a_mixture(tmp_path: Path) -> None:
    texts = ["A" * 2_000_000 + "\n", "B" * 2_000_000 + "\n"]
    file = write(tmp_path, "Note.md", texts[0])
    vault = Vault(tmp_path)
    stop = threading.Event()

    def rewrite() -> None:
        turn = 0
        while not stop.wait(0.2 if turn % 3 else 0.001):
            turn += 1
            file.write_text(texts[turn % 2])

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen = set()
    try:
        for _ in range(20):
            try:
                seen.add(vault.read("Note.md").text)
            except FileBusy:
                continue
    finally:
        stop.set()
        writer.join()

    assert seen <= set(texts)
    assert vault.read("Note.md").text in texts


@pytest.mark.parametrize(("size", "rests_s"), [(100, 0.05), (5_000_000, 0.3), (100_000_000, 1.0)])
def test_a_larger_file_has_to_rest_for_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, rests_s: float
) -> None:
    vault = Vault(tmp_path)
    write(tmp_path, "Note.md", "A")
    os.truncate(tmp_path / "Note.md", size)
    now = time.time_ns()
    slept: list[float] = []

    def rest(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += int(seconds * 1e9) + 1000

    monkeypatch.setattr(time, "time_ns", lambda: now)
    monkeypatch.setattr(time, "sleep", rest)

    vault.read("Note.md")
    assert sum(slept) == pytest.approx(rests_s, abs=0.04)
    slept.clear()
    vault.read("Note.md")  # It has settled.
    assert slept == []


def test_an_empty_note_is_a_note(tmp_path: Path) -> None:
    write(tmp_path, "Later.md", "")

    note = Vault(tmp_path).read("Later.md")

    assert (note.text, note.problems, note.skip_reason) == ("", (), None)


def test_a_note_that_never_rests_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "Note.md")
    real_fstat = os.fstat

    def touch_and_stat(number: int) -> os.stat_result:
        with file.open("a") as note:
            note.write("x")
        return real_fstat(number)

    monkeypatch.setattr("vaultbot.vault.vault.os.fstat", touch_and_stat)

    with pytest.raises(FileBusy, match=r"Note\.md"):
        Vault(tmp_path).read("Note.md")


@pytest.mark.parametrize("when", [0, 4_102_444_800])
def test_a_file_from_1970_or_2100_is_read(tmp_path: Path, when: int) -> None:
    os.utime(write(tmp_path, "Note.md"), (when, when))

    assert Vault(tmp_path).read("Note.md").text == "x\n"


# ── names from outside ─────────────────────────────────────────────────────────────────────────────────────

ESCAPES = [
    "",
    "/",
    ".",
    "..",
    "../canary.md",
    "a/../../canary.md",
    "a/..",
    "./Note.md",
    "a//Note.md",
    "a/",
    "/etc/passwd",
    "//host/share/x.md",
    "..\\canary.md",
    "a\\..\\..\\canary.md",
    "C:\\canary.md",
    "C:/canary.md",
    "c:",
    "a/\0",
    "Note.md\0.png",
    "\\\\?\\C:\\canary.md",
    "\ud800.md",
]
STRANGERS = [
    "%2e%2e/canary.md",
    "..%2Fcanary.md",
    "%252e%252e%252fcanary.md",
    "~/.ssh/id",
    "﹒﹒/canary.md",
    "．．/canary.md",
    "CON.md",
    "x.md::$DATA",
    "... /canary.md",
    ".obsidian/app.json",
    ".trash/Gone.md",
    "a/.git/config",
    "out/canary.md",
    "out.md",
    "x" * 5000 + ".md",
    "a/" * 3000 + "x.md",
]


@pytest.fixture
def guarded(tmp_path: Path) -> Vault:
    """A vault beside a file that must never be read, with links to it."""
    write(tmp_path, "canary.md", "canary")
    write(tmp_path, "vault-evil/canary.md", "canary")
    write(tmp_path, "vault/.obsidian/app.json", '{"canary": 1}')
    write(tmp_path, "vault/.trash/Gone.md", "canary")
    write(tmp_path, "vault/a/.git/config", "canary")
    write(tmp_path, "vault/Note.md", "fine")
    (tmp_path / "vault/out").symlink_to(tmp_path / "vault-evil")
    (tmp_path / "vault/out.md").symlink_to(tmp_path / "canary.md")
    return Vault(tmp_path / "vault")


@pytest.mark.parametrize("path", ESCAPES)
def test_a_path_that_is_none_is_refused(guarded: Vault, path: str) -> None:
    with pytest.raises(InvalidRequest):
        guarded.resolve_inside(path)
    with pytest.raises(InvalidRequest):
        guarded.read(path)


@pytest.mark.parametrize("path", STRANGERS)
def test_nothing_outside_the_vault_or_hidden_in_it_can_be_read(guarded: Vault, path: str) -> None:
    with pytest.raises((NoteNotFound, InvalidRequest, OSError)):
        guarded.read(path)


@pytest.mark.parametrize("path", ["Note.md", "new/Note.md", "A: plan.md", "100%.md", "a..b.md", "量子.md"])
def test_ordinary_paths_lead_into_the_vault(guarded: Vault, path: str) -> None:
    assert guarded.resolve_inside(path) == guarded.root / path


def test_reading_a_settled_note_does_not_wait(tmp_path: Path) -> None:
    for number in range(50):
        write(tmp_path, f"{number}.md")
    vault = Vault(tmp_path)
    vault.read("49.md")

    waits: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", waits.append)
        for number in range(50):
            vault.read(f"{number}.md")

    assert waits == []
