"""The process that holds a model in a GGUF file, because native code can take its process down with it.

Started as `python -m vaultbot.adapters.llama_cpp.child`, with packets on stdin and stdout
(`pipe`)::

    → load      task: chat or embedding, path, context_tokens, layers,
                threads; for chat sampling, measured, state                  ← ready: template_refused, speed
    → count     texts                                                        ← counts
    → embed     texts                                                        ← vectors: float32, in base64
    → generate  messages, prefix, stop, max_tokens                           ← text …, then usage, circled,
                                                                               speed
    → cancel    (the running generation ends soon, with its usage)

Every packet but cancel has an id, which its replies repeat; a reply may be an error instead: slug and
message. One thread listens, so that counting and cancelling work while the other generates; when stdin
ends, so does the process, whatever it is doing, after it has kept what it has read. It imports
the standard library, Jinja2, llama_cpp, which brings numpy, and light modules of ours.
"""

from __future__ import annotations

import base64
import contextlib
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from vaultbot.adapters.llama_cpp import pipe
from vaultbot.adapters.llama_cpp.measured import MeasuredFile
from vaultbot.errors import ModelInvalid, VaultbotError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultbot.adapters.llama_cpp.embedding_engine import EmbeddingEngine
    from vaultbot.adapters.llama_cpp.engine import Engine
    from vaultbot.adapters.llama_cpp.pipe import Packet
    from vaultbot.adapters.llama_cpp.state import KeptState

_END_SECONDS = 0.5  # for a cancelled computation to end


class Child:
    """Serves one parent."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        self._requests = requests
        self._replies = replies
        self._writing = threading.Lock()
        self._work: queue.SimpleQueue[Packet] = queue.SimpleQueue()
        self._engine: Engine | EmbeddingEngine | None = None
        self._busy = threading.Lock()  # held by the thread that works
        self._measured: MeasuredFile | None = None
        self._state: KeptState | None = None

    def run(self) -> None:
        """Serve until the parent is gone."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            request = self._work.get()
            with self._busy, self._errors_to(request):
                if request["op"] == "load":
                    self._load(request)
                elif request["op"] == "embed":
                    self._embed(cast("EmbeddingEngine", self._engine), request)
                else:
                    self._generate(cast("Engine", self._engine), request)

    def _listen(self) -> None:
        while (request := pipe.read(self._requests)) is not None:
            if self._engine is None or request["op"] in ("load", "embed"):
                self._work.put(request)
            elif request["op"] == "count":
                self._reply(request, counts=self._engine.vocabulary.count(request["texts"]))
            elif request["op"] == "cancel":
                cast("Engine", self._engine).cancel()
            else:
                cast("Engine", self._engine).resume()
                self._work.put(request)
        if self._state is not None and self._engine is not None:
            cast("Engine", self._engine).cancel()
            if self._busy.acquire(timeout=_END_SECONDS):
                cast("Engine", self._engine).keep(self._state)
        # Not sys.exit: the other thread may be deep in native code.
        os._exit(0)

    def _load(self, request: Packet) -> None:
        try:
            from vaultbot.adapters.llama_cpp.embedding_engine import EmbeddingEngine
            from vaultbot.adapters.llama_cpp.opening import open_engine
            from vaultbot.adapters.llama_cpp.sampler import Sampling
            from vaultbot.adapters.llama_cpp.state import KeptState
        except (ImportError, OSError, RuntimeError) as error:
            raise ModelInvalid(
                f"local models need llama-cpp-python, which cannot be imported here ({error}); "
                "run: pip install llama-cpp-python"
            ) from None
        path = Path(request["path"])
        options = {name: request[name] for name in ("context_tokens", "layers", "threads")}
        if request["task"] == "embedding":
            self._engine = EmbeddingEngine(path, **options)
            self._reply(request, ready=True)
        else:
            self._measured = MeasuredFile(Path(request["measured"])) if request["measured"] else None
            engine = open_engine(path, **options, sampling=Sampling(**request["sampling"]), measured=self._measured)
            if kept := request["state"]:
                self._state = KeptState(Path(kept["path"]), kept["key"])
                engine.take_up(self._state)
            self._engine = engine
            self._reply(request, ready=True, template_refused=engine.prompts.template_refused, speed=_speed_of(engine))

    def _embed(self, engine: EmbeddingEngine, request: Packet) -> None:
        vectors = engine.embed(request["texts"])
        self._reply(request, vectors=base64.b64encode(vectors.astype("<f4").tobytes()).decode("ascii"))

    def _generate(self, engine: Engine, request: Packet) -> None:
        prefix = request["prefix"]
        prompt = engine.prompts.tokens(request["messages"], prefix=prefix)
        generated = engine.begin(prompt)
        for text in engine.generate(
            prompt, generated, max_tokens=request["max_tokens"], stop=request["stop"], lstrip=not prefix
        ):
            self._reply(request, text=text)
        self._reply(request, usage=generated.usage, circled=generated.circled, speed=_speed_of(engine))
        if self._measured is not None:
            self._measured.correct(engine.speedometer.speed)

    @contextlib.contextmanager
    def _errors_to(self, request: Packet) -> Iterator[None]:
        try:
            yield
        except VaultbotError as error:
            self._reply(request, error=error.slug, message=str(error))

    def _reply(self, request: Packet, **words: object) -> None:
        with self._writing, contextlib.suppress(OSError):
            pipe.write(self._replies, {"id": request["id"], **words})


def _speed_of(engine: Engine) -> dict[str, float] | None:
    speed = engine.speedometer.speed
    return asdict(speed) if speed else None


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent, out of reach of native code that prints to stdout."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _be_modest() -> None:
    """No core dumps, which would hold notes; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Run the child."""
    sys.stderr.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    requests, replies = _private_pipes()
    _be_modest()
    Child(requests, replies).run()


if __name__ == "__main__":
    main()
