"""Reads one PDF in a process of its own, because native code on a hostile file can take its process down with it.

Run by its path, with the file's bytes on stdin. On stdout comes a line of JSON for each page, a string, and at the end
an object: `{"of": pages in the file, "unreadable": pages that could not be read}` or `{"refused": why}`. It imports the
standard library and pypdfium2, and gives up memory, files and processor time before it looks at the bytes.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from typing import Any

MAX_PAGES = 5_000
MAX_CHARACTERS = 10_000_000
MAX_PAGE_CHARACTERS = 1_000_000
_MAX_MEMORY = 1 << 30
_MAX_FILES = 64  #: pdfium looks at the system's fonts
_MAX_CPU_S = 120  #: when the parent died and cannot end it


def main() -> None:
    """Read the file on stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle.
    try:
        import pypdfium2
    except (ImportError, OSError) as error:
        _say({"refused": "engine", "words": str(error)[:300]})
        return
    _be_modest()
    try:
        _say_pages(pypdfium2.PdfDocument(sys.stdin.buffer.read()))
    except pypdfium2.PdfiumError as error:
        protected = error.err_code in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY)
        _say({"refused": "protected" if protected else "damaged"})
    except MemoryError:
        _say({"refused": "memory"})


def _say_pages(pdf: Any) -> None:
    said = unreadable = 0
    for number in range(min(len(pdf), MAX_PAGES)):
        text = ""
        try:
            text = _text(pdf, number)
        except Exception:  # Whatever is wrong with this page, the next one may be well.
            unreadable += 1
        said += len(text)
        if said > MAX_CHARACTERS:
            break
        _say(text)
    _say({"of": len(pdf), "unreadable": unreadable})


def _text(pdf: Any, number: int) -> str:
    page = pdf[number]
    try:
        words = page.get_textpage()
        text: str = words.get_text_range(0, min(words.count_chars(), MAX_PAGE_CHARACTERS))
    finally:
        page.close()  # And what was made of it.
    # pdfium joins a word that is cut at a line's end, with this mark for the hyphen.
    return text.replace("\ufffe", "-\n").replace("\r\n", "\n")


def _say(word: object) -> None:
    sys.stdout.write(json.dumps(word) + "\n")


def _be_modest() -> None:
    """Little memory, no new files, no core dumps."""
    with contextlib.suppress(ImportError):
        import resource

        for limit, most in (
            (resource.RLIMIT_AS, _MAX_MEMORY),
            (resource.RLIMIT_CPU, _MAX_CPU_S),
            (resource.RLIMIT_NOFILE, _MAX_FILES),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            # Some systems do not know some of the limits, or hold tighter ones.
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
