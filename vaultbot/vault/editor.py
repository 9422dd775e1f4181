"""The only code that writes into a vault: edits of notes and new notes, each old or new and never in between.

A note is read again and must have the bytes that the edits were made for. What is planned and a copy of the note are
on the disk, outside the vault, before anything in it is touched; then the new note takes the old one's place at once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from vaultbot import faults
from vaultbot.errors import ChangedMeanwhile, EditRefused, InvalidRequest, NoteNotFound, VaultbotError
from vaultbot.runtime import hold_file
from vaultbot.suggestion import Edit
from vaultbot.types import JsonValue
from vaultbot.vault.editable import Found, find, refuse_by_kind, why
from vaultbot.vault.edited import Edited, NotUndone, Preview, Undone
from vaultbot.vault.folder import Folder, open_folder, temporary_name
from vaultbot.vault.journal import Entry, Journal, Run, State, digest
from vaultbot.vault.listing import is_note
from vaultbot.vault.new_notes import check_new_name, folders_to_make
from vaultbot.vault.rewriting import rewrite
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot")

_TYPING_S = 10.0  #: a note that was changed so recently may be open under somebody's hands
_LOCK_S = 10.0
_INTERRUPTED: Mapping[State, str] = {
    "done": "it was wholly made",
    "undone": "it was wholly undone",
    "dropped": "it had not begun, and the note is as it was",
    "unclear": "the note was changed since, so what became of it cannot be told; the note of before is in",
}

Changes = Sequence[Mapping[str, JsonValue]]


class Editor:
    """Writes into one vault; its journal is in `folder`. Safe to use from several threads and processes."""

    def __init__(self, vault: Vault, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._vault = vault
        self._journal = Journal(folder, clock=clock)
        self._lock_file = folder / "lock"
        self._clock = clock
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    # ── editing ────────────────────────────────────────────────────────────────────────────────────────────────

    def preview(self, note: str, sha256: str, edits: Sequence[Edit]) -> Preview:
        """What `apply` would make of the note. Raises as it does; writes nothing."""
        with self._folder_of(note) as (folder, name):
            text, _ = self._editable(folder, name, note, sha256, resting=False).text()
        done = rewrite(note, text, edits)
        return Preview(note, text, done.text, done.refused)

    def apply(
        self, note: str, sha256: str, edits: Sequence[Edit], *, run: str | None = None, changes: Changes = ()
    ) -> Edited:
        """Make the edits in a note whose bytes have that hash; those that cannot be made are left out, with the reason.

        `run` goes on with an earlier run, for what is to be undone together. `changes` says for each edit what it does,
        for the history. Raises EditRefused when the note as a whole may not be changed, ChangedMeanwhile when it has
        another hash or somebody is at it, NoteNotFound; and VaultbotError when the disk does not let us.
        """
        with self._alone(), self._folder_of(note) as (folder, name):
            found = self._editable(folder, name, note, sha256, resting=True)
            text, bom = found.text()
            done = rewrite(note, text, edits)
            data = bom + done.text.encode()
            if data == found.data:
                return Edited(note, "", sha256, done.refused)
            entry = self._journal.plan(
                run or self._journal.begin(),
                note,
                before=found.data,
                after=data,
                mode=found.mode,
                mtime_ns=found.info.st_mtime_ns,
                temp=temporary_name(),
                changes=[change for n, change in enumerate(changes) if n not in done.refused],
            )
            with self._settling(entry, "done"):
                self._put(folder, name, entry, found, data, mode=found.mode)
            return Edited(note, entry.run, entry.after, done.refused)

    def create(self, note: str, text: str, *, run: str | None = None, changes: Changes = ()) -> Edited:
        """Make a note that is not there, with its folders.

        Raises InvalidRequest for a name that is none, EditRefused when something of that name is there.
        """
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest("the text is not valid Unicode") from error
        check_new_name(note)
        self._vault.resolve_inside(note)
        self._refuse_kept_out(note)
        with self._alone():
            folders = folders_to_make(self._vault.root, note)
            entry = self._journal.plan(
                run or self._journal.begin(),
                note,
                before=None,
                after=data,
                mode=0,
                mtime_ns=0,
                temp=temporary_name(),
                folders=folders,
                changes=changes,
            )
            with self._settling(entry, "done"):
                for made in folders:
                    with self._folder_of(made) as (folder, name):
                        folder.make_folder(name)
                    faults.point("editor.folder-made")
                with self._folder_of(note) as (folder, name):
                    folder.write_new(entry.temp, data, like=None, mode=folder.mode & 0o666)
                    faults.point("editor.written")
                    try:
                        folder.rename_new(name, entry.temp)
                    except FileExistsError as error:
                        raise EditRefused(f"there is {note} already") from error
                faults.point("editor.placed")
            return Edited(note, entry.run, entry.after)

    def _put(self, folder: Folder, name: str, entry: Entry, found: Found, data: bytes, *, mode: int) -> None:
        """Put these bytes in the place of the note that was found, with its owner and attributes."""
        folder.write_new(entry.temp, data, like=found.info, mode=mode)
        folder.copy_attributes(name, entry.temp)
        if entry.state == "undoing":
            folder.set_time(entry.temp, entry.mtime_ns)
        faults.point("editor.written")
        now, _ = folder.read(name)
        if now != found.data:
            raise ChangedMeanwhile(f"{entry.note} was changed at this very moment; look at it again")
        faults.point("editor.before-replace")
        folder.replace(name, entry.temp)
        faults.point("editor.placed")

    # ── undoing ────────────────────────────────────────────────────────────────────────────────────────────────

    def undo(self, run: str | None = None) -> Undone:
        """Put the notes of a run back, byte for byte, with mode and time; the last run when none is named.

        A note that was changed since is left alone. Raises NoteNotFound when there is no such run.
        """
        with self._alone():
            wanted = self._journal.run(run)
            if wanted is None:
                raise NoteNotFound("there is no such run of edits" if run else "there is nothing to undo")
            refused: dict[str, NotUndone] = {}
            back: dict[str, bool] = {}  # whether the note was there before
            for entry in reversed(wanted.entries):
                if entry.state != "done" or entry.note in refused:
                    continue
                try:
                    self._undo(entry)
                    back[entry.note] = bool(entry.before)
                except (VaultbotError, OSError) as error:
                    copy = str(self._journal.copy_of(entry)) if entry.kept else None
                    back.pop(entry.note, None)
                    refused[entry.note] = NotUndone(entry.note, why(error), copy)
        restored = tuple(note for note, there in back.items() if there)
        return Undone(
            wanted.id, restored, tuple(note for note in back if note not in restored), tuple(refused.values())
        )

    def _undo(self, entry: Entry) -> None:
        if not entry.kept:
            raise EditRefused("the note of before is no longer kept")
        data = self._journal.read_copy(entry)
        with self._folder_of(entry.note) as (folder, name):
            found = find(folder, name, entry.note)
            if digest(found.data) != entry.after:
                raise ChangedMeanwhile("it was changed since, and is left as it is")
            refuse_by_kind(found)
            self._journal.settle(entry, "undoing")
            entry = self._journal.entry(entry.number)
            with self._settling(entry, "undone"):
                faults.point("editor.undo-planned")
                if entry.before:
                    self._put(folder, name, entry, found, data, mode=entry.mode)
                else:
                    folder.remove(name)
                    folder.sync()
                    faults.point("editor.removed")
                    self._remove_folders(entry)

    def history(self, limit: int = 20) -> list[Run]:
        """The last runs, the newest first."""
        return self._journal.runs(limit)

    def copy_of(self, entry: Entry) -> Path:
        """Where the note of before is kept."""
        return self._journal.copy_of(entry)

    def moved(self, old: str, new: str) -> None:
        """A note was renamed: what was done to it can still be undone."""
        self._journal.moved(old, new)

    # ── after a failure or a kill ──────────────────────────────────────────────────────────────────────────────

    def recover(self) -> list[str]:
        """Finish or drop what a kill came into, and let go of old copies. What was found, for people.

        Raises VaultMissing while the vault is not there: nothing is decided then.
        """
        with self._alone(recover=False):
            told = self._recover()
            self._journal.prune()
        return told

    def _recover(self) -> list[str]:
        told = []
        for entry in self._journal.open_entries():
            state = self._what_became(entry)
            self._journal.settle(entry, state)
            where = f" {self._journal.copy_of(entry)}" if state == "unclear" else ""
            told.append(f"an edit of {entry.note} was interrupted: {_INTERRUPTED[state]}{where}")
            log.warning("%s", told[-1])
        return told

    @contextmanager
    def _settling(self, entry: Entry, wanted: State) -> Iterator[None]:
        """Have the journal say what came of the entry, whatever goes wrong within; no temporary file is left."""
        try:
            yield
            self._journal.settle(entry, wanted)
            faults.point("editor.settled")
        except VaultbotError:  # Told before anything was replaced.
            self._drop(entry)
            raise
        except (OSError, sqlite3.Error):
            state = entry.state
            # Where this fails, too, the entry stays open, and the next writer looks at it.
            with suppress(OSError, sqlite3.Error, VaultbotError):
                state = self._what_became(entry)
                self._journal.settle(entry, state)
            if state != wanted:  # What is in its place is made, whatever failed behind it.
                raise

    def _drop(self, entry: Entry) -> None:
        with suppress(OSError, VaultbotError), self._folder_of(entry.note) as (folder, _):
            folder.remove(entry.temp)
        self._remove_folders(entry)
        with suppress(sqlite3.Error):
            self._journal.settle(entry, "done" if entry.state == "undoing" else "dropped")

    def _what_became(self, entry: Entry) -> State:
        """Look at the vault for what became of an open entry, and clear up behind it. Raises VaultMissing."""
        self._vault.check()
        now = ""
        gone = suppress(FileNotFoundError, NotADirectoryError, NoteNotFound, EditRefused)
        with gone, self._folder_of(entry.note) as (folder, name):
            now = _hash(folder, name)
            if not entry.before and now == digest(b"") and _hash(folder, entry.temp) == entry.after:
                folder.replace(name, entry.temp)  # An empty file that kept the name of a new note.
                now = entry.after
            folder.remove(entry.temp)
        if now == entry.after:
            return "done"
        if now == entry.before:
            self._remove_folders(entry)
            return "undone" if entry.state == "undoing" else "dropped"
        return "unclear"

    def _remove_folders(self, entry: Entry) -> None:
        """Those that were made for a new note, if nothing else came into them."""
        for made in reversed(entry.folders):
            with suppress(OSError, VaultbotError), self._folder_of(made) as (folder, name):
                folder.remove_folder(name)

    # ── who may, and what may be ───────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _alone(self, *, recover: bool = True) -> Iterator[None]:
        """One writer at a time, in this process and any other; what an earlier one left open is settled first."""
        try:
            with self._lock, hold_file(self._lock_file, at_most_s=_LOCK_S) as held:
                if not held:
                    raise EditRefused("another vaultbot is writing into this vault; try again in a moment")
                if recover:
                    self._recover()
                yield
        except (OSError, sqlite3.OperationalError) as error:
            raise VaultbotError(f"the note was left as it is: {why(error)}") from error

    @contextmanager
    def _folder_of(self, path: str) -> Iterator[tuple[Folder, str]]:
        self._vault.resolve_inside(path)
        *parts, name = path.split("/")
        with open_folder(self._vault.root, parts) as folder:
            yield folder, name

    def _refuse_kept_out(self, note: str) -> None:
        if not is_note(note):
            raise EditRefused(f"{note} is no Markdown note")
        if kept_out := self._vault.kept_out(note):
            words = "excluded by the settings" if kept_out == "excluded" else "a template"
            raise EditRefused(f"{note} is {words}, and vaultbot does not change it")

    def _editable(self, folder: Folder, name: str, note: str, sha256: str, *, resting: bool) -> Found:
        """The note, if it is what the edits were made for and may be changed."""
        self._refuse_kept_out(note)
        found = find(folder, name, note)
        now = digest(found.data)
        if now != sha256:
            raise ChangedMeanwhile(f"{note} has changed since it was looked at; look at it again")
        refuse_by_kind(found)
        age = self._clock() - found.info.st_mtime
        if resting and abs(age) < _TYPING_S and not self._journal.wrote(note, now):
            raise ChangedMeanwhile(f"{note} was changed {max(0, age):.0f} s ago; try again when it has rested 10 s")
        return found


def _hash(folder: Folder, name: str) -> str:
    try:
        return digest(folder.read(name)[0])
    except FileNotFoundError:
        return ""
