"""Whether a note may be changed by a program: what it is, what its bytes are, and who may be at it."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass

from vaultbot.errors import EditRefused, NoteNotFound
from vaultbot.vault.folder import Folder
from vaultbot.vault.listing import is_in_the_cloud

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Found:
    """A note as it is on the disk."""

    data: bytes
    info: os.stat_result

    @property
    def mode(self) -> int:
        """Its permissions."""
        return stat.S_IMODE(self.info.st_mode)

    def text(self) -> tuple[str, bytes]:
        """The text without its byte order mark, and the mark.

        Raises EditRefused unless the same bytes come out again: what was not understood is not written.
        """
        bom = _BOM if self.data.startswith(_BOM) else b""
        try:
            text = self.data[len(bom) :].decode("utf-8")
        except UnicodeDecodeError as error:
            raise EditRefused("the file is not UTF-8") from error
        if "\0" in text or "\r" in text.replace("\r\n", "") or text.startswith("\ufeff"):
            raise EditRefused("the file has characters or line ends that no note has")
        return text, bom


def find(folder: Folder, name: str, note: str) -> Found:
    """The note. Raises NoteNotFound, and EditRefused for what cannot be read."""
    try:
        return Found(*folder.read(name))
    except FileNotFoundError as error:
        raise NoteNotFound(f"{note} is gone from the vault") from error
    except OSError as error:
        what = "is a link; name the note it leads to" if error.errno == errno.ELOOP else f"cannot be read: {why(error)}"
        raise EditRefused(f"{note} {what}") from error


def refuse_by_kind(found: Found) -> None:
    """Raises EditRefused for a file that replacing would harm, or whose owner has locked it."""
    if found.info.st_nlink > 1:
        raise EditRefused("the file has a second name (a hard link), which would be parted from it")
    if not found.mode & stat.S_IWUSR:
        raise EditRefused("the file is read-only")
    if is_in_the_cloud(found.info):
        raise EditRefused("the file is in the cloud, not on this machine")


def why(error: Exception) -> str:
    """What the system says, in its own words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
