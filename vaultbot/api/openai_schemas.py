"""What clients of OpenAI's API may send. They send many fields more, which change nothing here and are let through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from vaultbot.api.conversation import Said
from vaultbot.api.dialects import CannotDo

_MOST_MESSAGES = 2000
_MOST_STOPS = 16
_MOST_TEXTS = 2048

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "user",
    "function": "user",
}


def _absent_if_null(value: Any) -> Any:
    return {} if value is None else value


class Part(BaseModel):
    """A part of a message: text, or what vaultbot cannot read."""

    type: str = "text"
    text: str | None = None


class ChatMessage(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    def said(self) -> Said:
        """The message's text. Raises CannotDo for pictures and sound."""
        return Said(_ROLES[self.role], text_of(self.content))


class StreamOptions(BaseModel):
    """What a streamed answer has besides its text."""

    include_usage: bool | None = None


class ResponseFormat(BaseModel):
    """The form that is wished for."""

    type: str = "text"


class ChatRequest(BaseModel):
    """`POST /v1/chat/completions`, as far as it matters here."""

    model: str = Field(max_length=200)
    messages: list[ChatMessage] = Field(max_length=_MOST_MESSAGES)
    stream: bool | None = None
    stream_options: Annotated[StreamOptions, BeforeValidator(_absent_if_null)] = StreamOptions()
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: Annotated[ResponseFormat, BeforeValidator(_absent_if_null)] = ResponseFormat()

    def check(self) -> None:
        """Raises CannotDo for what would be answered otherwise than it is meant."""
        if self.n not in (None, 1):
            raise CannotDo("n: there is one answer at a time; leave it out, or send 1", param="n")
        if isinstance(self.tool_choice, dict) or self.tool_choice == "required":
            raise CannotDo(
                'tool_choice: vaultbot calls no tools; leave it out, or send "auto" or "none"',
                param="tool_choice",
                code="tools_not_supported",
            )

    @property
    def most_tokens(self) -> int | None:
        """None when there is no limit."""
        return limit_of(self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens)

    @property
    def stops(self) -> list[str]:
        """Texts that end the answer; empty ones end none."""
        return stops_of(self.stop)

    @property
    def wants_words_alone(self) -> bool:
        """Whether citations would be in the way, as in JSON."""
        return self.response_format.type != "text"


class EmbeddingRequest(BaseModel):
    """`POST /v1/embeddings`."""

    model: str = Field(max_length=200)
    input: str | list[str] | list[int] | list[list[int]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None


def text_of(content: str | Sequence[Part] | None) -> str:
    """The text of a message's parts. Raises CannotDo for pictures and sound."""
    if content is None or isinstance(content, str):
        return content or ""
    if others := sorted({part.type for part in content if part.text is None}):
        raise CannotDo(
            "messages: vaultbot reads text alone; leave out pictures, sound and files",
            param="messages",
            code="image_not_supported" if "image_url" in others else "content_not_supported",
        )
    return "\n".join(part.text or "" for part in content)


def limit_of(tokens: int | None) -> int | None:
    """A longest answer; what is not above 0 stands for no limit."""
    return tokens if tokens is not None and tokens > 0 else None


def stops_of(stop: str | Sequence[str] | None) -> list[str]:
    """Texts that end an answer; empty ones end none."""
    return [text for text in ([stop] if isinstance(stop, str) else stop or []) if text][:_MOST_STOPS]


def texts_of(given: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]) -> list[str]:
    """The texts to make vectors of. Raises CannotDo for token numbers, empty texts, and too many."""
    texts = [given] if isinstance(given, str) else list(given)
    if not 0 < len(texts) <= _MOST_TEXTS:
        raise CannotDo(f"input: send 1 to {_MOST_TEXTS:,} texts at once", param="input")
    words = [text for text in texts if isinstance(text, str)]
    if len(words) < len(texts):
        raise CannotDo("input: send texts, and not the numbers of tokens", param="input", code="tokens_not_supported")
    if not all(text.strip() for text in words):
        raise CannotDo("input: an empty text has no vector; leave it out", param="input")
    return words
