"""A picture of the vault: clusters as islands, as large as they have notes, with their most linked notes on them.

Thousands of notes and all their links would make a ball of wool. So the islands are laid out by what links them, and on
each only the notes that hold it together.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from unicodedata import east_asian_width

import networkx as nx
import numpy as np
import numpy.typing as npt

from vaultbot.links.clusters import Group

Places: TypeAlias = npt.NDArray[np.float64]  #: (things, 2)

_WIDTH = 1000.0  #: of every map, so that letters and dots are of one size on all
_HEIGHT = 850.0  #: at most
_LARGEST = 210.0  #: radius of an island
_MOST_ISLANDS = 40
_BRIDGES = 3  #: the strongest of each island are drawn
_MOST_DOTS = 600
_FEWEST_DOTS = 4  #: of an island, if it has so many notes
_MOST_ON_ISLAND = 60
_SEA = 0.22  #: between two islands, in radii of the middling one
_SHORE = 0.84  #: of the radius that dots take up
_DOT_GAP = 2.0
_ROUNDS = 400
_DOT_ROUNDS = 120
_SMALLEST_LETTERS, _LARGEST_LETTERS = 11.0, 17.0
_LABEL_EVERY = 60.0  #: units of an island's radius, besides the first two names
_LONGEST_NAME = 34  #: characters that are written of the note in the middle of an island
_LONGEST_LABEL = 24  #: and of others
_SEED = 1


@dataclass(frozen=True, slots=True)
class Island:
    """A cluster of notes, drawn as a disc."""

    cluster: int  #: its place among the clusters
    x: float
    y: float
    r: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A note on an island."""

    path: str
    title: str
    uri: str
    cluster: int
    x: float
    y: float
    r: float
    links: int  #: notes that it is linked with
    label: float = 0.0  #: how high the letters of its name are; 0 where there is no room to write it
    label_y: float = 0.0  #: of the line that they stand on


@dataclass(frozen=True, slots=True)
class Line:
    """A link between two dots, by their places, or links between two islands, by theirs."""

    one: int
    other: int
    links: int


@dataclass(frozen=True, slots=True)
class VaultMap:
    """Where everything is, from (0, 0) to (width, height)."""

    width: float
    height: float
    islands: tuple[Island, ...]
    bridges: tuple[Line, ...]  #: between islands
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]  #: between dots of the same island
    divides: tuple[Line, ...]  #: between dots whose surroundings speak of much the same and are hardly linked


@dataclass(frozen=True, slots=True)
class Named:
    """What the picture says of a note."""

    path: str
    title: str
    uri: str


def draw(
    graph: nx.Graph,
    groups: Sequence[Group],
    between: Mapping[tuple[int, int], int],
    names: Sequence[Named],
    divides: Sequence[tuple[int, int]],
) -> VaultMap:
    """The map of these clusters.

    `names` are those of all rows, `between` the links between clusters, `divides` the middles of those that are apart.
    """
    shown = list(groups[:_MOST_ISLANDS])
    if not shown:
        return VaultMap(0, 0, (), (), (), (), ())
    bridges = [Line(a, b, links) for (a, b), links in sorted(between.items()) if max(a, b) < len(shown)]
    radii = np.sqrt([float(len(group.rows)) for group in shown])
    places = _packed(_spread(len(shown), bridges), radii)
    low, high = (places - radii[:, None]).min(axis=0), (places + radii[:, None]).max(axis=0)
    scale = min(0.96 * _WIDTH / (high - low)[0], _HEIGHT / (high - low)[1], _LARGEST / radii.max())
    height = 1.06 * scale * (high - low)[1]
    places = (places - (low + high) / 2) * scale + (_WIDTH / 2, height / 2)
    islands = tuple(
        Island(number, _tenth(x), _tenth(y), _tenth(r))
        for number, ((x, y), r) in enumerate(zip(places.tolist(), (radii * scale).tolist(), strict=True))
    )
    dots, lines = _dots(graph, shown, islands, names)
    place = {dot.path: number for number, dot in enumerate(dots)}
    far = [(place.get(names[a].path), place.get(names[b].path)) for a, b in divides]
    apart = tuple(Line(a, b, 0) for a, b in far if a is not None and b is not None)
    return VaultMap(_WIDTH, _tenth(height), islands, _strongest(bridges), _labelled(dots, islands), lines, apart)


def _strongest(bridges: Sequence[Line]) -> tuple[Line, ...]:
    """Those that are among the first few of an island: all of them may hide everything else."""
    drawn = Counter[int]()
    kept = set()
    for line in sorted(bridges, key=lambda line: (-line.links, line.one, line.other)):
        if min(drawn[line.one], drawn[line.other]) < _BRIDGES:
            drawn.update((line.one, line.other))
            kept.add(line)
    return tuple(line for line in bridges if line in kept)


def _spread(islands: int, bridges: Sequence[Line]) -> Places:
    """Where islands would lie if only their bridges held them together."""
    sea = nx.Graph()
    sea.add_nodes_from(range(islands))
    sea.add_weighted_edges_from((line.one, line.other, math.log1p(line.links)) for line in bridges)
    found = nx.spring_layout(sea, seed=_SEED, iterations=200, k=2 / math.sqrt(islands))
    return np.array([found[number] for number in range(islands)])


def _packed(places: Places, radii: Places) -> Places:
    """The same, drawn together until nothing but a narrow sea lies between, and nothing on top of another."""
    if len(places) == 1:
        return np.zeros((1, 2))
    wanted = radii[:, None] + radii[None, :] + _SEA * float(np.median(radii))
    # Wider than high, as screens are.
    places = places * (1.25, 1) * (1.2 * math.sqrt(float((radii**2).sum())) / np.abs(places).max())
    for _ in range(_ROUNDS // 2):
        places = _parted(places * 0.985, wanted, rounds=1)
    return _parted(places, wanted, rounds=_ROUNDS)


def _parted(places: Places, wanted: Places, *, rounds: int) -> Places:
    """The places with each two as far from each other as `wanted`, as well as so many rounds bring it about."""
    wanted = wanted * (1 - np.eye(len(places)))
    for _ in range(rounds):
        away = places[:, None] - places[None, :]
        distance = np.linalg.norm(away, axis=2)
        overlap = np.maximum(0, wanted - distance)
        if overlap.max() < 0.01:
            break
        # Two in the same place part to the side.
        away[(distance == 0) & (wanted > 0)] = (1.0, 0.0)
        push = away / np.maximum(distance, 1e-9)[:, :, None] * overlap[:, :, None]
        places = places + 0.5 * push.sum(axis=1)
    return places


def _dots(
    graph: nx.Graph, groups: Sequence[Group], islands: Sequence[Island], names: Sequence[Named]
) -> tuple[list[Dot], tuple[Line, ...]]:
    notes = sum(len(group.rows) for group in groups)
    dots: list[Dot] = []
    lines: list[Line] = []
    for group, island in zip(groups, islands, strict=True):
        room = min(_MOST_ON_ISLAND, max(_FEWEST_DOTS, round(_MOST_DOTS * len(group.rows) / notes)))
        rows = list(group.rows[:room])
        inner = graph.subgraph(rows)
        radii = np.array([min(island.r / 4, 2.2 + 0.9 * math.sqrt(len(graph[row]))) for row in rows])
        places = _on_island(inner, rows, radii, island)
        first = len(dots)
        for row, (x, y), r in zip(rows, places.tolist(), radii.tolist(), strict=True):
            links, one = len(graph[row]), names[row]
            dots.append(Dot(one.path, one.title, one.uri, island.cluster, _tenth(x), _tenth(y), _tenth(r), links))
        place = {row: first + number for number, row in enumerate(rows)}
        lines += [Line(min(place[a], place[b]), max(place[a], place[b]), 1) for a, b in inner.edges]
    return dots, tuple(sorted(lines, key=lambda line: (line.one, line.other)))


def _on_island(inner: nx.Graph, rows: Sequence[int], radii: Places, island: Island) -> Places:
    centre = np.array([island.x, island.y])
    if len(rows) == 1:
        return centre[None, :]
    found = nx.spring_layout(inner, seed=_SEED, iterations=100, weight=None, k=1.6 / math.sqrt(len(rows)))
    places = np.array([found[row] for row in rows])
    places = places - places.mean(axis=0)
    # Ranked from the middle outwards, so that a note far out does not press all others together.
    distance = np.linalg.norm(places, axis=1)
    rank = np.sqrt((distance.argsort().argsort() + 0.5) / len(rows))
    angle = np.arctan2(places[:, 1], places[:, 0])
    places = _SHORE * island.r * rank[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    places = _parted(places, radii[:, None] + radii[None, :] + _DOT_GAP, rounds=_DOT_ROUNDS)
    # What was pushed into the sea comes back to the shore.
    out = np.linalg.norm(places, axis=1) / (0.95 * island.r - radii)
    return np.asarray(centre + places / np.maximum(1, out)[:, None], np.float64)


def _labelled(dots: Sequence[Dot], islands: Sequence[Island]) -> tuple[Dot, ...]:
    """The dots, with where their names can be written, above or below, without covering another name."""
    taken: list[tuple[float, float, float, float]] = []
    found = list(dots)
    labels = Counter[int]()
    firsts = {dot.cluster: number for number, dot in reversed(list(enumerate(dots)))}
    # The note that holds an island together comes first: its name is the island's.
    for number in sorted(range(len(dots)), key=lambda n: (firsts[dots[n].cluster] != n, -dots[n].links, n)):
        dot, middle = dots[number], firsts[dots[number].cluster] == number
        radius = islands[dot.cluster].r
        if labels[dot.cluster] >= 2 + radius / _LABEL_EVERY:
            continue
        size = min(_LARGEST_LETTERS, max(_SMALLEST_LETTERS, radius / 7)) * (1.0 if middle else 0.86)
        half = size * _width(dot.title[: _LONGEST_NAME if middle else _LONGEST_LABEL]) / 2
        for line in (dot.y - dot.r - 0.3 * size, dot.y + dot.r + size):
            box = (dot.x - half, line - 0.9 * size, dot.x + half, line + 0.3 * size)
            if all(box[2] < o[0] or box[0] > o[2] or box[3] < o[1] or box[1] > o[3] for o in taken):
                taken.append(box)
                labels[dot.cluster] += 1
                found[number] = replace(dot, label=_tenth(size), label_y=_tenth(line))
                break
    return tuple(found)


def _width(text: str) -> float:
    """About how wide the text is, in heights of its letters."""
    return sum(1.0 if east_asian_width(character) in "WF" else 0.56 for character in text)


def _tenth(number: float) -> float:
    return round(float(number), 1)
