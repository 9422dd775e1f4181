"""Notes that link among themselves, and how close such clusters are in what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import networkx as nx
import numpy as np

from vaultbot.links.space import NoteSpace
from vaultbot.protocols import FloatArray

_SMALLEST = 4  #: notes of a cluster that is told of
_SMALLEST_COMPARED = 5  #: notes of a cluster whose meaning is anything to go by
_MOST_COMPARED = 60  #: clusters, the largest first
_FEW_LINKS = 20  #: two clusters are apart when they have fewer links than one for so many notes of the smaller one
_CLOSE = 0.2  #: cosine of two clusters' meanings, beyond what all notes have in common
_MEMBERS_COMPARED = 300
_FINE = 3.0  #: how much denser than the vault a cluster of one theme is linked
_SMALL_VAULT = 100  #: linked notes
_SEED = 1  #: the same vault has the same clusters every time


@dataclass(frozen=True, slots=True)
class Group:
    """A cluster by the rows of its notes, those that most of its notes are linked with first."""

    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """Two clusters that speak of much the same and are hardly linked."""

    one: int  #: places of the clusters
    other: int
    close: float  #: 0 to 1
    links: int
    nearest: tuple[int, int]  #: the rows of the closest two notes, one of each


def link_graph(weights: Mapping[tuple[int, int], int]) -> nx.Graph:
    """The notes that have links, with how many links each pair has, whichever way."""
    graph = nx.Graph()
    for (one, other), links in sorted(weights.items()):
        # The tenth link between two notes says less than the first.
        graph.add_edge(one, other, weight=1 + float(np.log(links)))
    return graph


def clusters_of(graph: nx.Graph, *, fine: bool = False) -> list[Group]:
    """The clusters, the largest first, or with `fine` smaller ones, of one theme each.

    A handful of notes that are linked with nothing else is none.
    """
    # In a small vault a cluster is of one theme anyway, and its parts would be nothing to speak of.
    resolution = min(_FINE, max(1.0, len(graph) / _SMALL_VAULT)) if fine else 1.0
    found = []
    for members in nx.community.louvain_communities(graph, weight="weight", seed=_SEED, resolution=resolution):
        if len(members) >= _SMALLEST:
            within = {row: sum(other in members for other in graph[row]) for row in members}
            found.append(Group(tuple(sorted(members, key=lambda row: (-within[row], row)))))
    return sorted(found, key=lambda group: (-len(group.rows), group.rows))


def links_between(weights: Mapping[tuple[int, int], int], groups: Sequence[Group]) -> Counter[tuple[int, int]]:
    """How many pairs of notes of each two clusters are linked, by the clusters' places, the lower one first."""
    place = {row: number for number, group in enumerate(groups) for row in group.rows}
    found: Counter[tuple[int, int]] = Counter()
    for one, other in weights:
        here, there = place.get(one), place.get(other)
        if here is not None and there is not None and here != there:
            found[min(here, there), max(here, there)] += 1
    return found


def apart(space: NoteSpace, groups: Sequence[Group], linked: Mapping[tuple[int, int], int]) -> list[Apart]:
    """Clusters that are close in meaning, or else in words, with hardly a link between them; the closest first."""
    places = [n for n, group in enumerate(groups) if len(group.rows) >= _SMALLEST_COMPARED][:_MOST_COMPARED]
    if len(places) < 2:
        return []
    centres = _centres(space, [groups[place] for place in places])
    found = []
    for (a, here), (b, there) in combinations(enumerate(places), 2):
        close = float(centres[a] @ centres[b])
        links = linked.get((here, there), 0)
        smaller = min(len(groups[here].rows), len(groups[there].rows))
        if close >= _CLOSE and links * _FEW_LINKS < smaller:
            nearest = _nearest(space, groups[here], groups[there])
            found.append(Apart(here, there, round(close, 4), links, nearest))
    return sorted(found, key=lambda one: (-one.close, one.one, one.other))


def _centres(space: NoteSpace, groups: Sequence[Group]) -> FloatArray:
    """The mean of each cluster's notes, without what all notes have in common."""
    if space.has_meaning:
        rows = [space.meaning[list(group.rows)].mean(axis=0) for group in groups]
        centres = np.stack(rows) - space.meaning.mean(axis=0)
    else:
        sums = [np.asarray(space.words[list(group.rows)].mean(axis=0)).ravel() for group in groups]
        centres = np.stack(sums) - np.asarray(space.words.mean(axis=0)).ravel()
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    return np.asarray(centres / np.where(lengths > 0, lengths, 1), np.float32)


def _nearest(space: NoteSpace, one: Group, other: Group) -> tuple[int, int]:
    here, there = list(one.rows[:_MEMBERS_COMPARED]), list(other.rows[:_MEMBERS_COMPARED])
    if space.has_meaning:
        cosines = space.meaning[here] @ space.meaning[there].T
    else:
        cosines = (space.words[here] @ space.words[there].T).toarray()
    a, b = np.unravel_index(int(np.argmax(cosines)), cosines.shape)
    return here[a], there[b]
