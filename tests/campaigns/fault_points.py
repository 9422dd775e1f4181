"""Every fault point of the index, with every kind of fault

Six stories: a vault is read for the first time; a busy day is followed; the embedding model is changed; the next start
after that; an index of an older version is migrated; catalog, journal and decisions are damaged, and the vectors
without a seal. In each the process is killed, or an error is raised (a full disk, a broken one, no permission, one that
nobody foresaw), or it is held up, at one point, the first, the second or the last time it passes there. A process that
was not killed goes on by itself, as far as it can; then there is one more start.

Proves: at these points and with these faults, the index of the next start says what a clean build of the same vault
says, row by row, with whole SQLite and full-text structures, every vector in Chroma found by itself, and no byte of
the vault changed. The fault points of writing into notes are those of G-3.

Does not prove: what happens between the points (G-2 kills anywhere), or after a loss of power, for what SIGKILL leaves
in the system's cache is written later. The embedder is a stand-in; Chroma and SQLite are real.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.campaigns.busy_vault import change, make_vault
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import KILLED, in_a_fork
from tests.campaigns.upkeep import clean_build, differences, follow, healed, unchanged
from vaultbot.faults import KINDS, POINTS
from vaultbot.index.schema import SCHEMA_VERSION

_OF_NOTES = "edit"  # the stage that is G-3's


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happens to an index."""

    name: str
    vault: Path
    before: Path  #: the state it begins with; may be empty
    model: int
    expected: Mapping[str, Any]  #: the dump of a clean build
    passes: Mapping[str, int]  #: of the fault points


Fault: TypeAlias = tuple[Story, str, str, int]  #: point, kind, and at which passing


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    stories = list(_stories(folder))
    faults = [
        (story, point, kind, nth)
        for story in stories
        for point, passes in sorted(story.passes.items())
        for kind in KINDS
        for nth in sorted({1, min(2, passes), passes})
    ]
    faults = _each_first(faults)
    passed = {point for story in stories for point in story.passes}
    listed = [point for stage, points in POINTS.items() if stage != _OF_NOTES for point in points]
    missed = tuple(f"no story passes {point}" for point in listed if point not in passed)

    def attempt(number: int, _: random.Random) -> Outcome | None:
        if number >= len(faults):
            return None
        story, point, kind, nth = faults[number]
        outcome = _tried(story, folder / f"trial {number}", point, kind, nth)
        return Outcome(outcome.what, outcome.wrong + missed, outcome.counts, outcome.figures)

    yield attempt


def _each_first(faults: list[Fault]) -> list[Fault]:
    """In an order by chance, but each point with each kind once before any comes again: so a part tells of all."""
    random.Random("any order").shuffle(faults)
    seen: Counter[tuple[str, str]] = Counter()
    turns: list[tuple[int, int, Fault]] = []
    for fault in faults:
        _, point, kind, _ = fault
        turns.append((seen[point, kind], len(turns), fault))
        seen[point, kind] += 1
    return [fault for *_, fault in sorted(turns, key=lambda turn: turn[:2])]


def _stories(folder: Path) -> Iterator[Story]:
    rng = random.Random("the vault of all fault points")
    vault, nothing, day = folder / "vault", folder / "nothing", folder / "day"
    make_vault(vault, rng)
    nothing.mkdir()
    yield _story("first index", vault, nothing, 1, folder / "first")
    in_a_fork(lambda: follow(vault, day)).result()
    busy = folder / "busy"
    shutil.copytree(vault, busy, symlinks=True)
    shutil.rmtree(day)
    in_a_fork(lambda: follow(busy, day)).result()
    for _ in range(14):
        change(busy, rng)
    (busy / ".obsidian" / "app.json").write_text('{"userIgnoreFilters": ["Plants/"]}', encoding="utf-8")
    yield _story("busy day", busy, day, 1, folder / "after the day")
    long = folder / "long"
    make_vault(long, rng, notes=6)
    for number in range(4):
        (long / f"Long {number}.md").write_text(
            "\n\n".join(f"## Part {part}\n{f'Many words {number}. ' * 13}" for part in range(4)), encoding="utf-8"
        )
    before = folder / "by model 1"
    in_a_fork(lambda: follow(long, before)).result()
    yield _story("change of the model", long, before, 2, folder / "by model 2")
    changed = folder / "just changed over"
    shutil.copytree(before, changed)
    in_a_fork(lambda: follow(long, changed, model=2)).result()
    yield _story("start after the change", long, changed, 2, folder / "by model 2 again")
    older, damaged = folder / "older", folder / "damaged"
    shutil.copytree(day, older)
    with closing(sqlite3.connect(older / "catalog.db")) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    yield _story("migration", busy, older, 1, folder / "after the migration")
    shutil.copytree(day, damaged)
    for file in ("catalog.db", "decisions.db", "edits/journal.db"):
        (damaged / file).write_bytes(b"no database" * 1000)
    for leftover in damaged.glob("catalog.db-*"):
        leftover.unlink()
    (damaged / "vectors" / "seal").unlink()
    (damaged / "token").unlink(missing_ok=True)
    yield _story("damage", busy, damaged, 1, folder / "after the damage")


def _story(name: str, vault: Path, before: Path, model: int, clean: Path) -> Story:
    expected = clean_build(vault, clean, model=model)
    trial = clean.with_name(f"{clean.name} counted")
    shutil.copytree(before, trial)
    counted = in_a_fork(lambda: follow(vault, trial, model=model)).result()
    return Story(name, vault, before, model, expected, counted.passes)


def _tried(story: Story, state: Path, point: str, kind: str, nth: int) -> Outcome:
    shutil.copytree(story.before, state)
    with unchanged(story.vault) as wrong:
        ended = in_a_fork(
            lambda: follow(story.vault, state, model=story.model, dumped=True), fault=f"{point}:{kind}:{nth}"
        )
        if ended.exit == 0:
            how = "held up" if kind == "sleep" else "went on by itself"
            wrong.extend(differences(ended.result().dumped, story.expected, vectors=False))
        elif ended.exit == KILLED:
            how = "killed"
            if kind != "kill":
                wrong.append(f"a fault of the kind {kind} ended the process; {ended.failure}")
        else:
            how = "needed a new start"
        wrong.extend(healed(story.vault, state, story.expected, model=story.model))
    shutil.rmtree(state)
    return Outcome(f"{story.name}: {kind}", tuple(wrong), {how: 1, f"at {point}": 1}, {"seconds": ended.took_s})


CAMPAIGN = Campaign("G-1", __doc__, whole=5000, sample=4, start=start)
