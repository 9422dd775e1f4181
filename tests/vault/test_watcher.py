"""The vault's folder tells when it changes; and when it cannot, it is looked at."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.inotify import InotifyObserver
from watchdog.observers.polling import PollingEmitter

from vaultbot.vault.watcher import VaultWatcher, _kind_of_disk

GENEROUS = 20.0
QUIET = 1.0
Watch = Callable[..., VaultWatcher]


@pytest.fixture
def changed() -> threading.Event:
    return threading.Event()


@pytest.fixture
def watch(changed: threading.Event) -> Iterator[Watch]:
    """Starts watchers, and stops them at the end."""
    started: list[VaultWatcher] = []

    def start(root: Path, *, poll_seconds: float = 600.0, heartbeat_seconds: float = 600.0) -> VaultWatcher:
        watcher = VaultWatcher(root, changed.set, poll_seconds=poll_seconds, heartbeat_seconds=heartbeat_seconds)
        watcher.start()
        started.append(watcher)
        return watcher

    yield start
    for watcher in started:
        watcher.stop()


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    root = tmp_path / "vault"
    (root / "sub/deep").mkdir(parents=True)
    (root / ".obsidian").mkdir()
    (root / "Note.md").write_text("one")
    return root


def edit(root: Path) -> None:
    (root / "sub/deep/Note.md").write_text("two")


def save_by_rename(root: Path) -> None:
    (root / ".vaultbot-1.tmp").write_text("two")
    (root / ".vaultbot-1.tmp").rename(root / "Note.md")


def delete(root: Path) -> None:
    (root / "Note.md").unlink()


def move_away(root: Path) -> None:
    (root / "sub").rename(root.parent / "elsewhere")


@pytest.mark.parametrize("change", [edit, save_by_rename, delete, move_away])
def test_a_change_is_told(vault: Path, watch: Watch, changed: threading.Event, change: Callable[[Path], None]) -> None:
    watcher = watch(vault)

    change(vault)

    assert changed.wait(GENEROUS)
    assert (watcher.mode, watcher.notice) == ("events", None)


def test_a_vault_behind_a_link_is_watched(vault: Path, watch: Watch, changed: threading.Event) -> None:
    (vault.parent / "link").symlink_to(vault)
    watch(vault.parent / "link")

    edit(vault)

    assert changed.wait(GENEROUS)


def test_reading_and_hidden_files_are_no_change(vault: Path, watch: Watch, changed: threading.Event) -> None:
    watch(vault)

    (vault / "Note.md").read_text()
    list((vault / "sub").iterdir())
    (vault / ".obsidian/workspace.json").write_text("{}")
    (vault / ".vaultbot-abc.tmp").write_text("x")
    (vault / ".vaultbot-abc.tmp").unlink()

    assert not changed.wait(QUIET)
    edit(vault)
    assert changed.wait(GENEROUS)


def test_what_obsidian_keeps_out_of_search_is_a_change(vault: Path, watch: Watch, changed: threading.Event) -> None:
    watch(vault)

    (vault / ".obsidian/app.json").write_text('{"userIgnoreFilters": ["Private/"]}')

    assert changed.wait(GENEROUS)


def test_a_vault_below_a_hidden_folder_is_watched(tmp_path: Path, watch: Watch, changed: threading.Event) -> None:
    root = tmp_path / ".hidden/vault"
    root.mkdir(parents=True)
    watch(root)

    (root / "Note.md").write_text("x")

    assert changed.wait(GENEROUS)


class FullObserver(BaseObserver):
    """As where the system watches as many folders as it may."""

    def __init__(self) -> None:
        super().__init__(PollingEmitter)

    def start(self) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")


class ShallowObserver(InotifyObserver):
    """As where the limit is reached on the way: the rest is left out without a word."""

    def schedule(
        self,
        event_handler: FileSystemEventHandler,
        path: str | Path,
        *,
        recursive: bool = False,
        event_filter: list[type[FileSystemEvent]] | None = None,
        follow_symlink: bool = False,
    ) -> ObservedWatch:
        return super().schedule(event_handler, path, event_filter=event_filter)


def test_without_events_the_vault_is_looked_at(
    vault: Path, watch: Watch, changed: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.vault.watcher.Observer", FullObserver)
    watcher = watch(vault, poll_seconds=0.05)

    assert watcher.mode == "polling"
    assert watcher.notice is not None
    assert "inotify watch limit reached" in watcher.notice
    assert changed.wait(GENEROUS)
    changed.clear()
    assert changed.wait(GENEROUS)


def test_where_only_some_folders_are_watched_the_others_are_looked_at(
    vault: Path, watch: Watch, changed: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.vault.watcher.Observer", ShallowObserver)
    watcher = watch(vault, poll_seconds=0.05)

    assert watcher.mode == "polling"
    assert watcher.notice is not None
    assert "only 1 of 4 folders" in watcher.notice
    assert changed.wait(GENEROUS)


def test_a_root_that_goes_and_comes_back_is_watched_again(vault: Path, watch: Watch, changed: threading.Event) -> None:
    watcher = watch(vault, heartbeat_seconds=0.05)
    vault.rename(vault.parent / "aside")
    assert changed.wait(GENEROUS)
    wait_until(lambda: "is not there" in (watcher.notice or ""))

    changed.clear()
    (vault.parent / "aside").rename(vault)
    assert changed.wait(GENEROUS)
    wait_until(lambda: watcher.mode == "events")

    changed.clear()
    edit(vault)
    assert changed.wait(GENEROUS)


def test_a_root_that_is_made_anew_is_watched_again(vault: Path, watch: Watch, changed: threading.Event) -> None:
    watch(vault, heartbeat_seconds=0.05)
    shutil.rmtree(vault)
    vault.mkdir()

    def write_and_see() -> bool:
        changed.clear()
        (vault / "New.md").write_text("x")
        return changed.wait(0.2)

    wait_until(write_and_see)


def test_a_vault_that_is_not_there_yet_is_waited_for(tmp_path: Path, watch: Watch, changed: threading.Event) -> None:
    watcher = watch(tmp_path / "later", heartbeat_seconds=0.05)
    assert watcher.notice is not None
    assert "is not there" in watcher.notice

    (tmp_path / "later").mkdir()

    assert changed.wait(GENEROUS)
    wait_until(lambda: watcher.mode == "events")


def test_after_stop_nothing_is_told(vault: Path, watch: Watch, changed: threading.Event) -> None:
    before = threading.active_count()
    watcher = watch(vault)
    watcher.stop()

    edit(vault)

    assert not changed.wait(QUIET)
    assert threading.active_count() == before


def wait_until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(400):
        if holds():
            return
        pause.wait(0.05)
    raise AssertionError("it never came true")


# ── disks and machines that say nothing ─────────────────────────────────────────────────────────────────────


def test_on_a_disk_that_was_found_to_tell_nothing_the_vault_is_looked_at(
    vault: Path, watch: Watch, changed: threading.Event
) -> None:
    watcher = watch(vault, poll_seconds=0.05)
    modes: list[str] = [watcher.mode]

    watcher.unheard()

    assert [*modes, watcher.mode] == ["events", "polling"]
    assert "does not tell of changes" in str(watcher.notice)
    assert changed.wait(GENEROUS)


def test_a_network_disk_is_looked_at_from_the_start(
    vault: Path, watch: Watch, changed: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.vault.watcher._kind_of_disk", lambda _: "nfs4")
    watcher = watch(vault, poll_seconds=0.05)

    assert watcher.mode == "polling"
    assert changed.wait(GENEROUS)


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux calls them")
def test_the_kind_of_disk_is_that_of_the_innermost_mount() -> None:
    assert _kind_of_disk("/proc/self") == "proc"
    assert _kind_of_disk("/") not in ("", "proc")


@pytest.mark.parametrize("clock", [0, 1])
def test_a_machine_that_wakes_up_again_is_a_change(
    vault: Path, watch: Watch, changed: threading.Event, monkeypatch: pytest.MonkeyPatch, clock: int
) -> None:
    """On some systems the one clock stands still in the meantime, on others none does."""
    slept = [0.0, 0.0]
    monkeypatch.setattr("vaultbot.vault.watcher._clocks", lambda: (time.time() + slept[0], time.monotonic() + slept[1]))
    watch(vault, heartbeat_seconds=0.05)
    assert not changed.wait(0.2)

    slept[clock] = 600.0

    assert changed.wait(GENEROUS)


@pytest.mark.skipif(sys.platform != "linux", reason="needs user namespaces")
@pytest.mark.parametrize(
    ("limit", "told", "raised"),
    [
        (
            "6 > /proc/sys/user/max_inotify_watches",
            "only 6 of 21 folders can be watched; changes elsewhere are",
            "watches",
        ),
        (
            "0 > /proc/sys/user/max_inotify_instances",
            "changes cannot be watched (inotify instance limit reached); they are",
            "instances",
        ),
    ],
)
def test_a_real_limit_of_the_system_is_named(tmp_path: Path, limit: str, told: str, raised: str) -> None:
    for number in range(20):
        (tmp_path / f"Folder {number}").mkdir()
    code = (
        "import sys; from pathlib import Path; from vaultbot.vault.watcher import VaultWatcher\n"
        "watcher = VaultWatcher(Path(sys.argv[1]), lambda: None); watcher.start()\n"
        "print(watcher.mode, watcher.notice); watcher.stop()"
    )
    command = f'echo {limit} || exit 77; exec "$0" -c "$1" "$2"'
    ran = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", command, sys.executable, code, tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode == 77 or "unshare" in ran.stderr:
        pytest.skip("this system lets nobody make a user namespace")

    assert ran.stdout.startswith(f"polling {told} looked for every 30 s. To raise the limit on Linux: "), ran.stderr
    assert f"sysctl fs.inotify.max_user_{raised}=" in ran.stdout
