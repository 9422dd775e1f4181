"""Where vaultbot keeps its state: who may read it, what disk it is on, and who holds it."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaultbot.doctor.check import REPAIR, Check, State, some
from vaultbot.paths import StatePaths
from vaultbot.runtime import Runtime

_PERMISSIONS, _SPACE, _DISK, _LOCK = "permissions", "disk space", "disk", "lock"
#: Below the first nothing can be relied on; below the second a large vault may not fit.
_TOO_LITTLE, _LITTLE = 100_000_000, 1_000_000_000
#: How the mount table calls disks of other machines. SQLite's locks and its shared memory need a disk of this one.
_REMOTE = re.compile(
    r"nfs4?|cifs|smb\d?|smbfs|9p|afs|ceph|glusterfs|davfs2?|fuse\.(?:sshfs|rclone|glusterfs|s3fs|davfs|gvfsd-fuse)"
)
#: Folders whose contents a program carries to other machines.
_SYNCED = re.compile(
    r"dropbox(?: \(.*\))?|onedrive(?: - .*)?|google ?drive|my drive|icloud ?drive|mobile documents|nextcloud|owncloud"
    r"|pcloud ?drive|syncthing|box sync",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Exposed:
    """A file or folder of the state that others may read."""

    path: Path
    mode: int  #: as it is
    wanted: int  #: the same for the owner alone


def exposed_files(root: Path) -> tuple[list[Exposed], list[Path]]:
    """What others may read in the state folder, and what belongs to another user."""
    found: list[Exposed] = []
    foreign: list[Path] = []
    for path in (root, *sorted(root.rglob("*"))):
        try:
            info = path.lstat()
        except OSError:
            continue  # It has just gone.
        if info.st_uid != os.getuid():
            foreign.append(path)
        elif not stat.S_ISLNK(info.st_mode) and stat.S_IMODE(info.st_mode) & 0o077:
            mode = stat.S_IMODE(info.st_mode)
            found.append(Exposed(path, mode, mode & 0o700))
    return found, foreign


def permissions(root: Path, exposed: Sequence[Exposed], foreign: Sequence[Path]) -> Check:
    """Whether the owner alone may read the state, which holds the text of notes and the token."""
    if foreign:
        names = some([str(path) for path in foreign])
        return Check(
            _PERMISSIONS,
            "problem",
            f"of another user: {names}",
            f"give them back to yourself: sudo chown -R $USER {root}; or set VAULTBOT_HOME to a folder of your own",
        )
    if exposed:
        names = some([f"{one.path.relative_to(root.parent)} ({one.mode:o})" for one in exposed])
        # Where others cannot enter the folder, the modes inside do no harm.
        state: State = "problem" if any(one.path == root for one in exposed) else "advice"
        return Check(_PERMISSIONS, state, f"others may read {names}", REPAIR, "permissions")
    return Check(_PERMISSIONS, "ok", f"you alone may read {root}")


def disk_space(root: Path, free: int, catalog: int) -> Check:
    """`free` bytes on the disk of the state folder; `catalog` is the size of what is there, 0 for nothing."""
    says = f"{free / 1e9:.1f} GB are free for {root}"
    if free < max(_TOO_LITTLE, catalog // 4):
        return Check(_SPACE, "problem", says, "free some: indexing stops when the disk is full, and nothing is lost")
    if free < max(_LITTLE, 2 * catalog):
        return Check(_SPACE, "advice", says, "free some: another embedding model needs the index's size once more")
    return Check(_SPACE, "ok", says)


def local_disk(root: Path, kind: str | None) -> Check:
    """Whether SQLite can rely on the disk; `kind` as the mount table calls it, None where that is not known."""
    if kind and _REMOTE.fullmatch(kind):
        return Check(
            _DISK,
            "problem",
            f"{root} is on a disk of another machine ({kind}), where SQLite's locks cannot be relied on",
            "set VAULTBOT_HOME to a folder on this machine; the index is made anew there",
        )
    synced = next((part for part in root.parts if _SYNCED.fullmatch(part)), None)
    if synced:
        return Check(
            _DISK,
            "problem",
            f'{root} is in "{synced}", which is carried to other machines while it is being written',
            "set VAULTBOT_HOME to a folder that is not synchronised",
        )
    return Check(_DISK, "ok", f"a disk of this machine{f' ({kind})' if kind else ''}")


def mounted_as(path: Path, table: str) -> str | None:
    """The kind of the file system at this path, by /proc/self/mountinfo."""
    real = os.path.realpath(path)
    best, kind = "", None
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        place = before.split()[4:5]
        if place and after:
            mount = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place[0])
            inside = real == mount or real.startswith(mount.rstrip("/") + "/")
            if inside and len(mount) >= len(best):
                best, kind = mount, after.split()[0]
    return kind


def lock(held: bool, running: Runtime | None, *, answers: bool) -> Check:
    """Who holds the state: `running` is what the runtime file says, `answers` whether that daemon does."""
    if held and answers and running:
        return Check(_LOCK, "ok", f"held by this vault's daemon, pid {running.pid}")
    if held:
        who = f"pid {running.pid}" if running else "a process that is starting or ending, or another doctor"
        return Check(
            _LOCK,
            "problem",
            f"held by {who}, which does not answer",
            "try again in a minute; if it goes on, end that process: its lock goes with it",
        )
    if running:
        return Check(_LOCK, "ok", f"free; the daemon that was pid {running.pid} has been killed, which does no harm")
    return Check(_LOCK, "ok", "free")


def storage(state: StatePaths) -> list[Check]:
    """Look at the state folder, or at the place where it will be."""
    root, there = state.root, state.root.exists()
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    catalog = state.catalog.stat().st_size if state.catalog.exists() else 0
    checks = [
        disk_space(root, shutil.disk_usage(place).free, catalog),
        local_disk(root, mounted_as(place, _mount_table())),
    ]
    if there and sys.platform != "win32":
        checks.insert(0, permissions(root, *exposed_files(root)))
    return checks


def _mount_table() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
