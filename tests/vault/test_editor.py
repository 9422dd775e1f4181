"""Writing into a vault: nothing is lost, whatever else happens, and all of it can be undone."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from vaultbot import faults
from vaultbot.errors import ChangedMeanwhile, EditRefused, InvalidRequest, NoteNotFound, VaultbotError, VaultMissing
from vaultbot.suggestion import Edit, PropertyValue, Replacement
from vaultbot.vault.editor import Editor
from vaultbot.vault.vault import Vault

AN_HOUR_NS = 3600 * 10**9


@dataclass
class Desk:
    """A vault and an editor for it; the clock is an hour ahead, so that the notes have rested."""

    root: Path
    state: Path
    now: float = field(default_factory=lambda: time.time() + 3600)

    def __post_init__(self) -> None:
        self.editor = Editor(Vault(self.root, exclude=["Private/"]), self.state, clock=lambda: self.now)

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def hash(self, path: str) -> str:
        return sha256((self.root / path).read_bytes()).hexdigest()

    def link(self, path: str, words: str, *, run: str | None = None) -> str:
        """Link the first of these words in the note; the run."""
        text = (self.root / path).read_bytes().decode("utf-8-sig")
        start = text.index(words)
        edit = Replacement(start, start + len(words), f"[[{words}]]")
        return self.editor.apply(path, self.hash(path), [edit], run=run, changes=[{"text": words}]).run

    def entries(self) -> list[str]:
        """Everything in the vault, by path."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "vault").mkdir()
    return Desk(tmp_path / "vault", tmp_path / "edits")


def _pipe(beside: Path) -> Path:
    pipe = beside.with_name("pipe")
    os.mkfifo(pipe)
    return pipe


def look(file: Path) -> tuple[bytes, int, int]:
    info = file.stat()
    return file.read_bytes(), stat.S_IMODE(info.st_mode), info.st_mtime_ns


# ── applying ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_changes_its_words_and_keeps_mode_and_mark(desk: Desk) -> None:
    file = desk.write("Garden/Tomato.md", b"\xef\xbb\xbfof compost\r\n")
    file.chmod(0o640)

    run = desk.link("Garden/Tomato.md", "compost")

    assert file.read_bytes() == b"\xef\xbb\xbfof [[compost]]\r\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert desk.entries() == ["Garden", "Garden/Tomato.md"]
    (only,) = desk.editor.history()
    assert (only.id, [(e.note, e.state, e.changes) for e in only.entries]) == (
        run,
        [("Garden/Tomato.md", "done", ({"text": "compost"},))],
    )


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="Python reaches extended attributes on Linux alone")
def test_extended_attributes_are_kept(desk: Desk) -> None:
    file = desk.write("Tomato.md", "of compost")
    try:
        os.setxattr(file, "user.colour", b"red")
    except OSError:
        pytest.skip("this file system has no extended attributes")

    desk.link("Tomato.md", "compost")

    assert os.getxattr(file, "user.colour") == b"red"


def test_what_cannot_be_made_is_told_and_the_rest_is_made(desk: Desk) -> None:
    desk.write("Tomato.md", "`compost` and peas")
    edits: list[Edit] = [Replacement(1, 8, "[[compost]]"), PropertyValue("tags", "garden")]

    done = desk.editor.apply("Tomato.md", desk.hash("Tomato.md"), edits, changes=[{"n": 0}, {"n": 1}])

    assert list(done.refused) == [0]
    assert (desk.root / "Tomato.md").read_text() == "---\ntags:\n  - garden\n---\n`compost` and peas"
    assert done.sha256 == desk.hash("Tomato.md")
    assert desk.editor.history()[0].entries[0].changes == ({"n": 1},)


def test_when_nothing_can_be_made_nothing_is_written(desk: Desk) -> None:
    before = look(desk.write("Tomato.md", "`compost`"))

    done = desk.editor.apply("Tomato.md", desk.hash("Tomato.md"), [Replacement(1, 8, "[[compost]]")])

    assert (done.run, desk.editor.history()) == ("", [])
    assert look(desk.root / "Tomato.md") == before


def test_a_preview_writes_nothing(desk: Desk) -> None:
    before = look(desk.write("Tomato.md", "of compost"))

    shown = desk.editor.preview("Tomato.md", desk.hash("Tomato.md"), [Replacement(3, 10, "[[compost]]")])

    assert (shown.before, shown.after) == ("of compost", "of [[compost]]")
    assert look(desk.root / "Tomato.md") == before


def test_a_note_that_changed_since_the_preview_is_left_alone(desk: Desk) -> None:
    desk.write("Tomato.md", "of compost")
    seen = desk.hash("Tomato.md")
    desk.write("Tomato.md", "my compost")

    with pytest.raises(ChangedMeanwhile, match=r"^Tomato\.md has changed since it was looked at"):
        desk.editor.apply("Tomato.md", seen, [Replacement(3, 10, "[[compost]]")])

    assert (desk.root / "Tomato.md").read_text() == "my compost"


def test_a_note_that_somebody_is_typing_in_is_left_alone_but_not_our_own_work(desk: Desk) -> None:
    file = desk.write("Tomato.md", "of compost and peas")
    desk.now = file.stat().st_mtime + 9
    with pytest.raises(ChangedMeanwhile, match="was changed 9 s ago"):
        desk.link("Tomato.md", "compost")

    desk.now += 2
    desk.link("Tomato.md", "compost")
    desk.link("Tomato.md", "peas")

    assert file.read_text() == "of [[compost]] and [[peas]]"


def test_a_note_of_the_far_future_has_rested(desk: Desk) -> None:
    file = desk.write("Tomato.md", "of compost")
    os.utime(file, ns=(0, 4_102_444_800 * 10**9))

    assert desk.link("Tomato.md", "compost")


@pytest.mark.parametrize(
    ("make", "because"),
    [
        (lambda file: os.link(file, file.with_name("twin.md")), "hard link"),
        (lambda file: file.chmod(0o444), "read-only"),
        (lambda file: file.write_bytes(b"of compost \xe9"), "not UTF-8"),
        (lambda file: file.write_bytes(b"of compost\ra"), "line ends"),
        (lambda file: file.write_bytes(b"of compost\0"), "characters"),
        (lambda file: file.write_bytes(b"\xff\xfe" + "of compost".encode("utf-16-le")), "not UTF-8"),
        (lambda file: file.unlink() or file.symlink_to("Real.md"), "is a link"),
        (lambda file: file.unlink() or file.mkdir(), "cannot be read"),
        (lambda file: _pipe(file).replace(file), "cannot be read"),
    ],
    ids=["hard-link", "read-only", "latin-1", "lone-cr", "nul", "utf-16", "symlink", "folder", "fifo"],
)
def test_files_that_replacing_would_harm_are_refused(desk: Desk, make: Callable[[Path], object], because: str) -> None:
    file = desk.write("Tomato.md", "of compost")
    desk.write("Real.md", "of compost")
    make(file)
    data = file.read_bytes() if file.is_file() else b"of compost"
    before = desk.entries()

    with pytest.raises(EditRefused, match=because):
        desk.editor.apply("Tomato.md", sha256(data).hexdigest(), [Replacement(3, 10, "[[compost]]")])

    assert desk.entries() == before
    assert (desk.root / "Real.md").read_text() == "of compost"


@pytest.mark.parametrize("path", ["Link/Tomato.md", "Out/Tomato.md", "In/x.md"])
def test_a_folder_that_is_a_link_is_not_entered(desk: Desk, tmp_path: Path, path: str) -> None:
    desk.write("Real/Tomato.md", "of compost")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "Tomato.md").write_text("of compost")
    desk.write(".trash/x.md", "of compost")
    (desk.root / "Link").symlink_to("Real")
    (desk.root / "Out").symlink_to(tmp_path / "outside")
    (desk.root / "In").symlink_to(".trash")

    with pytest.raises((EditRefused, NoteNotFound)):
        desk.link(path, "compost")
    with pytest.raises((EditRefused, NoteNotFound)):
        desk.editor.create(path.replace("x.md", "new.md").replace("Tomato", "Peas"), "text")

    for file in (desk.root / "Real/Tomato.md", tmp_path / "outside/Tomato.md", desk.root / ".trash/x.md"):
        assert file.read_text() == "of compost"
        assert len(list(file.parent.iterdir())) == 1


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("../Tomato.md", InvalidRequest),
        ("/etc/passwd", InvalidRequest),
        (".obsidian/x.md", NoteNotFound),
        ("Gone.md", NoteNotFound),
        ("No/Gone.md", VaultbotError),
        ("Private/Diary.md", EditRefused),
        ("Board.canvas", EditRefused),
        ("Templates/Daily.md", EditRefused),
    ],
)
def test_what_is_no_note_of_the_vault_is_not_changed(desk: Desk, path: str, error: type[VaultbotError]) -> None:
    desk.write("Private/Diary.md", "of compost")
    desk.write("Board.canvas", "of compost")
    desk.write(".obsidian/templates.json", '{"folder": "Templates"}')
    desk.write(".obsidian/x.md", "of compost")
    desk.write("Templates/Daily.md", "of compost")
    before = desk.entries()

    with pytest.raises(error):
        desk.editor.apply(path, sha256(b"of compost").hexdigest(), [Replacement(3, 10, "[[compost]]")])

    assert desk.entries() == before
    assert all(
        file.read_text() in ("of compost", '{"folder": "Templates"}')
        for file in desk.root.rglob("*.*")
        if file.is_file()
    )


def test_a_note_that_changes_at_the_last_moment_is_left_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = desk.write("Tomato.md", "of compost")

    def typed(name: str) -> None:
        if name == "editor.written":
            file.write_text("of compost, typed")

    monkeypatch.setattr("vaultbot.faults.point", typed)

    with pytest.raises(ChangedMeanwhile, match="at this very moment"):
        desk.link("Tomato.md", "compost")

    assert file.read_text() == "of compost, typed"
    assert desk.entries() == ["Tomato.md"]
    assert desk.editor.history() == []


# ── making notes ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_note_gets_its_folders_and_their_permissions(desk: Desk) -> None:
    desk.root.chmod(0o750)

    desk.editor.create("Garden/Beds/Peas.md", "Peas climb.\n")

    file = desk.root / "Garden/Beds/Peas.md"
    assert file.read_text() == "Peas climb.\n"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file.parent.parent, file.parent, file)] == [
        0o750,
        0o750,
        0o640,
    ]
    assert desk.entries() == ["Garden", "Garden/Beds", "Garden/Beds/Peas.md"]


@pytest.mark.parametrize("path", ["Peas.md", "peas.md", "PEAS.MD", "garden/New.md", "Pe\u0301.md", "Peas.md/New.md"])
def test_nothing_that_is_there_is_overwritten(desk: Desk, path: str) -> None:
    desk.write("Peas.md", "mine")
    desk.write("Garden/x.md", "mine")
    desk.write("P\u00e9.md", "mine")
    before = desk.entries()

    with pytest.raises((EditRefused, VaultbotError)):
        desk.editor.create(path, "theirs")

    assert desk.entries() == before
    assert (desk.root / "Peas.md").read_text() == "mine"


def test_a_note_that_comes_up_at_the_last_moment_is_not_overwritten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.faults.point", lambda name: name == "editor.written" and desk.write("A/B.md", "mine"))

    with pytest.raises(EditRefused, match=r"there is A/B\.md already"):
        desk.editor.create("A/B.md", "theirs")

    assert desk.entries() == ["A", "A/B.md"]
    assert (desk.root / "A/B.md").read_text() == "mine"
    assert desk.editor.history() == []


@pytest.mark.parametrize(
    "path",
    [
        "Peas",
        "Peas.txt",
        "a#b.md",
        "a|b.md",
        "a^b.md",
        "[[a]].md",
        "a:b.md",
        'a"b.md',
        "a?b.md",
        "a%%b.md",
        " a.md",
        "a .md",
        "a..md",
        ".md",
        "CON.md",
        "x/nul/y.md",
        "a\nb.md",
        "x" * 260 + ".md",
        "a//b.md",
        "../a.md",
        "/a.md",
        "a\\b.md",
    ],
)
def test_names_that_obsidian_or_a_disk_does_not_take_are_refused(desk: Desk, path: str) -> None:
    with pytest.raises(InvalidRequest):
        desk.editor.create(path, "text")

    assert desk.entries() == []


def test_hidden_and_excluded_places_get_no_note(desk: Desk) -> None:
    for path in (".obsidian/a.md", "a/.b/c.md", "Private/a.md"):
        with pytest.raises(VaultbotError):
            desk.editor.create(path, "text")

    assert desk.entries() == []


def test_on_a_disk_without_hard_links_a_note_is_made_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_args: object, **_more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)

    desk.editor.create("Peas.md", "Peas climb.")
    with pytest.raises(EditRefused):
        desk.editor.create("Peas.md", "other")

    assert desk.entries() == ["Peas.md"]
    assert (desk.root / "Peas.md").read_text() == "Peas climb."


# ── undoing ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_undo_puts_every_byte_back_with_mode_and_time(desk: Desk) -> None:
    notes = {"A.md": b"\xef\xbb\xbfof compost\r\n", "B/C.md": "的 compost 🍅".encode(), "D.md": b"compost"}
    for path, data in notes.items():
        file = desk.write(path, data)
        file.chmod(0o604)
        os.utime(file, ns=(5, 1_234_567_890_123_456_789))
    before = {path: look(desk.root / path) for path in notes}
    run = ""
    for path in notes:
        run = desk.link(path, "compost", run=run or None)
    made = desk.editor.create("New/Heap.md", "text", run=run)

    undone = desk.editor.undo()

    assert {path: look(desk.root / path) for path in notes} == before
    assert (undone.run, sorted(undone.restored), undone.removed) == (
        made.run,
        ["A.md", "B/C.md", "D.md"],
        ("New/Heap.md",),
    )
    assert desk.entries() == ["A.md", "B", "B/C.md", "D.md"]
    assert {entry.state for entry in desk.editor.history()[0].entries} == {"undone"}
    with pytest.raises(NoteNotFound, match="nothing to undo"):
        desk.editor.undo()


def test_a_note_edited_twice_in_a_run_goes_back_to_the_beginning(desk: Desk) -> None:
    before = look(desk.write("Tomato.md", "of compost and peas"))
    run = desk.link("Tomato.md", "compost")
    desk.link("Tomato.md", "peas", run=run)

    assert desk.editor.undo(run).restored == ("Tomato.md",)
    assert look(desk.root / "Tomato.md") == before


def test_undo_leaves_a_note_alone_that_was_changed_since_and_names_the_copy(desk: Desk) -> None:
    desk.write("Tomato.md", "of compost")
    desk.write("Peas.md", "of compost")
    run = desk.link("Tomato.md", "compost")
    desk.link("Peas.md", "compost", run=run)
    desk.write("Tomato.md", "of [[compost]], typed")

    undone = desk.editor.undo(run)

    assert undone.restored == ("Peas.md",)
    (refused,) = undone.refused
    assert (refused.note, refused.reason) == ("Tomato.md", "it was changed since, and is left as it is")
    assert refused.copy is not None
    assert Path(refused.copy).read_text() == "of compost"
    assert (desk.root / "Tomato.md").read_text() == "of [[compost]], typed"
    desk.write("Tomato.md", "of [[compost]]")
    assert desk.editor.undo(run).restored == ("Tomato.md",)


def test_undo_of_a_new_note_that_was_written_in_since_keeps_it(desk: Desk) -> None:
    desk.editor.create("New/Heap.md", "text")
    desk.write("New/Heap.md", "text, and more")

    assert desk.editor.undo().removed == ()
    assert (desk.root / "New/Heap.md").read_text() == "text, and more"


def test_the_last_run_is_undone_first_and_any_by_its_name(desk: Desk) -> None:
    desk.write("Tomato.md", "of compost")
    desk.write("Peas.md", "of compost")
    first = desk.link("Tomato.md", "compost")
    second = desk.link("Peas.md", "compost")

    assert desk.editor.undo(first).restored == ("Tomato.md",)
    assert desk.editor.undo().run == second
    with pytest.raises(NoteNotFound, match="no such run"):
        desk.editor.undo("2001-01-01-abcdef")


def test_what_was_done_to_a_renamed_note_can_be_undone(desk: Desk) -> None:
    desk.write("Tomato.md", "of compost")
    desk.link("Tomato.md", "compost")
    (desk.root / "Tomato.md").rename(desk.root / "Tomatoes.md")
    desk.editor.moved("Tomato.md", "Tomatoes.md")

    assert desk.editor.undo().restored == ("Tomatoes.md",)
    assert (desk.root / "Tomatoes.md").read_text() == "of compost"


def test_a_copy_that_is_not_what_was_kept_is_not_put_into_the_vault(desk: Desk) -> None:
    desk.write("Tomato.md", "of compost")
    desk.link("Tomato.md", "compost")
    (copy,) = desk.state.rglob("copies/*/*")
    copy.write_text("something else")

    (refused,) = desk.editor.undo().refused

    assert "is not what was kept" in refused.reason
    assert (desk.root / "Tomato.md").read_text() == "of [[compost]]"


def test_copies_are_kept_for_a_month_and_those_of_the_last_run_for_good(desk: Desk) -> None:
    for name in ("A.md", "B.md"):
        desk.write(name, "of compost")
    old = desk.link("A.md", "compost")
    desk.now += 31 * 24 * 3600
    last = desk.link("B.md", "compost")
    desk.now += 31 * 24 * 3600

    assert desk.editor.recover() == []

    assert [path.parent.name for path in desk.state.rglob("copies/*/*")] == [last]
    (refused,) = desk.editor.undo(old).refused
    assert (refused.reason, refused.copy) == ("the note of before is no longer kept", None)
    assert desk.editor.undo(last).restored == ("B.md",)


def test_the_oldest_copies_go_when_there_are_too_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultbot.vault.journal._KEPT_BYTES", 25)
    runs = []
    for name in ("A.md", "B.md", "C.md"):
        desk.write(name, "of compost")
        runs.append(desk.link(name, "compost"))

    desk.editor.recover()

    assert sorted(path.parent.name for path in desk.state.rglob("copies/*/*")) == sorted(runs[1:])


# ── kills, full disks, several at once ──────────────────────────────────────────────────────────────────────

APPLY_POINTS = [
    "editor.planned",
    "editor.copied",
    "editor.written",
    "editor.before-replace",
    "editor.placed",
    "editor.settled",
]
CREATE_POINTS = [
    "editor.planned",
    "editor.copied",
    "editor.folder-made",
    "editor.written",
    "editor.placed",
    "editor.settled",
]
UNDO_POINTS = ["editor.undo-planned", "editor.written", "editor.before-replace", "editor.placed", "editor.settled"]
UNMAKE_POINTS = ["editor.undo-planned", "editor.removed", "editor.settled"]


def in_a_child(desk: Desk, what: str, fault: str) -> int:
    """Apply, make or undo in a process of its own, where a fault comes up; its exit code."""
    child = os.fork()
    if child == 0:
        faults._passed.clear()
        os.environ["VAULTBOT_FAULT"] = fault
        code = 1
        try:
            other = Desk(desk.root, desk.state)
            if what == "apply":
                other.link("Tomato.md", "compost")
            elif what == "create":
                other.editor.create("New/Beds/Heap.md", "text")
            else:
                other.editor.undo()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("kind", ["kill", "enospc"])
@pytest.mark.parametrize(
    ("what", "point"),
    [
        *(("apply", point) for point in APPLY_POINTS),
        *(("create", point) for point in CREATE_POINTS),
        *(("undo", point) for point in UNDO_POINTS),
        *(("unmake", point) for point in UNMAKE_POINTS),
    ],
)
def test_a_kill_or_a_full_disk_at_any_step_leaves_the_note_old_or_new(
    desk: Desk, what: str, point: str, kind: str
) -> None:
    file = desk.write("Tomato.md", "of compost")
    file.chmod(0o604)
    old = look(file)
    if what == "undo":
        desk.link("Tomato.md", "compost")
    if what == "unmake":
        desk.editor.create("New/Beds/Heap.md", "text")
    entries = desk.entries()

    code = in_a_child(desk, what, f"{point}:{kind}:1")

    assert code in ((-9,) if kind == "kill" else (0, 1))
    new_note = desk.root / "New/Beds/Heap.md"
    assert file.read_bytes() in (b"of compost", b"of [[compost]]")
    assert not new_note.exists() or new_note.read_bytes() == b"text"
    if kind == "enospc":
        assert not list(desk.root.rglob(".vaultbot-*"))
    told = desk.editor.recover()
    assert desk.editor.recover() == []
    assert kind == "kill" or not told
    assert not list(desk.root.rglob(".vaultbot-*"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o604
    if what in ("create", "unmake"):
        assert desk.entries() in (["Tomato.md"], ["New", "New/Beds", "New/Beds/Heap.md", "Tomato.md"])
    else:
        assert desk.entries() == entries
    if desk.editor.history() and desk.editor.history()[0].entries[0].state == "done":
        assert desk.editor.undo().refused == ()
    assert look(file) == old
    assert desk.entries() == ["Tomato.md"]


def test_a_note_that_was_changed_after_a_kill_is_left_alone_and_its_copy_named(desk: Desk) -> None:
    file = desk.write("Tomato.md", "of compost")
    in_a_child(desk, "apply", "editor.placed:kill:1")
    file.write_text("of [[compost]], typed")

    (told,) = desk.editor.recover()

    assert "cannot be told" in told
    assert Path(told.rpartition(" in ")[2]).read_text() == "of compost"
    assert file.read_text() == "of [[compost]], typed"


def test_while_the_vault_is_away_nothing_is_decided(desk: Desk) -> None:
    file = desk.write("Tomato.md", "of compost")
    in_a_child(desk, "apply", "editor.placed:kill:1")
    desk.root.rename(desk.root.with_name("away"))
    with pytest.raises(VaultMissing):
        desk.editor.recover()

    desk.root.with_name("away").rename(desk.root)

    assert desk.editor.recover() == ["an edit of Tomato.md was interrupted: it was wholly made"]
    assert desk.editor.undo().restored == ("Tomato.md",)
    assert file.read_text() == "of compost"


def test_two_processes_and_many_threads_never_lose_an_edit(desk: Desk) -> None:
    words = [f"word{n}x" for n in range(12)]
    desk.write("Tomato.md", " ".join(words))
    other = Editor(Vault(desk.root), desk.state, clock=lambda: desk.now)

    def link(editor: Editor, word: str) -> None:
        for _ in range(200):
            data = (desk.root / "Tomato.md").read_bytes()
            start = data.decode().index(word)
            try:
                edit = Replacement(start, start + len(word), f"[[{word}]]")
                editor.apply("Tomato.md", sha256(data).hexdigest(), [edit])
                return
            except ChangedMeanwhile:
                continue
        raise AssertionError("it never came through")

    threads = [threading.Thread(target=link, args=((desk.editor, other)[n % 2], word)) for n, word in enumerate(words)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (desk.root / "Tomato.md").read_text() == " ".join(f"[[{word}]]" for word in words)
    while desk.editor.history()[0].entries[0].state == "done" or any(
        entry.state == "done" for run in desk.editor.history(50) for entry in run.entries
    ):
        assert desk.editor.undo().refused == ()
    assert (desk.root / "Tomato.md").read_text() == " ".join(words)


def test_who_finds_another_writer_at_work_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultbot.vault.editor._LOCK_S", 0.0)
    desk.write("Tomato.md", "of compost")
    other = Editor(Vault(desk.root), desk.state)

    with other._alone(), pytest.raises(EditRefused, match="another vaultbot is writing"):
        desk.link("Tomato.md", "compost")
