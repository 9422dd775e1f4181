"""What a person does with suggestions: looks at them, accepts, dismisses, and takes it back.

Whoever accepts names suggestions and the bytes they were seen with; what is written is suggested anew from the note as
it is, so that no text of a caller gets into the vault this way.
"""

from __future__ import annotations

import difflib
import logging
import re
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from vaultbot.errors import ChangedMeanwhile, InvalidRequest, NoteNotFound, VaultbotError, kind_and_place
from vaultbot.links.decisions import Decision, Decisions, Scope
from vaultbot.suggestion import NewNote, Suggestion
from vaultbot.types import JsonValue
from vaultbot.vault.edited import Edited, Undone
from vaultbot.vault.editor import Editor
from vaultbot.vault.journal import Run
from vaultbot.vault.rewriting import SAME_PLACE

log = logging.getLogger("vaultbot")

_MOST_AT_ONCE = 500
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_GONE = "it is not suggested any more"


@dataclass(frozen=True, slots=True)
class Refused:
    """A suggestion that was accepted and not written, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accepting suggestions of one note came to."""

    note: str
    run: str  #: what `undo` takes; "" when nothing was written
    sha256: str  #: of the note's bytes now: what to name when more of it is accepted
    accepted: tuple[Suggestion, ...]
    refused: tuple[Refused, ...] = ()
    diff: str = ""  #: of a dry run: what would change, as a unified diff


class Review:
    """The suggestions of one vault, in the hands of its owner.

    `suggest` gives the suggestions of a note as it is now. `changed` is called when something was written.
    """

    def __init__(
        self,
        editor: Editor,
        decisions: Decisions,
        *,
        suggest: Callable[[str], Sequence[Suggestion]],
        changed: Callable[[], None],
    ) -> None:
        self._editor = editor
        self._decisions = decisions
        self._suggest = suggest
        self._changed = changed
        self.notices = _interrupted(editor)  #: what a kill had come into, for people

    # ── accepting ──────────────────────────────────────────────────────────────────────────────────────────────

    def apply(
        self, note: str, ids: Sequence[str], *, sha256: str, run: str | None = None, dry_run: bool = False
    ) -> Accepted:
        """Accept suggestions of a note that were seen when its bytes had that hash.

        `run` goes on with an earlier run, to be undone with it. A `dry_run` writes nothing and has the diff. Raises
        ChangedMeanwhile when the note has another hash by now, EditRefused, NoteNotFound, InvalidRequest.
        """
        if not 1 <= len(ids) <= _MOST_AT_ONCE:
            raise InvalidRequest(f"name from 1 to {_MOST_AT_ONCE} suggestions of the note")
        work = _Work(note, list(dict.fromkeys(ids)), sha256, run)
        try:
            while work.left:
                offered = {one.id: one for one in self._suggest(note)}
                wanted = [offered[one] for one in work.left if one in offered]
                work.refused.update({one: _GONE for one in work.left if one not in offered})
                if any(one.note == note and one.sha256 != work.sha256 for one in wanted):
                    raise ChangedMeanwhile(f"{note} has changed since it was looked at; look at it again")
                work.left = []
                (self._preview if dry_run else self._write)(work, wanted)
        except VaultbotError as error:
            if not work.accepted:
                raise
            done = {one.id for one in work.accepted} | work.refused.keys()
            work.refused.update({one: str(error) for one in ids if one not in done})
        if work.accepted and not dry_run:
            assert work.run is not None
            self._decisions.accept(work.accepted, run=work.run)
            self._changed()
        run = work.run if work.accepted and not dry_run else ""
        refused = tuple(Refused(one, reason) for one, reason in work.refused.items())
        return Accepted(note, run or "", work.sha256, tuple(work.accepted), refused, work.diff)

    def _write(self, work: _Work, wanted: Sequence[Suggestion]) -> None:
        """One round; those that have to wait for others are put into `work.left`."""
        here = [one for one in wanted if one.note == work.note and not isinstance(one.edit, NewNote)]
        for one in wanted:
            if isinstance(one.edit, NewNote):
                try:
                    made = self._editor.create(one.note, one.edit.text, run=work.run, changes=[_change(one)])
                    work.take([one], made)
                except VaultbotError as error:
                    work.refused[one.id] = str(error)
        if not here:
            return
        edits, changes = [one.edit for one in here], [_change(one) for one in here]
        done = self._editor.apply(work.note, work.sha256, edits, run=work.run, changes=changes)
        work.sha256 = done.sha256
        work.take([one for n, one in enumerate(here) if n not in done.refused], done)
        for n, reason in done.refused.items():
            if reason == SAME_PLACE and done.run:
                work.left.append(here[n].id)
            else:
                work.refused[here[n].id] = reason

    def _preview(self, work: _Work, wanted: Sequence[Suggestion]) -> None:
        here = [one for one in wanted if one.note == work.note and not isinstance(one.edit, NewNote)]
        work.accepted = [one for one in wanted if isinstance(one.edit, NewNote)]
        for one in work.accepted:
            assert isinstance(one.edit, NewNote)
            work.diff += _diff("", one.edit.text, "/dev/null", f"b/{one.note}") or f"+++ b/{one.note}\n"
        if here:
            shown = self._editor.preview(work.note, work.sha256, [one.edit for one in here])
            work.accepted += [one for n, one in enumerate(here) if n not in shown.refused]
            work.refused.update({here[n].id: reason for n, reason in shown.refused.items()})
            work.diff += _diff(shown.before, shown.after, f"a/{work.note}", f"b/{work.note}")

    def accepted_elsewhere(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Remember what another program has written itself, such as the plugin; nothing is written here."""
        return self._decisions.record(decisions)

    def withdraw(self, numbers: Collection[int]) -> int:
        """Another program took back what it had written; how many of these decisions are forgotten.

        What vaultbot wrote is taken back by `undo` alone.
        """
        elsewhere = {one.number for one in self._decisions.accepted() if not one.run}
        return self._decisions.clear(elsewhere.intersection(numbers))

    def create(self, path: str, text: str) -> Edited:
        """Make a note that a person asked for by name. Raises InvalidRequest, and EditRefused when it is there."""
        made = self._editor.create(path, text, changes=[{"kind": "note", "text": path, "target": path}])
        self._changed()
        return made

    def undo(self, run: str | None = None) -> Undone:
        """Take a run back, the last one when none is named; see `Editor.undo`. Raises NoteNotFound."""
        undone = self._editor.undo(run)
        self._decisions.withdraw(undone.run, (*undone.restored, *undone.removed))
        if undone.restored or undone.removed:
            self._changed()
        return undone

    def history(self, limit: int = 20) -> list[Run]:
        """The last runs that wrote into the vault, the newest first."""
        if not 1 <= limit <= 1000:
            raise InvalidRequest("limit must be from 1 to 1000")
        return self._editor.history(limit)

    # ── dismissing ─────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, suggestions: Sequence[Suggestion]) -> list[Suggestion]:
        """Those that nobody has dismissed."""
        return [one for one in suggestions if not self._decisions.dismissed(one)]

    def dismiss(self, note: str, suggestion: str, scope: Scope) -> Decision:
        """Do not suggest this again: here, for this pair, or these words anywhere. Raises NoteNotFound."""
        for one in self._suggest(note):
            if one.id == suggestion:
                return self._decisions.dismiss(one, scope)
        raise NoteNotFound(f"there is no such suggestion for the note; {_GONE}")

    def dismissals(self) -> list[Decision]:
        """What was dismissed, the oldest first."""
        return self._decisions.refused()

    def forget(self, numbers: Collection[int] | None = None) -> int:
        """Suggest again what was dismissed, by number or all of it; how many there were."""
        known = {one.number for one in self._decisions.refused()}
        return self._decisions.clear(known if numbers is None else known.intersection(numbers))

    # ── the vault's life ───────────────────────────────────────────────────────────────────────────────────────

    def renamed(self, old: str, new: str) -> None:
        """A note has another path now: what was decided and done about it goes with it, if its files can be written."""
        for follow in (self._decisions.follow, self._editor.moved):
            try:
                follow(old, new)
            except (sqlite3.Error, OSError) as error:
                log.warning("what was decided about a renamed note was not taken along: %s", kind_and_place(error))

    def close(self) -> None:
        """Close the files."""
        self._decisions.close()
        self._editor.close()


@dataclass(slots=True)
class _Work:
    """What is left of the accepted suggestions of a note, and what came of the others."""

    note: str
    left: list[str]
    sha256: str
    run: str | None
    accepted: list[Suggestion] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    diff: str = ""

    def take(self, suggestions: Sequence[Suggestion], edited: Edited) -> None:
        self.accepted += suggestions
        self.run = edited.run or self.run


def _interrupted(editor: Editor) -> tuple[str, ...]:
    try:
        return tuple(editor.recover())
    except VaultbotError as error:  # The vault is away: whoever writes next looks again.
        log.info("edits that were interrupted are looked at later: %s", error)
        return ()


def _change(suggestion: Suggestion) -> Mapping[str, JsonValue]:
    """What the history says of it."""
    names = ("id", "kind", "target", "text", "key")
    return {name: getattr(suggestion, name) for name in names if getattr(suggestion, name) is not None}


def _diff(before: str, after: str, old: str, new: str) -> str:
    """A unified diff; a last line without a line end says so, as in `diff -u`."""
    lines = difflib.unified_diff(_LINE.findall(before), _LINE.findall(after), old, new)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)
