"""The ports: what vaultbot needs of an engine, in its own words.

Each has a real adapter in `vaultbot/adapters/` and a small working fake in `tests/fakes.py`; both pass the same
contract tests (`tests/contracts/`). Engines' own types and errors never come through.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from vaultbot.types import TokenUsage

FloatArray: TypeAlias = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns text into unit vectors; a question may be embedded differently from a passage."""

    @property
    def name(self) -> str:
        """For people: "all-MiniLM-L6-v2"."""

    @property
    def fingerprint(self) -> str:
        """Changes when the vectors would: weights, pooling, prefixes, library behaviour."""

    @property
    def dimensions(self) -> int:
        """Length of every vector."""

    @property
    def counts_exactly(self) -> bool:
        """Whether `count_tokens` is the model's own tokenizer; an estimate otherwise."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer, special tokens excluded; never truncated."""

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors; (0, dimensions) for no texts. Longer texts are cut by the model."""

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector."""


class Reranker(Protocol):
    """Reads a question and a text together and says how well the text answers: slower than vectors, and more exact."""

    @property
    def name(self) -> str:
        """For people: "ms-marco-MiniLM-L6-v2"."""

    def score(self, question: str, texts: Sequence[str]) -> FloatArray:
        """(len(texts),) from 0 to 1, each whatever the others are. Longer texts are cut by the model.

        Raises ModelInvalid when the model cannot be loaded, and whatever its engine raises.
        """


class VectorIndex(Protocol):
    """Nearest neighbours by cosine. A throw-away cache: the catalog can rebuild it without the embedder."""

    def upsert(self, vectors: Mapping[str, FloatArray]) -> None:
        """Add or replace unit vectors by id. Applying the same twice is harmless."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove ids; unknown ones are ignored."""

    def query(self, vector: FloatArray, *, limit: int) -> list[tuple[str, float]]:
        """At most `limit` (id, cosine) pairs, best first; fewer when the index holds fewer."""

    def ids(self) -> set[str]:
        """Every id held."""

    def close(self) -> None:
        """Let go of files; nothing may be called afterwards."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a prompt. Its content is data: control tokens written in it must not act."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A piece of generated text. The last piece of a stream has `usage`, and perhaps no text; one before the first may
    tell that the model is not free."""

    text: str
    usage: TokenUsage | None = None
    circled: bool = False  #: the last piece's: it ended because the model said the same again and again
    before: int | None = None  #: in a piece without text: the model answers so many others first; 0: now it is free


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a language model is on this machine, in tokens per second."""

    reading: float  #: of a prompt
    writing: float  #: of an answer


class ChatModel(Protocol):
    """A language model: one on this machine has room for one conversation at a time, a server perhaps for more."""

    @property
    def name(self) -> str:
        """For people: "SmolLM2-135M-Instruct (Q4_1)"."""

    @property
    def parameters(self) -> int:
        """How many weights it has, which decides how it is prompted."""

    @property
    def context_tokens(self) -> int:
        """Room for prompt and answer together."""

    @property
    def loaded(self) -> bool:
        """Whether it can answer at once, without being loaded first."""

    @property
    def speed(self) -> Speed | None:
        """As measured here, at its first load and by every long prompt since; None until it is known."""

    @property
    def trouble(self) -> str | None:
        """Why it was given up after its process died again and again, or does not answer, and what to do; None as long
        as it answers."""

    @property
    def notice(self) -> str | None:
        """That what it reads leaves the machine, where that is so."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as plain text; an estimate where a server does not count."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        prefix: str = "",
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Generation]:
        """Generate an answer to the messages; `prefix` is put in the model's mouth and not repeated in the stream.

        Ends at the model's end-of-turn, at a stop string (not shown), at `max_tokens`, when the model goes in circles,
        or soon after `cancel` is set, also in the middle of reading the prompt. Closing the iterator cancels too.

        Raises ModelMissing, ModelInvalid when the model cannot be loaded; ModelCrashed when its process dies;
        Unreachable when it is on a server that does not answer, now; InvalidRequest when the prompt does not fit
        `context_tokens`.
        """

    def close(self) -> None:
        """End the model's process and free its memory. A later call starts it again."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The text of a document page by page, as far as it could be read."""

    texts: tuple[str, ...]  #: lines as they stand on the page; "" for a page without text
    problem: str | None = None  #: what is missing, why, and what to do about it: "is protected by a password; …"


class PageReader(Protocol):
    """Gets the text out of a document that only a program can read."""

    def pages(self, data: bytes) -> Pages:
        """The text of a PDF. Whatever the bytes hold, what cannot be read is said in `problem`.

        Takes a minute at most. Raises VaultbotError when no PDF can be read on this machine.
        """
