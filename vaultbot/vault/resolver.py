"""Where a link leads: Obsidian's rules for `[[…]]` and `[…](…)` within a vault.

Only file names count; aliases never resolve. Adding or removing any file can re-target links in other files:
re-resolve every link whose `basename_key` equals the file's.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


def path_key(path: str) -> str:
    """What paths are compared by: case, Unicode composition and no-break spaces make no difference."""
    if path.isascii():
        return path.lower()
    spaced = unicodedata.normalize("NFC", path).replace("\u00a0", " ")
    # Folding may take a letter apart (ΐ), so compose once more.
    return unicodedata.normalize("NFC", spaced.casefold())


def basename_key(path: str) -> str:
    """Key of the last segment without .md. A link can only lead to a file with the same one."""
    key = path_key(path).rpartition("/")[2].strip()
    while key.endswith(".md"):
        key = key.removesuffix(".md")
    return key


def without_md(path: str) -> str:
    """The path as links write it: "Ext.MD" becomes "Ext"; other extensions stay."""
    return path[:-3] if path[-3:].lower() == ".md" else path


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a link leads."""

    path: str | None  #: vault-relative; None when there is no such file
    ambiguous: bool = False  #: another file fits as well; which one Obsidian opens is not known


UNRESOLVED = Resolution(None)


class _File(NamedTuple):
    """Sorts as candidates do: the shortest path string first, then by the alphabet."""

    length: int
    path: str
    key: str


class Resolver:
    """The files of a vault, as link targets. The order in which files are added makes no difference."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._by_key: dict[str, list[_File]] = {}
        self._by_name: dict[str, list[_File]] = {}
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Add a vault-relative file, attachments too. Adding one twice is harmless."""
        file = _file(path)
        if file in self._by_key.get(file.key, ()):
            return
        insort(self._by_key.setdefault(file.key, []), file)
        insort(self._by_name.setdefault(_name(file.key), []), file)

    def remove(self, path: str) -> None:
        """Remove a file; an unknown one is ignored."""
        file = _file(path)
        for index, key in ((self._by_key, file.key), (self._by_name, _name(file.key))):
            files = index.get(key, [])
            place = bisect_left(files, file)
            if files[place : place + 1] == [file]:
                del files[place]
                if not files:
                    del index[key]

    def resolve(self, linkpath: str, source: str) -> Resolution:
        """Where `linkpath` (no subpath, percent-decoded) leads when it stands in the note `source`."""
        linkpath = linkpath.strip()
        folder = source.rpartition("/")[0]
        if not linkpath:
            return Resolution(source)
        if linkpath.startswith(("./", "../")):
            absolute = _join(folder, linkpath)
            return self._exact(absolute) if absolute is not None else UNRESOLVED
        if linkpath.startswith("/"):
            return self._exact(linkpath[1:])
        for written in _spellings(linkpath):
            found = self._one_of(self._by_key.get(path_key(written), ()), written)
            if not found.path:
                found = self._anywhere(written, folder)
            if found.path:
                return found
        return UNRESOLVED

    def _exact(self, path: str) -> Resolution:
        for written in _spellings(path):
            found = self._one_of(self._by_key.get(path_key(written), ()), written)
            if found.path:
                return found
        return UNRESOLVED

    def _anywhere(self, written: str, folder: str) -> Resolution:
        """Any file whose path ends in `written`: the source's own folder first, then the shortest path."""
        key = path_key(written)
        tail = "/" + key
        beside = path_key(f"{folder}/{_name(written)}")
        if folder and beside.endswith(tail) and beside in self._by_key:
            return self._one_of(self._by_key[beside], f"{folder}/{_name(written)}")
        best: _File | None = None
        for file in self._by_name.get(_name(key), ()):
            if best and file.length > best.length:
                break
            if file.key.endswith(tail):
                if best:
                    return Resolution(best.path, ambiguous=True)
                best = file
        return Resolution(best.path) if best else UNRESOLVED

    def _one_of(self, files: Iterable[_File], written: str) -> Resolution:
        """Files that differ in case or composition only (possible on Linux): the very spelling wins."""
        paths = [file.path for file in files]
        if not paths:
            return UNRESOLVED
        spelt = unicodedata.normalize("NFC", written)
        same = [path for path in paths if unicodedata.normalize("NFC", path) == spelt]
        if same:
            return Resolution(written if written in same else same[0], ambiguous=len(same) > 1 and written not in same)
        return Resolution(paths[0], ambiguous=len(paths) > 1)


def _file(path: str) -> _File:
    return _File(len(unicodedata.normalize("NFC", path)), path, path_key(path))


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _spellings(linkpath: str) -> tuple[str, str]:
    """As written and with .md, the likelier first: without a dot in its name a linkpath means a note."""
    noted = linkpath + ".md"
    return (linkpath, noted) if "." in _name(linkpath) else (noted, linkpath)


def _join(folder: str, linkpath: str) -> str | None:
    """`linkpath` seen from `folder`; None when it climbs out of the vault."""
    parts = folder.split("/") if folder else []
    for part in linkpath.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
