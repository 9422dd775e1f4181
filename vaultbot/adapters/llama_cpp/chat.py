"""A language model in a GGUF file, run by llama.cpp in a process of its own.

The file's header is read at once, which costs milliseconds; the process starts at the first question. When
native code takes it down, the question fails and the next one starts it again; at the second time the model
is given up.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from vaultbot.adapters.llama_cpp.host import POLL_SECONDS, ModelHost, ask
from vaultbot.adapters.llama_cpp.line import Line
from vaultbot.adapters.llama_cpp.measured import engine_version, measured_file
from vaultbot.adapters.llama_cpp.pipe import Packet
from vaultbot.errors import InvalidRequest, ModelInvalid
from vaultbot.models import gguf
from vaultbot.models.fingerprint import fingerprint
from vaultbot.models.memory import ALL_LAYERS
from vaultbot.protocols import Generation, Message, Speed
from vaultbot.types import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from vaultbot.adapters.llama_cpp.process import ModelProcess, Question

_TOLD_SECONDS = 1.0  # between two times that somebody is told how many are before
_CANCEL_SECONDS = 10.0  # a cancelled process that is still busy after this is killed


class LlamaCppChatModel:
    """ChatModel for a GGUF file."""

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int = 4096,
        gpu_layers: int | Literal["auto", "all"] = "auto",
        threads: int | Literal["auto"] = "auto",
        temperature: float = 0.0,
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0.05,
        repeat_penalty: float = 1.0,
        seed: int = 0,
        measured: Path | None = None,
        state: Path | None = None,
    ) -> None:
        """Read the header only. `context_tokens` is lowered to what the model was trained for.

        `gpu_layers="all"` means all of them; "auto" means as many as fit. In the folder `measured` is kept how the
        model is run best here, and in the file `state` what it has read last; None: it is run as usual, and nothing
        is kept.

        Raises ModelMissing, ModelInvalid.
        """
        self._info = gguf.read(path)
        if self._info.is_embedder:
            raise ModelInvalid(f"{path} is an embedding model, which cannot answer: choose a chat model")
        self._context_tokens = min(context_tokens, self._info.context_length or context_tokens)
        layers = ALL_LAYERS if gpu_layers == "all" else None if gpu_layers == "auto" else gpu_layers
        options: Packet = {
            "task": "chat",
            "path": str(path.absolute()),
            "context_tokens": self._context_tokens,
            "layers": layers,
            "threads": None if threads == "auto" else threads,
            "sampling": {
                "temperature": temperature,
                "top_k": top_k,
                "top_p": top_p,
                "min_p": min_p,
                "repeat_penalty": repeat_penalty,
                "seed": seed,
            },
            "measured": None,
            "state": None,
        }
        self._speed: Speed | None = None
        if measured is not None:
            file = measured_file(measured, path, threads=options["threads"])
            options["measured"] = str(file.path.absolute())
            known = file.read()
            self._speed = known.speed if known else None
        if state is not None:
            key = f"{fingerprint(path)} {engine_version()} {self._context_tokens} {layers}"
            options["state"] = {"path": str(state.absolute()), "key": key}
        self._host = ModelHost(self._info, options, choose="--model or [model] path", on_ready=self._hear_speed)
        self._line = Line()  # a place is held from the first to the last piece of a stream, in whatever thread

    @property
    def name(self) -> str:
        """ "SmolLM2-135M-Instruct (Q4_1)": the file's name."""
        return self._info.label

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return self._info.parameters

    @property
    def context_tokens(self) -> int:
        """Room for prompt and answer together."""
        return self._context_tokens

    @property
    def loaded(self) -> bool:
        """Whether its process runs and has read the file."""
        process = self._host.process
        return process is not None and process.ready and process.alive

    @property
    def pid(self) -> int | None:
        """Of its process; None when none runs."""
        return self._host.process.pid if self._host.process else None

    @property
    def speed(self) -> Speed | None:
        """What the process has measured, now or in an earlier life."""
        return self._speed

    @property
    def trouble(self) -> str | None:
        """Why it was given up, and what to do; None as long as it answers."""
        return self._host.trouble

    @property
    def notice(self) -> str | None:
        """Nothing leaves the machine."""
        return None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as plain text; works while an answer is being generated."""
        if not texts:
            return []
        counts: list[int] = self._host.answer("count", texts=list(texts))["counts"]
        return counts

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        prefix: str = "",
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Generation]:
        """See ChatModel. One stream at a time, in the order of asking: a second one waits for the first to end."""
        if not messages or max_tokens < 1:
            raise InvalidRequest("a generation needs at least one message and max_tokens of at least 1")
        words = {
            "messages": [asdict(message) for message in messages],
            "max_tokens": max_tokens,
            "prefix": prefix,
            "stop": list(stop),
        }
        return self._stream(words, cancel or threading.Event())

    def close(self) -> None:
        """End the process; a running stream ends as if cancelled."""
        self._host.close()

    def _stream(self, words: Packet, cancel: threading.Event) -> Iterator[Generation]:
        with self._line.place() as before:
            yield from self._wait(before, cancel)
            process = self._host.running(cancel) if not before(0) else None
            if process is None:
                yield Generation("", TokenUsage())
                return
            yield from self._pieces(process, ask(process, "generate", **words), cancel)

    def _wait(self, before: Callable[[float], int], cancel: threading.Event) -> Iterator[Generation]:
        """Wait for the turn, and tell who waits how long the line before is."""
        told, told_at = 0, -math.inf
        while (others := before(POLL_SECONDS)) and not cancel.is_set():
            if others != told and time.monotonic() - told_at >= _TOLD_SECONDS:
                told, told_at = others, time.monotonic()
                yield Generation("", before=others)
        if told and not others:
            yield Generation("", before=0)

    def _hear_speed(self, packet: Packet) -> None:
        if speed := packet["speed"]:
            self._speed = Speed(**speed)

    def _pieces(self, process: ModelProcess, question: Question, cancel: threading.Event) -> Iterator[Generation]:
        cancelled = False
        try:
            while not question.done:
                if cancel.is_set() and not cancelled:
                    cancelled = True
                    process.cancel()
                try:
                    packet = self._host.reply(process, question, timeout=POLL_SECONDS)
                except queue.Empty:
                    continue
                if usage := packet.get("usage"):
                    self._hear_speed(packet)
                    yield Generation("", TokenUsage(**usage), circled=packet["circled"])
                elif not cancelled:
                    yield Generation(packet["text"])
        finally:
            if not question.done:
                _wind_up(process, question)
            process.forget(question)


def _wind_up(process: ModelProcess, question: Question) -> None:
    """Stop a generation nobody listens to any more, so that the next one finds the process free."""
    process.cancel()
    end = time.monotonic() + _CANCEL_SECONDS
    while not question.done:
        try:
            question.reply(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            process.close()
