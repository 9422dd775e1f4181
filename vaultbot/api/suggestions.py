"""The endpoints for what a person does with suggestions, and for what was written into the vault."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Response
from pydantic import Field

from vaultbot.api.schemas import NotePath, Request
from vaultbot.api.sse import EventStream
from vaultbot.assistant import Assistant
from vaultbot.errors import InvalidRequest
from vaultbot.links.decisions import Decision, Scope
from vaultbot.links.review import Accepted, Refused, Review
from vaultbot.suggestion import Edit, PropertyValue, Replacement, Suggestion, SuggestionKind
from vaultbot.vault.edited import Undone
from vaultbot.vault.journal import Run
from vaultbot.vault.uris import open_uri

KINDS: tuple[SuggestionKind, ...] = get_args(SuggestionKind)
_MOST = 500
_LONGEST_NOTE = 200_000
_LONGEST_WORDS = 2000

Kinds = Annotated[list[SuggestionKind] | None, Query(description="Kinds of suggestions; all when none is given")]
MinScore = Annotated[float, Query(ge=0, le=1, description="Only suggestions that are at least so likely")]
Limit = Annotated[int | None, Query(ge=1, le=_MOST, description=f"Suggestions a note, from 1 to {_MOST}")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ApplyRequest(Request):
    """`POST /api/suggestions/apply`."""

    note: NotePath = Field(description="The path that the suggestions were asked for")
    ids: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(min_length=1, max_length=_MOST)
    sha256: Sha256 = Field(description="Of the note's bytes when the suggestions were made, as they say")
    run: str | None = Field(None, max_length=100, description="An earlier run to go on with, to be undone with it")
    dry_run: bool = Field(False, description="Write nothing, and answer with the diff")


class WrittenSuggestion(Request):
    """A suggestion that another program wrote itself, as `GET /api/suggestions` had it."""

    id: str = Field(min_length=1, max_length=100)
    kind: SuggestionKind
    note: NotePath
    target: str = Field(min_length=1, max_length=_LONGEST_WORDS)
    text: str = Field(max_length=_LONGEST_WORDS)
    key: str | None = Field(None, max_length=_LONGEST_WORDS)
    score: float = Field(ge=0, le=1)

    def decision(self) -> Decision:
        """What is remembered of it."""
        words = (self.note, self.target, self.text, self.key)
        return Decision(0, "accepted", "here", self.id, self.kind, *words, self.score, at=0)


class AcceptedRequest(Request):
    """`POST /api/suggestions/accepted`."""

    suggestions: list[WrittenSuggestion] = Field(min_length=1, max_length=_MOST)


class WithdrawRequest(Request):
    """`POST /api/suggestions/withdraw`."""

    numbers: list[int] = Field(min_length=1, max_length=_MOST, description="As the answer to `accepted` has them")


class DismissRequest(Request):
    """`POST /api/suggestions/dismiss`."""

    note: NotePath
    id: str = Field(min_length=1, max_length=100)
    scope: Scope = Field("here", description="This one, this target for this note, or these words everywhere")


class ClearRequest(Request):
    """`POST /api/dismissals/clear`."""

    numbers: list[int] | None = Field(None, max_length=10_000, description="All dismissals when it is left out")


class UndoRequest(Request):
    """`POST /api/undo`."""

    run: str | None = Field(None, max_length=100, description="The last run when it is left out")


class NewNoteRequest(Request):
    """`POST /api/notes`."""

    path: NotePath = Field(description="Where it is to be, within the vault: Folder/Note.md")
    text: str = Field(max_length=_LONGEST_NOTE)


@dataclass(frozen=True, slots=True)
class EditPage:
    """What accepting a suggestion writes; what its type does not need is null."""

    type: Literal["replace", "property", "new-note"]
    text: str | None = None  #: what is put in, or what the new note says
    start: int | None = None  #: in Unicode characters of the note's text
    end: int | None = None
    key: str | None = None  #: the property that gets one more value
    value: str | None = None


@dataclass(frozen=True, slots=True)
class SuggestionPage:
    """A suggestion."""

    id: str
    kind: SuggestionKind
    note: str  #: the note that would change, or be made
    target: str
    text: str
    edit: EditPage
    score: float
    reasons: tuple[str, ...]
    line: int
    col: int
    context: str
    sha256: str
    key: str | None
    alternatives: tuple[str, ...]
    uri: str  #: opens the note that it was suggested for


@dataclass(frozen=True, slots=True)
class SuggestionsPage:
    """`GET /api/suggestions`."""

    note: str
    suggestions: tuple[SuggestionPage, ...]


@dataclass(frozen=True, slots=True)
class AcceptedPage:
    """`POST /api/suggestions/apply`."""

    note: str
    run: str  #: what undo takes; "" when nothing was written
    sha256: str  #: of the note's bytes now
    accepted: tuple[str, ...]  #: ids
    refused: tuple[Refused, ...]
    diff: str  #: of a dry run


@dataclass(frozen=True, slots=True)
class DecisionsPage:
    """`POST /api/suggestions/accepted`."""

    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class DismissalsPage:
    """`GET /api/dismissals`."""

    dismissals: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class ClearedPage:
    """`POST /api/dismissals/clear` and `POST /api/suggestions/withdraw`."""

    cleared: int


@dataclass(frozen=True, slots=True)
class EditedNotePage:
    """What a run did to one note."""

    note: str
    state: str  #: "done", "undone", "unclear"; "planned" and "undoing" while it goes on
    new: bool  #: the note was not there before
    changes: tuple[dict[str, Any], ...]  #: id, kind, target, text and key of each suggestion


@dataclass(frozen=True, slots=True)
class RunPage:
    """Edits that were made together."""

    run: str
    at: float  #: seconds since 1970
    notes: tuple[EditedNotePage, ...]


@dataclass(frozen=True, slots=True)
class EditsPage:
    """`GET /api/edits`."""

    runs: tuple[RunPage, ...]


@dataclass(frozen=True, slots=True)
class NewNotePage:
    """`POST /api/notes`."""

    note: str
    sha256: str
    run: str
    uri: str


def add_suggestion_routes(routes: APIRouter, assistant: Assistant) -> None:
    """The endpoints of suggestions, dismissals, edits and new notes."""
    review: Review = assistant.review

    def page(note: str, found: Sequence[Suggestion]) -> SuggestionsPage:
        uri = open_uri(assistant.vault.name, note)
        return SuggestionsPage(note, tuple(_suggestion_page(one, uri) for one in found))

    @routes.get("/api/suggestions")
    def suggestions(
        note: Annotated[NotePath | None, Query(description="A note's path or name")] = None,
        path: Annotated[NotePath | None, Query(description="The same by another name")] = None,
        kind: Kinds = None,
        min_score: MinScore = 0.0,
        limit: Limit = None,
    ) -> SuggestionsPage:
        """What a note could be given: links, tags, properties, aliases; the most likely first."""
        wanted = note or path
        if wanted is None or (note and path):
            raise InvalidRequest("note: name the note, by path or name")
        named = assistant.path_of(wanted)
        return page(named, _best(assistant.suggest(named), kind, min_score, limit))

    @routes.get("/api/suggestions/all", response_class=Response)
    def all_suggestions(kind: Kinds = None, min_score: MinScore = 0.0, limit: Limit = None) -> EventStream:
        """Server-sent events `note`, one for each note of the vault with its suggestions, and `done`."""
        left = threading.Event()

        def events() -> Iterator[tuple[str, object]]:
            total, found = assistant.counts()[0], 0
            for done, (note, offered) in enumerate(assistant.suggest_all(), 1):
                if left.is_set() or assistant.closing:
                    return
                shown = page(note, _best(offered, kind, min_score, limit))
                found += len(shown.suggestions)
                yield "note", {**asdict(shown), "done": done, "total": max(done, total)}
            yield "done", {"suggestions": found}

        return EventStream(events(), on_disconnect=left.set)

    @routes.post("/api/suggestions/apply")
    def apply(asked: ApplyRequest) -> AcceptedPage:
        """Write suggestions of a note into it, if it still is what they were made for."""
        return _accepted_page(
            review.apply(asked.note, asked.ids, sha256=asked.sha256, run=asked.run, dry_run=asked.dry_run)
        )

    @routes.post("/api/suggestions/accepted")
    def accepted(asked: AcceptedRequest) -> DecisionsPage:
        """Remember suggestions that the caller has written into the vault itself; nothing is written."""
        return DecisionsPage(tuple(review.accepted_elsewhere([one.decision() for one in asked.suggestions])))

    @routes.post("/api/suggestions/withdraw")
    def withdraw(asked: WithdrawRequest) -> ClearedPage:
        """Forget them again: the caller has taken back what it wrote."""
        return ClearedPage(review.withdraw(asked.numbers))

    @routes.post("/api/suggestions/dismiss")
    def dismiss(asked: DismissRequest) -> Decision:
        """Do not suggest this again."""
        return review.dismiss(asked.note, asked.id, asked.scope)

    @routes.get("/api/dismissals")
    def dismissals() -> DismissalsPage:
        """What was dismissed, the oldest first."""
        return DismissalsPage(tuple(review.dismissals()))

    @routes.post("/api/dismissals/clear")
    def clear(asked: ClearRequest) -> ClearedPage:
        """Suggest again what was dismissed."""
        return ClearedPage(review.forget(asked.numbers))

    @routes.post("/api/undo")
    def undo(asked: UndoRequest | None = None) -> Undone:
        """Put back what a run wrote; notes that were changed since are left alone, and their copies named."""
        return review.undo(asked.run if asked else None)

    @routes.get("/api/edits")
    def edits(limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> EditsPage:
        """What was written into the vault, the last run first."""
        return EditsPage(tuple(_run_page(run) for run in review.history(limit)))

    @routes.post("/api/notes")
    def new_note(asked: NewNoteRequest) -> NewNotePage:
        """Make a note that is not there yet."""
        made = review.create(asked.path, asked.text)
        return NewNotePage(made.note, made.sha256, made.run, open_uri(assistant.vault.name, made.note))


def _best(
    found: Sequence[Suggestion], kinds: Sequence[SuggestionKind] | None, min_score: float, limit: int | None
) -> list[Suggestion]:
    """Those of these kinds that are likely enough, the most likely first."""
    wanted = [one for one in found if one.score >= min_score and (not kinds or one.kind in kinds)]
    return sorted(wanted, key=lambda one: -one.score)[:limit]


def _suggestion_page(one: Suggestion, uri: str) -> SuggestionPage:
    shown: dict[str, Any] = {
        name: getattr(one, name) for name in SuggestionPage.__slots__ if name not in ("edit", "uri")
    }
    return SuggestionPage(**shown, edit=_edit_page(one.edit), uri=uri)


def _edit_page(edit: Edit) -> EditPage:
    if isinstance(edit, Replacement):
        return EditPage("replace", edit.text, edit.start, edit.end)
    if isinstance(edit, PropertyValue):
        return EditPage("property", key=edit.key, value=edit.value)
    return EditPage("new-note", edit.text)


def _accepted_page(one: Accepted) -> AcceptedPage:
    ids = tuple(suggestion.id for suggestion in one.accepted)
    return AcceptedPage(one.note, one.run, one.sha256, ids, one.refused, one.diff)


def _run_page(run: Run) -> RunPage:
    notes = tuple(
        EditedNotePage(one.note, one.state, not one.before, tuple(map(dict, one.changes))) for one in run.entries
    )
    return RunPage(run.id, run.at, notes)
