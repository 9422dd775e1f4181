"""The notes around a note and the links between them: a piece of the graph that is small enough to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

from vaultbot.index.graph import Direction, Graph, Neighbour


@dataclass(frozen=True, slots=True)
class Near:
    """A note of a neighbourhood."""

    path: str
    title: str
    distance: int  #: links between it and the note in the middle, whichever way they lead
    links: int  #: notes that it is linked with, also outside of the neighbourhood


@dataclass(frozen=True, slots=True)
class Tie:
    """That two notes are linked. Both are named by their places in the list of notes, the first one lower."""

    one: int
    other: int
    direction: Direction  #: "out" where the first links to the other
    types: tuple[str, ...]  #: names of the properties and inline fields that link the two


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A note and what is around it."""

    notes: tuple[Near, ...]  #: the note in the middle first, then the nearer ones
    ties: tuple[Tie, ...]
    left_out: int  #: notes that are as near and more than were asked for


def neighbourhood(graph: Graph, path: str, title: str, *, depth: int, limit: int) -> Neighbourhood:
    """At most `limit` notes within `depth` links of the note, those first that are linked both ways or by a property.

    Among notes farther away those come first that are linked with more of the nearer ones.
    """
    titles = {path: title}
    distance = {path: 0}
    around: dict[str, dict[str, Neighbour]] = {}
    ring = [path]
    left_out: set[str] = set()
    for step in range(1, depth + 1):
        found: dict[str, list[Neighbour]] = {}
        for one in ring:
            for near in _around(graph, one, around).values():
                if near.path not in distance:
                    found.setdefault(near.path, []).append(near)
        room = limit + 1 - len(distance)
        ranked = sorted(found, key=lambda other: (-_closeness(found[other]), other))
        left_out.update(ranked[room:])
        ring = ranked[:room]
        distance.update(dict.fromkeys(ring, step))
        titles.update({other: found[other][0].title for other in ring})
    places = {other: number for number, other in enumerate(distance)}
    notes = tuple(Near(one, titles[one], distance[one], len(_around(graph, one, around))) for one in places)
    ties = tuple(
        Tie(number, places[near.path], near.direction, near.types)
        for one, number in places.items()
        for near in around[one].values()
        if places.get(near.path, -1) > number
    )
    return Neighbourhood(notes, ties, len(left_out))


def _around(graph: Graph, path: str, known: dict[str, dict[str, Neighbour]]) -> dict[str, Neighbour]:
    if path not in known:
        known[path] = {near.path: near for near in graph.neighbours(path)}
    return known[path]


def _closeness(links: list[Neighbour]) -> int:
    return sum(1 + (near.direction == "both") + bool(near.types) for near in links)
