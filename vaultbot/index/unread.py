"""Why a note could not be read, for people."""

from __future__ import annotations

import errno
import logging

from vaultbot.errors import VaultbotError, kind_and_place

log = logging.getLogger("vaultbot.index")

#: What reading a file gives that a sync program has not brought here (iCloud, Dropbox, a network disk that is away).
_ELSEWHERE = {errno.EDEADLK, errno.ETIMEDOUT, errno.ECANCELED}


def why_unread(path: str, error: Exception) -> str:
    """In words, with what to do; what nobody foresaw is logged."""
    if isinstance(error, VaultbotError):
        return str(error)
    if isinstance(error, OSError):
        reason = f"cannot be read ({error.strerror or type(error).__name__})"
        if error.errno in _ELSEWHERE:
            reason = "in the cloud, it seems, and not on this machine; open it once, or keep its folder downloaded"
        return f"{reason}; the last version read is kept"
    log.error("%s could not be indexed: %s", path, kind_and_place(error))
    return f"could not be indexed ({type(error).__name__}); please report this"
