"""Small working stand-ins for the engines; they pass the same contract tests as the real adapters."""

from __future__ import annotations

import re
import threading
import zlib
from typing import TYPE_CHECKING

import numpy as np

from vaultbot.errors import InvalidRequest
from vaultbot.protocols import Generation, Message, Pages, Speed
from vaultbot.types import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vaultbot.protocols import FloatArray


class Clock:
    """Tells the time that a test sets, in seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class HashEmbedder:
    """An Embedder whose texts are close when they share words: each word adds one of `dimensions` directions.

    `embedded` holds every text it was given, in order; `failure`, once set, is raised instead of an answer. With more
    `tokens_a_word` it cuts notes into shorter passages.
    """

    def __init__(self, *, fingerprint: str = "hash-1", dimensions: int = 64, tokens_a_word: int = 1) -> None:
        self.name = "hash"
        self.fingerprint = fingerprint
        self.dimensions = dimensions
        self.tokens_a_word = tokens_a_word
        self.calls = 0
        self.embedded: list[str] = []
        self.failure: Exception | None = None

    @property
    def counts_exactly(self) -> bool:
        return True

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [self.tokens_a_word * len(_words(text)) for text in texts]

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        if self.failure:
            raise self.failure
        self.calls += 1
        self.embedded.extend(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else np.zeros((0, self.dimensions), np.float32)

    def embed_query(self, text: str) -> FloatArray:
        if self.failure:
            raise self.failure
        return self._vector(text)

    def _vector(self, text: str) -> FloatArray:
        vector = np.zeros(self.dimensions, np.float32)
        for word in _words(text) or [""]:
            vector[zlib.crc32(f"{self.fingerprint} {word.lower()}".encode(errors="replace")) % self.dimensions] += 1
        return vector / np.linalg.norm(vector)


class WordReranker:
    """A Reranker for which a text answers as far as it has the question's words, in whatever order and number.

    `read` holds every text it was given, in order. `failure`, once set, is raised instead of an answer. While `gate` is
    not set, it reads on.
    """

    def __init__(self) -> None:
        self.name = "words"
        self.read: list[str] = []
        self.failure: Exception | None = None
        self.says: float | None = None  #: of every text, once set
        self.gate = threading.Event()
        self.gate.set()

    def score(self, question: str, texts: Sequence[str]) -> FloatArray:
        self.read.extend(texts)
        assert self.gate.wait(60)
        if self.failure:
            raise self.failure
        wanted = {word.lower() for word in _words(question) if word.isalnum()}
        shares = [len(wanted & {word.lower() for word in _words(text)}) / max(1, len(wanted)) for text in texts]
        return np.array(shares if self.says is None else [self.says] * len(texts), np.float32)


class ListVectorIndex:
    """A VectorIndex that looks at every vector; `failure`, once set, is raised by everything but `close`."""

    def __init__(self) -> None:
        self.vectors: dict[str, FloatArray] = {}
        self.failure: Exception | None = None
        self.closed = 0

    def upsert(self, vectors: Mapping[str, FloatArray]) -> None:
        self._may_fail()
        self.vectors.update(vectors)

    def delete(self, ids: Sequence[str]) -> None:
        self._may_fail()
        for identity in ids:
            self.vectors.pop(identity, None)

    def query(self, vector: FloatArray, *, limit: int) -> list[tuple[str, float]]:
        self._may_fail()
        scores = [(identity, float(kept @ vector)) for identity, kept in self.vectors.items()]
        return sorted(scores, key=lambda one: -one[1])[:limit]

    def ids(self) -> set[str]:
        self._may_fail()
        return set(self.vectors)

    def close(self) -> None:
        self.closed += 1

    def _may_fail(self) -> None:
        if self.failure:
            raise self.failure


class PlainPageReader:
    """A PageReader of PDFs that are plain text, a form feed between pages. `reads` counts the files it was given."""

    def __init__(self) -> None:
        self.reads = 0

    def pages(self, data: bytes) -> Pages:
        self.reads += 1
        head, _, text = data.partition(b"\n")
        if head != b"%PDF plain":
            return Pages((), "is no plain PDF; write it as the tests do")
        return Pages(tuple(text.decode().split("\f")))


class ScriptedChatModel:
    """A ChatModel that says what it was told to; a word with the space before it is a token.

    `replies` maps a part of the last message to the reply; the key "" answers everything else. `asked` keeps
    every prompt, for a test to look at. `prefix` is cut off a reply that begins with it.
    """

    def __init__(
        self,
        replies: Mapping[str, str] | None = None,
        *,
        name: str = "scripted",
        parameters: int = 1_000_000_000,
        context_tokens: int = 4096,
        speed: Speed | None = None,
    ) -> None:
        self._replies = dict(replies or {"": "I have nothing to say."})
        self._name = name
        self._parameters = parameters
        self._context_tokens = context_tokens
        self.speed = speed
        self._speaking = threading.Lock()
        self._loaded = False
        self.asked: list[tuple[Message, ...]] = []
        self.closed = 0  #: how often it was closed

    @property
    def name(self) -> str:
        return self._name

    @property
    def parameters(self) -> int:
        return self._parameters

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    @property
    def loaded(self) -> bool:
        return self._loaded

    @property
    def trouble(self) -> str | None:
        return None

    @property
    def notice(self) -> str | None:
        return None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self._loaded = self._loaded or bool(texts)
        return [len(_tokens(text)) for text in texts]

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        prefix: str = "",
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Generation]:
        if not messages or max_tokens < 1:
            raise InvalidRequest("a generation needs at least one message and max_tokens of at least 1")
        return self._stream(tuple(messages), max_tokens, prefix, stop, cancel or threading.Event())

    def close(self) -> None:
        self.closed += 1
        self._loaded = False

    def _stream(
        self,
        messages: tuple[Message, ...],
        max_tokens: int,
        prefix: str,
        stop: Sequence[str],
        cancel: threading.Event,
    ) -> Iterator[Generation]:
        with self._speaking:
            self.asked.append(messages)
            prompt = sum(self.count_tokens([*(message.content for message in messages), prefix]))
            if prompt >= self._context_tokens:
                raise InvalidRequest(f"the prompt has {prompt} tokens; there is room for {self._context_tokens}")
            reply = self._reply(messages[-1].content).removeprefix(prefix)
            ends = [at for text in stop if text and (at := reply.find(text)) >= 0]
            spoken = 0
            for token in _tokens(reply[: min(ends, default=len(reply))])[:max_tokens]:
                if cancel.is_set():
                    break
                spoken += 1
                yield Generation(token)
            yield Generation("", TokenUsage(prompt=prompt, completion=spoken))

    def _reply(self, question: str) -> str:
        found = [reply for part, reply in self._replies.items() if part and part in question]
        return found[0] if found else self._replies.get("", "")


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _words(text: str) -> list[str]:
    """Words and, in scripts without spaces, characters."""
    return re.findall(r"[\u3040-\ua4cf\uac00-\ud7a3]|[^\W\u3040-\ua4cf\uac00-\ud7a3]+|[^\w\s]", text)
