"""Named places where tests make things go wrong: `VAULTBOT_FAULT=point:kind:n` at the n-th time the point is passed.

Kinds: `kill` (SIGKILL, as a power button would), `raise` (an error that nobody foresaw), `eio`, `enospc` and `eacces`
(the OSErrors of a bad disk, a full one, and of missing permission), `sleep` (a second). `stop` (SIGSTOP) is for tests
that do something to a process exactly here, and then let it go on. Without the variable a point costs one look-up.
"""

from __future__ import annotations

import errno
import os
import signal
import time

_ERRORS = {"eio": errno.EIO, "enospc": errno.ENOSPC, "eacces": errno.EACCES}

#: Those that can be tried at any point by themselves.
KINDS = ("kill", "raise", *_ERRORS, "sleep")

#: Every point by its stage, in the order in which they are passed.
POINTS = {
    "start": (
        "runtime.before-replace",  # a token or a runtime file is written, and not yet in its place
        "catalog.set-aside",  # a damaged catalog has been moved, the new one is not yet in its place
        "database.set-aside",  # the same of a journal or the decisions
    ),
    "migrate": (
        "schema.copying",  # the older catalog is copied, and the copy not yet in its place
        "schema.dropped",  # in the transaction: the tables of the older schema are gone
        "schema.half-made",
        "schema.before-commit",
    ),
    "scan": (
        "listing.folder",  # before a folder of the vault is listed; an error is that of the folder
        "vault.reading",  # before a note is opened; an error is that of the note
    ),
    "index": (
        "indexer.scanned",
        "catalog.kept-out-before-commit",
        "catalog.dates-before-commit",
        "catalog.files-before-commit",
        "indexer.parsed",
        "catalog.vectors-before-commit",
        "catalog.vectors-added",
        "indexer.before-record",
        "catalog.in-transaction",
        "catalog.half-inserted",
        "catalog.before-commit",
        "catalog.recorded",
        "catalog.complete-before-commit",
        "catalog.completed",
        "catalog.stamps-before-commit",
        "removals.second-look",
        "indexer.before-removal",
        "catalog.skipped-before-commit",
        "catalog.sweep-before-commit",
    ),
    "drain": (
        "chroma.dropped",  # a folder that is not sealed has been deleted
        "chroma.opening",
        "outbox.attached",
        "indexer.half-drained",
        "chroma.half-upserted",
        "indexer.before-outbox-cleared",
        "chroma.before-seal",
        "chroma.sealed",
    ),
    "switch": (
        "changeover.prepared",
        "changeover.switching",
        "changeover.before-commit",
        "changeover.switched",
        "chroma.taking-over",  # the earlier model's folder is gone, and the new one's not yet in its place
    ),
    "edit": (
        "editor.planned",
        "editor.copied",
        "editor.folder-made",
        "editor.written",
        "editor.before-replace",
        "editor.placed",
        "editor.settled",
        "editor.undo-planned",
        "editor.removed",
    ),
}

_STAGE = {point: stage for stage, points in POINTS.items() for point in points}
_passed: dict[str, int] = {}


def point(name: str) -> None:
    """Pass a point; does nothing unless the environment asks for a fault exactly here.

    Raises ValueError when it asks for one that does not exist, which would prove nothing.
    """
    wanted = os.environ.get("VAULTBOT_FAULT")
    if wanted is None:
        return
    place, kind, nth = _parsed(wanted)
    if place != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] != nth:
        return
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif kind == "sleep":
        time.sleep(1)
    elif kind == "raise":
        raise RuntimeError(f"fault injected at {name}")
    else:
        raise OSError(_ERRORS[kind], f"fault injected at {name}")


def _parsed(wanted: str) -> tuple[str, str, int]:
    place, _, rest = wanted.partition(":")
    kind, _, nth = rest.partition(":")
    if place not in _STAGE or kind not in (*KINDS, "stop") or not nth.isdecimal():
        raise ValueError(
            f"VAULTBOT_FAULT={wanted}: there is no such fault; it is point:kind:n, as in vaultbot/faults.py"
        )
    return place, kind, int(nth)
