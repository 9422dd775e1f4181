"""Vaults that vanish, and notes that disappear in masses

An index is made; then one of these happens: the vault is renamed away, unmounted so that an empty folder is left,
replaced by a file or by another vault, cannot be listed, can be listed half; a folder in it cannot be read; most notes
are deleted and come back; a folder is renamed, two notes swap names; everything changes again and again as with a sync
or a checkout. The index is brought up to date meanwhile, as often as a daemon would.

Proves: while a vault or a folder was away, not one row of a note was removed and words went on being found; when it
came back no text was embedded again and the index was that of a clean build.

Does not prove: anything about network drives that return old listings without an error, which nobody can tell from
deleted notes.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from tests.campaigns.busy_vault import change, make_vault, notes_of
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import in_a_fork
from tests.campaigns.mounts import mount_disk, obey_permissions, own_mounts, permitted, unmount
from tests.campaigns.upkeep import assistant, differences, follow
from tests.index.crash_child import dump
from vaultbot.assistant import Assistant
from vaultbot.errors import VaultbotError
from vaultbot.types import IndexReport

_LOOKS = 3


@dataclass
class Scene:
    """A vault with its index, in a process of its own."""

    root: Path
    state: Path
    rng: random.Random
    product: Assistant
    embedded: list[str]
    told: list[str] = field(default_factory=list)

    def look(self) -> IndexReport | None:
        """As the daemon does every now and then; None when it could not."""
        with suppress(VaultbotError, OSError):
            return self.product.index(timeout=60)
        return None

    def expect_nothing_removed(self, what: str) -> None:
        """Look some times, and find every note that was there."""
        before = self._notes()
        for _ in range(_LOOKS):
            report = self.look()
            if report and report.removed:
                self.told.append(f"{what}: {report.removed} notes were removed")
        if lost := before - self._notes():
            self.told.append(f"{what}: {len(lost)} notes are lost, such as {min(lost)}")
        if not self.product.search("harbour").hits:
            self.told.append(f"{what}: nothing is found any more")

    def expect_nothing_embedded(self, what: str) -> None:
        """Look again, and embed no text."""
        before = len(self.embedded)
        if self.look() is None:
            self.told.append(f"{what}: the vault is back and cannot be indexed: {self.product.state().message}")
        if len(self.embedded) > before:
            self.told.append(f"{what}: {len(self.embedded) - before} texts were embedded again")

    def _notes(self) -> set[str]:
        with closing(sqlite3.connect(self.state / "catalog.db")) as db:
            return {row[0] for row in db.execute("SELECT path FROM note")}


def _renamed(scene: Scene) -> None:
    away = scene.root.rename(scene.root.with_name("elsewhere"))
    scene.expect_nothing_removed("renamed away")
    away.rename(scene.root)


def _a_file(scene: Scene) -> None:
    away = scene.root.rename(scene.root.with_name("elsewhere"))
    scene.root.write_text("not a folder")
    scene.expect_nothing_removed("replaced by a file")
    scene.root.unlink()
    away.rename(scene.root)


def _empty(scene: Scene) -> None:
    away = scene.root.rename(scene.root.with_name("elsewhere"))
    scene.root.mkdir()
    scene.expect_nothing_removed("replaced by an empty folder")
    scene.root.rmdir()
    away.rename(scene.root)


def _another(scene: Scene) -> None:
    away = scene.root.rename(scene.root.with_name("elsewhere"))
    make_vault(scene.root, scene.rng, notes=0)
    for number in range(9):
        (scene.root / f"Of somebody else {number}.md").write_text(f"Nothing of ours {number}.")
    for file in ("Board.canvas", "Broken.md"):
        (scene.root / file).unlink()
    scene.expect_nothing_removed("replaced by another vault")
    shutil.rmtree(scene.root)
    away.rename(scene.root)


def _unlisted(scene: Scene) -> None:
    """A disk that fails when the vault is listed, or one of its folders, or half way through one."""
    listed, broken = os.scandir, scene.rng.choice(["", "Plants", "Notes", "Notes/Deep"])
    where = scene.root / broken if broken else scene.root
    half = scene.rng.random() < 0.5
    failed: list[Path] = []

    def failing(path: Any = ".") -> Any:
        same = isinstance(path, int) and os.path.samestat(os.fstat(path), where.stat()) if where.exists() else False
        if not same and not (isinstance(path, (str, os.PathLike)) and Path(path) == where):
            return listed(path)
        failed.append(where)
        if not half:
            raise OSError(errno.EIO, "injected")
        return _Half(listed(path))

    if not where.is_dir():
        return
    vars(os)["scandir"] = failing
    try:
        scene.expect_nothing_removed(f"{broken or 'the vault'} cannot be listed{' wholly' if half else ''}")
    finally:
        vars(os)["scandir"] = listed
    if not failed:
        scene.told.append("nobody listed the folder, so this trial shows nothing")


class _Half:
    """A listing that breaks off after its first entry."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self._given = False

    def __enter__(self) -> _Half:
        return self

    def __exit__(self, *_: object) -> None:
        self._whole.close()

    def close(self) -> None:
        self._whole.close()

    def __iter__(self) -> _Half:
        return self

    def __next__(self) -> Any:
        if self._given:
            self._break()
        self._given = True
        return next(self._whole)

    def _break(self) -> NoReturn:
        raise OSError(errno.EIO, "injected")


def _unreadable(scene: Scene) -> None:
    """A folder, or the vault itself, without permission."""
    folders = [scene.root, *(entry for entry in scene.root.iterdir() if entry.is_dir() and entry.name[0] != ".")]
    folder = scene.rng.choice(folders)
    folder.chmod(0)
    scene.expect_nothing_removed(f"no permission for {folder.name}")
    folder.chmod(0o755)


def _unreadable_notes(scene: Scene) -> None:
    files = notes_of(scene.root)
    for file in scene.rng.sample(files, 3):
        file.chmod(0)
    scene.expect_nothing_removed("no permission for three notes")
    for file in files:
        file.chmod(0o644)


def _mass_deletion(scene: Scene) -> None:
    """Most notes go, and come back: found no more meanwhile, and not embedded again."""
    aside = scene.root.with_name("aside")
    shutil.copytree(scene.root, aside, symlinks=True)
    files = notes_of(scene.root)
    for file in scene.rng.sample(files, len(files) * 3 // 4):
        file.unlink()
    for _ in range(_LOOKS):
        scene.look()
    for hit in scene.product.search("harbour", limit=50).hits:
        if not (scene.root / hit.path).exists():
            scene.told.append(f"{hit.path} is found though it was deleted")
    for file in sorted(aside.rglob("*.md")):
        back = scene.root / file.relative_to(aside)
        if not back.is_symlink() and not back.exists():
            shutil.copy2(file, back, follow_symlinks=False)
    shutil.rmtree(aside)


def _rename_a_folder(scene: Scene) -> None:
    folder = scene.rng.choice([entry for entry in scene.root.iterdir() if entry.is_dir() and entry.name[0] != "."])
    folder.rename(scene.root / "Moved")
    before = len(scene.embedded)
    scene.look()
    if more := len(scene.embedded) - before:
        scene.told.append(f"{more} texts were embedded though a folder was only renamed")


def _storm(scene: Scene) -> None:
    """Everything is changed to and fro, as by a sync or a checkout, while it is being read."""
    for _ in range(6):
        run = scene.product.worker.run()
        for _ in range(20):
            change(scene.root, scene.rng)
        with suppress(VaultbotError, OSError):
            run.result(60)


_EVENTS: tuple[tuple[str, Callable[[Scene], None], bool], ...] = (
    # what, by whom, and whether the vault is afterwards as it was
    ("renamed away and back", _renamed, True),
    ("replaced by a file", _a_file, True),
    ("replaced by an empty folder", _empty, True),
    ("replaced by another vault", _another, True),
    ("cannot be listed, or half", _unlisted, True),
    ("no permission for a folder", _unreadable, True),
    ("no permission for notes", _unreadable_notes, True),
    ("most notes deleted and back", _mass_deletion, True),
    ("a folder renamed", _rename_a_folder, False),
    ("a storm of changes", _storm, False),
    ("unmounted", lambda _: None, True),
)


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    def attempt(number: int, rng: random.Random) -> Outcome:
        what, happens, comes_back = _EVENTS[number % len(_EVENTS)]
        if what == "unmounted" and not permitted():
            return Outcome("unmounting is not permitted here")
        place = folder / f"trial {number}"
        place.mkdir()
        work = _unmounted if what == "unmounted" else _happening
        ended = in_a_fork(lambda: work(place, rng, happens, comes_back))
        shutil.rmtree(place)
        if ended.exit:
            return Outcome(what, (ended.failure or f"it ended with {ended.exit}",))
        return Outcome(what, ended.result())

    yield attempt


def _happening(place: Path, rng: random.Random, happens: Callable[[Scene], None], comes_back: bool) -> tuple[str, ...]:
    """What was wrong."""
    obey_permissions()
    root, state = place / "vault", place / "state"
    make_vault(root, rng, notes=24)
    state.mkdir()
    with assistant(root, state) as (product, embedder):
        scene = Scene(root, state, rng, product, embedder.embedded)
        product.index(timeout=60)
        happens(scene)
        if comes_back:
            scene.expect_nothing_embedded("afterwards")
        product.index(timeout=60)
    wrong = differences(dump(state, 1), _clean(root, place / "clean"))
    return (*scene.told, *wrong)


def _unmounted(place: Path, rng: random.Random, _: Callable[[Scene], None], __: bool) -> tuple[str, ...]:
    """The vault is a disk that is pulled out and put in again. Its files lie in another place, so that they stay."""
    own_mounts()
    root, state = place / "vault", place / "state"
    root.mkdir()
    state.mkdir()
    mount_disk(root, kilobytes=9000)
    kept = place / "kept"
    make_vault(root / "Notes", rng, notes=24)
    shutil.copytree(root / "Notes", kept, symlinks=True)
    inside = root / "Notes"
    with assistant(inside, state) as (product, embedder):
        scene = Scene(inside, state, rng, product, embedder.embedded)
        product.index(timeout=60)
        unmount(root)
        scene.expect_nothing_removed("unmounted")
        inside.mkdir()
        scene.expect_nothing_removed("unmounted, and an empty folder in its place")
        inside.rmdir()
        mount_disk(root, kilobytes=9000)
        shutil.copytree(kept, inside, symlinks=True)
        scene.expect_nothing_embedded("mounted again")
    wrong = differences(dump(state, 1), _clean(inside, place / "clean"))
    return (*scene.told, *wrong)


def _clean(vault: Path, state: Path) -> dict[str, Any]:
    """In this process, for nobody else may see this vault."""
    state.mkdir()
    return follow(vault, state, dumped=True).dumped


CAMPAIGN = Campaign("G-5", __doc__, whole=len(_EVENTS) * 20, sample=6, start=start)
