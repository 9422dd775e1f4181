"""Embeddings from an OpenAI-compatible server: Ollama, llama-server, LM Studio, vLLM, or a service on the internet.

Texts leave the machine only where the settings say so in as many words, and `notice` says it again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from vaultbot.adapters.openai_endpoint import TooLong, names_at, post
from vaultbot.adapters.sentence_transformers import clean_text
from vaultbot.adapters.server import Server, TookTooLong
from vaultbot.errors import ConfigError, ModelInvalid, Unreachable, VaultbotError
from vaultbot.models.embedding_registry import find_embedding_model
from vaultbot.protocols import FloatArray

_COOL_S = 30.0  #: after a failure no question waits for the server for so long
_MOST_CHARACTERS = 100_000
_FEWEST_CHARACTERS = 100  #: a text this short is too long for no model
_MOST_DIMENSIONS = 16_384
_BYTES_A_NUMBER = 32
_LEAST_COSINE = 0.95  #: of a text's vectors by one model, however it is quantized
_READY = "ready"
_BACKGROUND = 0  #: in place of a thread's number, which is never 0

CountTokens: TypeAlias = Callable[[Sequence[str]], list[int]]
#: By a fingerprint: a text and the vector that was kept of it; None when there is none.
Known: TypeAlias = Callable[[str], tuple[str, FloatArray] | None]


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long to wait for an answer, and how often to ask a busy server."""

    tries: int
    timeout_s: float


_QUESTION = _Patience(1, 2.5)
_PASSAGES = _Patience(4, 120.0)  #: a server may load the model first


class OpenAiEmbedder:
    """An `Embedder` that asks a server. Safe to use from several threads.

    `count_tokens` estimates: such servers do not count. By a vector that is `known` it notices that the server has put
    another model in the place of the one that made the index.

    Nobody waits twice for a server that hangs. Once it did not answer in time everything fails at once, and a thread in
    the background waits until it answers again.
    """

    def __init__(
        self,
        server: Server,
        *,
        model: str,
        count_tokens: CountTokens,
        known: Known = lambda _: None,
        batch_size: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError when no model is named."""
        if not model.strip():
            raise ConfigError(
                f"[embedding] remote_model must name the model that {server.address} is to use, such as "
                f"nomic-embed-text{names_at(server)}"
            )
        self._server = server
        self._model = model
        self._count = count_tokens
        self._known = known
        self._batch_size = batch_size
        self._clock = clock
        registered = find_embedding_model(model)
        self._query_prompt = registered.query_prompt if registered else ""
        self._document_prompt = registered.document_prompt if registered else ""
        self._size: int | None = None  #: of a vector, once the server has given one and it fits the index
        self._lock = threading.Lock()  # Never held while the server is asked.
        self._resting: tuple[float, str] | None = None  #: until when no question is asked, and why
        self._hangs: str | None = None  #: why nothing is asked but by the thread in the background
        self._background = False
        self._answers = 0
        self._waiting: dict[int, float] = {}  #: thread → since when it waits for the vectors of passages

    @property
    def name(self) -> str:
        """ "nomic-embed-text at http://127.0.0.1:11434/v1"."""
        return f"{self._model} at {self._server.address}"

    @cached_property
    def fingerprint(self) -> str:
        """Hash of address, model and the words before a text: the server is not asked."""
        parts = ("openai", self._server.address, self._model, self._query_prompt, self._document_prompt)
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    @property
    def dimensions(self) -> int:
        """Of a known vector; the server is asked the first time ever. Raises as `embed_query`."""
        if self._size is not None:
            return self._size
        known = self._known(self.fingerprint)
        return len(self.embed_query(_READY) if known is None else known[1])

    @property
    def sends_to(self) -> str | None:
        """The address beyond this machine that the texts go to; None when they stay here."""
        return self._server.sends_to

    @property
    def notice(self) -> str | None:
        """That texts leave the machine, when they do."""
        if self.sends_to is None:
            return None
        return (
            f"the text of your notes and your questions are sent to {self.sends_to} to be embedded; "
            "to keep them on this machine, take [embedding] base_url out of the settings"
        )

    def load(self) -> None:
        """Nothing: a server that is not running yet must not keep words from being searched."""

    def close(self) -> None:
        """Nothing is held."""

    @property
    def counts_exactly(self) -> bool:
        """A server does not tell its tokens."""
        return False

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate."""
        return self._count(texts)

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors. A text that the server finds too long is cut by halves.

        Raises Unreachable, ModelMissing, ModelInvalid.
        """
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        self._check_hanging(waiting_in_vain=self._longest_wait(foreground=True))
        if (known := self._unchecked()) is not None:
            self._compare(known[1], self._embed([self._document_prompt + known[0]], _PASSAGES)[0])
        parts = []
        for start in range(0, len(texts), self._batch_size):
            batch = [self._document_prompt + text for text in texts[start : start + self._batch_size]]
            parts.append(self._embed(batch, _PASSAGES))
            self._compare(None, parts[-1][0])
        return np.concatenate(parts)

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector. After a failure it fails at once for some seconds: a question does not wait.

        Raises Unreachable, ModelMissing, ModelInvalid.
        """
        self._check_hanging(waiting_in_vain=self._longest_wait())
        if self._resting is not None and self._clock() < self._resting[0]:
            raise Unreachable(self._resting[1])
        known = self._unchecked()
        # In one request, for it is a question that waits.
        texts = [self._document_prompt + known[0]] if known else []
        vectors = self._embed([*texts, self._query_prompt + text], _QUESTION)
        self._compare(known[1] if known else None, vectors[0])
        vector: FloatArray = vectors[-1]
        return vector

    def _embed(self, texts: Sequence[str], patience: _Patience) -> FloatArray:
        try:
            vectors = self._asked(texts, patience)
        except TooLong:
            if len(texts) > 1:
                return np.concatenate([self._embed([text], patience) for text in texts])
            if len(texts[0]) <= _FEWEST_CHARACTERS:
                raise
            return self._embed([texts[0][: len(texts[0]) // 2]], patience)
        if self._size is not None and vectors.shape[1] != self._size:
            raise self._another_model()
        return vectors

    # ── does it answer? ────────────────────────────────────────────────────────────────────────────────────────

    def _asked(self, texts: Sequence[str], patience: _Patience) -> FloatArray:
        """The server's answer; what its failure means for those who ask next is kept."""
        try:
            with self._counted(patience):
                vectors = self._post(texts, patience)
        except Unreachable as error:
            self._resting = self._clock() + _COOL_S, str(error)
            if isinstance(error, TookTooLong):
                # At first a server may be loading the model, for which passages wait and questions do not.
                if patience is _PASSAGES or self._size is not None:
                    self._hangs = str(error)
                self._wait_in_the_background()
            raise
        self._answers += 1
        self._resting = self._hangs = None
        return vectors

    def _check_hanging(self, *, waiting_in_vain: float) -> None:
        """Raises Unreachable rather than wait for a server for which somebody waits already."""
        if self._hangs is not None:
            self._wait_in_the_background()
            raise Unreachable(self._hangs)
        if waiting_in_vain > _QUESTION.timeout_s:
            raise Unreachable(
                f"{self._server.address} has not answered for {waiting_in_vain:.0f} seconds: it is busy, or it hangs"
            )

    def _longest_wait(self, *, foreground: bool = False) -> float:
        """For how many seconds another thread has waited for vectors of passages."""
        with self._lock:
            since = [
                began
                for thread, began in self._waiting.items()
                if thread != threading.get_ident() and not (foreground and thread == _BACKGROUND)
            ]
        return self._clock() - min(since) if since else 0.0

    @contextmanager
    def _counted(self, patience: _Patience) -> Iterator[None]:
        thread = threading.get_ident()
        if patience is _PASSAGES:
            with self._lock:
                self._waiting[thread] = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(thread, None)

    def _wait_in_the_background(self) -> None:
        """Wait for an answer as long as passages would, while nobody else does."""
        with self._lock:
            if self._background:
                return
            self._background = True
            self._waiting[_BACKGROUND] = self._clock()
        threading.Thread(target=self._wait_for_an_answer, name="embedding server", daemon=True).start()

    def _wait_for_an_answer(self) -> None:
        hangs, answers = None, self._answers
        try:
            self._post([_READY], _Patience(1, _PASSAGES.timeout_s))
            self._resting = None
        except TookTooLong as error:
            if self._answers == answers:  # Others may have had more luck since.
                hangs = str(error)
        except VaultbotError:
            pass  # It answers at least: who asks next is told what.
        finally:
            self._hangs = hangs
            with self._lock:
                self._background = False
                self._waiting.pop(_BACKGROUND, None)

    def _post(self, texts: Sequence[str], patience: _Patience) -> FloatArray:
        # Servers refuse an empty text.
        given = [clean_text(text)[:_MOST_CHARACTERS] or " " for text in texts]
        answer = post(
            self._server,
            "/embeddings",
            {"model": self._model, "input": given, "encoding_format": "float"},
            tries=patience.tries,
            timeout_s=patience.timeout_s,
            limit=10_000 + len(texts) * _MOST_DIMENSIONS * _BYTES_A_NUMBER,
        )
        vectors = _vectors(answer, len(texts))
        if vectors is None:
            raise ModelInvalid(
                f"{self._server.address} gave no vectors for [embedding] remote_model = {self._model}; "
                "choose a model for embedding"
            )
        return vectors

    # ── is it the same model? ──────────────────────────────────────────────────────────────────────────────────

    def _unchecked(self) -> tuple[str, FloatArray] | None:
        """A text of the index and its vector, as long as the server's was not compared with it."""
        return self._known(self.fingerprint) if self._size is None else None

    def _compare(self, kept: FloatArray | None, now: FloatArray) -> None:
        """Raises ModelInvalid when a vector of the index is not what the server makes of the same text now."""
        if kept is not None and (len(kept) != len(now) or kept @ now < _LEAST_COSINE):
            raise self._another_model()
        self._size = len(now)

    def _another_model(self) -> ModelInvalid:
        return ModelInvalid(
            f"{self._server.address} has another model than before under the name {self._model}, so its vectors do "
            "not fit the index; put the former one back, or set [embedding] remote_model to another name for the new "
            "one, and every note is embedded anew"
        )


def _vectors(answer: Any, count: int) -> FloatArray | None:
    """Unit vectors in the order of the texts; None when the answer is not what it should be."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or len(data) != count:
        return None
    found: dict[int, FloatArray] = {}
    for one in data:
        place = one.get("index") if isinstance(one, dict) else None
        if type(place) is not int or not 0 <= place < count or place in found:
            return None
        if (vector := _unit(one.get("embedding"))) is None:
            return None
        found[place] = vector
    if len({len(vector) for vector in found.values()}) != 1:
        return None
    return np.stack([found[place] for place in range(count)])


def _unit(numbers: Any) -> FloatArray | None:
    """A list of numbers as a vector of length one."""
    if not isinstance(numbers, list) or not 1 < len(numbers) <= _MOST_DIMENSIONS:
        return None
    if not all(type(number) in (int, float) for number in numbers):
        return None
    try:
        vector = np.asarray(numbers, dtype=np.float64)
    except (OverflowError, ValueError):
        return None
    largest = float(np.abs(vector).max())
    if not 0 < largest < np.inf:  # Also false for what is no number.
        return None
    vector = vector / largest  # Or its length could be beyond all numbers.
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
