"""Learning from a vault's own links: some are hidden, and the signals of all that could stand in their place are noted.

Every link in the text is hidden once, a fifth of its note's at a time, with all other notes as they are: so they are
when what was learned is used. What a person dismissed is learned from too; what was accepted is a link by now, and
teaches as every link does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from vaultbot.errors import ShuttingDown
from vaultbot.links.characters import BoolArray, IntArray
from vaultbot.links.features import SIGNALS, Candidates, Signals
from vaultbot.links.groundwork import Groundwork
from vaultbot.links.ranker import Ranker, Rows, Shipped, part_of, taught, untaught
from vaultbot.links.survey import Habits

FEWEST = 20  #: links; from fewer nothing is learned
_TIMES = 5  #: that some links are hidden, so that each is hidden once
_MOST_OF_A_NOTE = 10  #: links hidden at a time
_MOST_LISTS = 1500
_REFUSED_COUNT = 3  #: for so many: a person looked at it


def learn(
    ground: Groundwork,
    shipped: Shipped,
    *,
    refused: Mapping[str, Sequence[str]] | None = None,
    stopping: threading.Event | None = None,
) -> Ranker:
    """A ranker for the vault; of one with few links the shipped weights. Within a snapshot.

    `refused` are the targets that a person dismissed, by note. Raises ShuttingDown soon after `stopping` is set.
    """
    links = teaching(ground)
    if links < FEWEST:
        return untaught(shipped, links)
    return taught(shipped, rows(ground, refused=refused or {}, stopping=stopping), links)


def teaching(ground: Groundwork) -> int:
    """How many links there are to learn from: those in the text, to notes that may be suggested."""
    _, targets, _ = ground.survey.hidable()
    return int(ground.offered[targets].sum())


def rows(
    ground: Groundwork,
    *,
    refused: Mapping[str, Sequence[str]] | None = None,
    share: float = 1 / _TIMES,
    stopping: threading.Event | None = None,
    seed: int = 0,
) -> Rows:
    """Candidates of the notes, and which of them are hidden links.

    `share` of each note's links is hidden at a time; 1 is for a vault that has no links anywhere.
    """
    lists = list(_hidden_lists(ground, share, stopping, seed))
    lists += _refused_lists(ground, refused or {})
    if not lists:
        none = np.zeros(0, np.int32)
        return Rows(np.zeros((0, len(SIGNALS)), np.float32), np.zeros(0, bool), none, none)
    sizes = [len(linked) for _, _, linked in lists]
    return Rows(
        np.concatenate([signals for _, signals, _ in lists]),
        np.concatenate([linked for _, _, linked in lists]),
        np.repeat(np.arange(len(lists), dtype=np.int32), sizes),
        np.repeat(np.array([part_of(ground.paths[note]) for note, _, _ in lists], np.int32), sizes),
    )


_List = tuple[int, "np.ndarray[tuple[int, int], np.dtype[np.float32]]", BoolArray]


def _hidden_lists(ground: Groundwork, share: float, stopping: threading.Event | None, seed: int) -> Iterator[_List]:
    survey = ground.survey
    sources, targets, pair_of = survey.hidable()
    usable = ground.offered[targets]
    rng = np.random.default_rng(seed)
    times = max(1, round(1 / share))
    turn = rng.integers(0, times, len(sources))
    in_all = len(np.unique(sources[usable].astype(np.int64) * times + turn[usable]))
    kept_share = min(1.0, _MOST_LISTS / max(1, in_all))
    for now in range(times):
        chosen = _few_of_each(rng.permutation(np.flatnonzero((turn == now) & usable)), sources, all_of=share == 1)
        hidden_pair = np.zeros(len(sources) + 1, bool)
        hidden_pair[chosen] = True
        hidden = hidden_pair[pair_of]  # The last is for -1: links that cannot be hidden.
        signals = ground.signals_with(Habits(survey, hidden)) if share == 1 else ground.signals
        notes = np.unique(sources[chosen])
        notes = notes[rng.random(len(notes)) < kept_share]
        for note in notes.tolist():
            if stopping is not None and stopping.is_set():
                raise ShuttingDown("vaultbot is shutting down; it learns from the links after the next start")
            found = of_note(ground, signals, note, hidden)
            wanted = targets[chosen[sources[chosen] == note]]
            linked = np.isin(found.targets, wanted)
            if linked.any():
                yield note, found.signals, linked


def _few_of_each(order: IntArray, sources: IntArray, *, all_of: bool) -> IntArray:
    """Some pairs of each note, so that a list of links does not lose all its lines at once."""
    if all_of:
        return order
    ranked = np.argsort(sources[order], kind="stable")
    sorted_sources = sources[order][ranked]
    place = np.arange(len(order)) - np.searchsorted(sorted_sources, sorted_sources)
    found: IntArray = order[ranked[place < _MOST_OF_A_NOTE]]
    return found


def _refused_lists(ground: Groundwork, refused: Mapping[str, Sequence[str]]) -> Iterable[_List]:
    none = np.zeros(len(ground.survey.links), bool)
    for path, dismissed in refused.items():
        note = ground.numbers.get(path)
        if note is None or note not in ground.survey.by_note:
            continue
        found = of_note(ground, ground.signals, note, none)
        numbers = [ground.numbers[target] for target in dismissed if target in ground.numbers]
        signals = found.signals[np.isin(found.targets, numbers)]
        if len(signals):
            yield note, np.repeat(signals, _REFUSED_COUNT, axis=0), np.zeros(_REFUSED_COUNT * len(signals), bool)


def of_note(ground: Groundwork, signals: Signals, note: int, hidden: BoolArray | None) -> Candidates:
    """The candidates of a note that was surveyed."""
    reading = ground.survey.readings[ground.survey.by_note[note]]
    path = ground.paths[note]
    stems, title_stems = ground.stems(path)
    return signals.of(
        reading,
        ground.survey.hidden_in(reading, hidden),
        ground.vectors(path),
        stems=stems,
        title_stems=title_stems,
    )
