from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vaultbot import faults

HERE = "indexer.parsed"


@pytest.fixture(autouse=True)
def _from_the_first_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_passed", {})


def test_every_point_in_the_source_is_listed_once_and_every_listed_one_is_there() -> None:
    """The campaigns take their points from the list: one that is not in it is never tried."""
    listed = [point for points in faults.POINTS.values() for point in points]
    sources = (Path(__file__).parents[1] / "vaultbot").rglob("*.py")
    passed = {name for file in sources for name in re.findall(r'faults\.point\("(.+?)"\)', file.read_text("utf-8"))}

    assert sorted(listed) == sorted(passed)


def test_nothing_happens_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULTBOT_FAULT", raising=False)
    for _ in range(3):
        faults.point(HERE)
    monkeypatch.setenv("VAULTBOT_FAULT", "indexer.scanned:raise:1")
    faults.point(HERE)


@pytest.mark.parametrize("kind", ["eio", "enospc", "eacces"])
def test_an_error_comes_at_the_nth_time_alone(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("VAULTBOT_FAULT", f"{HERE}:{kind}:3")
    faults.point(HERE)
    faults.point(HERE)
    with pytest.raises(OSError, match="fault injected at") as raised:
        faults.point(HERE)
    faults.point(HERE)

    assert raised.value.errno == getattr(errno, kind.upper())


def test_an_error_may_be_one_that_nobody_foresaw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTBOT_FAULT", f"{HERE}:raise:1")
    with pytest.raises(RuntimeError, match="fault injected at"):
        faults.point(HERE)


def test_a_point_can_hold_up_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTBOT_FAULT", f"{HERE}:sleep:1")
    began = time.monotonic()
    faults.point(HERE)

    assert time.monotonic() - began > 0.9


def test_a_kill_leaves_no_time_for_last_words() -> None:
    code = f"from vaultbot import faults\ntry:\n faults.point('{HERE}')\nfinally:\n print('last words', flush=True)"
    env = {**os.environ, "VAULTBOT_FAULT": f"{HERE}:kill:1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=False)

    assert done.returncode == -9
    assert done.stdout == b""


def test_a_process_can_be_stopped_at_a_point_until_it_is_let_go_on() -> None:
    code = f"from vaultbot import faults\nfaults.point('{HERE}')\nprint('on', flush=True)"
    env = {**os.environ, "VAULTBOT_FAULT": f"{HERE}:stop:1"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=env) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        process.send_signal(signal.SIGCONT)
        said = process.communicate(timeout=60)[0]

    assert os.WIFSTOPPED(status)
    assert (process.returncode, said.strip()) == (0, b"on")


@pytest.mark.parametrize("wanted", ["no.such-point:kill:1", f"{HERE}:explode:1", f"{HERE}:kill:soon", HERE, ""])
def test_a_fault_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("VAULTBOT_FAULT", wanted)
    with pytest.raises(ValueError, match="there is no such fault"):
        faults.point(HERE)
