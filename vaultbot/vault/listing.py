"""What is in a vault's folder: one walk that opens no file and follows no link."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vaultbot import faults
from vaultbot.types import FileStamp, Skipped
from vaultbot.vault.documents import is_document, is_pdf
from vaultbot.vault.ignore import Ignore, Unsearched
from vaultbot.vault.obsidian import ObsidianSettings

_ICLOUD = re.compile(r"\.(?P<name>.+)\.icloud")
_SF_DATALESS = 0x40000000
_RECALL_ON_DATA_ACCESS = 0x00400000
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """What one walk through the vault found. Paths are vault-relative, with "/"."""

    notes: dict[str, FileStamp]  #: the notes and other documents to read
    files: tuple[str, ...]  #: all other files that a link may lead to: attachments, and notes that `exclude` names
    skipped: tuple[Skipped, ...]  #: what was left out, and what is wrong with the vault's own settings
    unreadable: frozenset[str] = frozenset()  #: folders that could not be listed
    settings: ObsidianSettings = field(default_factory=ObsidianSettings)  #: the vault's own, as they were for this walk
    unknown: frozenset[str] = frozenset()  #: notes that exist, but that cannot be read here and now
    unsearched: Mapping[str, str] = field(default_factory=dict)  #: of `notes`, those read for their links only

    def is_gone(self, path: str) -> bool:
        """Whether a note is certainly not there: its folders were all listed, and it waits in no cloud."""
        folders = path.split("/")[:-1]
        parents = {"/".join(folders[:depth]) for depth in range(1, len(folders) + 1)}
        return path not in self.notes and path not in self.unknown and parents.isdisjoint(self.unreadable)


def stamp_of(info: os.stat_result) -> FileStamp:
    """The part of a stat result that tells whether a file changed."""
    return FileStamp(info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)


def is_note(path: str) -> bool:
    """Whether the name is that of a Markdown note."""
    return path[-3:].lower() == ".md"


def is_in_the_cloud(info: os.stat_result) -> bool:
    """Whether reading the file would download it (iCloud's dataless files, OneDrive's files on demand)."""
    flags: int = getattr(info, "st_flags", 0)
    attributes: int = getattr(info, "st_file_attributes", 0)
    return bool(flags & _SF_DATALESS or attributes & _RECALL_ON_DATA_ACCESS)


def list_vault(root: Path, ignore: Ignore, *, pdf: bool = False) -> Listing:
    """Walk through the vault; PDFs are attachments unless they are wanted as documents.

    Raises OSError when the root itself cannot be listed.
    """
    return _Walk(root, ignore, pdf=pdf).run()


class _Walk:
    def __init__(self, root: Path, ignore: Ignore, *, pdf: bool) -> None:
        self._root = root
        self._pdf = pdf
        self._ignore = ignore
        self._notes: dict[str, FileStamp] = {}
        self._files: list[str] = []
        self._skipped: list[Skipped] = []
        self._unreadable: set[str] = set()
        self._unknown: set[str] = set()
        self._unsearched: dict[str, Unsearched] = {}
        self._folders = [""]

    def run(self) -> Listing:
        while self._folders:
            folder = self._folders.pop()
            for entry in self._entries(folder):
                self._take(entry, f"{folder}/{entry.name}" if folder else entry.name)
        return Listing(
            notes=dict(sorted(self._notes.items())),
            files=tuple(sorted(self._files)),
            skipped=tuple(sorted(self._skipped, key=lambda skipped: skipped.path)),
            unreadable=frozenset(self._unreadable),
            unknown=frozenset(self._unknown),
            unsearched=dict(sorted(self._unsearched.items())),
        )

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        try:
            faults.point("listing.folder")
            with os.scandir(f"{self._root}/{folder}") as entries:
                found.extend(entries)
        except OSError as error:
            if not folder:
                raise
            self._unreadable.add(folder)
            self._skip(folder, f"a folder that cannot be read: {error.strerror}")
        return found

    def _take(self, entry: os.DirEntry[str], path: str) -> None:
        name = entry.name
        if name.startswith("."):
            placeholder = _ICLOUD.fullmatch(name)
            if placeholder and self._is_read(placeholder["name"]):
                self._leave_in_the_cloud(path.removesuffix(name) + placeholder["name"])
        elif name == "node_modules":
            pass
        elif not _is_text(name):
            self._skip(path, "the name is not valid Unicode; rename it")
        elif "\\" in name:
            self._skip(path, "the name holds a backslash, which Obsidian reads as a folder; rename it")
        elif _is_link(entry):
            self._skip(path, self._where_it_leads(path))
        elif entry.is_dir(follow_symlinks=False):
            if self._is_read(name):
                self._skip(path, "a folder, not a note; the notes in it are indexed")
            self._folders.append(path)
        else:
            self._take_file(entry, path)

    def _take_file(self, entry: os.DirEntry[str], path: str) -> None:
        try:
            info = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        except OSError as error:
            self._unknown.add(path)
            if why := self._ignore.unsearched(path):
                self._unsearched[path] = why
            self._skip(path, f"cannot be read: {error.strerror}")
            return
        if not stat.S_ISREG(info.st_mode):
            self._skip(path, _KINDS.get(stat.S_IFMT(info.st_mode), "not a file") + ", not a file")
        elif not self._is_read(path) or self._ignore.excludes(path):
            self._files.append(path)
        elif is_in_the_cloud(info):
            self._leave_in_the_cloud(path)
        else:
            self._notes[path] = stamp_of(info)
            if why := self._ignore.unsearched(path):
                self._unsearched[path] = why

    def _is_read(self, path: str) -> bool:
        return is_document(path) and (self._pdf or not is_pdf(path))

    def _leave_in_the_cloud(self, path: str) -> None:
        if self._ignore.excludes(path):
            self._files.append(path)
            return
        self._unknown.add(path)
        if why := self._ignore.unsearched(path):
            self._unsearched[path] = why
        self._skip(path, "in the cloud, not on this machine; open it once, or keep its folder downloaded")

    def _skip(self, path: str, reason: str) -> None:
        readable = os.fsencode(path).decode("utf-8", "backslashreplace")
        self._skipped.append(Skipped(readable, reason))

    def _where_it_leads(self, path: str) -> str:
        link = self._root / path
        try:
            link.stat()
        except OSError as error:
            where = "in a circle" if error.errno == errno.ELOOP else "nowhere"
            return f"a link that leads {where}"
        if link.resolve().is_relative_to(self._root.resolve()):
            return "a link to another place in the vault, which is read there"
        return "a link that leads out of the vault"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_link(entry: os.DirEntry[str]) -> bool:
    if sys.platform == "win32":
        # A junction is a folder that leads elsewhere, and no symbolic link.
        tag = entry.stat(follow_symlinks=False).st_reparse_tag
        return entry.is_symlink() or tag == stat.IO_REPARSE_TAG_MOUNT_POINT
    return entry.is_symlink()
