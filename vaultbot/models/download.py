"""Fetches a model file from a hub: resumable, checked, and in place only when it is whole and what it should be."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from vaultbot.errors import ModelInvalid, VaultbotError
from vaultbot.models import gguf
from vaultbot.models.hub import TRIES, BrokenOff, Hub, RemoteFile

_SPARE = 64 << 20  # bytes of the disk that are left to others
_PROGRESS = 1 << 20  # bytes; as many as this and a broken connection counts as a first one again
_PIECE = 1 << 20
_MAGIC = b"GGUF"

OnProgress = Callable[[int, int], None]  #: bytes that are there, bytes of the whole


def fetch(
    hub: Hub,
    file: RemoteFile,
    place: Path,
    *,
    architecture: str,
    on_progress: OnProgress = lambda _done, _total: None,
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> None:
    """Fetch a file to `place`, going on with what an earlier call left.

    Size, SHA-256 and header are checked before it is put there by a rename; what is found wrong is deleted, what
    is unfinished is kept beside it. Raises VaultbotError.
    """
    part_path = part_of(place, file)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _opened(part_path, file) as part:
            need, have = file.size - part.size + _SPARE, free_bytes(place.parent)
            if need > have:
                raise VaultbotError(
                    f"{(file.size - part.size) / 1e9:.1f} GB are to be fetched and {have / 1e9:.1f} GB are free in "
                    f"{place.parent}; make room, or set [models] folder to another disk"
                )
            _fill(hub, file, part, on_progress)
            part.save()
        if part.sha256 != file.sha256:
            raise _WrongError(
                f"what came from {hub.address} has not the SHA-256 that it announced, and is deleted; try again, and "
                "if that happens once more, set [models] hub to another hub"
            )
        _check_model(part_path, hub, architecture)
        part_path.replace(place)
        for outdated in place.parent.glob(f".{glob.escape(place.name)}.*.part"):
            outdated.unlink()
        _sync(place.parent)
    except _WrongError as wrong:
        part_path.unlink(missing_ok=True)
        raise VaultbotError(str(wrong)) from wrong
    except OSError as error:
        raise _disk_trouble(error, place) from error


def part_of(place: Path, file: RemoteFile) -> Path:
    """Where it grows. Another version of the file grows elsewhere, so that two are never mixed."""
    return place.with_name(f".{place.name}.{file.sha256[:12]}.part")


class _WrongError(Exception):
    """What came is not what it should be, and never will be."""


class _Part:
    """What there is of a file, and its digest."""

    def __init__(self, into: BinaryIO) -> None:
        self._into = into
        self._digest = hashlib.sha256()
        self.size = 0
        while piece := into.read(_PIECE):
            self._count(piece)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, piece: bytes) -> None:
        self._into.write(piece)
        self._count(piece)

    def start_over(self) -> None:
        self._into.seek(0)
        self._into.truncate(0)
        self._digest, self.size = hashlib.sha256(), 0

    def save(self) -> None:
        self._into.flush()
        os.fsync(self._into.fileno())

    def _count(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)


@contextlib.contextmanager
def _opened(path: Path, file: RemoteFile) -> Iterator[_Part]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(descriptor, "r+b") as into:
        try:
            import fcntl

            fcntl.flock(into, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # Two at once then spoil the digest, and nothing else.
        except BlockingIOError:
            raise VaultbotError("another vaultbot is fetching that file already; wait for it") from None
        if os.fstat(into.fileno()).st_size > file.size:
            into.truncate(0)
        yield _Part(into)


def _fill(hub: Hub, file: RemoteFile, part: _Part, on_progress: OnProgress) -> None:
    """Fetch what is missing. A try that got further than all before counts as the first."""
    tries, furthest = TRIES, part.size
    on_progress(part.size, file.size)
    while part.size < file.size:
        trouble = BrokenOff("sends nothing")
        try:
            with hub.open(file, start=part.size) as opened:
                if opened.start != part.size:
                    part.start_over()
                for piece in opened.pieces:
                    if part.size == 0 and not piece.startswith(_MAGIC[: len(piece)]):
                        raise _WrongError(_not_a_model(piece, hub))
                    part.add(piece)
                    on_progress(part.size, file.size)
        except BrokenOff as broken:
            trouble = broken
        if part.size < file.size:
            tries = TRIES - 1 if part.size - furthest >= _PROGRESS else tries - 1
            furthest = max(furthest, part.size)
            hub.rest(trouble, tries_left=tries)


def _not_a_model(begin: bytes, hub: Hub) -> str:
    if begin.lstrip()[:1] == b"<":
        return f"{hub.address} sends a web page in place of the file; does this network want you to log in first?"
    return f"what {hub.address} sends is not a GGUF model; choose another one: vaultbot models list"


def _check_model(part: Path, hub: Hub, architecture: str) -> None:
    try:
        info = gguf.read(part)
    except ModelInvalid as error:
        why = str(error).replace(str(part), "it").removesuffix("; download it again")
        raise _WrongError(
            f"what came from {hub.address} is whole and is no model ({why}), and is deleted; choose another one: "
            "vaultbot models list"
        ) from None
    if info.architecture != architecture or info.is_embedder:
        raise _WrongError(
            f"what came from {hub.address} is a model of another kind ({info.architecture[:40]}, not {architecture}), "
            "and is deleted; choose another one: vaultbot models list"
        )


def _sync(folder: Path) -> None:
    with contextlib.suppress(OSError):  # Not every system can do that with a folder.
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _disk_trouble(error: OSError, place: Path) -> VaultbotError:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return VaultbotError(
            f"the disk of {place.parent} is full; make room and run it again, and it goes on where it stopped"
        )
    return VaultbotError(
        f"cannot write {place} ({error.strerror or type(error).__name__}); set [models] folder to a folder of yours"
    )
