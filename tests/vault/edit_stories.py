"""Stories of a vault under an editor: edits, undos, kills at every step, and a person who changes notes meanwhile.

A story is played with real files and real SIGKILLs, in forks. After every step each note must be wholly old or wholly
new, nothing of the editor may lie about, and what a person wrote must be there; at the end everything is undone, and
what was not changed since must be what it was, to the byte, with mode and time.
"""

from __future__ import annotations

import os
import signal
import stat
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

import yaml
from hypothesis import strategies as st

from vaultbot import faults
from vaultbot.errors import VaultbotError
from vaultbot.suggestion import Edit, PropertyValue, Replacement
from vaultbot.vault.editor import Editor
from vaultbot.vault.vault import Vault

_ALWAYS = ("editor.written", "editor.before-replace", "editor.placed", "editor.settled")
APPLY_POINTS = ("editor.planned", "editor.copied", *_ALWAYS)
CREATE_POINTS = ("editor.planned", "editor.copied", "editor.folder-made", "editor.written", "editor.placed")
UNDO_POINTS = ("editor.undo-planned", "editor.removed", *_ALWAYS)
WORDS = ("compost", "肥料", "🍅 heap", "Ünïcode")
NAMES = ("Tomato.md", "Beds/Peas.md", "庭/豆.md")

Fault: TypeAlias = tuple[str, str] | None  #: a point and a kind of vaultbot/faults.py


@dataclass(frozen=True, slots=True)
class Link:
    """Link the nth of these words; with `line` put a link on a line at the end."""

    word: str
    nth: int
    line: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens to the vault."""

    what: Literal["apply", "create", "undo", "type", "append", "delete", "lock", "unlock", "twin", "relink", "rename"]
    note: str
    edits: tuple[Link | PropertyValue, ...] = ()
    fault: Fault = None
    text: bytes = b""
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    notes: tuple[bytes, ...]  #: of the first of NAMES
    steps: tuple[Step, ...]


# ── making them up ──────────────────────────────────────────────────────────────────────────────────────────

_PROPERTIES = (
    "",
    "---\n---\n",
    "---\ntags: [a, b]\n---\n",
    "---\ntags:\n  - a # why\n# end\n---\n",
    "---\ntags:\n- 'a'\nis: \"[[Food]]\"\n---\n",
    "---\ntags: a\naliases: gimchi, the\n---\n",
    "---\ntags: a, b\n---\n",
    "---\ntags: [\n  a, # first\n  b\n]\n---\n",
    "---\ntags:\naliases: []\nn: 012\nday: 2024-01-02\nyes: no\n---\n",
    "---\ntext: |\n  compost\n  - tags: x\n\ntags: ~ # none\n---\n",
    "---\nis: [[Food]]\n---\n",
    "---\ntags: [a\n---\n",
    "---\ntags: &x [a]\n---\n",
    "---\n{tags: [a]}\n---\n",
    "---\ntags: [a]\n",
    "\n---\ntags: [a]\n---\n",
)
_BLOCKS = (
    "They like compost and 肥料.\n",
    "# About compost\n",
    "- [ ] compost 📅 2024-01-01 ^id\n",
    "| compost | 肥料 |\n| --- | --- |\n| compost | `compost` |\n",
    "> [!tip] compost\n> more 🍅 heap\n",
    "```\ncompost\n```\n",
    "`compost` $compost$ %%compost%% <b>compost</b> [compost](x.md) ![[compost]]\n",
    "$$\ncompost\n$$\n",
    "<!-- compost\n",
    "%% compost\n",
    "compost:: yes [[Compost]] #compost\n",
    "Ünïcode compost [^1]\n\n[^1]: compost\n",
    "    compost\n",
    "\tcompost\n\n",
    "compost\n===\n",
    "\n",
    "a \\compost !compost *compost* ==compost==\n",
    "\u202ecompost\u200b \u00a0compost\u2028compost\n",
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A note as people and programs leave them."""
    text = draw(st.sampled_from(_PROPERTIES)) + "".join(draw(st.lists(st.sampled_from(_BLOCKS), max_size=6)))
    text = text.removesuffix("\n") if draw(st.booleans()) else text
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    data = (b"\xef\xbb\xbf" if draw(st.integers(0, 4)) == 0 else b"") + text.encode()
    odd = draw(st.integers(0, 19))
    return data + b"\xe9" if odd == 0 else data.replace(b"\n", b"\r", 1) if odd == 1 else data


_LINKS = st.builds(Link, st.sampled_from(WORDS), st.integers(0, 3), st.booleans())
_VALUES = st.builds(
    PropertyValue,
    st.sampled_from(("tags", "aliases", "is", "Tags", "new key")),
    st.sampled_from(("garden", "ml/deep", "[[Food]]", "[[Food|f]]", "no", "12:30", 'say "x"', "it's", "a: b", "日本")),
)


def _faults(points: Sequence[str]) -> st.SearchStrategy[Fault]:
    return st.none() | st.tuples(st.sampled_from(points), st.sampled_from(("kill", "kill", "enospc")))


_NOTE, _NOBODY = st.sampled_from(NAMES), st.just("")
_APPLY = st.builds(
    Step,
    st.just("apply"),
    _NOTE,
    st.lists(_LINKS | _VALUES, min_size=1, max_size=3).map(tuple),
    _faults(APPLY_POINTS),
    stale=st.integers(0, 9).map(lambda n: n == 0),
)
_UNDO = st.builds(Step, st.just("undo"), _NOBODY, fault=_faults(UNDO_POINTS))
_CREATE = st.builds(
    Step,
    st.just("create"),
    st.sampled_from((NAMES[0], "New/Deep/Heap.md", "New/Wide.md")),
    fault=_faults(CREATE_POINTS),
    text=texts(),
)
_TYPE = st.builds(Step, st.sampled_from(("type", "append")), _NOTE, text=texts())
_HANDLE = st.builds(Step, st.sampled_from(("delete", "lock", "unlock", "twin", "relink", "rename")), _NOTE)
_STEPS = st.one_of(*[_APPLY] * 6, *[_UNDO] * 2, _CREATE, _TYPE, _HANDLE)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Any of them."""
    notes = draw(st.lists(texts(), min_size=len(NAMES), max_size=len(NAMES)))
    return Story(tuple(notes), tuple(draw(st.lists(_STEPS, min_size=2, max_size=9))))


# ── playing them ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Look:
    """A file as it is; nothing where there is none."""

    data: bytes | None = None
    mode: int = 0
    mtime_ns: int = 0


@dataclass
class Stage:
    """The vault of a story, and what must be true of it."""

    root: Path
    state: Path
    did: Counter[str] = field(default_factory=Counter)
    before: dict[tuple[str, str], Look] = field(default_factory=dict)  #: the note before a run, by run and note

    def editor(self) -> Editor:
        return Editor(Vault(self.root), self.state, clock=lambda: time.time() + 3600)

    def look(self, note: str) -> Look:
        file = self.root / note
        try:
            info = file.lstat()
        except FileNotFoundError:
            return Look()
        return Look(file.read_bytes(), stat.S_IMODE(info.st_mode), info.st_mtime_ns)

    def tree(self) -> dict[str, Look]:
        """Every file of the vault."""
        files = (path for path in self.root.rglob("*") if not path.is_dir())
        return {
            path.relative_to(self.root).as_posix(): self.look(path.relative_to(self.root).as_posix()) for path in files
        }


def play(story: Story, folder: Path) -> Counter[str]:
    """Play it in an empty folder; raises AssertionError when something is not as it must be."""
    stage = Stage(folder / "vault", folder / "edits")
    stage.root.mkdir()
    for name, data in zip(NAMES, story.notes, strict=False):
        _put(stage.root / name, data)
    for step in story.steps:
        _take(stage, step)
    _undo_everything(stage)
    return stage.did


def _put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or stat.S_IMODE(file.stat().st_mode) & stat.S_IWUSR:
        file.write_bytes(data)
        os.utime(file, ns=(7, 1_500_000_000_123_456_789))


def _take(stage: Stage, step: Step) -> None:
    file = stage.root / step.note
    stage.did[step.what] += 1
    if step.what in ("apply", "create", "undo"):
        _work(stage, step)
    elif step.what == "type":
        _put(file, step.text)
    elif not file.exists():
        stage.did["nothing to do"] += 1
    elif step.what == "append":
        _put(file, file.read_bytes() + step.text)
    elif step.what == "delete":
        file.unlink()
    elif step.what in ("lock", "unlock"):
        file.chmod(0o444 if step.what == "lock" else 0o640)
    elif step.what == "twin" and not file.with_name("twin.txt").exists():
        os.link(file, file.with_name("twin.txt"))
    elif step.what == "relink" and not file.is_symlink():
        real = file.with_name("real.md")
        file.rename(real)
        file.symlink_to(real.name)
    elif step.what == "rename":
        file.rename(file.with_name("renamed.md"))


def _work(stage: Stage, step: Step) -> None:
    """The editor's steps, perhaps killed on the way; the vault is wholly old or wholly new afterwards."""
    before = stage.tree()
    told = _do(stage, step) if step.fault is None else _in_a_fork(stage, step, step.fault)
    if told == "killed":
        interrupted = stage.tree()
        _only_old_or_new(stage, step, before, {k: v for k, v in interrupted.items() if not _is_temporary(k)})
    editor = stage.editor()
    try:
        editor.recover()
        done = {(e.run, e.note): e for run in editor.history(100) for e in run.entries}
    finally:
        editor.close()
    after = stage.tree()
    assert not [name for name in after if _is_temporary(name)], "a temporary file was left"
    _only_old_or_new(stage, step, before, after)
    for (run, note), entry in done.items():
        if (run, note) not in stage.before and entry.state in ("done", "unclear"):
            stage.before[run, note] = before.get(note, Look())
    stage.did[told] += 1


def _only_old_or_new(stage: Stage, step: Step, before: dict[str, Look], after: dict[str, Look]) -> None:
    for name in before.keys() | after.keys():
        old, new = before.get(name, Look()), after.get(name, Look())
        if old == new:
            continue
        assert step.what == "undo" or name == step.note, f"{name} is none of its business"
        if step.what == "apply":
            assert old.data is not None
            assert new.data is not None
            assert new.mode == old.mode
            _is_made_of(old.data, new.data, step)
            stage.did["changed"] += 1
        elif step.what == "create":
            assert old.data is None
            assert new.data == _readable(step.text).encode()
        else:
            assert any(name == note and new.data == look.data for (_, note), look in stage.before.items())


def _is_made_of(old: bytes, new: bytes, step: Step) -> None:
    """The new note is the old one with some of the edits, told without the editor's own parser."""
    old_front, old_body = _parted(old)
    new_front, new_body = _parted(new)
    assert _plain(new_body, step) == _plain(old_body, step)
    if b"\n" in old:  # Whoever has one kind of line ends gets none of the other.
        assert b"\r\n" in old or b"\r\n" not in new
        assert b"\n" in old.replace(b"\r\n", b"") or b"\n" not in new.replace(b"\r\n", b"")
    if new_front == old_front:
        return
    properties, was = (yaml.safe_load(front.decode()) or {} for front in (new_front, old_front))
    for key, value in properties.items():
        earlier = was.get(key)
        if value == earlier and type(value) is type(earlier):
            continue
        as_list = earlier if isinstance(earlier, list) else [] if earlier is None else [earlier]
        added = value[len(as_list) :]
        assert value[: len(as_list)] == as_list
        wanted = [
            e.value for e in step.edits if isinstance(e, PropertyValue) and e.key.casefold() == str(key).casefold()
        ]
        assert added
        assert all(one in wanted for one in added)
    assert list(was) == list(properties)[: len(was)]


def _plain(body: bytes, step: Step) -> bytes:
    """The body without the links that the step, or one like it before, could have made."""
    body = body.replace(b"\r\n", b"\n")
    for edit in step.edits:
        if isinstance(edit, Link) and edit.line:
            body = body.replace(f"\n- [[{edit.word}]]".encode(), b"")
    for word in WORDS:
        for link in (f"[[Target|{word}]]", f"[[Target\\|{word}]]"):
            body = body.replace(link.encode(), word.encode())
    return body


def _parted(data: bytes) -> tuple[bytes, bytes]:
    """Properties, and the body with the line end before it."""
    text = data.removeprefix(b"\xef\xbb\xbf")
    lines = text.split(b"\n")
    if lines[0].rstrip() == b"---":
        for n, line in enumerate(lines[1:], 1):
            if line.rstrip() == b"---":
                return b"\n".join(lines[1:n]), text[len(b"\n".join(lines[: n + 1])) :]
    return b"", b"\n" + text


def _do(stage: Stage, step: Step) -> str:
    editor = stage.editor()
    try:
        if step.what == "undo":
            undone = editor.undo()
            return "undone" if undone.restored or undone.removed else "undo refused"
        if step.what == "create":
            editor.create(step.note, _readable(step.text))
            return "created"
        data = stage.look(step.note).data or b""
        digest = sha256(data + b"x" if step.stale else data).hexdigest()
        done = editor.apply(step.note, digest, _edits(data, step.edits))
        assert not step.stale
        return "applied" if done.run else "all refused"
    except VaultbotError as error:
        return f"refused: {type(error).__name__}"
    finally:
        editor.close()


def _edits(data: bytes, edits: Sequence[Link | PropertyValue]) -> list[Edit]:
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    made: list[Edit] = []
    for edit in edits:
        if isinstance(edit, PropertyValue):
            made.append(edit)
        elif edit.line:
            made.append(Replacement(len(text), len(text), f"\n- [[{edit.word}]]"))
        else:
            start = -1
            for _ in range(edit.nth + 1):
                start = text.find(edit.word, start + 1)
            bar = "\\|" if text[text.rfind("\n", 0, start) + 1 :].startswith("|") else "|"
            made.append(Replacement(start, start + len(edit.word), f"[[Target{bar}{edit.word}]]"))
    return made


def _in_a_fork(stage: Stage, step: Step, fault: tuple[str, str]) -> str:
    child = os.fork()
    if child == 0:
        code = 3
        try:
            faults._passed.clear()
            os.environ["VAULTBOT_FAULT"] = f"{fault[0]}:{fault[1]}:1"
            _do(stage, step)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    foreseen = (0, -signal.SIGKILL, 3) if fault[1] == "raise" else (0, -signal.SIGKILL)
    assert code in foreseen, "it raised what it must not raise"
    return "killed" if code else "with a fault that was survived"


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _is_temporary(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".vaultbot-")


def _undo_everything(stage: Stage) -> None:
    """Every run, from the last to the first: back to the byte, or left alone with a copy that has every byte."""
    editor = stage.editor()
    try:
        for run in editor.history(100):
            entries = [entry for entry in run.entries if entry.state in ("done", "unclear")]
            here = {entry.note: stage.look(entry.note) for entry in entries}
            undone = editor.undo(run.id)
            for entry in entries:
                old = stage.before[run.id, entry.note]
                if old.data is not None:
                    assert editor.copy_of(entry).read_bytes() == old.data, "a byte was lost"
                now = stage.look(entry.note)
                if entry.note in undone.restored:
                    assert now == old
                    stage.did["back to the byte"] += 1
                elif entry.note in undone.removed:
                    assert now == Look()
                    stage.did["removed again"] += 1
                else:
                    assert now == here[entry.note], "a note that was changed since was touched"
                    assert entry.state == "unclear" or _may_be_refused(stage, entry.note, here[entry.note], entry.after)
                    stage.did["left alone"] += 1
    finally:
        editor.close()


def _may_be_refused(stage: Stage, note: str, now: Look, after: str) -> bool:
    """Changed since, gone, locked, a link, or with a second name."""
    file = stage.root / note
    if now.data is None or sha256(now.data).hexdigest() != after or file.is_symlink():
        return True
    return file.stat().st_nlink > 1 or not now.mode & stat.S_IWUSR
