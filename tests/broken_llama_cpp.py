"""Has llama.cpp abort in the model's process at a wanted call, the way it does itself: with a line of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

LAST_WORDS = "ggml.c:123: GGML_ASSERT(ne00 % blck_size == 0) failed"

_PROGRAM = """
import ctypes
from pathlib import Path

import llama_cpp

ggml = ctypes.CDLL(str(next(Path(llama_cpp.__file__).parent.glob("lib/*ggml-base*"))))
original = llama_cpp.{call}


def replaced(*given):
    if {when}:
        ggml.ggml_abort(b"/build/ggml.c", 123, b"GGML_ASSERT(ne00 %% blck_size == 0) failed")
    return original(*given)


llama_cpp.{call} = replaced
"""


def breaks_at(folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, when: str = "True") -> None:
    """From the next process on, that function of llama_cpp aborts when the expression about `given` is true."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_PROGRAM.format(call=call, when=when))
    monkeypatch.setenv("PYTHONPATH", str(folder))
