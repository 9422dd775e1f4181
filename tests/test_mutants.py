"""Broken model files and killed processes, next to a daemon that stays: a small sample of `python -m bench.mutants`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.mutants import campaign

SIGNALS = ("RETRIEVAL_REFUSE_BELOW", "RETRIEVAL_CAUTION_BELOW")


def test_broken_models_and_kills_leave_the_daemon_and_everybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "SERVER_PORT", "EMBEDDING_MODEL", "MODEL_PATH", *SIGNALS):
        monkeypatch.setenv(f"VAULTBOT_{name}", "")  # The campaign sets them, and then they are what they were.

    story = campaign(tmp_path, files=8, kills=2, seed=3)

    assert story.untold == []
    assert len(story.pids) == 1
    assert story.outcomes["answers"] > 0
    assert story.outcomes["is refused from its header"] > 0
    assert sum(count for outcome, count in story.outcomes.items() if outcome.startswith("killed")) == 2
    assert story.health_s
