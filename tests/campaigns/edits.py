"""Edits, undos, and kills at every step of them

First every fault point of writing, creating and undoing with every kind of fault, then stories that hypothesis makes
up, twenty-five a trial, played with real files and real SIGKILLs (tests/vault/edit_stories.py): notes with properties
of every form, line ends, marks and encodings; edits that are stale; files that are locked, linked, renamed meanwhile;
a person who goes on writing.

Proves: in these stories every note was wholly old or wholly new after every step, nothing of the editor was left
lying about, what a person wrote stayed, and every undo was to the byte, with mode and time, or was refused with a copy
that has every byte.

Does not prove: the same for a loss of power, for other systems than Linux, or for programs that write in the very
instant between the last look at a note and its replacement.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.vault.edit_stories import APPLY_POINTS, CREATE_POINTS, UNDO_POINTS, Link, Step, Story, play, stories
from vaultbot.faults import KINDS, POINTS
from vaultbot.suggestion import PropertyValue

_STORIES = 25
_NOTES = (b"---\ntags: [a]\n---\nThey like compost and \xe8\x82\xa5\xe6\x96\x99.\r\n", b"Peas.\n", b"Beans")
_APPLY = Step("apply", "Tomato.md", (Link("compost", 0), PropertyValue("tags", "garden")))
_CREATE = Step("create", "New/Deep/Heap.md", text=b"# Heap\n")
_UNDO = Step("undo", "")


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    faults = [
        (steps, place, point, kind)
        for steps, place, points in (
            ((_APPLY,), 0, APPLY_POINTS),
            ((_CREATE,), 0, CREATE_POINTS),
            ((_APPLY, _UNDO), 1, UNDO_POINTS),
            ((_CREATE, _UNDO), 1, UNDO_POINTS),
        )
        for point in points
        for kind in KINDS
    ]

    assert {point for *_, point, _ in faults} == set(POINTS["edit"])

    def attempt(number: int, chance: random.Random) -> Outcome:
        if number < len(faults):
            steps, place, point, kind = faults[number]
            return _faulty(folder, steps, place, point, kind)
        return _made_up(folder, chance.randrange(2**32))

    yield attempt


def _faulty(folder: Path, steps: tuple[Step, ...], place: int, point: str, kind: str) -> Outcome:
    told = [
        Step(step.what, step.note, step.edits, (point, kind), step.text) if n == place else step
        for n, step in enumerate(steps)
    ]
    what = f"{' and '.join(step.what for step in steps)}: {kind}"
    with TemporaryDirectory(dir=folder) as stage:
        try:
            did = play(Story(_NOTES, tuple(told)), Path(stage))
        except AssertionError as error:
            return Outcome(what, (f"at {point}: {error}",))
    return Outcome(what, (), did)


def _made_up(folder: Path, chosen: int) -> Outcome:
    did: Counter[str] = Counter()

    @seed(chosen)
    @settings(
        max_examples=_STORIES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def one(story: Story) -> None:
        with TemporaryDirectory(dir=folder) as stage:
            did.update(play(story, Path(stage)))
        did["stories"] += 1

    try:
        one()
    except Exception as error:
        return Outcome(
            "made-up stories", (f"hypothesis seed {chosen}: {error!r}", *getattr(error, "__notes__", ())), did
        )
    return Outcome("made-up stories", (), did)


CAMPAIGN = Campaign("G-3", __doc__, whole=350, sample=0, start=start)
