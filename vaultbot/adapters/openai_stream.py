"""What a server streams, read strictly: bytes to events (server-sent events of the HTML standard), events to text."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from vaultbot.adapters.llama_cpp.repetition import Repetition
from vaultbot.adapters.llama_cpp.text import TextStream
from vaultbot.types import TokenUsage

_MOST_EVENT = 1 << 20  #: bytes of one event
_MOST_TOKENS = 10**7
_THOUGHT = ("<think>", "</think>")


@dataclass(frozen=True, slots=True)
class Delta:
    """What one event adds."""

    text: str = ""
    thought: bool = False  #: the model thinks aloud in a field of its own
    finish: str | None = None  #: why it ended: "stop", "length", …
    usage: TokenUsage | None = None


def events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event; comments and all other fields are passed over. Raises ValueError for an endless one."""
    held, data, size = b"", list[bytes](), 0
    for piece in chain(pieces, [b"\n\n"]):  # The last one may lack its end.
        *lines, held = (held + piece).split(b"\n")
        for line in (line.removesuffix(b"\r") for line in lines):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
                size += len(line)
            elif not line and data:
                yield b"\n".join(data)
                data, size = [], 0
        if len(held) + size > _MOST_EVENT:
            raise ValueError("an event without an end")


def delta_of(event: Any) -> Delta | None:
    """What the JSON of an event, or of a whole answer, says; None when it is none of a chat."""
    choices = event.get("choices") if isinstance(event, dict) else None
    if not isinstance(choices, list) or event.get("error"):
        return None
    usage = _usage(event.get("usage"))
    if not choices:
        return Delta(usage=usage)
    choice = choices[0]
    said = (choice.get("delta") or choice.get("message") or {}) if isinstance(choice, dict) else None
    if not isinstance(said, dict):
        return None
    content, finish = said.get("content"), choice.get("finish_reason")
    if not isinstance(content, str | None) or not isinstance(finish, str | None):
        return None
    thought = any(isinstance(said.get(field), str) and said[field] for field in ("reasoning_content", "reasoning"))
    return Delta(content or "", thought, finish, usage)


def _usage(told: Any) -> TokenUsage | None:
    if not isinstance(told, dict):
        return None
    counts = [told.get("prompt_tokens"), told.get("completion_tokens")]
    sound = [count for count in counts if isinstance(count, int) and 0 <= count <= _MOST_TOKENS]
    if len(sound) != len(counts):
        return None
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    known = cached if isinstance(cached, int) and 0 <= cached <= sound[0] else 0
    return TokenUsage(prompt=sound[0], cached=known, completion=sound[1])


class Said:
    """Gathers what a model says, without what is no part of its answer.

    That is what it thinks aloud first, between <think> and </think>, and the words that were put in its mouth, which
    some servers repeat. Halves of a character that come one by one are joined.
    """

    def __init__(self, prefix: str = "") -> None:
        self.thought = False  #: it thought aloud
        self._prefix = prefix.strip()
        self._halves = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._held = ""
        self._thinking = False
        self._begun = False

    def push(self, text: str) -> str:
        """Add a piece; returns what is certain to be said, often ""."""
        return self._give(self._halves.decode(text.encode("utf-16-le", "surrogatepass")), last=False)

    def finish(self) -> str:
        """The rest, when nothing follows."""
        return self._give(self._halves.decode(b"", final=True), last=True)

    def _give(self, text: str, *, last: bool) -> str:
        if self._begun:
            return text
        self._held += text
        opening, closing = _THOUGHT
        if self._thinking:
            _, ended, rest = self._held.partition(closing)
            if not ended:
                self._held = self._held[1 - len(closing) :]  # Its end may be coming.
                return ""
            self._thinking, self._held = False, rest
        start = self._held.lstrip()
        if start.startswith(opening):
            self.thought = self._thinking = True
            self._held = start.removeprefix(opening)
            return self._give("", last=last)
        if not last and any(mark.startswith(start) for mark in (opening, self._prefix) if mark):
            return ""
        self._begun = True
        if self._prefix and start.startswith(self._prefix):
            return start.removeprefix(self._prefix)
        return start if self.thought else self._held


class GrowingAnswer:
    """An answer as it grows."""

    def __init__(self, *, prompt_tokens: int, max_tokens: int, prefix: str, stop: Sequence[str]) -> None:
        """`prompt_tokens` are estimated, for a server that does not count."""
        self.finish: str | None = None
        self.circled = False
        self.done = False
        self._max_tokens = max_tokens
        self._prompt_tokens = prompt_tokens
        self._told: TokenUsage | None = None
        self._pieces = 0
        self._thought = False
        self._spoke = False
        self._said = Said(prefix)
        self._text = TextStream(stop)
        self._repetition = Repetition()

    def add(self, delta: Delta) -> str:
        """What may be shown now."""
        self.finish = self.finish or delta.finish
        self._told = delta.usage or self._told
        self._thought = self._thought or delta.thought
        if not delta.text:
            return ""
        self._pieces += 1
        return self._shown(self._said.push(delta.text))

    def rest(self) -> str:
        """What may be shown when nothing follows."""
        return "" if self._text.stopped else self._shown(self._said.finish()) + self._text.finish()

    @property
    def said_nothing_but_thoughts(self) -> bool:
        """Whether it ended for want of room before it said anything."""
        return (self._thought or self._said.thought) and not self._spoke and self.finish == "length"

    @property
    def usage(self) -> TokenUsage:
        """As the server says; else by the pieces that came."""
        usage = self._told or TokenUsage(prompt=self._prompt_tokens, completion=self._pieces)
        if self.finish == "length":  # However few pieces it came in: the last sentence is cut off.
            usage = replace(usage, completion=max(usage.completion, self._max_tokens))
        return usage

    def _shown(self, text: str) -> str:
        if not text:
            return ""
        shown = self._text.push(text.encode("utf-8"))
        self.circled = self._repetition.repeats(hash(text))
        self.done = self._text.stopped or self.circled
        self._spoke = self._spoke or bool(shown.strip())
        return shown
