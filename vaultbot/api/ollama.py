"""Routes that clients of Ollama's API can use as they are, where the settings allow it.

Such clients send no token, so these routes need none: whoever may use this machine may ask. Pages of other origins may
not (api/guard.py).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, BeforeValidator, Field

from vaultbot import __version__
from vaultbot.api.conversation import Said
from vaultbot.api.dialects import CannotDo, failure, json_bytes, model_not_found
from vaultbot.api.leaving import unless_left
from vaultbot.api.limits import STREAM_SECONDS
from vaultbot.api.openai_schemas import ChatMessage, limit_of, stops_of, texts_of
from vaultbot.api.speaking import EMBEDS, Piece, model_names, said_by
from vaultbot.api.sse import FrameStream
from vaultbot.api.vectors import vectors_of
from vaultbot.assistant import Assistant
from vaultbot.types import TokenUsage

_LATEST = ":latest"


class Options(BaseModel):
    """Settings of one answer, as far as they matter here."""

    num_predict: int | None = None
    stop: str | list[str] | None = None


class Asked(BaseModel):
    """What every request has."""

    model: str | None = Field(None, max_length=200)
    name: str | None = Field(None, max_length=200, description="What older clients call the model")

    @property
    def chosen(self) -> str:
        """The model without a tag. Raises CannotDo when none is named."""
        if not (wanted := self.model or self.name):
            raise CannotDo("model: name a model", param="model")
        return wanted.removesuffix(_LATEST)


class Speech(Asked):
    """What requests for words have."""

    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: Annotated[Options, BeforeValidator(lambda given: given or {})] = Options()
    images: list[Any] | None = None


class OllamaMessage(ChatMessage):
    """One message of a conversation."""

    images: list[Any] | None = None

    def said(self) -> Said:
        """The message's text. Raises CannotDo for pictures."""
        _refuse_pictures(self.images)
        return super().said()


class ChatAsked(Speech):
    """`POST /api/chat`."""

    messages: list[OllamaMessage] = Field(default=[], max_length=2000)


class GenerateAsked(Speech):
    """`POST /api/generate`."""

    prompt: str | None = None
    system: str | None = None


class EmbedAsked(Asked):
    """`POST /api/embed` and, with `prompt`, `POST /api/embeddings`."""

    input: str | list[str] | None = None
    prompt: str | None = None
    dimensions: int | None = None


def make_ollama_routes(assistant: Assistant) -> APIRouter:
    """`/api/chat` and its kin."""
    routes = APIRouter(include_in_schema=False)
    began = _now()

    @routes.get("/api/version")
    def version() -> dict[str, str]:
        """vaultbot's own."""
        return {"version": __version__}

    @routes.get("/api/tags")
    def tags() -> dict[str, Any]:
        """The models that can be asked for."""
        return {"models": [_model_page(name, began) for name in model_names(assistant)]}

    @routes.get("/api/ps")
    def running() -> dict[str, Any]:
        """The same: they are all there."""
        return tags()

    @routes.post("/api/show")
    def show(asked: Asked) -> dict[str, Any]:
        """What one model can do."""
        if asked.chosen not in model_names(assistant):
            raise model_not_found(model_names(assistant))
        embeds = asked.chosen == EMBEDS
        page = _model_page(asked.chosen, began)
        info: dict[str, object] = {"general.architecture": "vaultbot", "general.basename": asked.chosen}
        info["vaultbot.context_length"] = assistant.config.model.context_tokens
        embedder = assistant.embedder
        if embeds and embedder is not None:
            info["vaultbot.embedding_length"] = embedder.dimensions
        return {
            "modelfile": "",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "details": page["details"],
            "model_info": info,
            "capabilities": ["embedding"] if embeds else ["completion"],
            "modified_at": began,
        }

    @routes.post("/api/chat")
    async def chat(asked: ChatAsked, request: Request) -> Response:
        """An answer to a conversation: lines of JSON, or one object with `"stream": false`."""
        messages = [message.said() for message in asked.messages]
        if not messages:
            return _loaded(asked, {"message": {"role": "assistant", "content": ""}})
        return await _spoken(request, asked, messages, lambda text: {"message": {"role": "assistant", "content": text}})

    @routes.post("/api/generate")
    async def generate(asked: GenerateAsked, request: Request) -> Response:
        """An answer to a single prompt."""
        if not asked.prompt:
            return _loaded(asked, {"response": ""})
        messages = [*([Said("system", asked.system)] if asked.system else []), Said("user", asked.prompt)]
        return await _spoken(request, asked, messages, lambda text: {"response": text})

    @routes.post("/api/embed")
    async def embed(asked: EmbedAsked, request: Request) -> dict[str, Any]:
        """Vectors of texts."""
        began_ns, cancel, texts = time.monotonic_ns(), threading.Event(), texts_of(asked.input or [])
        found = await unless_left(
            request,
            lambda: vectors_of(assistant, asked.chosen, texts, dimensions=asked.dimensions, cancel=cancel),
            cancel,
        )
        return {
            "model": asked.model,
            "embeddings": found.vectors.tolist(),
            "total_duration": time.monotonic_ns() - began_ns,
            "load_duration": 0,
            "prompt_eval_count": found.tokens,
        }

    @routes.post("/api/embeddings")
    async def embedding(asked: EmbedAsked, request: Request) -> dict[str, Any]:
        """The vector of one text, as older clients ask for it."""
        asked = asked.model_copy(update={"input": [asked.prompt or asked.input or ""], "dimensions": None})
        return {"embedding": (await embed(asked, request))["embeddings"][0]}

    async def _spoken(
        request: Request, asked: Speech, messages: Sequence[Said], put: Callable[[str], dict[str, object]]
    ) -> Response:
        _refuse_pictures(asked.images)
        cancel, form = threading.Event(), _Lines(asked.model or asked.chosen, put)
        pieces = said_by(
            assistant,
            asked.chosen,
            messages,
            cancel=cancel,
            only_words=bool(asked.format),
            max_tokens=limit_of(asked.options.num_predict),
            stop=stops_of(asked.options.stop),
        )
        if asked.stream is False:
            said = await unless_left(request, lambda: list(pieces), cancel)
            page = form.last("".join(piece.text for piece in said), said[-1])
            return Response(json_bytes(page), media_type="application/json")
        first = await run_in_threadpool(next, pieces)  # A refusal has its status; later it is a line.
        return FrameStream(
            form.lines(chain([first], pieces), close=pieces),
            frame=_line,
            failure=lambda error, instance: _line(failure(error, instance, "ollama")),
            heartbeat=_line(form.line("")),
            media_type="application/x-ndjson",
            on_disconnect=cancel.set,
            longest_seconds=STREAM_SECONDS,
        )

    return routes


class _Lines:
    """One answer in Ollama's form."""

    def __init__(self, model: str, put: Callable[[str], dict[str, object]]) -> None:
        self._model = model
        self._put = put
        self._began_ns = time.monotonic_ns()
        self._first_ns: int | None = None

    def lines(self, pieces: Iterator[Piece], *, close: Iterator[Piece]) -> Iterator[dict[str, object]]:
        """The answer line by line; `close` is ended with it."""
        try:
            last = Piece("")
            for piece in pieces:
                if piece.text:
                    yield self.line(piece.text)
                last = piece
            yield self.last("", last)
        finally:
            if end := getattr(close, "close", None):
                end()

    def line(self, text: str) -> dict[str, object]:
        """A piece of the answer."""
        self._first_ns = self._first_ns or time.monotonic_ns()
        return {"model": self._model, "created_at": _now(), **self._put(text), "done": False}

    def last(self, text: str, piece: Piece) -> dict[str, object]:
        """The end of the answer, with its times in nanoseconds."""
        usage, now = piece.usage or TokenUsage(), time.monotonic_ns()
        first = self._first_ns or now
        return {
            **self.line(text),
            "done": True,
            "done_reason": "length" if piece.cut_off else "stop",
            "total_duration": now - self._began_ns,
            "load_duration": 0,
            "prompt_eval_count": usage.prompt,
            "prompt_eval_duration": first - self._began_ns,
            "eval_count": usage.completion,
            "eval_duration": now - first,
        }


def _loaded(asked: Speech, nothing: dict[str, object]) -> Response:
    """The answer to no question, by which clients have a model loaded; ours are loaded by the first one."""
    page = {"model": asked.model or asked.chosen, "created_at": _now(), **nothing, "done": True, "done_reason": "load"}
    return Response(json_bytes(page), media_type="application/json")


def _refuse_pictures(images: Sequence[object] | None) -> None:
    if images:
        raise CannotDo("images: vaultbot reads text alone; leave them out", param="images")


def _model_page(name: str, modified: str) -> dict[str, Any]:
    family = "vaultbot"
    return {
        "name": f"{name}{_LATEST}",
        "model": f"{name}{_LATEST}",
        "modified_at": modified,
        "size": 0,
        "digest": hashlib.sha256(f"{__version__} {name}".encode()).hexdigest(),
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": family,
            "families": [family],
            "parameter_size": "",
            "quantization_level": "",
        },
    }


def _line(data: object) -> bytes:
    return json_bytes(data) + b"\n"


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
