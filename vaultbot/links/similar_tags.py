"""Tags that may be one and the same, written in two ways: physics and physic, machine-learning and machinelearning."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from vaultbot.index.analyzer import terms

_SHORTEST = 5  #: of shorter tags every other one is a neighbour
_MOST = 5_000  #: tags that are compared
_SLIPS = 1
_DIGITS = re.compile(r"\d+")
_JOINTS = re.compile(r"[-_\s]+")


def similar_tags(keys: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs that differ in joints, endings or one letter, and stand below the same tag; in the order of `keys`."""
    keys = list(keys)[:_MOST]
    order = {key: place for place, key in enumerate(keys)}
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key in keys:
        above, _, leaf = key.rpartition("/")
        groups[above, "".join(_DIGITS.findall(leaf))].append(key)
    found: set[tuple[str, str]] = set()
    for group in groups.values():
        found.update(_alike(group))
    return sorted(found, key=lambda pair: (order[pair[0]], order[pair[1]]))


def _alike(keys: Sequence[str]) -> list[tuple[str, str]]:
    leaves = [_JOINTS.sub("", key.rpartition("/")[2]) for key in keys]
    stems: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        stems["".join(terms(_JOINTS.sub(" ", key.rpartition("/")[2])))].append(place)
        stems["".join(terms(leaves[place]))].append(place)
    pairs = {(a, b) for group in stems.values() for a in group for b in group if a < b}
    long = [place for place, leaf in enumerate(leaves) if len(leaf) >= _SHORTEST]
    if len(long) > 1:
        names = [leaves[place] for place in long]
        distances = process.cdist(
            names, names, scorer=Levenshtein.distance, score_cutoff=_SLIPS, dtype=np.uint8, workers=1
        )
        for a, b in zip(*np.nonzero(np.triu(distances <= _SLIPS, k=1)), strict=True):
            # Another first letter makes another word: affect, effect.
            if names[a][0] == names[b][0]:
                pairs.add((long[a], long[b]))
    return [(keys[a], keys[b]) for a, b in pairs]
