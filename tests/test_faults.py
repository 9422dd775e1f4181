from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from vaultbot import faults


def test_nothing_happens_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULTBOT_FAULT", raising=False)
    for _ in range(3):
        faults.point("test.nothing")
    monkeypatch.setenv("VAULTBOT_FAULT", "test.elsewhere:raise:1")
    faults.point("test.nothing")


def test_an_error_comes_at_the_nth_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTBOT_FAULT", "test.nth:raise:3")
    faults.point("test.nth")
    faults.point("test.nth")
    with pytest.raises(OSError, match="fault injected at"):
        faults.point("test.nth")
    faults.point("test.nth")


def test_a_point_can_hold_up_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTBOT_FAULT", "test.slow:sleep:1")
    began = time.monotonic()
    faults.point("test.slow")

    assert time.monotonic() - began > 0.9


def test_a_kill_leaves_no_time_for_last_words() -> None:
    code = "from vaultbot import faults\ntry:\n faults.point('here')\nfinally:\n print('last words', flush=True)"
    env = {**os.environ, "VAULTBOT_FAULT": "here:kill:1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=False)

    assert done.returncode == -9
    assert done.stdout == b""
