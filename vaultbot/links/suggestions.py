"""The suggestions of one vault, while it changes: what was read and learned is kept, and made again when it is due.

A note that is asked about is read as it is now. What the others say of names and links is allowed to be a few edits
old: names that came or went are looked at again at once where that is quick, and else when the index thread rests, as
are the weights of the ranking, which a file keeps.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from vaultbot.errors import NoteNotFound
from vaultbot.index.graph import Graph
from vaultbot.index.reader import CatalogReader
from vaultbot.links.decisions import Decisions
from vaultbot.links.groundwork import Groundwork
from vaultbot.links.hiding import learn
from vaultbot.links.ranker import Ranker, ranker_from, shipped, untaught
from vaultbot.links.suggester import MOST, Suggester
from vaultbot.links.view import Page, VaultView, read_page
from vaultbot.protocols import Embedder
from vaultbot.suggestion import Suggestion
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot.links")

#: A vault of so few notes is read again whenever its names change; that takes a fraction of a second.
_QUICK = 500
#: Share of the notes, or of the links, after which it is time to read, or to learn, again.
_READ_AGAIN, _LEARN_AGAIN = 0.02, 0.1
_DECISIONS_AGAIN = 5
_KINDS = ("mention", "semantic")  #: that decisions teach the ranking of


class Kind(Protocol):
    """Makes suggestions of one kind, or of a few."""

    def suggest(self, page: Page) -> list[Suggestion]:
        """What the note could be given, best first."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the suggestions depend on, to see whether it changed."""

    names: str  #: a hash of all names, and of what may be linked to
    hashes: dict[str, str]  #: of the notes' bytes, by path
    fingerprint: str | None

    def is_like(self, other: _State) -> bool:
        """Whether so little changed that what was read may still be used."""
        if self.names != other.names or self.fingerprint != other.fingerprint:
            return False
        changed = sum(other.hashes.get(path) != content for path, content in self.hashes.items())
        return changed <= max(3, _READ_AGAIN * len(self.hashes))


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made for a state."""

    state: _State
    ground: Groundwork
    suggester: Suggester
    ranker: Ranker


class LinkSuggestions:
    """Suggests for the notes of one vault. Safe to use from several threads.

    `embedder` gives the embedder that answers at the moment; `file` keeps what was learned; `kinds` make the makers of
    other suggestions than links.
    """

    def __init__(
        self,
        vault: Vault,
        reader: CatalogReader,
        *,
        embedder: Callable[[], Embedder | None],
        decisions: Decisions,
        file: Path,
        kinds: Sequence[Callable[[VaultView], Kind]] = (),
    ) -> None:
        self._vault = vault
        self._reader = reader
        self._graph = Graph(reader)
        self._embedder = embedder
        self._decisions = decisions
        self._file = file
        self._kinds = kinds
        self._lock = threading.Lock()
        self._made: _Made | None = None
        self._others: tuple[_State, list[Kind]] | None = None
        self._learned_at: tuple[int, int] | None = None  #: links and version of the decisions

    def of_note(self, path: str, *, limit: int = MOST) -> list[Suggestion]:
        """What the note could be given, the likeliest first. Raises NoteNotFound."""
        with self._reader.snapshot():
            made, others = self._ready(taught=False)
            return self._of_page(made, others, read_page(self._vault, path), limit)

    def of_all(self, *, limit: int = MOST) -> Iterator[tuple[str, list[Suggestion]]]:
        """The same for every note, by path; those that cannot be read now are passed over."""
        with self._reader.snapshot():
            made, others = self._ready(taught=True)
        for path in made.ground.paths:
            try:
                with self._reader.snapshot():
                    found = self._of_page(made, others, read_page(self._vault, path), limit)
            except NoteNotFound:
                continue
            yield path, found

    def refresh(self, stopping: threading.Event) -> None:
        """Read and learn again what is due. Takes seconds. Raises ShuttingDown."""
        if self._made is None and not self._file.exists() and self._reader.counts()[0] > _QUICK:
            return  # Nobody has asked yet, and may never.
        with self._reader.snapshot():
            self._ready(taught=True, stopping=stopping, at_rest=True)

    # ── what is kept ───────────────────────────────────────────────────────────────────────────────────────────

    def _of_page(self, made: _Made, others: Sequence[Kind], page: Page, limit: int) -> list[Suggestion]:
        if not page.wants:
            return []
        there = self._targets()
        found = [one for one in made.suggester.suggest(page, limit=limit) if one.target in there]
        for kind in others:
            found += kind.suggest(page)
        return sorted(found, key=lambda one: -one.score)

    def _targets(self) -> frozenset[str]:
        return frozenset(self._graph.searched())

    def _ready(
        self, *, taught: bool, stopping: threading.Event | None = None, at_rest: bool = False
    ) -> tuple[_Made, list[Kind]]:
        """What is there for the vault as it is, made now as far as it must be. Within a snapshot."""
        state = self._state()
        with self._lock:
            made = self._made
            stale = made is None or not made.state.is_like(state)
            may_wait = made is not None and not taught and len(state.hashes) > _QUICK
            if made is None or (stale and not may_wait):
                made = self._make(state, made, stopping)
            if taught:
                made = self._teach(made, stopping)
            self._made = made
            others = [] if at_rest else self._makers(state)
        return made, others

    def _make(self, state: _State, before: _Made | None, stopping: threading.Event | None) -> _Made:
        ground = Groundwork(self._view(state), stopping)
        links = ground.habits.count
        known = before.ranker if before else self._kept(state)
        ranker = known or untaught(shipped(), links)
        return _Made(state, ground, Suggester(ground, ranker), ranker)

    def _teach(self, made: _Made, stopping: threading.Event | None) -> _Made:
        links, decided = made.ground.habits.count, self._decisions.version
        if self._learned_at is not None:
            before, decided_before = self._learned_at
            few = abs(links - before) <= max(10, _LEARN_AGAIN * before)
            if few and abs(decided - decided_before) < _DECISIONS_AGAIN:
                return made
        ranker = learn(made.ground, shipped(), refused=self._refused(), stopping=stopping)
        self._learned_at = links, decided
        self._keep(made.state, ranker)
        return _Made(made.state, made.ground, Suggester(made.ground, ranker), ranker)

    def _makers(self, state: _State) -> list[Kind]:
        if self._others is None or self._others[0] != state:
            view = self._view(state)
            self._others = state, [make(view) for make in self._kinds]
        return self._others[1]

    def _view(self, state: _State) -> VaultView:
        return VaultView(
            self._reader,
            self._graph,
            self._vault.settings(),
            read=lambda path: read_page(self._vault, path),
            fingerprint=state.fingerprint,
        )

    def _state(self) -> _State:
        db = self._reader.connection
        digest = sha256()
        rows = db.execute("SELECT path, hash, title, kept_out, searched FROM note ORDER BY path").fetchall()
        for path, _, title, kept_out, searched in rows:
            digest.update(f"{path}\0{title}\0{kept_out}\0{searched}\n".encode("utf-8", "replace"))
        for sql in (
            "SELECT path, name FROM alias JOIN note ON note.id = alias.note ORDER BY path, ordinal",
            "SELECT path, '' FROM file ORDER BY path",
        ):
            for path, name in db.execute(sql):
                digest.update(f"{path}\0{name}\n".encode("utf-8", "replace"))
        embedder = self._embedder()
        return _State(digest.hexdigest(), {row[0]: row[1] for row in rows}, embedder.fingerprint if embedder else None)

    def _refused(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self._decisions.refused():
            if one.kind in _KINDS:
                found.setdefault(one.note, []).append(one.target)
        return found

    # ── the file ───────────────────────────────────────────────────────────────────────────────────────────────

    def _kept(self, state: _State) -> Ranker | None:
        try:
            kept: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(kept, dict) or kept.get("fingerprint") != state.fingerprint:
            return None
        ranker = ranker_from(kept, shipped())
        if ranker is not None and isinstance(kept.get("decisions"), int):
            self._learned_at = int(kept.get("links", 0)), kept["decisions"]
        return ranker

    def _keep(self, state: _State, ranker: Ranker) -> None:
        assert self._learned_at is not None
        links, decided = self._learned_at
        kept = {"fingerprint": state.fingerprint, "links": links, "decisions": decided, **ranker.to_json()}
        beside = self._file.with_name(self._file.name + ".new")
        try:
            beside.write_text(json.dumps(kept), encoding="utf-8")
            beside.replace(self._file)
        except OSError as error:  # It is learned again at the next start.
            log.warning("what was learned of the links cannot be kept: %s", error.strerror)
