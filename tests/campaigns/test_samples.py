"""A few trials of every campaign, by the very command that runs them whole. docs/reliability.md tells of the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns import ALL, load

ROOT = Path(__file__).parents[2]
SAMPLED = [name for name in ALL if load(name).sample]


def campaign(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run one; its exit code, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaigns", "--results", str(folder), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", SAMPLED)
def test_a_few_trials_end_as_they_must(name: str, tmp_path: Path) -> None:
    code, said = campaign(tmp_path, "--only", name, "--sample")

    assert code == 0, said
    ran = lines(tmp_path, name)
    assert [line["number"] for line in ran] == list(range(load(name).sample))
    assert all(line["wrong"] == [] for line in ran)
    assert f"## {name}: {load(name).title}" in (tmp_path / "report.md").read_text(encoding="utf-8")
