"""The review of suggestions at a terminal: one after the other, a key for each decision."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from vaultbot.cli.keys import read_key, single_keys
from vaultbot.cli.opener import open_link
from vaultbot.cli.render import bold, dim, plain
from vaultbot.cli.render_suggestions import count, headline, print_details, uri_of
from vaultbot.cli.session import Session
from vaultbot.errors import NotRunning, VaultbotError

# Each fits on a line of 80 columns.
_KEYS = "a accept  d dismiss  s skip  o open  A all in note  n next note  q quit"
_SCOPES = "not wanted: h here  p this pair of notes  e everywhere  other keys: back"
_LOOKING = "looking for more suggestions"
_WIDTH = max(map(len, (_KEYS, _SCOPES, _LOOKING)))
_SCOPE_OF = {"h": "here", "p": "pair", "e": "phrase"}
_REACH = {"here": "here", "pair": "for these two notes", "phrase": "everywhere"}

Page = Mapping[str, Any]


class _Quit(Exception):
    """Enough for now."""


class TerminalReview:
    """Asks about each suggestion, and has what is accepted written at once."""

    def __init__(self, session: Session, *, start: bool) -> None:
        self._session = session
        self._start = start
        self._run: str | None = None
        self._accepted = 0
        self._dismissed = 0
        self._skipped = 0
        self._notes: set[str] = set()

    def run(self, pages: Iterator[Page]) -> None:
        """Go through the pages until there are no more, or `q`; then say what was done."""
        found = False
        try:
            with single_keys():
                for page in _ahead(pages):
                    found = found or bool(page["suggestions"])
                    self._note(page)
        except (_Quit, KeyboardInterrupt):
            _prompt("")
        if not found:
            print("nothing to suggest")
            return
        told = (count(self._accepted, "suggestion") + " written", self._dismissed, self._skipped)
        print(f"{told[0]} in {count(len(self._notes), 'note')}, {told[1]} dismissed, {told[2]} skipped")
        if self._run:
            print(f"to undo it: vaultbot undo {self._run}")

    def _note(self, page: Page) -> None:
        """The suggestions of one note, whose hash changes with every one that is written."""
        left = list(page["suggestions"])
        hash_now = next((one["sha256"] for one in left if one["sha256"]), "0" * 64)
        total = len(left)
        far = f", note {page['done']:,} of {page['total']:,}" if "done" in page else ""
        while left:
            one = left.pop(0)
            print(f"\n{uri_of(one)}  {dim(f'{total - len(left)} of {total} in this note{far}')}")
            print(f"  {headline(one)}")
            print_details(one)
            key = self._decision(page["note"], one)
            if key == "n":
                self._skipped += 1 + len(left)
                return
            chosen = [one]
            if key == "A":
                chosen, left = [one, *left], []
            if key in ("a", "A"):
                hash_now = self._write(page["note"], chosen, hash_now)

    def _decision(self, note: str, one: Page) -> str:
        """Wait for a key that decides; what needs no writing is done here."""
        while True:
            _prompt(_KEYS)
            key = read_key()
            _prompt("")
            if key in ("a", "A", "n"):
                return key
            if key in ("q", None):
                raise _Quit
            if key == "s":
                self._skipped += 1
                return key
            if key == "o":
                if not open_link(one["uri"]):
                    print(f"  nothing here opens {one['uri']}")
            elif key == "d" and self._dismiss(note, one):
                return key

    def _dismiss(self, note: str, one: Page) -> bool:
        _prompt(_SCOPES)
        scope = _SCOPE_OF.get(read_key() or "")
        _prompt("")
        if scope is None:
            return False
        try:
            self._post("/api/suggestions/dismiss", {"note": note, "id": one["id"], "scope": scope})
        except VaultbotError as error:
            print(f"  error: {plain(str(error))}")
            return False
        self._dismissed += 1
        print(f"  dismissed {_REACH[scope]}")
        return True

    def _write(self, note: str, chosen: list[Page], hash_now: str) -> str:
        """Have them written; the note's hash afterwards."""
        body = {"note": note, "ids": [one["id"] for one in chosen], "sha256": hash_now, "run": self._run}
        try:
            done = self._post("/api/suggestions/apply", body)
        except VaultbotError as error:
            print(f"  not written: {plain(str(error))}")
            self._skipped += len(chosen)
            return hash_now
        self._run = done["run"] or self._run
        self._accepted += len(done["accepted"])
        self._skipped += len(done["refused"])
        if done["accepted"]:
            self._notes.add(note)
            print(f"  {bold('written')}" + (f": {len(done['accepted'])}" if len(chosen) > 1 else ""))
        names = {one["id"]: one["text"] for one in chosen}
        for one in done["refused"]:
            print(f"  not written: {names[one['id']]}: {plain(one['reason'])}")
        return str(done["sha256"])

    def _post(self, path: str, body: Mapping[str, object]) -> Any:
        """Looked for each time: a daemon ends when nobody has asked it for long."""
        client = self._session.client(start=self._start, until_indexed=False)
        try:
            return client.post(path, body)
        except NotRunning:
            return self._session.client(start=self._start, until_indexed=True).post(path, body)


def _prompt(words: str) -> None:
    """Show what can be typed, on a line that goes again."""
    print(f"\r{' ' * _WIDTH}\r{dim(words)}", end="", flush=True)


def _ahead(pages: Iterator[Page]) -> Iterator[Page]:
    """The pages as they come, fetched in the background: the daemon does not wait for a person to decide."""
    waiting: queue.SimpleQueue[Page | BaseException | None] = queue.SimpleQueue()

    def fetch() -> None:
        try:
            for page in pages:
                waiting.put(page)
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    threading.Thread(target=fetch, name="suggestions", daemon=True).start()
    while True:
        if waiting.empty():
            _prompt(_LOOKING)
        page = waiting.get()
        _prompt("")
        if page is None:
            return
        if isinstance(page, BaseException):
            raise page
        yield page
