from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vaultbot import faults
from vaultbot.errors import AlreadyRunning, DiskFull, VaultbotError
from vaultbot.paths import StatePaths
from vaultbot.runtime import (
    Runtime,
    forget_runtime,
    hold_lock,
    is_locked,
    make_token,
    read_runtime,
    read_token,
    renew_token,
    token_of,
    write_runtime,
)


@pytest.fixture
def state(tmp_path: Path) -> StatePaths:
    state = StatePaths(tmp_path / "state")
    state.create()
    return state


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_process_holds_the_state_and_the_next_is_told_who(state: StatePaths) -> None:
    assert not is_locked(state)
    with hold_lock(state):
        write_runtime(state, Runtime(4711, 8765, "/notes", "1", False))
        assert is_locked(state)
        with (
            pytest.raises(
                AlreadyRunning, match=r"already running for this vault \(pid 4711, port 8765\); see: vaultbot s"
            ),
            hold_lock(state),
        ):
            raise AssertionError
    assert not is_locked(state)
    assert mode(state.lock) == 0o600


def test_asking_whether_a_daemon_runs_is_never_taken_for_one(state: StatePaths) -> None:
    with hold_lock(state):
        pass
    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(lambda _: is_locked(state), range(1000)))
        for _ in range(4):
            pool.submit(lambda: [is_locked(state) for _ in range(300)])
        for _ in range(5):
            with hold_lock(state):
                pass


def test_a_killed_process_leaves_no_lock(state: StatePaths) -> None:
    program = (
        "import os, pathlib, sys\nfrom vaultbot.paths import StatePaths\nfrom vaultbot.runtime import hold_lock\n"
        "with hold_lock(StatePaths(pathlib.Path(sys.argv[1]))):\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(state.root)], check=False)

    assert state.lock.exists()
    with hold_lock(state):
        assert is_locked(state)


def test_a_lock_that_leads_elsewhere_is_not_followed(state: StatePaths, tmp_path: Path) -> None:
    state.lock.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(VaultbotError, match="cannot use the state folder"), hold_lock(state):
        raise AssertionError
    assert not (tmp_path / "elsewhere").exists()


def test_the_runtime_file_is_for_the_owner_and_is_removed_by_its_writer_alone(state: StatePaths) -> None:
    runtime = Runtime(os.getpid(), 1234, "/notes/メモ", "1", True)
    write_runtime(state, runtime)

    assert read_runtime(state) == runtime
    assert mode(state.runtime) == 0o600
    forget_runtime(state, pid=os.getpid() + 1)
    assert read_runtime(state) == runtime
    forget_runtime(state, pid=os.getpid())
    assert read_runtime(state) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"pid": "x"}', b"\xff\xfe", b"null"])
def test_a_runtime_file_that_says_nothing_is_none(state: StatePaths, content: bytes) -> None:
    state.runtime.write_bytes(content)

    assert read_runtime(state) is None


def test_the_token_is_made_once_long_and_for_the_owner_alone(state: StatePaths) -> None:
    token = make_token(state)

    assert make_token(state) == read_token(state) == token
    assert len(token) == 43
    assert mode(state.token) == 0o600
    assert [path.name for path in state.root.iterdir()] == ["token"]


@pytest.mark.parametrize("content", ["", "short", "ü" * 43])
def test_a_token_file_without_a_token_is_named(state: StatePaths, content: str) -> None:
    state.token.write_text(content, encoding="utf-8")
    state.token.chmod(0o600)

    with pytest.raises(VaultbotError, match="holds no token; delete it, and the next start makes a new one"):
        read_token(state)


def test_a_token_that_others_may_read_or_that_is_a_link_is_not_used(state: StatePaths, tmp_path: Path) -> None:
    make_token(state)
    state.token.chmod(0o640)
    with pytest.raises(VaultbotError, match="others may read"):
        read_token(state)

    state.token.rename(tmp_path / "stolen")
    (tmp_path / "stolen").chmod(0o600)
    state.token.symlink_to(tmp_path / "stolen")
    with pytest.raises(VaultbotError, match="cannot read"):
        read_token(state)


@pytest.mark.parametrize(
    ("kind", "told"),
    [("enospc", "is full: .* free some space, and start it again"), ("eacces", "Permission|cannot write")],
)
def test_a_token_that_cannot_be_written_is_told_and_an_old_one_stays_whole(
    state: StatePaths, monkeypatch: pytest.MonkeyPatch, kind: str, told: str
) -> None:
    monkeypatch.setattr(faults, "_passed", {})
    monkeypatch.setenv("VAULTBOT_FAULT", f"runtime.before-replace:{kind}:1")
    with pytest.raises(VaultbotError, match=told):
        make_token(state)
    assert not state.token.exists()

    token = make_token(state)
    assert len(token) == 43
    assert make_token(state) == token


def test_a_runtime_file_that_cannot_be_written_leaves_the_one_before(
    state: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Runtime(1, 2, "/v", "0.1", ends_when_idle=True)
    write_runtime(state, first)
    monkeypatch.setattr(faults, "_passed", {})
    monkeypatch.setenv("VAULTBOT_FAULT", "runtime.before-replace:enospc:1")
    with pytest.raises(DiskFull):
        write_runtime(state, Runtime(3, 4, "/v", "0.1", ends_when_idle=True))

    assert read_runtime(state) == first


def test_whoever_changes_the_token_at_the_same_time_the_file_has_the_one_that_counts(state: StatePaths) -> None:
    token = token_of(state)
    with ThreadPoolExecutor(8) as people:
        list(people.map(lambda _: token.rotate(), range(200)))

    assert read_token(state) == token.value
    renew_token(state)
    assert read_token(state) != token.value
