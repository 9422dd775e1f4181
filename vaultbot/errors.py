"""What can go wrong, as a person would say it.

Every error is a fact plus the next step, in its message. A class exists only where someone reacts differently::

    VaultbotError            exit 1   500 internal
    ├─ InvalidRequest        exit 2   422 invalid-request      the words of the call are wrong
    │  └─ ConfigError        exit 2                            a setting is wrong: names file, key and allowed values
    ├─ AlreadyRunning        exit 3                            another daemon holds this vault
    ├─ NotRunning            exit 1                            no daemon, and --no-start was given
    ├─ PortInUse             exit 1
    ├─ VaultMissing          exit 4   503 vault-missing        the folder is not there, or cannot be read
    ├─ NoteNotFound          exit 1   404 not-found
    ├─ EditRefused           exit 1   409 edit-refused         the vault is left as it is, for this reason
    │  └─ ChangedMeanwhile   exit 1   409 changed-meanwhile    the note is not what the edit was made for
    ├─ IndexEmpty            exit 1   503 index-empty          nothing can be answered yet
    ├─ ModelMissing          exit 5   503 model-missing        no such file
    │  └─ ModelInvalid       exit 5   503 model-invalid        the file is there and is not a usable model
    ├─ ModelCrashed          exit 1   503 model-crashed        the model's process died
    ├─ Unreachable           exit 1   503 server-unreachable   another server does not answer, now
    ├─ DiskFull              exit 1   503 disk-full            it goes on by itself when there is room
    ├─ QueueFull             exit 1   503 queue-full
    ├─ ShuttingDown          exit 1   503 shutting-down
    └─ DataDamaged           exit 6   500 data-damaged         what vaultbot itself wrote cannot be read back
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class VaultbotError(Exception):
    """A fact plus the next step. `exit_code` is for the shell, `status` and `slug` for HTTP (RFC 9457)."""

    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"


class InvalidRequest(VaultbotError):
    """The words of the call are wrong: an empty question, a limit out of range, an unknown note."""

    exit_code = 2
    status = 422
    slug = "invalid-request"
    title = "The request is not valid"


class ConfigError(InvalidRequest):
    """A setting is wrong; the message names the file, the key and what is allowed."""


class AlreadyRunning(VaultbotError):
    """Another daemon holds this vault's state."""

    exit_code = 3
    slug = "already-running"


class NotRunning(VaultbotError):
    """No daemon runs for this vault, and none may be started."""

    slug = "not-running"


class PortInUse(VaultbotError):
    """Another program listens on the port."""

    slug = "port-in-use"


class VaultMissing(VaultbotError):
    """The vault's folder is not there, is no folder, or cannot be read."""

    exit_code = 4
    status = 503
    slug = "vault-missing"
    title = "The vault cannot be read"


class NoteNotFound(VaultbotError):
    """No such note in the index."""

    status = 404
    slug = "not-found"
    title = "No such note"


class EditRefused(VaultbotError):
    """An edit that is not made, and why; nothing was written."""

    status = 409
    slug = "edit-refused"
    title = "The edit was not made"


class ChangedMeanwhile(EditRefused):
    """The note has changed since it was looked at."""

    slug = "changed-meanwhile"
    title = "The note has changed"


class IndexEmpty(VaultbotError):
    """There is nothing to search: the vault has no notes, or none was indexed yet."""

    status = 503
    slug = "index-empty"
    title = "Nothing is indexed yet"


class ModelMissing(VaultbotError):
    """There is no model file at the configured path."""

    exit_code = 5
    status = 503
    slug = "model-missing"
    title = "The model is missing"


class ModelInvalid(ModelMissing):
    """The file is there, but it is not a model that can be loaded."""

    slug = "model-invalid"
    title = "The model cannot be used"


class ModelCrashed(VaultbotError):
    """The model's process died; the daemon did not."""

    status = 503
    slug = "model-crashed"
    title = "The model crashed"


class Unreachable(VaultbotError):
    """A server that the settings name does not answer, now; it may do so later."""

    status = 503
    slug = "server-unreachable"
    title = "A server does not answer"


class DiskFull(VaultbotError):
    """There is no room where vaultbot keeps its own files; what waits for it goes on by itself."""

    status = 503
    slug = "disk-full"
    title = "The disk is full"


class QueueFull(VaultbotError):
    """More questions are waiting than will be answered soon."""

    status = 503
    slug = "queue-full"
    title = "Too many questions at once"


class ShuttingDown(VaultbotError):
    """The daemon is on its way out."""

    status = 503
    slug = "shutting-down"
    title = "vaultbot is shutting down"


class DataDamaged(VaultbotError):
    """What vaultbot itself wrote cannot be read back."""

    exit_code = 6
    slug = "data-damaged"
    title = "vaultbot's own data is damaged"


def kind_and_place(error: BaseException) -> str:
    """An unforeseen error for the log: its kind and the calls it came through, without its message, which may quote a
    note."""
    import traceback

    calls = " > ".join(
        f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)[-6:]
    )
    return f"{type(error).__name__} in {calls}"
