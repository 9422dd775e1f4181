"""What requests may say. Answers are the nouns of `vaultbot.types` as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vaultbot.answering.followup import Turn
from vaultbot.errors import InvalidRequest
from vaultbot.index.neighbourhood import Tie
from vaultbot.models.installed import InstalledModel
from vaultbot.retrieval.filters import Options
from vaultbot.types import Problem

NotePath = Annotated[str, Field(min_length=1, max_length=1024)]


#: Filters beside a question, by their names; those within it are described in docs/filters.md.
FILTERS = {
    "tag": "Only notes with this tag or one below it; given several times, with all of them",
    "path": "Only notes whose path has this in it, like Daily/",
    "before": "Only notes dated before this day, month or year: 2026-05-12, 2026-05, yesterday",
    "after": "Only notes dated after it",
    "on": "Only notes dated on that day, or in that month or year",
}
MOST_TAGS = 50
MOST_MESSAGES = 100


class Request(BaseModel):
    """A request's body: unknown fields are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AskMessage(Request):
    """What was said once in a conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=20_000)
    cited: list[Annotated[str, Field(max_length=1024)]] | None = Field(
        None, max_length=50, description="Of an answer: the titles of the notes it cited, the best first"
    )


def turns_of(messages: Sequence[AskMessage]) -> tuple[Turn, ...]:
    """What was said."""
    return tuple(Turn(one.role, one.content, tuple(one.cited or ())) for one in messages)


class TitleRequest(Request):
    """`POST /api/title`."""

    messages: list[AskMessage] = Field(min_length=1, max_length=MOST_MESSAGES, description="A conversation")


class AskRequest(Request):
    """`POST /api/ask`."""

    question: str | None = Field(
        None, max_length=100_000, description="At most 4,000 characters are answered; this or messages"
    )
    messages: list[AskMessage] | None = Field(
        None, min_length=1, max_length=MOST_MESSAGES, description="A conversation; the last one is the question"
    )
    stream: bool = Field(False, description="Server-sent events `sources`, `delta`, `done` instead of one object")
    model: str | None = Field(None, max_length=4096, description="A GGUF file to use instead of the settings'")
    extract: bool = Field(False, description="Ask no model: the best sentences, in reading order, are the answer")
    tag: list[str] | None = Field(None, max_length=MOST_TAGS, description=FILTERS["tag"])
    path: str | None = Field(None, max_length=1024, description=FILTERS["path"])
    before: str | None = Field(None, max_length=100, description=FILTERS["before"])
    after: str | None = Field(None, max_length=100, description=FILTERS["after"])
    on: str | None = Field(None, max_length=100, description=FILTERS["on"])

    def turns(self) -> tuple[Turn, ...]:
        """What was said, the question last. Raises InvalidRequest unless a question was asked in one way."""
        if (self.question is None) == (self.messages is None):
            raise InvalidRequest("question: give either a question or messages, of which the last is the question")
        if self.messages is None:
            return (Turn("user", self.question or ""),)
        if self.messages[-1].role != "user":
            raise InvalidRequest("messages: the last one is the question, and its role is user")
        return turns_of(self.messages)

    def options(self) -> Options:
        """The filters beside the question."""
        return Options(tags=self.tag or (), path=self.path, before=self.before, after=self.after, on=self.on)


class IndexRequest(Request):
    """`POST /api/index`."""

    wait: bool = Field(True, description="Answer with the report when the run is done, rather than at once")
    relink: bool = Field(False, description="The folder that is there is the vault from now on, whatever it holds")


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
    key: str | None  #: the property or inline field it stands under: the type of the edge
    key_path: str | None
    embed: bool
    in_comment: bool
    nested: bool  #: deep in a property, where Obsidian sees no link
    linkpath: str
    subpath: str
    display: str | None
    line: int
    col: int
    start: int  #: in Unicode characters of the text
    end: int
    start_utf16: int | None  #: the same as JavaScript counts; None when the note has changed since
    end_utf16: int | None
    target: str | None  #: None when there is no such file
    ambiguous: bool  #: another file fits as well
    subpath_ok: bool | None  #: whether the heading or block is there; None when it names none
    uri: str | None  #: opens the target in Obsidian


@dataclass(frozen=True, slots=True)
class BacklinkPage:
    """A link that leads to a note from another one."""

    path: str
    title: str
    line: int
    heading_path: tuple[str, ...]
    raw: str
    kind: str
    key: str | None
    embed: bool
    in_comment: bool
    subpath: str
    subpath_ok: bool | None
    shown: str  #: the words of the link itself
    context: str  #: the words around it, as a reader sees them
    uri: str


@dataclass(frozen=True, slots=True)
class NeighbourPage:
    """A note that is linked with another, whichever way."""

    path: str
    title: str
    direction: str  #: "out", "in" or "both"
    types: tuple[str, ...]  #: the properties and inline fields that link the two
    uri: str


@dataclass(frozen=True, slots=True)
class NearPage:
    """A note of a neighbourhood."""

    path: str
    title: str
    distance: int  #: links between it and the note in the middle
    links: int  #: notes that it is linked with, also outside of the neighbourhood
    uri: str


@dataclass(frozen=True, slots=True)
class NeighbourhoodPage:
    """`GET /api/neighbourhood`."""

    notes: tuple[NearPage, ...]  #: the note in the middle first, then the nearer ones
    ties: tuple[Tie, ...]
    left_out: int  #: notes that are as near and more than were asked for


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
    found_by: str  #: "path", "title" or "alias"
    uri: str
    date: str | None  #: YYYY-MM-DD: the day that it is about
    searched: bool
    unsearched_because: str | None
    text: str
    properties: dict[str, Any]
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    headings: tuple[HeadingPage, ...]
    open_tasks: int
    done_tasks: int
    links: tuple[LinkPage, ...]
    backlinks: tuple[BacklinkPage, ...]
    neighbours: tuple[NeighbourPage, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Something in the vault that a person may want to mend."""

    slug: str
    severity: str  #: "error", "warning" or "info"
    path: str
    line: int | None
    message: str
    fix: str | None


@dataclass(frozen=True, slots=True)
class LintPage:
    """`GET /api/lint`."""

    findings: tuple[FindingPage, ...]
    errors: int
    warnings: int
    infos: int


@dataclass(frozen=True, slots=True)
class CodePage:
    """`POST /api/codes`."""

    code: str
    expires_s: float  #: seconds from now


@dataclass(frozen=True, slots=True)
class TokenPage:
    """`POST /api/token/rotate`. The new token is in the token's file, and nowhere else."""

    rotated: bool


@dataclass(frozen=True, slots=True)
class SessionPage:
    """`POST /api/sessions`."""

    token: str


@dataclass(frozen=True, slots=True)
class TitlePage:
    """`POST /api/title`."""

    title: str


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """`GET /api/models`."""

    models: tuple[InstalledModel, ...]
