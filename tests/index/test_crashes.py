"""The indexer is killed in the middle, again and again, and the index must end up as if it never had been."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.index.conftest import tree_hash

KILLED = -9
POINTS = [
    "catalog.vectors-added",
    "indexer.before-record",
    "catalog.in-transaction",
    "catalog.half-inserted",
    "catalog.before-commit",
    "catalog.recorded",
    "indexer.half-drained",
    "indexer.before-outbox-cleared",
]
TWICE = ["catalog.files-before-commit"]
ONCE = ["indexer.before-removal", "chroma.before-seal"]
KILLS = [
    *((point, time) for point in POINTS for time in ("first", "second", "last")),
    *((point, time) for point in TWICE for time in ("first", "last")),
    *((point, "first") for point in ONCE),
]


@dataclass
class Outcome:
    """How a run in the child ended."""

    exit: int
    took_s: float
    said: dict[str, Any]


class Child:
    """The process that forks the ones that die."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.index.crash_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def index(self, vault: Path, state: Path, *, dump: bool = False, **more: object) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"vault": str(vault), "state": str(state), "dump": dump, **more}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        said = pickle.loads(Path(answer["said"]).read_bytes()) if answer["said"] else {}
        return Outcome(answer["exit"], answer["took_s"], said)

    def close(self) -> None:
        self._process.communicate(timeout=30)


@dataclass
class Story:
    """A vault before and after a busy day, the index of before, and what the index of after must say."""

    child: Child
    vault: Path  #: as it is after the changes
    state_before: Path
    expected: dict[str, Any]
    passes: dict[str, int]  #: how often each point is passed when the changes are indexed
    took_s: float

    def start(self, folder: Path) -> Path:
        """A state folder with the index of before, to be killed in."""
        state = folder / "state"
        shutil.copytree(self.state_before, state)
        return state

    def ends_well(self, state: Path) -> None:
        """Run once more, unharmed, and compare."""
        healed = self.child.index(self.vault, state, dump=True)
        assert healed.exit == 0
        for part, expected in self.expected.items():
            assert healed.said["dump"][part] == expected, part


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("crashes")
    vault, before, after = folder / "vault", folder / "before", folder / "after"
    for path in (vault, before, after):
        path.mkdir()
    child = Child()
    _before(vault)
    assert child.index(vault, before).exit == 0
    _change(vault)
    tree = tree_hash(vault)

    expected = child.index(vault, after, dump=True).said["dump"]
    assert expected["checks"] == ["ok"]
    assert expected["notice"] is None
    assert expected["same vectors"]
    assert expected["found"]
    trial = folder / "trial"
    shutil.copytree(before, trial)
    run = child.index(vault, trial)
    yield Story(child, vault, before, expected, run.said["passes"], run.took_s)
    assert tree_hash(vault) == tree
    child.close()


def _before(vault: Path) -> None:
    for number in range(11):
        folder = "Plants" if number < 4 else "Notes"
        _write(
            vault,
            f"{folder}/Note {number}.md",
            f"# Topic {number}\nText {number} about 量子化. [[Note {number + 1}]] #t{number}\n",
        )
    _write(vault, "Old/Left alone.md", "Nothing happens here.")


def _change(vault: Path) -> None:
    for number in range(4):
        _write(
            vault, f"New/Added {number}.md", f"---\naliases: [a{number}]\n---\n# New {number}\nFresh words {number}.\n"
        )
    for number in range(4, 7):
        _write(vault, f"Notes/Note {number}.md", f"# Topic {number}\nRewritten {number}.\n\n## More\nAnd more.\n")
    (vault / "Plants").rename(vault / "Flowers")
    (vault / "Notes/Note 7.md").rename(vault / "Notes/Renamed.md")
    for number in (8, 9):
        (vault / f"Notes/Note {number}.md").unlink()
    os.utime(vault / "Notes/Note 10.md", (1_800_000_000, 1_800_000_000))
    (vault / "pipe.png").symlink_to("nowhere")


def _write(vault: Path, path: str, text: str) -> None:
    file = vault / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, (1_700_000_000, 1_700_000_000))


def test_an_index_that_followed_the_changes_equals_a_clean_build(story: Story, tmp_path: Path) -> None:
    story.ends_well(story.start(tmp_path))


@pytest.mark.parametrize(("point", "time"), KILLS)
def test_a_kill_at_any_point_leaves_no_trace(story: Story, tmp_path: Path, point: str, time: str) -> None:
    passes = story.passes[point]
    nth = {"first": 1, "second": 2, "last": passes}[time]
    state = story.start(tmp_path)

    killed = story.child.index(story.vault, state, fault=f"{point}:kill:{nth}")

    assert killed.exit == KILLED
    story.ends_well(state)


def test_the_points_are_passed_more_than_once(story: Story) -> None:
    """Or the kills at the second and the last pass would prove nothing."""
    assert all(story.passes[point] >= 3 for point in POINTS)
    assert all(story.passes[point] == 2 for point in TWICE)
    assert all(story.passes[point] == 1 for point in ONCE)


def test_a_kill_while_the_first_index_is_made_leaves_no_trace(story: Story, tmp_path: Path) -> None:
    for number, fault in enumerate(["schema.before-commit:kill:1", "catalog.before-commit:kill:2"]):
        state = tmp_path / str(number)
        state.mkdir()
        assert story.child.index(story.vault, state, fault=fault).exit == KILLED
        story.ends_well(state)


def test_a_kill_while_an_earlier_kill_is_mended_leaves_no_trace(story: Story, tmp_path: Path) -> None:
    state = story.start(tmp_path)
    for fault in ("catalog.recorded:kill:2", "indexer.half-drained:kill:1", "indexer.half-drained:kill:3"):
        assert story.child.index(story.vault, state, fault=fault).exit == KILLED

    story.ends_well(state)


def test_no_text_is_embedded_twice_because_of_kills(story: Story, tmp_path: Path) -> None:
    state = story.start(tmp_path)
    passes = story.passes["catalog.vectors-added"]
    for _ in range(passes):
        assert story.child.index(story.vault, state, fault="catalog.vectors-added:kill:1").exit == KILLED

    last = story.child.index(story.vault, state)

    assert last.said["embedded"] == []


def test_kills_at_random_times_leave_no_trace(story: Story, tmp_path: Path) -> None:
    chance = random.Random(20)
    state = story.start(tmp_path)
    for _ in range(10):
        story.child.index(story.vault, state, kill_after_s=chance.uniform(0, story.took_s))

    story.ends_well(state)


@pytest.mark.parametrize(
    ("point", "kind"),
    [
        ("indexer.scanned", "raise"),
        ("indexer.parsed", "eacces"),
        ("catalog.vectors-before-commit", "enospc"),
        ("catalog.before-commit", "eio"),
        ("catalog.stamps-before-commit", "raise"),
        ("removals.second-look", "eio"),
        ("catalog.skipped-before-commit", "enospc"),
        ("indexer.half-drained", "eio"),
        ("chroma.half-upserted", "enospc"),
        ("chroma.sealed", "raise"),
    ],
)
def test_an_error_of_any_kind_is_no_worse_than_a_kill(story: Story, tmp_path: Path, point: str, kind: str) -> None:
    state = story.start(tmp_path)

    harmed = story.child.index(story.vault, state, fault=f"{point}:{kind}:1")

    # A note that could not be parsed is listed and left to the next run; anything else ends this one.
    assert harmed.exit == (0 if point == "indexer.parsed" else 1)
    story.ends_well(state)


@pytest.mark.parametrize(
    "point",
    [
        "listing.folder",
        "vault.reading",
        "indexer.parsed",
        "catalog.stamps-before-commit",
        "removals.second-look",
        "catalog.skipped-before-commit",
        "chroma.opening",
        "outbox.attached",
        "chroma.half-upserted",
        "chroma.sealed",
    ],
)
def test_a_kill_between_the_steps_leaves_no_trace_either(story: Story, tmp_path: Path, point: str) -> None:
    state = story.start(tmp_path)

    assert story.child.index(story.vault, state, fault=f"{point}:kill:1").exit == KILLED

    story.ends_well(state)
