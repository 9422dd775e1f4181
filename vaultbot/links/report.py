"""The state of a vault's links at a glance: what holds it together, what lies apart, what is there twice."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vaultbot.links.clusters import Apart, Group, apart, clusters_of, link_graph, links_between
from vaultbot.links.create import wanted_notes
from vaultbot.links.near_copies import near_copies
from vaultbot.links.similar_tags import similar_tags
from vaultbot.links.vault_map import Named, VaultMap, draw
from vaultbot.links.view import VaultView
from vaultbot.vault.dates import is_daily_name
from vaultbot.vault.resolver import path_key, without_md
from vaultbot.vault.uris import open_uri

_HUBS = 20
_CLUSTERS = 40
_NAMES_OF_A_CLUSTER = 5
_APART = 12
_WANTED = 50
_OF_ONE_THEME = 2
_FEWEST_DATED = 0.3  #: of the notes, for growth to be told
_MONTHS = 36


@dataclass(frozen=True, slots=True)
class NoteRef:
    """A note, and how to open it."""

    path: str
    title: str
    uri: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A note that many others are linked with."""

    note: NoteRef
    incoming: int  #: notes that link to it
    outgoing: int  #: notes that it links to


@dataclass(frozen=True, slots=True)
class Cluster:
    """Notes that link among themselves more than with others."""

    name: str  #: the title of the note that most of them are linked with
    notes: int
    members: tuple[NoteRef, ...]  #: the few that hold it together


@dataclass(frozen=True, slots=True)
class Divide:
    """Two clusters that speak of much the same and are hardly linked."""

    one: Cluster
    other: Cluster
    close: float  #: 0 to 1
    links: int  #: pairs of notes that are linked all the same
    here: NoteRef  #: the closest two notes, one of each
    there: NoteRef


@dataclass(frozen=True, slots=True)
class TagUse:
    """A tag and how many notes have it."""

    tag: str
    notes: int


@dataclass(frozen=True, slots=True)
class TagOnce:
    """A tag that a single note has."""

    tag: str
    note: NoteRef


@dataclass(frozen=True, slots=True)
class AliasCollision:
    """A name that means several notes, to one of them at least as an alias."""

    name: str
    titled: tuple[NoteRef, ...]  #: notes that are called so
    aliased: tuple[NoteRef, ...]  #: notes that have it as an alias


@dataclass(frozen=True, slots=True)
class WantedNote:
    """A name that is linked and that no note has."""

    name: str
    path: str  #: where Obsidian would make it
    notes: tuple[NoteRef, ...]  #: that link to it


@dataclass(frozen=True, slots=True)
class Month:
    """How many notes are of a month."""

    month: str  #: YYYY-MM
    notes: int


@dataclass(frozen=True, slots=True)
class VaultReport:
    """What the links of a vault look like as a whole. Templates and excluded notes are not part of it."""

    vault: str
    made: str  #: YYYY-MM-DD
    notes: int
    links: int  #: pairs of notes that are linked
    linked_notes: int  #: notes with at least one link
    tags: int
    hubs: tuple[Hub, ...]
    clusters: tuple[Cluster, ...]
    apart: tuple[Divide, ...]
    isolated: tuple[NoteRef, ...]  #: nothing links to them, and they link to nothing
    orphans: tuple[NoteRef, ...]  #: nothing links to them
    dead_ends: tuple[NoteRef, ...]  #: they link to nothing that is there
    near_copies: tuple[tuple[NoteRef, ...], ...]
    tags_once: tuple[TagOnce, ...]
    similar_tags: tuple[tuple[TagUse, TagUse], ...]
    alias_collisions: tuple[AliasCollision, ...]
    wanted: tuple[WantedNote, ...]
    growth: tuple[Month, ...]  #: by the days that notes are about or were made; empty where few have any
    map: VaultMap
    took_ms: float


def make_report(view: VaultView, vault_name: str, *, today: date) -> VaultReport:
    """The report on a vault at one moment. To be used within a snapshot."""
    began = time.perf_counter()
    return _Reporter(view, vault_name).report(today, began)


def _varied(found: Sequence[Apart]) -> list[Apart]:
    """The closest pairs, no theme in more than two of them."""
    told: Counter[int] = Counter()
    kept: list[Apart] = []
    for one in found:
        if max(told[one.one], told[one.other]) < _OF_ONE_THEME and len(kept) < _APART:
            told.update((one.one, one.other))
            kept.append(one)
    return kept


class _Reporter:
    def __init__(self, view: VaultView, vault_name: str) -> None:
        self._view = view
        self._vault_name = vault_name
        self._paths = view.space.paths
        self._refs = [NoteRef(path, view.targets[path].title, open_uri(vault_name, path)) for path in self._paths]
        self._incoming: dict[int, set[int]] = defaultdict(set)
        self._outgoing: dict[int, set[int]] = defaultdict(set)
        self._weights: Counter[tuple[int, int]] = Counter()
        rows = view.space.row_of
        for source, target in view.reader.connection.execute(
            "SELECT note.path, target FROM link JOIN note ON note.id = link.note"
            " WHERE target NOTNULL AND target <> note.path AND NOT nested"
        ):
            if source in rows and target in rows:
                here, there = rows[source], rows[target]
                self._outgoing[here].add(there)
                self._incoming[there].add(here)
                self._weights[min(here, there), max(here, there)] += 1

    def report(self, today: date, began: float) -> VaultReport:
        view, space = self._view, self._view.space
        graph = link_graph(self._weights)
        groups = clusters_of(graph)
        between = links_between(self._weights, groups)
        days = {row for row, path in enumerate(self._paths) if is_daily_name(without_md(path), view.settings)}
        tags = self._tags()
        fine = clusters_of(graph, fine=True)
        divides = _varied(apart(space, fine, links_between(self._weights, fine)))
        alone = {path for path in view.graph.isolated() if path in space.row_of}
        names = [Named(one.path, one.title, one.uri) for one in self._refs]
        return VaultReport(
            vault=self._vault_name,
            made=today.isoformat(),
            notes=len(space),
            links=len(self._weights),
            linked_notes=graph.number_of_nodes(),
            tags=len(tags),
            hubs=self._hubs(),
            clusters=tuple(self._cluster(group) for group in groups[:_CLUSTERS]),
            apart=tuple(
                Divide(
                    self._cluster(fine[d.one]),
                    self._cluster(fine[d.other]),
                    d.close,
                    d.links,
                    self._refs[d.nearest[0]],
                    self._refs[d.nearest[1]],
                )
                for d in divides
            ),
            isolated=self._listed(sorted(alone), days),
            orphans=self._listed([path for path in view.graph.orphans() if path not in alone], days),
            dead_ends=self._listed([path for path in view.graph.dead_ends() if path not in alone], days),
            near_copies=tuple(
                tuple(self._refs[row] for row in group) for group in near_copies(view.reader, space, without=days)
            ),
            tags_once=tuple(TagOnce(use.tag, self._refs[rows[0]]) for use, rows in tags.values() if use.notes == 1),
            similar_tags=tuple((tags[a][0], tags[b][0]) for a, b in similar_tags(list(tags))),
            alias_collisions=self._collisions(),
            wanted=tuple(
                WantedNote(one.name, one.path, tuple(self._refs[space.row_of[path]] for path in one.notes))
                for one in wanted_notes(view)[:_WANTED]
            ),
            growth=self._growth(),
            map=draw(graph, groups, between, names, [(fine[d.one].rows[0], fine[d.other].rows[0]) for d in divides]),
            took_ms=round((time.perf_counter() - began) * 1000, 1),
        )

    def _listed(self, paths: Sequence[str], days: set[int]) -> tuple[NoteRef, ...]:
        """Days need no links."""
        rows = self._view.space.row_of
        return tuple(self._refs[rows[path]] for path in paths if path in rows and rows[path] not in days)

    def _hubs(self) -> tuple[Hub, ...]:
        def linked(row: int) -> tuple[int, int, int]:
            return -len(self._incoming[row] | self._outgoing[row]), -len(self._incoming[row]), row

        best = sorted(self._incoming.keys() | self._outgoing.keys(), key=linked)[:_HUBS]
        return tuple(Hub(self._refs[row], len(self._incoming[row]), len(self._outgoing[row])) for row in best)

    def _cluster(self, group: Group) -> Cluster:
        members = tuple(self._refs[row] for row in group.rows[:_NAMES_OF_A_CLUSTER])
        return Cluster(members[0].title, len(group.rows), members)

    def _tags(self) -> dict[str, tuple[TagUse, list[int]]]:
        """Every tag by its key, with the rows of its notes; the most used first."""
        row_of = {key: row for row, key in enumerate(self._view.space.keys)}
        names: dict[str, Counter[str]] = defaultdict(Counter)
        rows: dict[str, dict[int, None]] = defaultdict(dict)
        for note, name, key in self._view.reader.connection.execute(
            "SELECT note, tag.name, key FROM tag JOIN note ON note.id = tag.note ORDER BY path, ordinal"
        ):
            if note in row_of:
                names[key][name] += 1
                rows[key][row_of[note]] = None
        ordered = sorted(rows, key=lambda key: (-len(rows[key]), key))
        return {key: (TagUse(names[key].most_common(1)[0][0], len(rows[key])), list(rows[key])) for key in ordered}

    def _collisions(self) -> tuple[AliasCollision, ...]:
        titled: dict[str, list[NoteRef]] = defaultdict(list)
        aliased: dict[str, dict[str, NoteRef]] = defaultdict(dict)
        written: dict[str, str] = {}
        for ref in self._refs:
            titled[path_key(ref.title)].append(ref)
            for alias in self._view.targets[ref.path].aliases:
                key = path_key(alias)
                written.setdefault(key, alias)
                if key != path_key(ref.title):
                    aliased[key][ref.path] = ref
        return tuple(
            AliasCollision(written[key], tuple(titled.get(key, ())), tuple(refs.values()))
            for key, refs in sorted(aliased.items())
            if len(refs) + len(titled.get(key, ())) > 1
        )

    def _growth(self) -> tuple[Month, ...]:
        months: Mapping[str, int] = dict(
            self._view.reader.connection.execute(
                "SELECT substr(date, 1, 7), count(*) FROM note WHERE searched AND date NOTNULL GROUP BY 1 ORDER BY 1"
            )
        )
        if not months or sum(months.values()) < _FEWEST_DATED * len(self._paths):
            return ()
        year, month = map(int, max(months).split("-"))
        last = 12 * year + month - 1
        span = [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(last - _MONTHS + 1, last + 1)]
        first = next(place for place, name in enumerate(span) if name >= min(months))
        return tuple(Month(name, months.get(name, 0)) for name in span[first:])
