"""Routes that clients of OpenAI's API can use as they are: three models, chat, and vectors."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from vaultbot.api.dialects import failure, json_bytes, model_not_found
from vaultbot.api.leaving import unless_left
from vaultbot.api.limits import STREAM_SECONDS
from vaultbot.api.markdown import escaped
from vaultbot.api.openai_schemas import ChatRequest, EmbeddingRequest, texts_of
from vaultbot.api.speaking import Piece, model_names, said_by
from vaultbot.api.sse import FrameStream
from vaultbot.api.vectors import vectors_of
from vaultbot.assistant import Assistant
from vaultbot.errors import VaultbotError
from vaultbot.protocols import FloatArray
from vaultbot.types import TokenUsage

_DONE = b"data: [DONE]\n\n"
#: Clients that know no error within a stream show this.
_BROKE_OFF = "\n\n*The answer breaks off here: {}*"


def make_openai_routes(assistant: Assistant) -> APIRouter:
    """`/v1/…`, behind the token like everything else."""
    routes = APIRouter(prefix="/v1", include_in_schema=False)  # OpenAI describes them.
    began = int(time.time())

    def model_page(name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": began, "owned_by": "vaultbot"}

    @routes.get("/models")
    def models() -> dict[str, Any]:
        """The models that can be asked for."""
        return {"object": "list", "data": [model_page(name) for name in model_names(assistant)]}

    @routes.get("/models/{name}")
    def model(name: str) -> dict[str, Any]:
        """One of them."""
        names = model_names(assistant)
        if name not in names:
            raise model_not_found(names)
        return model_page(name)

    @routes.post("/chat/completions")
    async def chat(asked: ChatRequest, request: Request) -> Response:
        """An answer to a conversation: one object, or server-sent events with `"stream": true`."""
        asked.check()
        cancel = threading.Event()
        pieces = said_by(
            assistant,
            asked.model,
            [message.said() for message in asked.messages],
            cancel=cancel,
            only_words=asked.wants_words_alone,
            max_tokens=asked.most_tokens,
            stop=asked.stops,
        )
        form = _Form(asked.model)
        if not asked.stream:
            said = await unless_left(request, lambda: list(pieces), cancel)
            return Response(json_bytes(form.whole(said)), media_type="application/json")
        first = await run_in_threadpool(next, pieces)  # A refusal has its status; later it is a chunk.
        return FrameStream(
            form.chunks(chain([first], pieces), usage=bool(asked.stream_options.include_usage), close=pieces),
            frame=_frame,
            failure=lambda error, instance: _frame(failure(error, instance, "openai")),
            heartbeat=_frame(form.chunk({"content": ""})),
            media_type="text/event-stream",
            on_disconnect=cancel.set,
            longest_seconds=STREAM_SECONDS,
        )

    @routes.post("/embeddings")
    async def embeddings(asked: EmbeddingRequest, request: Request) -> Response:
        """Vectors of texts."""
        texts, cancel = texts_of(asked.input), threading.Event()
        found = await unless_left(
            request,
            lambda: vectors_of(assistant, asked.model, texts, dimensions=asked.dimensions, cancel=cancel),
            cancel,
        )
        put = _base64 if asked.encoding_format == "base64" else _floats
        vectors = [put(vector) for vector in found.vectors]
        page = {
            "object": "list",
            "data": [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(vectors)],
            "model": asked.model,
            "usage": {"prompt_tokens": found.tokens, "total_tokens": found.tokens},
        }
        return Response(json_bytes(page), media_type="application/json")

    return routes


class _Form:
    """One answer in OpenAI's form."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._id = f"chatcmpl-{uuid4().hex}"
        self._created = int(time.time())

    def whole(self, pieces: Sequence[Piece]) -> dict[str, object]:
        """The answer as one object."""
        last = pieces[-1]
        message = {"role": "assistant", "content": "".join(piece.text for piece in pieces), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(last)}
        page = {**self._head("chat.completion"), "choices": [choice], "usage": _usage(last.usage)}
        return {**page, **_structured(last)}

    def chunks(self, pieces: Iterator[Piece], *, usage: bool, close: Iterator[Piece]) -> Iterator[object]:
        """The answer chunk by chunk; `close` is ended with it."""
        try:
            last = Piece("")
            for at, piece in enumerate(pieces):
                if at == 0:
                    yield self.chunk({"role": "assistant", "content": ""})
                if piece.text:
                    yield self.chunk({"content": piece.text})
                last = piece
            yield {**self.chunk({"content": ""}, finish=_finish(last)), **_structured(last)}
            if usage:
                yield {**self._head("chat.completion.chunk"), "choices": [], "usage": _usage(last.usage)}
            yield None
        except Exception as error:
            reason = str(error) if isinstance(error, VaultbotError) else "an error inside vaultbot; see its log"
            yield self.chunk({"content": _BROKE_OFF.format(escaped(reason))})
            raise
        finally:
            if end := getattr(close, "close", None):
                end()

    def chunk(self, delta: dict[str, str], *, finish: str | None = None) -> dict[str, object]:
        """A chunk; its content is always a text."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, kind: str) -> dict[str, object]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}


def _frame(data: object) -> bytes:
    return _DONE if data is None else b"data: " + json_bytes(data) + b"\n\n"


def _finish(last: Piece) -> str:
    return "length" if last.cut_off else "stop"


def _usage(usage: TokenUsage | None) -> dict[str, object]:
    """Tokens of the language model; none where it was not asked."""
    told = usage or TokenUsage()
    return {
        "prompt_tokens": told.prompt,
        "completion_tokens": told.completion,
        "total_tokens": told.prompt + told.completion,
        "prompt_tokens_details": {"cached_tokens": told.cached},
    }


def _structured(last: Piece) -> dict[str, object]:
    return {"vaultbot": asdict(last.answer)} if last.answer is not None else {}


def _floats(vector: FloatArray) -> object:
    return vector.tolist()


def _base64(vector: FloatArray) -> object:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
