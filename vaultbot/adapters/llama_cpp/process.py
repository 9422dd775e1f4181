"""The parent's end of a model process: start it, ask it, and say why it died."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import vaultbot
from vaultbot.adapters.llama_cpp import pipe

if TYPE_CHECKING:
    from vaultbot.adapters.llama_cpp.pipe import Packet

_MODULE = "vaultbot.adapters.llama_cpp.child"
_PASSED_ON = (
    *("HOME", "LANG", "LC_", "PATH", "PYTHONPATH", "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "VIRTUAL_ENV"),
    *("DYLD_", "LD_LIBRARY_PATH", "GOMP_", "KMP_", "OMP_", "CUDA_", "GGML_", "HIP_", "HSA_", "ROCR_", "VK_"),
    *("WINDIR", "XDG_RUNTIME_DIR"),
)
_TELLING = ("error", "failed", "assert", "what():", "terminate", "exception", "out of memory")
NO_AVX = (
    "this computer's processor lacks instructions (AVX2) that the installed llama-cpp-python was built for; "
    "build it here: pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python"
)
_NO_MEMORY = (
    "it was killed, most often because memory ran out; choose a smaller model, or set [model] context_tokens lower "
    "for a language model"
)
_KNOWN_ENDS = {
    "SIGILL": NO_AVX,
    "SIGKILL": _NO_MEMORY,
    "SIGBUS": "its model file was changed while it was in use",
}


class ModelProcess:
    """One running child. Replies come to whoever asked, in any thread."""

    def __init__(self) -> None:
        """Start the process; nothing is loaded yet."""
        self.ready = False  #: the model is loaded
        self.closed = False  #: `close` was called, so its end is no crash
        self._process = subprocess.Popen(
            # -P: the current folder is no place to import from, for it may be the vault.
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        self._writing = threading.Lock()
        self._ids = itertools.count()
        self._waiting: dict[int, queue.SimpleQueue[Packet | None]] = {}
        self._last_words: deque[str] = deque(maxlen=50)
        self._ended = threading.Event()
        self._told = threading.Thread(target=self._hear, daemon=True, name="model-stderr")
        self._told.start()
        threading.Thread(target=self._receive, daemon=True, name="model-replies").start()

    @property
    def pid(self) -> int:
        """For the tests and the curious."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._ended.is_set() and self._process.poll() is None

    def ask(self, op: str, **words: object) -> Question:
        """Send a request. Raises PacketTooLargeError; when the process is dead, the reply says so."""
        question = Question(next(self._ids))
        self._waiting[question.id] = question.replies
        try:
            self._write({"id": question.id, "op": op, **words})
        except pipe.PacketTooLargeError:
            self.forget(question)
            raise
        if self._ended.is_set():
            question.replies.put(None)
        return question

    def cancel(self) -> None:
        """End the running generation; its usage still comes."""
        self._write({"op": "cancel"})

    def forget(self, question: Question) -> None:
        """Nobody waits for its replies any more."""
        self._waiting.pop(question.id, None)

    def close(self) -> None:
        """End the process: politely by closing its input, after three seconds by force."""
        self.closed = True
        with self._writing, contextlib.suppress(OSError):
            self._requests.close()
        try:
            self._process.wait(3)  # It may write down what it has read.
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def epitaph(self) -> str:
        """Why it died, in words for a person. Waits a moment for its last words."""
        try:
            code = self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._told.join(1)
        with self._writing, contextlib.suppress(OSError):
            self._requests.close()
        end = name_of_end(code)
        telling = [line for line in self._last_words if any(word in line.lower() for word in _TELLING)]
        # An assertion begins with the path of a source file on the machine that built llama.cpp.
        said = re.sub(r"^/\S*/(?=[\w.-]+:\d+:)", "", telling[-1]) if telling else ""
        reason = _KNOWN_ENDS.get(end, "")
        quoted = f'its last words: "{said[:300]}"' if said and end not in ("SIGILL", "SIGKILL") else ""
        return "; ".join(part for part in (end, reason, quoted) if part)

    def _write(self, packet: Packet) -> None:
        # A dead process is noticed by whoever waits for its replies.
        with self._writing, contextlib.suppress(OSError):
            if not self._requests.closed:
                pipe.write(self._requests, packet)

    def _receive(self) -> None:
        stdout = cast("BinaryIO", self._process.stdout)
        while (packet := pipe.read(stdout)) is not None:
            if waiting := self._waiting.get(packet.get("id", -1)):
                waiting.put(packet)
        self._ended.set()
        for waiting in list(self._waiting.values()):
            waiting.put(None)
        stdout.close()

    def _hear(self) -> None:
        with cast("BinaryIO", self._process.stderr) as stderr:
            for line in stderr:
                if text := line.decode("utf-8", "replace").strip():
                    self._last_words.append(text)


class Question:
    """A request whose replies are still coming."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.replies: queue.SimpleQueue[Packet | None] = queue.SimpleQueue()
        self.done = False  #: the last reply was given

    def reply(self, timeout: float | None = None) -> Packet | None:
        """The next reply; None when the process is gone. Raises queue.Empty after `timeout` seconds."""
        packet = self.replies.get(timeout=timeout)
        self.done = packet is None or "text" not in packet
        return packet


def child_environment() -> dict[str, str]:
    """What the child gets to know: where Python, libraries and graphics cards are, and no secrets."""
    kept = {name: value for name, value in os.environ.items() if name.upper().startswith(_PASSED_ON)}
    root = Path(vaultbot.__file__).parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (kept.get("PYTHONPATH"), str(root))))
    # Without it, an abort in ggml starts a debugger to print a stack.
    return kept | {"GGML_NO_BACKTRACE": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def name_of_end(code: int) -> str:
    """ "SIGSEGV" for -11 and for a shell's 139, else "exit code 3"."""
    windows = {0xC0000005: "SIGSEGV", 0xC000001D: "SIGILL"}
    if code in windows:
        return windows[code]
    number = -code if code < 0 else code - 128
    return next((end.name for end in signal.Signals if end == number), f"exit code {code}")
