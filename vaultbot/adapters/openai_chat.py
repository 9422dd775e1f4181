"""A language model on an OpenAI-compatible server: vLLM, Xinference, Ollama, llama-server, LM Studio, or a service.

Prompts leave the machine only where the settings say so in as many words, and `notice` says it again.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from vaultbot.adapters.openai_endpoint import Served, TooLong, named, refusal, served_models
from vaultbot.adapters.openai_stream import Delta, GrowingAnswer, delta_of, events
from vaultbot.adapters.sentence_transformers import clean_text
from vaultbot.adapters.server import Nonsense, Opened, Refused, Server, TookTooLong
from vaultbot.errors import InvalidRequest, ModelCrashed, ModelInvalid, ModelMissing, Unreachable, VaultbotError
from vaultbot.protocols import Generation, Message, Speed
from vaultbot.remote import Cancelled
from vaultbot.types import TokenUsage

_TRIES = 3
_FIRST_S = 120.0  #: until the first word: a server may load the model first
_NEXT_S = 60.0  #: until the next one
_WHOLE_S = 600.0  #: for the whole answer
_USAGE_S = 2.0  #: for what may follow the last word: how many tokens it was
_COOL_S = 30.0  #: after it took too long, no question waits for so long
_BYTES_A_TOKEN = 4096  #: of the stream, with all that is said around a token
_ASSUMED = 7_000_000_000

#: What a chat template is made of. A server reads it as such in a note, too, unless it is written otherwise.
_CONTROL = re.compile(
    r"<(?=\|[^|<>\s]{1,40}\|>|｜[^｜<>\s]{1,40}｜>|/?s>|<SYS>>|</SYS>>|/?think>|(?:start_of|end_of)_turn>|[be]os>)"
    r"|\[(?=/?INST\])",
    re.IGNORECASE,
)
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,3})x)?(\d{1,5}(?:\.\d{1,3})?)([bm])(?![a-z0-9])", re.IGNORECASE)

CountTokens = Callable[[Sequence[str]], list[int]]


class OpenAiChatModel:
    """ChatModel that asks a server. Safe to use from several threads, which are answered at the same time."""

    def __init__(
        self,
        server: Server,
        *,
        model: str,
        count_tokens: CountTokens,
        context_tokens: int = 4096,
        temperature: float = 0.0,
        top_p: float = 0.95,
        seed: int = 0,
        billions: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`model` is the server's name for it; "" for the only one that it has. Nothing is asked yet."""
        self._server = server
        self._model = model.strip()
        self._count = count_tokens
        self._context_tokens = context_tokens
        self._sampling = (
            {"temperature": temperature, "top_p": top_p, "seed": seed}
            if temperature
            else {
                "temperature": 0,
                "seed": seed,
            }
        )
        self._parameters = round(billions * 10**9)
        self._clock = clock
        self._served: Served | None = None  #: what the server says of the model; None until it said it
        self._looked = -_COOL_S  #: when it was asked in vain
        self._answers = False
        self._trouble: str | None = None
        self._resting_until = 0.0

    @property
    def name(self) -> str:
        """ "qwen2.5:7b at http://127.0.0.1:11434/v1"."""
        called = self._model or (self._served.name if self._served else "the model")
        if called.lower().endswith(".gguf"):  # Some name it by the path on their machine.
            called = re.split(r"[/\\]", called)[-1][:-5]
        return f"{called} at {self._server.address}"

    @property
    def parameters(self) -> int:
        """Of the settings; else as the server says, or as its name does; else that of a common model."""
        if self._parameters:
            return self._parameters
        served = self._looked_up()
        told = served.parameters if served else None
        return told or parameters_in(self._model or (served.name if served else "")) or _ASSUMED

    @property
    def context_tokens(self) -> int:
        """Of the settings, or less where the server says so."""
        served = self._looked_up()
        return min(self._context_tokens, (served.context_tokens if served else None) or self._context_tokens)

    @property
    def loaded(self) -> bool:
        """Whether it answered the last time it was asked."""
        return self._answers

    @property
    def speed(self) -> Speed | None:
        """Not known: what a server tells is the time, its queue and its caches included."""
        return None

    @property
    def trouble(self) -> str | None:
        """Why it did not answer the last time; None as long as it does."""
        return self._trouble

    @property
    def notice(self) -> str | None:
        """That prompts leave the machine, when they do."""
        if self._server.sends_to is None:
            return None
        return (
            f"your questions, and the passages that are found for them, are sent to {self._server.sends_to} to be "
            "answered; to keep them on this machine, take [model] base_url out of the settings"
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate: such servers do not count."""
        return self._count(texts)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        prefix: str = "",
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Generation]:
        """See ChatModel. `prefix` is left out where the server is not known to go on from it.

        Raises Unreachable when the server is away, hangs or breaks off.
        """
        if not messages or max_tokens < 1:
            raise InvalidRequest("a generation needs at least one message and max_tokens of at least 1")
        return self._stream(messages, max_tokens, prefix, stop, cancel or threading.Event())

    def close(self) -> None:
        """Nothing is held."""
        self._answers = False

    # ── an answer ──────────────────────────────────────────────────────────────────────────────────────────────

    def _stream(
        self, messages: Sequence[Message], max_tokens: int, prefix: str, stop: Sequence[str], cancel: threading.Event
    ) -> Iterator[Generation]:
        prompt_tokens = sum(self._count([message.content for message in messages]))
        if not cancel.is_set() and self._clock() < self._resting_until and self._trouble:
            raise Unreachable(self._trouble)
        self._looked_up(cancel)
        if cancel.is_set():
            yield Generation("", TokenUsage())
            return
        if prompt_tokens > self.context_tokens:
            raise InvalidRequest(
                f"the prompt has about {prompt_tokens} tokens, and {self.name} has room for {self.context_tokens}; "
                "raise [model] context_tokens if the server allows it"
            )
        answer = GrowingAnswer(prompt_tokens=prompt_tokens, max_tokens=max_tokens, prefix=prefix, stop=stop)
        opened = None
        try:
            opened = self._opened(self._body(messages, max_tokens, prefix, stop, cancel), max_tokens, cancel)
            for delta in self._deltas(opened, cancel):
                if cancel.is_set():  # One piece from the network may hold many of the answer's.
                    raise Cancelled
                if text := answer.add(delta):
                    yield Generation(text)
                if answer.done:
                    break
            if not answer.done and not answer.finish:
                raise self._server.broke_off("it broke off in the middle of an answer")
            self._answers, self._trouble = True, None
        except Cancelled:
            pass
        except VaultbotError as error:
            self._failed(error)
            raise
        finally:
            if opened is not None:
                opened.exchange.close()
        if not cancel.is_set():
            if text := answer.rest():
                yield Generation(text)
            if answer.said_nothing_but_thoughts:
                raise ModelInvalid(
                    f"{self.name} thought until the room for its answer was used up, and said nothing; raise [model] "
                    "max_tokens, or have the server turn its thinking off"
                )
        yield Generation("", answer.usage, circled=answer.circled)

    def _body(
        self, messages: Sequence[Message], max_tokens: int, prefix: str, stop: Sequence[str], cancel: threading.Event
    ) -> dict[str, Any]:
        said = [{"role": one.role, "content": defused(clean_text(one.content))} for one in messages]
        owner = self._served.owner if self._served else ""
        body: dict[str, Any] = {
            "model": self._chosen(cancel),
            "messages": said,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self._sampling,
        }
        # OpenAI's own service takes it by its newer name alone.
        newer = (self._server.url.hostname or "").endswith("openai.com")
        body["max_completion_tokens" if newer else "max_tokens"] = max_tokens
        if stop:
            body["stop"] = list(stop[:4])
        if prefix and owner in ("llamacpp", "vllm"):
            said.append({"role": "assistant", "content": prefix})
            if owner == "vllm":
                body.update(continue_final_message=True, add_generation_prompt=False)
        return body

    def _opened(self, body: dict[str, Any], max_tokens: int, cancel: threading.Event) -> Opened:
        limit = (1 << 20) + max_tokens * _BYTES_A_TOKEN
        try:
            return self._server.open(
                "POST", "/chat/completions", body, tries=_TRIES, timeout_s=_FIRST_S, limit=limit, cancel=cancel
            )
        except Refused as error:
            told = refusal(self._server, error)
            if error.too_long:
                told = self._too_little_room()
            elif isinstance(told, TooLong):
                told = ModelInvalid(
                    f"{error} to a prompt: it may be longer than the server allows; lower [model] context_tokens, or "
                    "choose a chat model in [model] remote_model"
                )
            raise told from None
        except Nonsense as error:
            raise ModelInvalid(str(error)) from None

    def _deltas(self, opened: Opened, cancel: threading.Event) -> Iterator[Delta]:
        """What the server says, as it comes."""
        whole = time.monotonic() + _WHOLE_S
        until, finished = min(whole, time.monotonic() + _FIRST_S), False

        def pieces() -> Iterator[bytes]:
            try:
                while piece := self._server.piece(opened, timeout_s=until - time.monotonic(), cancel=cancel):
                    yield piece
            except Unreachable:
                if not finished:
                    raise

        try:
            if opened.head.content_type == "application/json":  # It does not stream.
                yield self._delta(b"".join(pieces()))
                return
            if opened.head.content_type not in ("text/event-stream", ""):
                raise self._server.nonsense("something that is no stream of events")
            for data in events(pieces()):
                if data.strip() == b"[DONE]":
                    return
                delta = self._delta(data)
                if delta.finish:
                    until, finished = time.monotonic() + _USAGE_S, True
                elif delta.text or delta.thought:  # All else may be there to keep a connection alive.
                    until = min(whole, time.monotonic() + _NEXT_S)
                yield delta
        except Nonsense as error:
            raise ModelInvalid(str(error)) from None
        except ValueError:
            raise ModelInvalid(str(self._server.nonsense("an event without an end"))) from None

    def _delta(self, data: bytes) -> Delta:
        event = self._server.parsed(data)
        if isinstance(event, dict) and event.get("error"):
            if "context" in json.dumps(event["error"]).lower():
                raise self._too_little_room()
            raise ModelCrashed(
                f"{self._server.address} told an error in place of an answer; what it was stands in the server's log"
            )
        if (delta := delta_of(event)) is None:
            raise self._server.nonsense("something that is no chat completion")
        return delta

    def _too_little_room(self) -> ModelInvalid:
        return ModelInvalid(
            f"{self._server.address} has less room for a prompt than it was sent; lower [model] context_tokens, or "
            "give the model more context there"
        )

    def _failed(self, error: VaultbotError) -> None:
        self._answers, self._trouble, self._served = False, str(error), None
        if isinstance(error, TookTooLong):
            self._resting_until = self._clock() + _COOL_S

    # ── which model ────────────────────────────────────────────────────────────────────────────────────────────

    def _chosen(self, cancel: threading.Event) -> str:
        """The model to ask for. Raises ModelMissing when none is named and the server has several, or tells none."""
        if self._model or self._served:
            return self._model or (self._served.name if self._served else "")
        models = served_models(self._server, timeout_s=_FIRST_S, cancel=cancel)
        if len(models) == 1:
            self._served = models[0]
            return models[0].name
        if not models:
            raise ModelMissing(
                f"{self._server.address} does not tell which models it has; name one in [model] remote_model"
            )
        raise ModelMissing(
            f"{self._server.address} has several models; set [model] remote_model to one of: {named(models)}"
        )

    def _looked_up(self, cancel: threading.Event | None = None) -> Served | None:
        """What the server says of the model; None when it says nothing, and it is not asked again for a while."""
        if self._served is not None or self._clock() < self._looked + _COOL_S:
            return self._served
        try:
            models = served_models(self._server, cancel=cancel)
        except (VaultbotError, Cancelled) as error:
            if not isinstance(error, Cancelled):
                self._looked = self._clock()
            return None
        self._looked = self._clock()
        wanted = {self._model, f"{self._model}:latest"} if self._model else {one.name for one in models[:1]}
        if self._model or len(models) == 1:
            self._served = next((one for one in models if one.name in wanted), None)
        return self._served


def defused(text: str) -> str:
    """The text with a space in whatever a server would take for a part of the chat template."""
    return _CONTROL.sub(lambda found: f"{found[0]} ", text)


def parameters_in(name: str) -> int | None:
    """How many weights a model's name tells: 7 billion for "qwen2.5:7b", 56 billion for "mixtral-8x7b"."""
    found = [
        int(experts or 1) * float(number) * (10**9 if unit in "bB" else 10**6)
        for experts, number, unit in _SIZE.findall(name)
    ]
    return round(max(found)) if found and max(found) >= 10**6 else None
