"""The form of the daemon's log: one line for each record, whatever a file's name holds.

A line names notes and never quotes them or a question. Of an error that nobody foresaw it has the kind and the place,
for its message may quote a note.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import queue
import re
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from vaultbot.errors import kind_and_place

LogForm: TypeAlias = Literal["text", "json"]

_MOST_BYTES, _FILES = 2_000_000, 5
_MOST_WAITING, _FLUSH_S = 1_000, 1.0  #: lines for a terminal, and how long they are waited for at the end
#: What ends a line somewhere, moves a terminal's cursor, or turns the direction of reading.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def set_up_log(file: Path, form: LogForm, *, to_terminal: bool, verbose: bool) -> None:
    """Send the log of this process to its file (five of 2 MB), and to the terminal when it runs there."""
    rotated = _LogFile(file, maxBytes=_MOST_BYTES, backupCount=_FILES - 1, encoding="utf-8", errors="replace")
    rotated.setFormatter(JsonLine() if form == "json" else TextLine())
    handlers: list[logging.Handler] = [rotated]
    if to_terminal:
        shown = TerminalHandler(sys.stderr)
        shown.setFormatter(TextLine())
        handlers.append(shown)
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    logging.getLogger("vaultbot").setLevel(logging.DEBUG if verbose else logging.INFO)


class _LogFile(logging.handlers.RotatingFileHandler):
    """Takes standard output and error along where they lead into the log, as native code's complaints and a service's.

    Else they would write on into the file of before, and when that is deleted, into one that nobody sees and that has
    no end.
    """

    def doRollover(self) -> None:  # noqa: N802
        """Begin a new file."""
        file = Path(self.baseFilename)
        here = [number for number in (1, 2) if _leads_to(number, file)]
        super().doRollover()
        with file.open("ab") as new:
            for number in here:
                os.dup2(new.fileno(), number)


def _leads_to(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except OSError:  # It is closed, or the file is gone.
        return False


class TerminalHandler(logging.Handler):
    """Writes to a terminal from a thread of its own. One that stands still, as after Ctrl-S, holds nobody up.

    What it has no room for is left out there; the file has it.
    """

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self._terminal = terminal
        self._lines: queue.Queue[str] = queue.Queue(_MOST_WAITING)
        threading.Thread(target=self._write, name="terminal-log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Leave the line for the thread."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            pass
        except Exception:  # A record that cannot be put into words, as of any handler.
            self.handleError(record)

    def flush(self) -> None:
        """Wait for a moment until all lines are written; the logging module asks for it at the end."""
        until = time.monotonic() + _FLUSH_S
        while self._lines.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.01)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            with suppress(OSError, ValueError):  # The terminal was closed.
                self._terminal.write(f"{line}\n")
                self._terminal.flush()
            self._lines.task_done()


class TextLine(logging.Formatter):
    """2026-11-29 09:10:52,103 INFO vaultbot.index indexed in 1.20 s: 35 added"""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        return f"{self.formatTime(record)} {record.levelname} {escaped(record.name)} {escaped(_message(record))}"


class JsonLine(logging.Formatter):
    """{"time": "2026-11-29T09:10:52.103Z", "level": "info", "logger": "vaultbot.index", "message": "…"}"""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end. The time is UTC."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{seconds}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        # JSON escapes newlines and the like by itself, and leaves other controls as they are.
        return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(line, ensure_ascii=False))


def escaped(text: str) -> str:
    r"""The text on one line: a newline is shown as \n, other controls as \x1b or \u202e."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def _message(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    return f"{record.getMessage()}: {kind_and_place(error)}" if error else record.getMessage()
