"""Keys from the terminal one by one, without Enter."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ENDS = ("\x04", "\x1a")  #: Ctrl-D, and Ctrl-Z on Windows
_LONGEST_SEQUENCE = 16


@contextmanager
def single_keys() -> Iterator[None]:
    """Within, keys come at once and are not shown; those that were typed before are not lost."""
    if sys.platform == "win32":
        yield
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def read_key() -> str | None:
    """The next key; "" for one that is no character, None for Ctrl-D and the end. Raises KeyboardInterrupt."""
    if sys.platform == "win32":
        import msvcrt

        key = msvcrt.getwch()
        if key == "\x03":
            raise KeyboardInterrupt
        if key in ("\x00", "\xe0"):
            msvcrt.getwch()
            return ""
        return None if key in _ENDS else key
    import select

    descriptor = sys.stdin.fileno()
    data = os.read(descriptor, 1)
    # What belongs to the same key: the rest of a character, or of an arrow's sequence.
    while data and (data[0] >= 0x80 or data[0] == 0x1B) and select.select([descriptor], [], [], 0)[0]:
        data += os.read(descriptor, _LONGEST_SEQUENCE)
    key = data.decode("utf-8", "replace")
    if not key or key in _ENDS:
        return None
    return key if len(key) == 1 and key != "\x1b" else ""
