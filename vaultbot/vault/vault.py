"""The vault's folder and what its notes say. Reads only, and trusts no name, link or byte it finds there."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from vaultbot import faults
from vaultbot.errors import InvalidRequest, NoteNotFound, VaultbotError, VaultMissing
from vaultbot.types import FileStamp, Problem, Skipped
from vaultbot.vault.decoding import decode
from vaultbot.vault.documents import is_pdf
from vaultbot.vault.ignore import Ignore, exclude_spec
from vaultbot.vault.listing import Listing, list_vault, stamp_of
from vaultbot.vault.obsidian import MAX_SETTINGS_BYTES, ObsidianSettings, read_settings

if TYPE_CHECKING:
    from vaultbot.protocols import PageReader

_MAX_BYTES = 10 * 1024 * 1024
_MAX_PDF_BYTES = 100 * 1024 * 1024
_DRIVE = re.compile(r"[A-Za-z]:(?:/|$)")

# Follow no link in the last step, and do not wait for the writer of a named pipe.
_OPEN = os.O_RDONLY
for _flag in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
    _OPEN |= getattr(os, _flag, 0)

_ATTEMPTS = 4
_PAUSE_S = 0.005
_GROWN_BYTES = 65_536  #: of what was appended while it is read; then it is read again anyway
# A write that began so recently may still go on, and would not move the time stamp again. What is larger is written for
# longer, and its writer is more likely to have to wait in the middle.
_SETTLED_NS = 50_000_000
_SETTLED_NS_PER_BYTE = 50
_SETTLED_NS_AT_MOST = 1_000_000_000


class FileBusy(VaultbotError):
    """The note is being written all the time; try again in a moment."""

    slug = "file-busy"


@dataclass(frozen=True, slots=True)
class NoteFile:
    """One note as read, all of it from the same moment."""

    path: str
    text: str  #: of a PDF its pages, each with a form feed behind it
    stamp: FileStamp  #: of the very file that was read
    content_hash: str  #: BLAKE2b of the bytes read, hexadecimal
    problems: tuple[Problem, ...] = ()
    skip_reason: str | None = None  #: why this is no note: "binary", …; `text` is "" then
    sha256: str = ""  #: of a note's bytes, hexadecimal: what an edit of it has to name


class Vault:
    """A folder of notes and other documents.

    `exclude` holds patterns as in .gitignore. Of larger notes only the first `max_bytes` are read, and larger PDFs than
    `max_pdf_bytes` not at all. Without a `page_reader` PDFs are attachments.
    """

    def __init__(
        self,
        root: Path,
        *,
        exclude: Sequence[str] = (),
        max_bytes: int = _MAX_BYTES,
        page_reader: PageReader | None = None,
        max_pdf_bytes: int = _MAX_PDF_BYTES,
    ) -> None:
        # Not resolve(): a vault that is opened through a link has the link's name.
        self.root = Path(os.path.abspath(root))  # noqa: PTH100
        self._exclude = exclude_spec(exclude)
        self._max_bytes = max_bytes
        self._page_reader = page_reader
        self._max_pdf_bytes = max_pdf_bytes

    @property
    def name(self) -> str:
        """What Obsidian calls the vault: the folder's name."""
        return self.root.name

    def identity(self) -> tuple[int, int]:
        """Device and inode of the root: another vault at the same place has others. Raises VaultMissing."""
        try:
            info = self.root.stat()
        except OSError as error:
            raise self._missing(error) from error
        return info.st_dev, info.st_ino

    def check(self) -> None:
        """Raises VaultMissing, with what to do about it, when the vault cannot be listed."""
        try:
            with os.scandir(self.root):
                pass
        except OSError as error:
            raise self._missing(error) from error

    def scan(self) -> Listing:
        """List the vault without opening a note. Raises VaultMissing when its root cannot be listed."""
        identity = self.identity()
        settings = self.settings()
        ignore = Ignore(self._exclude, settings)
        try:
            listing = list_vault(self.root, ignore, pdf=self._page_reader is not None)
        except OSError as error:
            raise self._missing(error) from error
        if self.identity() != identity:
            raise VaultMissing(f"{self.root} was replaced while it was listed; it will be listed again")
        unusable = (Skipped(f"{settings.config_folder}/app.json", words) for words in ignore.warnings)
        return replace(listing, settings=settings, skipped=(*settings.warnings, *unusable, *listing.skipped))

    def settings(self) -> ObsidianSettings:
        """The vault's own settings as they are now; what is wrong with them is in their `warnings`."""
        return read_settings(self.root, self._read_settings_file)

    def kept_out(self, path: str) -> str | None:
        """Why settings keep a note out of search: "excluded" or "template"; None when they do not."""
        ignore = Ignore(self._exclude, self.settings())
        return "excluded" if ignore.excludes(path) else ignore.unsearched(path)

    def read(self, path: str, *, known_hash: str | None = None) -> NoteFile:
        """Read one note, by its vault-relative path.

        Of a PDF whose bytes still have the `known_hash` the text is "": getting it takes time.
        Raises InvalidRequest and NoteNotFound as `resolve_inside` does, FileBusy while the note is being
        written, and OSError as it comes: FileNotFoundError, PermissionError, others for what is no file.
        """
        last: FileStamp | None = None
        pages = self._page_reader if is_pdf(path) else None
        limit = self._max_pdf_bytes if pages else self._max_bytes
        for _ in range(_ATTEMPTS):
            faults.point("vault.reading")
            data, before, after = self._read_file(self.resolve_inside(path), limit + 1, whole=pages is not None)
            if pages and after.size > limit:
                reason = f"is larger than {limit // 1024**2} MB; raise [index] max_pdf_mb to have it searched"
                return NoteFile(path, "", after, _digest(b""), skip_reason=reason)
            unsettled = _unsettled_s(after)
            # A file that is about to be rewritten is empty for a moment, before its time stamp moves.
            if before == after and not unsettled and (data or after == last):
                if pages:
                    return self._pdf_file(pages, path, data, after, known_hash)
                return self._note_file(path, data, after)
            last = after
            time.sleep(unsettled or _PAUSE_S)
        raise FileBusy(f"{path} is being written; it will be read when it rests")

    def resolve_inside(self, path: str) -> Path:
        """The one way from an untrusted vault-relative path to a real one. The file need not exist.

        Raises InvalidRequest for what is no such path ("..", absolute, a drive, a backslash) and NoteNotFound
        for what leads out of the vault or into a hidden folder.
        """
        parts = path.split("/")
        if "\0" in path or "\\" in path or _DRIVE.match(path) or not {"", ".", ".."}.isdisjoint(parts):
            raise InvalidRequest('a note is named by its path within the vault, with "/": Folder/Note.md')
        if sys.platform == "win32" and ":" in path:
            raise InvalidRequest("a note's path holds no colon on Windows")
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest("a note's path is valid Unicode") from error
        if any(part.startswith(".") for part in parts) or not self._is_inside(self.root / path):
            raise NoteNotFound("there is no such note in the vault")
        return self.root / path

    def _is_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))

    def _read_file(self, path: Path, limit: int, *, whole: bool = False) -> tuple[bytes, FileStamp, FileStamp]:
        """At most `limit` bytes of a regular file inside the vault; its stamps before and after reading.

        When it is wanted `whole`, nothing is read of a file that is not shorter than the limit.
        """
        with os.fdopen(os.open(path, _OPEN), "rb") as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(path))
            # Room is made for all that is asked for, so no more is asked for than there may be.
            wanted = min(limit, before.st_size + _GROWN_BYTES) if before.st_size else limit  # Some disks do not say.
            data = b"" if whole and before.st_size >= limit else file.read(wanted)
            after = os.fstat(file.fileno())
        # A folder on the way may have become a link since the path was checked.
        if not self._is_inside(path):
            raise NoteNotFound("there is no such note in the vault")
        return data, stamp_of(before), stamp_of(after)

    def _note_file(self, path: str, data: bytes, stamp: FileStamp) -> NoteFile:
        truncated = len(data) > self._max_bytes
        data = data[: self._max_bytes]
        decoded = decode(data, truncated=truncated)
        problems, reason = decoded.problems, decoded.skip_reason
        return NoteFile(path, decoded.text, stamp, _digest(data), problems, reason, sha256(data).hexdigest())

    def _pdf_file(
        self, reader: PageReader, path: str, data: bytes, stamp: FileStamp, known_hash: str | None
    ) -> NoteFile:
        digest = _digest(data)
        if digest == known_hash:
            return NoteFile(path, "", stamp, digest)
        pages = reader.pages(data)
        text = "".join(page.replace("\f", "\n") + "\f" for page in pages.texts)
        return NoteFile(path, text, stamp, digest, (Problem("pdf", pages.problem),) if pages.problem else ())

    def _read_settings_file(self, path: str) -> bytes:
        file = self.root / path
        if not self._is_inside(file):
            raise NoteNotFound("it leads out of the vault")
        for _ in range(_ATTEMPTS):
            data, before, after = self._read_file(file, MAX_SETTINGS_BYTES + 1)
            # Half of Obsidian's settings would let notes into search that its owner keeps out.
            unsettled = _unsettled_s(after)
            if before == after and not unsettled:
                break
            time.sleep(unsettled or _PAUSE_S)
        return data

    def _missing(self, error: OSError) -> VaultMissing:
        if isinstance(error, PermissionError):
            return VaultMissing(f"you may not read the vault {self.root}; change the folder's permissions")
        what = {FileNotFoundError: "does not exist", NotADirectoryError: "is not a folder"}.get(type(error))
        fact = f"the vault {self.root} {what or f'cannot be read: {error.strerror}'}"
        return VaultMissing(f"{fact}; give the folder that you open in Obsidian")


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=32).hexdigest()


def _unsettled_s(stamp: FileStamp) -> float:
    """How long to wait until the last write is surely over, in seconds."""
    age = time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns)
    settled = min(_SETTLED_NS + _SETTLED_NS_PER_BYTE * stamp.size, _SETTLED_NS_AT_MOST)
    return (settled - age) / 1e9 if 0 <= age < settled else 0.0
