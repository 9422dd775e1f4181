"""The endpoints: each parses, calls the assistant, and answers with a noun."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from pydantic import TypeAdapter

from vaultbot.api.errors import MEDIA_TYPE
from vaultbot.api.leaving import unless_left
from vaultbot.api.limits import STREAM_SECONDS
from vaultbot.api.login import add_login_routes, add_token_routes
from vaultbot.api.pages import lint_page, neighbourhood_page, note_page
from vaultbot.api.schemas import (
    FILTERS,
    MOST_TAGS,
    AskRequest,
    HealthPage,
    IndexRequest,
    LintPage,
    ModelsPage,
    NeighbourhoodPage,
    NotePage,
    NotePath,
    ProblemPage,
    TitlePage,
    TitleRequest,
    turns_of,
)
from vaultbot.api.sse import EventStream
from vaultbot.api.suggestions import add_suggestion_routes
from vaultbot.assistant import Assistant
from vaultbot.errors import InvalidRequest
from vaultbot.index.health import IndexFacts
from vaultbot.links.related import RelatedNotes
from vaultbot.links.report import VaultReport
from vaultbot.retrieval.filters import Options
from vaultbot.retrieval.ranking import Mode
from vaultbot.runtime import Token, is_challenge, prove
from vaultbot.status import Status
from vaultbot.types import Answer, AskEvent, IndexReport, SearchResult, Sources, Spoken, Waiting
from vaultbot.web.logins import Logins

_EVENTS_WAIT_S = 1.0
_FAILURE = {
    "description": "What is wrong and what to do about it",
    "content": {MEDIA_TYPE: {"schema": TypeAdapter(ProblemPage).json_schema()}},
}


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the endpoints need to know of the process they run in."""

    token: Token
    port: Callable[[], int]
    status: Callable[[], Status]
    name: str | None = None  #: what the settings call the vault
    metrics: Callable[[str | None], tuple[bytes, str]] = lambda _accept: (b"", "text/plain")
    logins: Logins = field(default_factory=Logins)


def make_routes(assistant: Assistant, daemon: Daemon) -> APIRouter:
    """Every endpoint. All but `/health` and `/api/sessions` are behind the token (api/guard.py)."""
    routes = APIRouter(responses={"default": _FAILURE})

    @routes.get("/health")
    def health(x_vaultbot_challenge: Annotated[str | None, Header()] = None) -> HealthPage:
        """Whether the daemon is up; with a challenge, proof that it knows the token."""
        if x_vaultbot_challenge is None or not is_challenge(x_vaultbot_challenge):
            return HealthPage("ok")
        return HealthPage("ok", prove(daemon.token.value, daemon.port(), x_vaultbot_challenge))

    @routes.get("/api/search")
    def search(
        options: Annotated[Options, Depends(_options)],
        q: Annotated[
            str, Query(description="The question or words, with filters; may be left out beside a filter")
        ] = "",
        limit: Annotated[int | None, Query(description="Hits, from 1 to 50")] = None,
        mode: Annotated[Mode, Query(description="By words and meaning together, or by one alone")] = "hybrid",
        explain: Annotated[bool, Query(description="Show what speaks for each hit")] = False,
    ) -> SearchResult:
        """The best passage of each of the best notes; with filters alone, the notes they leave, newest first."""
        return assistant.search(q, limit=limit, options=options, mode=mode, explain=explain)

    @routes.post("/api/ask", response_model=Answer)
    async def ask(asked: AskRequest, request: Request) -> Any:
        """An answer from the notes: one object, or server-sent events with `"stream": true`."""
        cancel = threading.Event()
        model = Path(asked.model).expanduser() if asked.model else None
        if model is not None and not model.is_absolute():
            raise InvalidRequest("model: give the absolute path of a GGUF file")
        if asked.extract and model is not None:
            raise InvalidRequest("extract: no model is asked, so leave one of the two out, extract or model")
        *history, last = asked.turns()
        events = assistant.ask_stream(
            last.content,
            options=asked.options(),
            model=model,
            history=history,
            extractive=asked.extract,
            cancel=cancel,
        )
        if asked.stream:
            first = await run_in_threadpool(next, events, None)  # A refusal has its status; later it is an event.
            assert first is not None
            return EventStream(_told(first, events), on_disconnect=cancel.set, longest_seconds=STREAM_SECONDS)
        return await unless_left(request, lambda: _last(events), cancel)

    @routes.post("/api/title")
    def title(asked: TitleRequest) -> TitlePage:
        """A short title for a conversation, which can be the name of a note."""
        return TitlePage(assistant.title(turns_of(asked.messages)))

    @routes.get("/api/related")
    def related(
        options: Annotated[Options, Depends(_options_beside_a_note)],
        path: Annotated[NotePath, Query(description="A note's path or name")],
        limit: Annotated[int | None, Query(description="Notes, from 1 to 50")] = None,
    ) -> RelatedNotes:
        """Notes that are close to a note and not linked with it, the closest first, and why."""
        return assistant.related(path, limit=limit, options=options)

    @routes.post("/api/index")
    async def index(asked: IndexRequest | None = None) -> IndexReport:
        """Bring the index up to date with the vault."""
        future = assistant.worker.run(relink=asked is not None and asked.relink)
        if asked is not None and not asked.wait:
            return assistant.state().last_report or IndexReport()
        return await asyncio.shield(asyncio.wrap_future(future))  # The run goes on when the client leaves.

    @routes.get("/api/events", response_class=Response)
    def events() -> EventStream:
        """Server-sent events `status` whenever the index moves on, until the client leaves."""
        left = threading.Event()
        return EventStream(_index_events(assistant, left), on_disconnect=left.set)

    @routes.get("/api/notes/{path:path}")
    def note(path: NotePath) -> NotePage:
        """A note with its text, its links and what links to it."""
        return note_page(assistant.note(path), assistant.vault.name)

    @routes.get("/api/neighbourhood")
    def neighbourhood(
        path: Annotated[NotePath, Query(description="A note's path or name")],
        depth: Annotated[int, Query(ge=1, le=2, description="Links from the note to the farthest, 1 or 2")] = 1,
        limit: Annotated[int, Query(ge=1, le=200, description="Notes around it")] = 60,
    ) -> NeighbourhoodPage:
        """The notes around a note and the links between them, to be drawn."""
        return neighbourhood_page(assistant.neighbourhood(path, depth=depth, limit=limit), assistant.vault.name)

    @routes.get("/api/lint")
    def lint(
        kind: Annotated[list[str] | None, Query(description="Kinds of findings; all when none is given")] = None,
        path: Annotated[str | None, Query(max_length=1024, description="A folder, or a note's path or name")] = None,
    ) -> LintPage:
        """What is wrong in the vault, the most useful first."""
        return lint_page(assistant.lint(path, kinds=kind or ()))

    @routes.get("/api/report")
    def report() -> VaultReport:
        """What the links of the whole vault look like: hubs, clusters, orphans, what is there twice, and a map."""
        return assistant.report()

    @routes.get("/api/models")
    def models() -> ModelsPage:
        """The language models on this machine, and which of them answers."""
        return ModelsPage(assistant.models())

    @routes.get("/api/status")
    def status() -> Status:
        """How the daemon is."""
        return daemon.status()

    @routes.get("/api/integrity")
    def integrity() -> IndexFacts:
        """Whether the index is whole: what `vaultbot doctor` asks."""
        return assistant.integrity()

    @routes.get("/metrics", response_class=PlainTextResponse)
    def metrics(accept: Annotated[str | None, Header()] = None) -> Response:
        """The numbers that Prometheus collects, in its text format."""
        content, media_type = daemon.metrics(accept)
        return Response(content, media_type=media_type)

    add_suggestion_routes(routes, assistant)
    add_login_routes(routes, daemon.logins)
    add_token_routes(routes, daemon.token, daemon.logins)
    return routes


def _options(
    tag: Annotated[list[str] | None, Query(max_length=MOST_TAGS, description=FILTERS["tag"])] = None,
    path: Annotated[str | None, Query(max_length=1024, description=FILTERS["path"])] = None,
    before: Annotated[str | None, Query(max_length=100, description=FILTERS["before"])] = None,
    after: Annotated[str | None, Query(max_length=100, description=FILTERS["after"])] = None,
    on: Annotated[str | None, Query(max_length=100, description=FILTERS["on"])] = None,
) -> Options:
    return Options(tags=tag or (), path=path, before=before, after=after, on=on)


def _options_beside_a_note(
    tag: Annotated[list[str] | None, Query(max_length=MOST_TAGS, description=FILTERS["tag"])] = None,
    in_path: Annotated[str | None, Query(max_length=1024, description=FILTERS["path"])] = None,
    before: Annotated[str | None, Query(max_length=100, description=FILTERS["before"])] = None,
    after: Annotated[str | None, Query(max_length=100, description=FILTERS["after"])] = None,
    on: Annotated[str | None, Query(max_length=100, description=FILTERS["on"])] = None,
) -> Options:
    """The same where `path` names the note."""
    return _options(tag, in_path, before, after, on)


def _told(first: AskEvent, events: Iterator[AskEvent]) -> Iterator[tuple[str, object]]:
    """The events of an answer as `sources`, `delta` for every sentence, `waiting`, and `done` with the whole."""
    yield _event(first)
    try:
        for event in events:
            yield _event(event)
    finally:
        close = getattr(events, "close", None)
        if close:
            close()


def _event(event: AskEvent) -> tuple[str, object]:
    if isinstance(event, Sources):
        return "sources", asdict(event)
    if isinstance(event, Spoken):
        return "delta", {"text": event.sentence.text, **asdict(event)}
    return "waiting" if isinstance(event, Waiting) else "done", asdict(event)


def _last(events: Iterator[AskEvent]) -> Answer:
    answer = [event for event in events if isinstance(event, Answer)]
    return answer[-1]


def _index_events(assistant: Assistant, left: threading.Event) -> Iterator[tuple[str, object]]:
    seen = -1
    while not (left.is_set() or assistant.closing):
        state = assistant.worker.wait(seen, timeout=_EVENTS_WAIT_S)
        if state.version > seen:
            seen = state.version
            yield "status", asdict(state)
