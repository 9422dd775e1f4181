"""A change of the embedding model is killed in the middle; it must end as an index that the new model made alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.index.test_crashes import KILLED, Child
from vaultbot.index.note_rows import text_hash

OFTEN = [
    "catalog.vectors-added",
    "indexer.before-record",
    "catalog.in-transaction",
    "catalog.half-inserted",
    "catalog.before-commit",
    "catalog.recorded",
    "indexer.half-drained",
]
ONCE = [
    "indexer.before-outbox-cleared",
    "changeover.prepared",
    "changeover.switching",
    "changeover.before-commit",
    "changeover.switched",
]
TWICE = ["chroma.before-seal"]  # the earlier model's vectors, and the new one's
KILLS = [
    *((point, time) for point in OFTEN for time in ("first", "second", "last")),
    *((point, "first") for point in ONCE),
    *((point, time) for point in TWICE for time in ("first", "last")),
]


@dataclass
class Story:
    """A vault, its index by the earlier model, and what the index of the new one must say."""

    child: Child
    vault: Path
    state_before: Path
    expected: dict[str, Any]
    passes: dict[str, int]
    embedded: list[str]

    def start(self, folder: Path) -> Path:
        state = folder / "state"
        shutil.copytree(self.state_before, state)
        return state

    def ends_well(self, state: Path) -> None:
        """Run once more, unharmed: the end is the same, and nothing was embedded that had a vector already."""
        known = vectors_of_the_new_model(state)
        healed = self.child.index(self.vault, state, dump=True, model=2)
        assert healed.exit == 0
        for part, expected in self.expected.items():
            assert healed.said["dump"][part] == expected, part
        embedded = [text_hash(text) for text in healed.said["embedded"]]
        assert len(embedded) == len(set(embedded))
        assert known.isdisjoint(embedded)
        assert [path.name for path in state.iterdir() if path.is_dir()] == ["vectors"]


def vectors_of_the_new_model(state: Path) -> set[bytes]:
    with closing(sqlite3.connect(state / "catalog.db")) as db:
        return {key for (key,) in db.execute("SELECT text_hash FROM vector WHERE fingerprint = 'hash-2'")}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("changeover")
    vault, before, after, trial = (folder / name for name in ("vault", "before", "after", "trial"))
    for path in (vault, before, after):
        path.mkdir()
    child = Child()
    for number in range(9):
        short = f"# Short {number}\nFew words about 量子化.\n"
        long = "\n\n".join(f"## Part {part}\n{f'Many words {number}. ' * 13}" for part in range(4))
        write(vault, f"Note {number}.md", long if number % 3 else short)
    assert child.index(vault, before).exit == 0
    write(vault, "Note 8.md", "Rewritten when nobody looked.")

    expected = child.index(vault, after, dump=True, model=2).said["dump"]
    assert expected["checks"] == ["ok"]
    assert expected["same vectors"]
    shutil.copytree(before, trial)
    run = child.index(vault, trial, model=2)
    yield Story(child, vault, before, expected, run.said["passes"], run.said["embedded"])
    child.close()


def write(vault: Path, path: str, text: str) -> None:
    (vault / path).write_text(text, encoding="utf-8")
    os.utime(vault / path, (1_700_000_000, 1_700_000_000))


def test_a_change_of_the_model_ends_as_an_index_of_the_new_one_alone(story: Story, tmp_path: Path) -> None:
    story.ends_well(story.start(tmp_path))


def test_the_new_model_cuts_long_notes_anew_and_leaves_short_ones_as_they_are(story: Story, tmp_path: Path) -> None:
    """Or the kills while notes are recorded would prove nothing."""
    with closing(sqlite3.connect(story.state_before / "catalog.db")) as db:
        before = dict(db.execute("SELECT chunk.id, path FROM chunk JOIN note ON note.id = chunk.note"))
    after = {chunk[0] for chunk in story.expected["chunks"]}

    assert {path for chunk, path in before.items() if chunk in after} >= {"Note 0.md", "Note 3.md", "Note 6.md"}
    assert any(chunk not in after for chunk, path in before.items() if path == "Note 1.md")


@pytest.mark.parametrize(("point", "time"), KILLS)
def test_a_kill_at_any_point_leaves_no_trace(story: Story, tmp_path: Path, point: str, time: str) -> None:
    nth = {"first": 1, "second": 2, "last": story.passes[point]}[time]
    state = story.start(tmp_path)

    assert story.child.index(story.vault, state, fault=f"{point}:kill:{nth}", model=2).exit == KILLED

    story.ends_well(state)


def test_the_points_are_passed_more_than_once(story: Story) -> None:
    assert all(story.passes[point] >= 3 for point in OFTEN)
    assert all(story.passes[point] == 1 for point in ONCE)
    assert all(story.passes[point] == 2 for point in TWICE)


def test_a_kill_after_every_part_costs_no_embedding(story: Story, tmp_path: Path) -> None:
    state = story.start(tmp_path)
    for _ in range(story.passes["catalog.vectors-added"]):
        before = vectors_of_the_new_model(state)
        assert story.child.index(story.vault, state, fault="catalog.vectors-added:kill:1", model=2).exit == KILLED
        assert before < vectors_of_the_new_model(state) or not before

    last = story.child.index(story.vault, state, model=2)

    assert last.said["embedded"] == []
    assert len(vectors_of_the_new_model(state)) == len(story.embedded)


def test_an_error_in_the_switch_leaves_the_earlier_model_serving(story: Story, tmp_path: Path) -> None:
    state = story.start(tmp_path)

    assert story.child.index(story.vault, state, fault="changeover.before-commit:raise:1", model=2).exit == 1

    with closing(sqlite3.connect(state / "catalog.db")) as db:
        (built_with,) = db.execute("SELECT value FROM meta WHERE key = 'built_with'").fetchone()
    assert built_with.startswith("hash-1 ")
    story.ends_well(state)


def test_going_back_before_the_switch_finds_the_earlier_index_as_it_was(story: Story, tmp_path: Path) -> None:
    clean = story.start(tmp_path / "clean")
    expected = story.child.index(story.vault, clean, dump=True).said["dump"]
    state = story.start(tmp_path / "killed")
    assert story.child.index(story.vault, state, fault="changeover.before-commit:kill:1", model=2).exit == KILLED

    back = story.child.index(story.vault, state, dump=True)

    assert back.said["embedded"] == []
    assert {part: back.said["dump"][part] for part in expected} == expected


def test_going_back_after_the_switch_embeds_nothing(story: Story, tmp_path: Path) -> None:
    """The crash child changes over in one direction alone, so this is a plain reading by the earlier model."""
    state = story.start(tmp_path)
    assert story.child.index(story.vault, state, model=2).exit == 0

    assert story.child.index(story.vault, state).said["embedded"] == []
