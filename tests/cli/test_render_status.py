"""What a person reads of how vaultbot is."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from vaultbot.cli.render_status import print_status, size, status_lines

NOW = 1_000_000.0
STATUS: dict[str, Any] = {
    "state": "ready", "message": "ready", "vault": "/notes", "notes": 3, "chunks": 9, "embedder": "hash",
    "model": "smol", "model_loaded": False, "pid": 1, "port": 2, "uptime_s": 7300.0, "token_file": "/token",
    "skipped": [], "damaged": [], "warnings": [], "progress": None, "stale": None, "lag_s": 0.0, "changed_at": None,
    "looked_at": None, "indexed_at": None, "last_index": None, "watching": "events", "waiting_vectors": 0,
    "processes": [], "state_folder": "/state", "state_bytes": 12_300_000,
}  # fmt: skip
REPORT = {"added": 2, "changed": 0, "renamed": 1, "removed": 0, "unchanged": 30, "failed": []}


def rows(verbose: bool = False, **changed: Any) -> dict[str, str]:
    """Every line by its first word, or two."""
    lines = status_lines({**STATUS, **changed}, verbose=verbose, now=NOW)
    return {line[2:12].strip(): line[12:] for line in list(lines)[1:]}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_screen_says_it_all() -> None:
    processes = [
        {"name": "daemon", "pid": 1, "memory": 212_000_000},
        {"name": "llama.cpp", "pid": 2, "memory": 1_320_000_000},
    ]

    assert list(status_lines({**STATUS, "processes": processes}, verbose=False, now=NOW)) == [
        "ready",
        "  vault     /notes",
        "  index     3 notes in 9 passages",
        "  changes   none seen since the start",
        "  embedder  hash",
        "  model     smol, to be loaded by the next question",
        "  memory    daemon 212 MB, llama.cpp 1.3 GB",
        "  daemon    pid 1 on http://127.0.0.1:2, up 2 h 2 min",
        "  state     /state, 12 MB",
        "  token     /token",
    ]


def test_it_says_what_changed_and_whether_that_is_in_the_index() -> None:
    assert rows(changed_at=NOW - 30)["changes"] == "last seen 30 s ago, all in the index"
    behind = rows(changed_at=NOW - 30, lag_s=240.0, watching="polling")["changes"]
    assert behind == (
        "last seen 30 s ago, and for 4 min something is not in the index yet; looked for from time to time"
    )


def test_it_says_when_the_vault_was_looked_through_and_what_that_found() -> None:
    quiet = {**REPORT, "added": 0, "renamed": 0}

    assert rows(looked_at=NOW - 5, indexed_at=NOW - 5, last_index=REPORT)["last look"] == "5 s ago: 2 added, 1 renamed"
    assert rows(looked_at=NOW - 5, indexed_at=NOW - 600, last_index=REPORT)["last look"] == (
        "5 s ago: nothing new; 10 min ago: 2 added, 1 renamed"
    )
    assert rows(looked_at=NOW - 5, indexed_at=NOW - 5, last_index=quiet)["last look"] == "5 s ago: nothing new"


def test_what_is_being_done_has_a_bar_and_the_time_it_still_takes() -> None:
    half = {"stage": "index", "done": 120, "total": 240, "notes_per_s": 30.2, "left_s": 4.1}

    assert rows(state="indexing", progress=half)["work"] == (
        "[############............] indexing notes 120/240, 30 notes/s, 4 s left"
    )
    scan = {"stage": "scan", "done": 0, "total": 0, "notes_per_s": 0.0, "left_s": None}
    assert rows(state="indexing", progress=scan)["work"] == "looking through the vault"


def test_the_first_files_that_are_left_out_are_named_and_all_of_them_on_demand() -> None:
    skipped = [{"path": f"{number}.md", "reason": "binary"} for number in range(7)]
    lines = list(status_lines({**STATUS, "skipped": skipped}, verbose=False, now=NOW))
    every = list(status_lines({**STATUS, "skipped": skipped}, verbose=True, now=NOW))

    assert sum("left out" in line for line in lines) == 6
    assert lines[-1] == "  left out  2 more of 7; --verbose lists them"
    assert sum("binary" in line for line in every) == 7


def test_a_hostile_name_plays_no_trick_with_the_terminal() -> None:
    lines = list(
        status_lines({**STATUS, "skipped": [{"path": "a\x1b[2J\nb.md", "reason": "r"}]}, verbose=False, now=NOW)
    )

    assert not any("\x1b" in line for line in lines)


def test_stale_is_a_word_and_red_only_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = {**STATUS, "state": "degraded", "message": "indexing failed", "stale": "the last look failed"}
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def shown(stream: io.StringIO) -> str:
        monkeypatch.setattr(sys, "stdout", stream)
        print_status(stale, verbose=False)
        return stream.getvalue()

    assert "\n  \x1b[1;31mstale\x1b[0m     the last look failed\n" in shown(Terminal())
    assert "\n  stale     the last look failed\n" in shown(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown(Terminal())


@pytest.mark.parametrize(("loaded", "said"), [(True, "smol, in memory"), (False, "smol, to be loaded by the next")])
def test_a_status_says_whether_the_model_takes_memory(loaded: bool, said: str) -> None:
    assert rows(model_loaded=loaded)["model"].startswith(said)


def test_the_status_of_an_older_daemon_is_shown_as_far_as_it_goes() -> None:
    older = {name: STATUS[name] for name in list(STATUS)[:15]}

    assert [line.split()[0] for line in status_lines(older, verbose=False, now=NOW)] == [
        "ready", "vault", "index", "embedder", "model", "daemon", "token",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("count", "said"), [(900, "1 kB"), (42_000, "42 kB"), (3_400_000, "3 MB"), (2_340_000_000, "2.3 GB")]
)
def test_sizes_are_said_in_round_numbers(count: int, said: str) -> None:
    assert size(count) == said
