"""What requests may say. Answers are the nouns of `vaultbot.types` as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from vaultbot.types import Problem, Suggestion

NotePath = Annotated[str, Field(min_length=1, max_length=1024)]


class Request(BaseModel):
    """A request's body: unknown fields are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AskRequest(Request):
    """`POST /api/ask`."""

    question: str = Field(max_length=100_000, description="At most 4,000 characters are answered")
    stream: bool = Field(False, description="Server-sent events `sources`, `delta`, `done` instead of one object")
    model: str | None = Field(None, max_length=4096, description="A GGUF file to use instead of the settings'")


class IndexRequest(Request):
    """`POST /api/index`."""

    wait: bool = Field(True, description="Answer with the report when the run is done, rather than at once")


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """What every failure answers, as application/problem+json (RFC 9457)."""

    type: str  #: "/problems/" and a word that does not change
    title: str
    status: int
    detail: str  #: what is wrong and what to do, for a person
    instance: str  #: the request's id, as in the log


@dataclass(frozen=True, slots=True)
class HealthPage:
    """`GET /health`: the one answer that needs no token."""

    status: str
    proof: str | None = None  #: with a challenge: shows that the daemon knows the token


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A link of a note."""

    raw: str
    kind: str
    key: str | None  #: the property it stands under: the type of the edge
    line: int
    target: str | None  #: None when there is no such note


@dataclass(frozen=True, slots=True)
class HeadingPage:
    """A heading of a note."""

    level: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class NotePage:
    """`GET /api/notes/{path}`."""

    path: str
    title: str
    text: str
    properties: dict[str, Any]
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    headings: tuple[HeadingPage, ...]
    links: tuple[LinkPage, ...]
    backlinks: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class SuggestionsPage:
    """`GET /api/suggestions`."""

    note: str
    suggestions: tuple[Suggestion, ...]
