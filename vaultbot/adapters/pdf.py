"""The text of PDFs by pdfium, each file in a throw-away process: what a hostile one does there, it does to itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from vaultbot.adapters import pdf_child
from vaultbot.errors import VaultbotError
from vaultbot.protocols import Pages

_LONGEST_LINE = 12 * pdf_child.MAX_PAGE_CHARACTERS + 1000  #: bytes of JSON
_PASSED_ON = (
    *("APPDATA", "HOME", "LANG", "LC_", "PATH", "PYTHONPATH", "PYTHONUSERBASE", "SYSTEMROOT", "TEMP", "TMP"),
    *("USERPROFILE", "VIRTUAL_ENV", "DYLD_", "LD_LIBRARY_PATH"),
)
_PRINT_ANEW = "open it in a PDF viewer and print it to a new PDF to have it searched"
_REFUSED = {
    "protected": "is protected by a password; save a copy without one to have it searched",
    "damaged": f"is damaged, or no PDF at all; {_PRINT_ANEW}, or get it again",
    "memory": f"needs too much memory to be read; {_PRINT_ANEW}",
}


class PdfiumReader:
    """Reads PDFs. Safe to use from several threads."""

    def __init__(self, *, timeout_s: float = 60.0) -> None:
        self._timeout_s = timeout_s

    def pages(self, data: bytes) -> Pages:
        """The text of every page; see `PageReader`. Raises VaultbotError when pdfium is not installed."""
        process = subprocess.Popen(
            # By its path, so that it needs nothing of vaultbot. -P: the current folder may be the vault.
            [sys.executable, "-P", pdf_child.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name.upper().startswith(_PASSED_ON)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._timeout_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            # A child that is dead already is noticed at its answer.
            with contextlib.suppress(OSError), process.stdin as stdin:
                stdin.write(data)
            with process.stdout as stdout:
                texts, end = _read(stdout)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
        finally:
            timer.cancel()
            process.kill()
            process.wait()
        return Pages(texts, self._problem(len(texts), end, late=late.is_set(), code=process.returncode))

    def _problem(self, read: int, end: dict[str, Any], *, late: bool, code: int) -> str | None:
        refused = end.get("refused")
        if refused == "engine":
            raise VaultbotError(
                f"PDF files need pypdfium2, which cannot be imported here ({end.get('words')}); run: pip install "
                "pypdfium2, or set [index] pdf to false"
            )
        if refused:
            return _REFUSED.get(refused, _REFUSED["damaged"])
        if not end:
            why = f"took longer than {self._timeout_s:g} s to read" if late else f"made its reader crash ({_end(code)})"
            return f"{why}; it is searched up to page {read:,}" if read else f"{why}; {_PRINT_ANEW}"
        if read < end["of"]:
            return f"is very long; it is searched up to page {read:,} of {end['of']:,}"
        if end["unreadable"]:
            return f"has damaged pages ({end['unreadable']:,} of {read:,}); {_PRINT_ANEW}"
        return None


def _read(answer: IO[bytes]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The pages, and the last word; none when it ended before. Trusts nothing: native code may have been misled."""
    texts: list[str] = []
    characters = 0
    while len(texts) <= pdf_child.MAX_PAGES and characters <= pdf_child.MAX_CHARACTERS:
        try:
            said = json.loads(answer.readline(_LONGEST_LINE))
        except (ValueError, RecursionError):
            break
        match said:
            case str():
                texts.append(said)
                characters += len(said)
            case {"refused": str()} | {"of": int(), "unreadable": int()}:
                return tuple(texts), said
            case _:
                break
    return tuple(texts), {}


def _end(code: int) -> str:
    """ "SIGSEGV" for -11."""
    return next((end.name for end in signal.Signals if end == -code), f"exit code {code}")
