"""A language model in a GGUF file, run by llama.cpp in a process of its own.

The file's header is read at once, which costs milliseconds; the process starts at the first question. When
native code takes it down, the question fails and the next one starts it again; at the second time the model
is given up.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from vaultbot.adapters.llama_cpp_pipe import Packet, PacketTooLargeError
from vaultbot.adapters.llama_cpp_process import ModelProcess, Question
from vaultbot.errors import (
    InvalidRequest,
    ModelCrashed,
    ModelInvalid,
    ModelMissing,
    ShuttingDown,
    VaultbotError,
)
from vaultbot.models import gguf
from vaultbot.protocols import Generation, Message
from vaultbot.types import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)

_MOST_CRASHES = 2
_POLL_SECONDS = 0.03  # how long a cancel may go unnoticed
_CANCEL_SECONDS = 10.0  # a cancelled process that is still busy after this is killed
_EMBEDDING_ARCHITECTURES = ("bert", "clip", "-embedding", "t5encoder")
_ERRORS: Mapping[str, type[VaultbotError]] = {
    error.slug: error for error in (InvalidRequest, ModelInvalid, ModelMissing)
}


class LlamaCppChatModel:
    """ChatModel for a GGUF file."""

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int = 4096,
        gpu_layers: int | Literal["auto"] = "auto",
        threads: int | Literal["auto"] = "auto",
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Read the header only. `context_tokens` is lowered to what the model was trained for.

        `gpu_layers=-1` means all of them; "auto" means as many as fit.

        Raises ModelMissing, ModelInvalid.
        """
        self._info = gguf.read(path)
        if any(word in self._info.architecture for word in _EMBEDDING_ARCHITECTURES):
            raise ModelInvalid(f"{path} is an embedding model, which cannot answer: choose a chat model")
        self._context_tokens = min(context_tokens, self._info.context_length or context_tokens)
        self._options = {
            "path": str(path.absolute()),
            "context_tokens": self._context_tokens,
            "layers": None if gpu_layers == "auto" else gpu_layers,
            "threads": None if threads == "auto" else threads,
            "temperature": temperature,
            "seed": seed,
        }
        self._process: ModelProcess | None = None
        self._starting = threading.Lock()
        self._speaking = threading.Lock()  # held from the first to the last piece of a stream, in whatever thread
        self._crashes: dict[ModelProcess, str] = {}

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

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as plain text; works while an answer is being generated."""
        if not texts:
            return []
        process = self._running(threading.Event())
        assert process is not None
        question = _ask(process, "count", texts=list(texts))
        try:
            counts: list[int] = self._reply(process, question)["counts"]
        finally:
            process.forget(question)
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
        """See ChatModel. One stream at a time: a second one waits for the first to end."""
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
        process, self._process = self._process, None
        if process:
            process.close()

    def _stream(self, words: Packet, cancel: threading.Event) -> Iterator[Generation]:
        with self._turn(cancel) as mine:
            process = self._running(cancel) if mine else None
            if process is None:
                yield Generation("", TokenUsage())
                return
            yield from self._pieces(process, _ask(process, "generate", **words), cancel)

    @contextlib.contextmanager
    def _turn(self, cancel: threading.Event) -> Iterator[bool]:
        while not (mine := self._speaking.acquire(timeout=_POLL_SECONDS)) and not cancel.is_set():
            pass
        try:
            yield mine
        finally:
            if mine:
                self._speaking.release()

    def _pieces(self, process: ModelProcess, question: Question, cancel: threading.Event) -> Iterator[Generation]:
        cancelled = False
        try:
            while not question.done:
                if cancel.is_set() and not cancelled:
                    cancelled = True
                    process.cancel()
                try:
                    packet = self._reply(process, question, timeout=_POLL_SECONDS)
                except queue.Empty:
                    continue
                if usage := packet.get("usage"):
                    yield Generation("", TokenUsage(**usage))
                elif not cancelled:
                    yield Generation(packet["text"])
        finally:
            if not question.done:
                _wind_up(process, question)
            process.forget(question)

    def _reply(self, process: ModelProcess, question: Question, *, timeout: float | None = None) -> Packet:
        packet = question.reply(timeout)
        if packet is None:
            raise self._gone(process)
        if error := packet.get("error"):
            raise _ERRORS.get(error, VaultbotError)(packet["message"])
        return packet

    def _running(self, cancel: threading.Event) -> ModelProcess | None:
        """The process with the model loaded, started when needed; None when cancelled meanwhile."""
        with self._starting:
            if self._process and self._process.alive:
                return self._process
            if self._process and not self._process.closed:
                self._gone(self._process)
            if len(self._crashes) >= _MOST_CRASHES:
                raise self._refusal()
            process = self._process = ModelProcess()
            try:
                self._load(process, cancel)
            finally:
                if not process.ready:
                    self._process = None
                    process.close()
            return self._process

    def _load(self, process: ModelProcess, cancel: threading.Event) -> None:
        question = _ask(process, "load", **self._options)
        while not process.ready and not cancel.is_set():
            with contextlib.suppress(queue.Empty):
                packet = self._reply(process, question, timeout=_POLL_SECONDS)
                process.ready = True
                if refused := packet["template_refused"]:
                    _log.warning("%s: its chat template is not used, because %s", self.name, refused)
        process.forget(question)

    def _gone(self, process: ModelProcess) -> VaultbotError:
        """The error for a process that went away."""
        if process.closed:
            return ShuttingDown("the model was closed while it was at work; ask again")
        if process not in self._crashes:
            self._crashes[process] = process.epitaph()
            _log.error("%s crashed: %s", self.name, self._crashes[process])
        if len(self._crashes) >= _MOST_CRASHES:
            return self._refusal()
        return ModelCrashed(f"the model {self.name} crashed ({self._crashes[process]}); ask again to start it anew")

    def _refusal(self) -> ModelCrashed:
        reason = list(self._crashes.values())[-1]
        return ModelCrashed(
            f"the model {self._info.path} crashed {len(self._crashes)} times ({reason}) and is not started "
            "again; choose another with --model or [model] path, or restart vaultbot to try once more"
        )


def _ask(process: ModelProcess, op: str, **words: object) -> Question:
    try:
        return process.ask(op, **words)
    except PacketTooLargeError:
        raise InvalidRequest("the text is far too long for a language model; ask with less of it") from None


def _wind_up(process: ModelProcess, question: Question) -> None:
    """Stop a generation nobody listens to any more, so that the next one finds the process free."""
    process.cancel()
    end = time.monotonic() + _CANCEL_SECONDS
    while not question.done:
        try:
            question.reply(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            process.close()
