"""A model and the process that holds it: started at the first use, once more after a crash, and then given up."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from typing import TYPE_CHECKING

from vaultbot.adapters.llama_cpp.pipe import Packet, PacketTooLargeError
from vaultbot.adapters.llama_cpp.process import ModelProcess, Question
from vaultbot.errors import InvalidRequest, ModelCrashed, ModelInvalid, ModelMissing, ShuttingDown, VaultbotError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vaultbot.models.gguf import GgufInfo

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.03  #: how long a cancel may go unnoticed

_MOST_CRASHES = 2
_ERRORS: Mapping[str, type[VaultbotError]] = {
    error.slug: error for error in (InvalidRequest, ModelInvalid, ModelMissing)
}


class ModelHost:
    """Keeps one model's process. Safe to use from several threads."""

    def __init__(
        self,
        info: GgufInfo,
        options: Packet,
        *,
        choose: str,
        on_ready: Callable[[Packet], None] = lambda _: None,
    ) -> None:
        """`options` are what the process loads the model with; `choose` names the settings that choose another.

        `on_ready` is told what the process says when it has.
        """
        self.process: ModelProcess | None = None
        self._info = info
        self._options = options
        self._choose = choose
        self._on_ready = on_ready
        self._starting = threading.Lock()
        self._crashes: dict[ModelProcess, str] = {}

    def running(self, cancel: threading.Event | None = None) -> ModelProcess | None:
        """The process with the model loaded, started when needed; None when cancelled meanwhile.

        Raises ModelMissing, ModelInvalid, ModelCrashed.
        """
        with self._starting:
            if self.process and self.process.alive:
                return self.process
            if self.process and not self.process.closed:
                self._gone(self.process)
            if self.trouble:
                raise ModelCrashed(self.trouble)
            process = self.process = _started()
            try:
                self._load(process, cancel or threading.Event())
            finally:
                if not process.ready:
                    self.process = None
                    process.close()
            return self.process

    def answer(self, op: str, **words: object) -> Packet:
        """Ask for what has one reply. Raises as `running` does, and InvalidRequest for far too much at once."""
        process = self.running()
        assert process is not None
        question = ask(process, op, **words)
        try:
            return self.reply(process, question)
        finally:
            process.forget(question)

    def reply(self, process: ModelProcess, question: Question, *, timeout: float | None = None) -> Packet:
        """The next reply. Raises the error that the process replied with, ModelCrashed, ShuttingDown; queue.Empty."""
        packet = question.reply(timeout)
        if packet is None:
            raise self._gone(process)
        if error := packet.get("error"):
            raise _ERRORS.get(error, VaultbotError)(packet["message"])
        return packet

    @property
    def trouble(self) -> str | None:
        """Why the process is not started any more, and what to do; None as long as it is."""
        if len(self._crashes) < _MOST_CRASHES:
            return None
        reason = list(self._crashes.values())[-1]
        return (
            f"the model {self._info.path} crashed {len(self._crashes)} times ({reason}) and is not started "
            f"again; choose another with {self._choose}, or restart vaultbot to try once more"
        )

    def close(self) -> None:
        """End the process. A later call starts it again."""
        process, self.process = self.process, None
        if process:
            process.close()

    def _load(self, process: ModelProcess, cancel: threading.Event) -> None:
        question = ask(process, "load", **self._options)
        while not process.ready and not cancel.is_set():
            with contextlib.suppress(queue.Empty):
                packet = self.reply(process, question, timeout=POLL_SECONDS)
                process.ready = True
                self._on_ready(packet)
                if refused := packet.get("template_refused"):
                    _log.warning("%s: its chat template is not used, because %s", self._info.label, refused)
        process.forget(question)

    def _gone(self, process: ModelProcess) -> VaultbotError:
        """The error for a process that went away."""
        if process.closed:
            return ShuttingDown("the model was closed while it was at work; ask again")
        if process not in self._crashes:
            self._crashes[process] = process.epitaph()
            _log.error("%s crashed: %s", self._info.label, self._crashes[process])
        if self.trouble:
            return ModelCrashed(self.trouble)
        reason = self._crashes[process]
        return ModelCrashed(f"the model {self._info.label} crashed ({reason}); ask again to start it anew")


def _started() -> ModelProcess:
    try:
        return ModelProcess()
    except OSError as error:
        raise ModelInvalid(
            f"the model's process cannot be started: {error.strerror or error}; close other programs, and ask again"
        ) from error


def ask(process: ModelProcess, op: str, **words: object) -> Question:
    """Send a request. Raises InvalidRequest when it is far too long."""
    try:
        return process.ask(op, **words)
    except PacketTooLargeError:
        raise InvalidRequest("the text is far too long for a language model; ask with less of it") from None
