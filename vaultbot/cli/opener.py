"""Has the system open a link in Obsidian, or the daemon's page in a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_PATIENCE_S = 3.0  #: openers that are still at it by then have found something to open it with


def open_link(uri: str) -> bool:
    """Whether something took the link; links to anything but Obsidian and this machine are not opened."""
    if not uri.startswith(("obsidian://", "http://127.0.0.1:")):
        return False
    if sys.platform == "win32":
        try:
            os.startfile(uri)  # noqa: S606
        except OSError:
            return False
        return True
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if program is None:
        return False
    quiet = subprocess.DEVNULL
    try:
        opener = subprocess.Popen([program, uri], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        return opener.wait(_PATIENCE_S) == 0
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
