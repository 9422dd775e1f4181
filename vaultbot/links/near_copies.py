"""Notes that say nearly the same in the same words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from itertools import pairwise

import networkx as nx

from vaultbot.index.reader import CatalogReader
from vaultbot.links.space import Neighbourhood, NoteSpace

_SHARED = 0.8  #: of the pairs of words that stand side by side, of both
_FEWEST_WORDS = 20  #: shorter notes are alike by chance
_ALIKE = 0.75  #: cosine of the words from where two notes are compared
_COMPARED = 5  #: the nearest of each note


def near_copies(reader: CatalogReader, space: NoteSpace, *, without: Collection[int] = ()) -> list[tuple[int, ...]]:
    """The rows of notes that have four fifths of their wording in common, group by group, the largest group first.

    To be used within a snapshot.
    """
    asked = [row for row in range(len(space)) if row not in without and len(space.terms[row]) > 1]
    near = Neighbourhood(space, asked)
    pairs = {
        (min(row, other), max(row, other))
        for row in asked
        for other, cosine in near.by_words(row, limit=_COMPARED)
        if cosine >= _ALIKE
    }
    counts = _counts(reader, space, {row for pair in pairs for row in pair})
    alike = nx.Graph()
    for one, other in sorted(pairs):
        words = max(counts[one].total(), counts[other].total())
        if words >= _FEWEST_WORDS and (counts[one] & counts[other]).total() >= _SHARED * words:
            alike.add_edge(one, other)
    groups = [tuple(sorted(group)) for group in nx.connected_components(alike)]
    return sorted(groups, key=lambda group: (-len(group), group))


def _counts(reader: CatalogReader, space: NoteSpace, rows: Collection[int]) -> dict[int, Counter[tuple[str, str]]]:
    row_of = {space.keys[row]: row for row in rows}
    found = reader.connection.execute(
        "SELECT rowid, body FROM note_terms WHERE rowid IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(row_of)),),
    )
    return {row_of[key]: Counter(pairwise(body.split())) for key, body in found}
