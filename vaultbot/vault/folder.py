"""A folder of the vault held open for writing: what is done in it stays in it, whatever becomes of its path."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from vaultbot.errors import EditRefused

_BY_DESCRIPTOR = os.open in os.supports_dir_fd
_FOLDER = os.O_RDONLY
for _flag in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"):
    _FOLDER |= getattr(os, _flag, 0)
_FILE = 0
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"):
    _FILE |= getattr(os, _flag, 0)

_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class Folder:
    """An open folder. Every name is that of an entry in it, and no link is followed."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self._descriptor = descriptor  # None where the system has no calls relative to an open folder

    def read(self, name: str) -> tuple[bytes, os.stat_result]:
        """The bytes of a regular file, and what it is. Raises OSError; EINVAL for what is no such file."""
        descriptor = self._open(name, os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as file:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", name)
            return file.read(), info

    def write_new(self, name: str, data: bytes, *, like: os.stat_result | None, mode: int) -> None:
        """Make a file that is not there, on the disk before this returns: with that mode, and the owner of `like`."""
        descriptor = self._open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if like is not None and hasattr(os, "fchown"):
                own = os.fstat(descriptor)
                if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
                    os.fchown(descriptor, like.st_uid, like.st_gid)
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)

    def copy_attributes(self, source: str, target: str) -> None:
        """Give a file the extended attributes of another, where the system has any that Python can reach."""
        if not hasattr(os, "listxattr"):
            return
        old, new = self._open(source, os.O_RDONLY), self._open(target, os.O_RDONLY)
        try:
            for name in _attributes(old):
                try:
                    os.setxattr(new, name, os.getxattr(old, name))
                except OSError:
                    if not name.startswith(("security.", "trusted.")):  # The system sets those itself.
                        raise
            os.fsync(new)
        finally:
            os.close(old)
            os.close(new)

    def set_time(self, name: str, mtime_ns: int) -> None:
        """Set when it was last changed."""
        place, descriptor = self._at(name)
        os.utime(place, ns=(mtime_ns, mtime_ns), dir_fd=descriptor)

    def replace(self, name: str, by: str) -> None:
        """Put one file in the place of another, at once."""
        if self._descriptor is None:
            _patiently(lambda: (self._path / by).replace(self._path / name))
        else:
            os.replace(by, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        self.sync()

    def rename_new(self, name: str, of: str) -> None:
        """Give a file another name, which must not be taken. Raises FileExistsError."""
        if os.name == "nt":
            (self._path / of).rename(self._path / name)  # Which refuses there.
            return
        try:
            if self._descriptor is None:
                os.link(self._path / of, self._path / name)
            else:
                os.link(of, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor, follow_symlinks=False)
            self.remove(of)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            # A disk without hard links: an empty file keeps the name until the whole one takes its place.
            os.close(self._open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            self.replace(name, of)
        self.sync()

    def make_folder(self, name: str) -> None:
        """Make a folder in it, with its own permissions. Raises FileExistsError."""
        place, descriptor = self._at(name)
        os.mkdir(place, dir_fd=descriptor)
        os.chmod(place, self.mode, dir_fd=descriptor)
        self.sync()

    def remove_folder(self, name: str) -> None:
        """Remove a folder in it. Raises OSError when there is something in that."""
        place, descriptor = self._at(name)
        os.rmdir(place, dir_fd=descriptor)

    def remove(self, name: str) -> None:
        """Remove a file; none is no error."""
        place, descriptor = self._at(name)
        with suppress(FileNotFoundError):
            os.unlink(place, dir_fd=descriptor)

    def sync(self) -> None:
        """Have the disk know what was renamed."""
        if self._descriptor is not None:
            with suppress(OSError):  # Some network disks have no such call.
                os.fsync(self._descriptor)

    @property
    def mode(self) -> int:
        """The folder's own permissions."""
        info = self._path.stat() if self._descriptor is None else os.fstat(self._descriptor)
        return stat.S_IMODE(info.st_mode)

    def _at(self, name: str) -> tuple[str | Path, int | None]:
        return (self._path / name, None) if self._descriptor is None else (name, self._descriptor)

    def _open(self, name: str, flags: int, mode: int = 0o600) -> int:
        place, descriptor = self._at(name)
        return os.open(place, flags | _FILE, mode, dir_fd=descriptor)


def _patiently(replace: Callable[[], object]) -> None:
    """Windows lets nobody replace a file that another program has open, such as one that looks for viruses."""
    for _ in range(9):
        try:
            replace()
            return
        except PermissionError:
            time.sleep(0.25)
    replace()


def _attributes(descriptor: int) -> list[str]:
    try:
        return os.listxattr(descriptor)
    except OSError:
        return []  # A file system without attributes has none to lose.


@contextmanager
def open_folder(root: Path, parts: Sequence[str]) -> Iterator[Folder]:
    """The folder of these names below `root`, reached without following a link. Raises EditRefused and OSError."""
    real = os.path.realpath(root)
    if not _BY_DESCRIPTOR:
        path = Path(real, *parts)
        if os.path.realpath(path) != str(path):
            raise EditRefused("a folder on the way to it is a link; name it by its own path")
        yield Folder(path, None)
        return
    descriptor = os.open(real, _FOLDER)
    try:
        for part in parts:
            try:
                inner = os.open(part, _FOLDER, dir_fd=descriptor)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise EditRefused("a folder on the way to it is a link; name it by its own path") from error
                raise
            os.close(descriptor)
            descriptor = inner
        yield Folder(Path(real, *parts), descriptor)
    finally:
        os.close(descriptor)


def temporary_name() -> str:
    """A name that the scan of the vault and the watcher pass over, like everything with a dot in front."""
    return f".vaultbot-{secrets.token_hex(8)}.tmp"
