"""Says that something in the vault changed, never what: the indexer looks for itself.

Events get lost, some disks send none, and the number of watched folders is limited; so whoever listens must
also look from time to time without being told.
"""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

# Opening and closing without a write are left out: our own reading would wake us for ever.
_CHANGES: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
_STOP_SECONDS = 0.9
_WATCHES = "watches=524288"
_ASLEEP_S = 10.0
#: In each of the watcher's notices, and in no other warning.
LOOKED_FOR = "looked for every"
_SILENT = f"the vault's disk does not tell of changes made elsewhere; they are {LOOKED_FOR} {{:g}} s"
#: Network disks, and what virtual machines and containers see of their host's, as Linux calls them. Changes that are
#: made on the other side raise no event here.
_WITHOUT_EVENTS = frozenset(
    "9p afs ceph cifs drvfs fakeowner fuse.davfs fuse.gcsfuse fuse.grpcfuse fuse.osxfs fuse.rclone fuse.s3fs fuse.sshfs"
    " ncpfs nfs nfs4 prl_fs smb2 smb3 smbfs vboxsf virtiofs vmhgfs fuse.vmhgfs-fuse".split()
)
_RAISE_LIMIT = "To raise the limit on Linux: sudo sysctl fs.inotify.max_user_{}"


class VaultWatcher:
    """Calls `on_change` when the vault may have changed, from a thread of its own.

    `on_change` must return at once and never raise. Where events cannot be had, it is called every
    `poll_seconds`. The root itself is looked at every `heartbeat_seconds`: when it goes, is replaced or comes
    back, that is a change too, and watching goes on with the new one. So is a machine that wakes up again.
    """

    def __init__(
        self,
        root: Path,
        on_change: Callable[[], None],
        *,
        poll_seconds: float = 30.0,
        heartbeat_seconds: float = 5.0,
    ) -> None:
        self._root = root
        self._on_change = on_change
        self.events = 0  #: that the system told since the start, of what is not hidden
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._observer: BaseObserver | None = None
        self._identity: tuple[int, int] | None = None
        self._notice: str | None = None
        self._silent = False  #: the disk was found to tell of no changes
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vault-watcher", daemon=True)

    @property
    def mode(self) -> Literal["events", "polling"]:
        """Whether changes are told by the system, or looked for from time to time."""
        return "polling" if self._notice else "events"

    @property
    def notice(self) -> str | None:
        """Why changes may be noticed late, in plain words."""
        return self._notice

    def start(self) -> None:
        """Watch, until `stop`. Call it before the first scan, so that no change falls in between.

        A missing root is no error: it is waited for.
        """
        self._arm()
        self._thread.start()

    def unheard(self) -> None:
        """Say that something changed without an event. From now on the vault is looked at."""
        self._silent = True
        self._notice = self._notice or _SILENT.format(self._poll_seconds)

    def stop(self) -> None:
        """Stop watching, within a second."""
        self._stopping.set()
        self._thread.join(timeout=_STOP_SECONDS)

    def _run(self) -> None:
        polled, beat = time.monotonic(), _clocks()
        while not self._stopping.wait(min(self._heartbeat_seconds, self._poll_seconds)):
            last, beat = beat, _clocks()
            slept = max(now - then for now, then in zip(beat, last, strict=True)) > self._heartbeat_seconds + _ASLEEP_S
            if self._root_identity() != self._identity or self._is_deaf():
                self._disarm()
                self._arm()
                self._on_change()
            elif slept or (self._notice and time.monotonic() - polled >= self._poll_seconds):
                polled = time.monotonic()
                self._on_change()
        self._disarm()

    def _arm(self) -> None:
        self._identity = self._root_identity()
        self._notice = None
        if self._identity is None:
            self._notice = f"{self._root} is not there; it is {LOOKED_FOR} {self._heartbeat_seconds:g} s"
            return
        # A link as the root would be watched itself, not the folder it leads to.
        root = os.path.realpath(self._root)
        folders, watches_before = _count_folders(root), _kernel_watches()
        observer: BaseObserver | None = None
        try:
            observer = Observer()
            observer.schedule(_Waker(root, self._told), root, recursive=True, event_filter=_CHANGES)
            observer.start()
        except OSError as error:
            if observer:
                observer.stop()
            limit = "instances=512" if error.errno == errno.EMFILE else _WATCHES
            self._notice = self._late(f"changes cannot be watched ({error.strerror}); they are", limit=limit)
            return
        self._observer = observer
        watched = _kernel_watches() - watches_before
        if watches_before >= 0 and watched < folders:
            self._notice = self._late(f"only {watched} of {folders} folders can be watched; changes elsewhere are")
        elif self._silent or _kind_of_disk(root) in _WITHOUT_EVENTS:
            self._notice = _SILENT.format(self._poll_seconds)

    def _told(self) -> None:
        self.events += 1
        self._on_change()

    def _late(self, why: str, *, limit: str = _WATCHES) -> str:
        return f"{why} {LOOKED_FOR} {self._poll_seconds:g} s. {_RAISE_LIMIT.format(limit)}"

    def _disarm(self) -> None:
        if self._observer:
            self._observer.stop()
            self._observer.join(timeout=_STOP_SECONDS)
            self._observer = None

    def _is_deaf(self) -> bool:
        """Whether the observer has died, as it does when the root is deleted and made again at once."""
        observer = self._observer
        return observer is not None and not (
            observer.is_alive() and all(emitter.is_alive() for emitter in observer.emitters)
        )

    def _root_identity(self) -> tuple[int, int] | None:
        try:
            info = self._root.stat()
        except OSError:
            return None
        return info.st_dev, info.st_ino


#: What says which notes are searched, and how days are called.
_SETTINGS = re.compile(
    r"/\.[^/]+/(?:app|daily-notes|templates|plugins/(?:templater-obsidian|periodic-notes)/data)\.json"
)


class _Waker(FileSystemEventHandler):
    """Turns events on anything but hidden files and folders into a call; of these, the vault's settings count."""

    def __init__(self, root: str, wake: Callable[[], None]) -> None:
        self._root = root
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if any(path and not self._is_hidden(os.fsdecode(path)) for path in (event.src_path, event.dest_path)):
            self._wake()

    def _is_hidden(self, path: str) -> bool:
        # vaultbot's own temporary files have a dot in front, too.
        inner = path.removeprefix(self._root).replace(os.sep, "/")
        return "/." in inner and not _SETTINGS.fullmatch(inner)


def _count_folders(root: str) -> int:
    return sum(1 for _ in os.walk(root))


def _clocks() -> tuple[float, float]:
    """Two clocks: on some systems the one stands still while the machine sleeps, and anybody may set the other."""
    return time.time(), time.monotonic()


def _kind_of_disk(folder: str) -> str:
    """The kind of file system that a folder is on, as Linux calls it; "" where that cannot be told."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for fields in (line.split() for line in mounts):
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        if len(place) >= len(best) and Path(folder).is_relative_to(place):
            best, kind = place, fields[fields.index("-") + 1]
    return kind


def _kernel_watches() -> int:
    """How many folders this process watches, as Linux counts them; -1 where that cannot be told.

    The observer does not report folders it could not watch.
    """
    count = 0
    try:
        for info in Path("/proc/self/fdinfo").iterdir():
            try:
                count += info.read_text().count("inotify wd:")
            except OSError:
                continue
    except OSError:
        return -1
    return count
