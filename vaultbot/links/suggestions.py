"""The suggestions of one vault, while it changes: what was read and learned is kept, and made again when it is due.

A note that is asked about is read as it is now. What the others say of names and links is allowed to be a few edits
old: names that came or went are looked at again at once where that is quick, and else when the index thread rests, as
are the weights of the ranking, which a file keeps.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from vaultbot.errors import NoteNotFound
from vaultbot.index.graph import Graph
from vaultbot.index.reader import CatalogReader
from vaultbot.links.aliases import AliasKind
from vaultbot.links.create import CreateKind
from vaultbot.links.decisions import Decisions
from vaultbot.links.fix_links import FixLinkKind
from vaultbot.links.groundwork import Groundwork
from vaultbot.links.hiding import learn, teaching
from vaultbot.links.lookup import Lookup
from vaultbot.links.properties import PropertyKind
from vaultbot.links.ranker import Ranker, ranker_from, shipped, untaught
from vaultbot.links.suggester import Suggester
from vaultbot.links.tags import TagKind
from vaultbot.links.view import Page, VaultView
from vaultbot.protocols import Embedder
from vaultbot.suggestion import Suggestion
from vaultbot.vault.listing import is_note
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot")

#: A vault of so few notes is read again whenever its names change; that takes a second.
_QUICK = 500
#: Share of the notes, or of the links, after which it is time to read, or to learn, again.
_READ_AGAIN, _LEARN_AGAIN = 0.02, 0.1
_DECISIONS_AGAIN = 5
_RANKED = ("mention", "semantic")  #: that decisions teach the ranking of


class Kind(Protocol):
    """Makes suggestions of one kind."""

    def suggest(self, page: Page) -> list[Suggestion]:
        """What the note could be given, best first."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the suggestions depend on, to see whether it changed."""

    names: str  #: a hash of all names, and of what may be linked to
    hashes: dict[str, str]  #: of the notes' bytes, by path
    fingerprint: str | None  #: of the embedder
    cards: int  #: notes that have a vector

    def is_like(self, other: _State) -> bool:
        """Whether so little changed that what was read may still be used."""
        if self.names != other.names or self.fingerprint != other.fingerprint:
            return False
        changed = sum(other.hashes.get(path) != content for path, content in self.hashes.items())
        return max(changed, abs(self.cards - other.cards)) <= max(3, _READ_AGAIN * len(self.hashes))


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made for a state."""

    state: _State
    ground: Groundwork
    ranker: Ranker
    links: Suggester
    tags: TagKind
    properties: PropertyKind
    others: Sequence[Kind]

    @property
    def kinds(self) -> Sequence[Kind]:
        return (self.links, self.properties, self.tags, *self.others)


class LinkSuggestions:
    """Suggests for the notes of one vault. Safe to use from several threads.

    `embedder` gives the embedder that answers at the moment; `file` keeps what was learned; `wake` is called when there
    is something to learn at rest.
    """

    def __init__(
        self,
        vault: Vault,
        reader: CatalogReader,
        *,
        embedder: Callable[[], Embedder | None],
        decisions: Decisions,
        file: Path,
        wake: Callable[[], None],
    ) -> None:
        self._vault = vault
        self._reader = reader
        self._graph = Graph(reader)
        self._lookup = Lookup(vault, self._graph)
        self._embedder = embedder
        self._decisions = decisions
        self._file = file
        self._wake = wake
        self._making = threading.Lock()  #: held by whoever reads or learns; those who ask take what is there
        self._made: _Made | None = None
        self._learned_at: tuple[int, int] | None = None  #: links and version of the decisions

    def of_note(self, path: str) -> list[Suggestion]:
        """What the note could be given, the likeliest first. Raises NoteNotFound."""
        with self._reader.snapshot():
            made = self._ready()
            found = _of_page(made, self._lookup.page(path), self._graph.searched())
        if self._learned_at is None:
            self._wake()
        return found

    def of_all(self) -> Iterator[tuple[str, list[Suggestion]]]:
        """The same for every Markdown note, by path; those that cannot be read now are passed over."""
        with self._reader.snapshot():
            made = self._ready(whole=True)
            searched = self._graph.searched()
            paths = sorted(name[0] for name in self._reader.names() if is_note(name[0]))
        told: set[str] = set()
        for path in paths:
            # A snapshot a note: whoever reads them may take hours, and each in another thread.
            try:
                with self._reader.snapshot():
                    found = _of_page(made, self._lookup.page(path), searched)
            except NoteNotFound:
                continue
            new = [one for one in found if one.id not in told]  # Several notes may want the same note made.
            told.update(one.id for one in new)
            yield path, new

    def refresh(self, stopping: threading.Event) -> None:
        """Read and learn again what is due. Takes seconds, or minutes. Raises ShuttingDown."""
        if self._made is None and not self._file.exists():
            return  # Nobody has asked yet, and may never.
        with self._reader.snapshot():
            self._ready(whole=True, stopping=stopping)

    # ── what is kept ───────────────────────────────────────────────────────────────────────────────────────────

    def _ready(self, *, whole: bool = False, stopping: threading.Event | None = None) -> _Made:
        """What is there for the vault as it is, made now as far as it must be. Within a snapshot.

        `whole`: read and learned as well as can be, however long it takes.
        """
        state = self._state()
        whole = whole or len(state.hashes) <= _QUICK
        made = self._made
        if made is not None and (not whole or self._is_up_to_date(made, state)):
            return made
        with self._making:
            made = self._made
            if made is None or (whole and not made.state.is_like(state)):
                made = self._made = self._make(state, made, stopping)
            if whole and self._is_time_to_learn(made):
                made = self._made = self._taught(made, stopping)
        return made

    def _is_up_to_date(self, made: _Made, state: _State) -> bool:
        return made.state.is_like(state) and not self._is_time_to_learn(made)

    def _make(self, state: _State, before: _Made | None, stopping: threading.Event | None) -> _Made:
        ground = Groundwork(self._view(state), stopping)
        if before and before.state.fingerprint != state.fingerprint:
            before = None  # Other vectors are near in another way.
            self._learned_at = None
        ranker = before.ranker if before else self._kept(state) or untaught(shipped(), teaching(ground))
        return _Made(
            state,
            ground,
            ranker,
            Suggester(ground, ranker),
            TagKind(ground.view, weights=before.tags.weights if before else None),
            PropertyKind(ground.view, weights=before.properties.weights if before else None),
            (AliasKind(ground.view), FixLinkKind(ground.view), CreateKind(ground.view)),
        )

    def _is_time_to_learn(self, made: _Made) -> bool:
        if self._learned_at is None:
            return True
        links, decided = self._learned_at
        return (
            abs(made.ground.habits.count - links) > max(10, _LEARN_AGAIN * links)
            or abs(self._decisions.version - decided) >= _DECISIONS_AGAIN
        )

    def _taught(self, made: _Made, stopping: threading.Event | None) -> _Made:
        links, decided = made.ground.habits.count, self._decisions.version
        ranker = learn(made.ground, shipped(), refused=self._refused(), stopping=stopping)
        self._learned_at = links, decided
        self._keep(made.state, ranker)
        return replace(made, ranker=ranker, links=Suggester(made.ground, ranker))

    def _view(self, state: _State) -> VaultView:
        return VaultView(
            self._reader, self._graph, self._vault.settings(), read=self._lookup.page, fingerprint=state.fingerprint
        )

    def _state(self) -> _State:
        db, embedder = self._reader.connection, self._embedder()
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
        fingerprint = embedder.fingerprint if embedder else None
        (cards,) = db.execute(
            "SELECT count(*) FROM chunk WHERE view = 'card' AND EXISTS"
            " (SELECT 1 FROM vector WHERE vector.text_hash = chunk.text_hash AND vector.fingerprint = ?)",
            (fingerprint,),
        ).fetchone()
        return _State(digest.hexdigest(), {row[0]: row[1] for row in rows}, fingerprint, cards)

    def _refused(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self._decisions.refused():
            if one.kind in _RANKED:
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
        if ranker is not None and isinstance(kept.get("links"), int):
            self._learned_at = kept["links"], self._decisions.version
        return ranker

    def _keep(self, state: _State, ranker: Ranker) -> None:
        assert self._learned_at is not None
        kept = {"fingerprint": state.fingerprint, "links": self._learned_at[0], **ranker.to_json()}
        beside = self._file.with_name(self._file.name + ".new")
        try:
            beside.write_text(json.dumps(kept), encoding="utf-8")
            beside.replace(self._file)
        except OSError as error:  # It is learned again at the next start.
            log.warning("what was learned of the links cannot be kept: %s", error.strerror)


def _of_page(made: _Made, page: Page, searched: Collection[str]) -> list[Suggestion]:
    """What the note could be given; links to notes that are gone are left out."""
    if not page.wants:
        return []
    found = [
        one for kind in made.kinds for one in kind.suggest(page) if one.kind not in _RANKED or one.target in searched
    ]
    return sorted(found, key=lambda one: -one.score)
