"""`vaultbot doctor`, as a person types it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in, until
from tests.gguf_files import scripted_model
from vaultbot.runtime import is_locked


def test_it_looks_at_everything_without_a_vault_and_without_a_daemon(tmp_path: Path) -> None:
    ran = Machine(tmp_path, {}).run("doctor")
    lines = ran.out.splitlines()

    assert ran.code == 0, ran.out
    assert [line.split()[1] for line in lines if line.startswith("ok ")][:2] == ["vaultbot", "sqlite"]
    assert any("language model  " in line and "SmolLM2-135M-Instruct (Q4_1)" in line for line in lines)
    assert any("graphics card" in line for line in lines)
    assert "none runs; the next command that needs one starts it" in ran.out
    assert lines[-1] == "no problems"
    assert not (tmp_path / "home").exists()  # It has written nothing.


def test_a_problem_is_told_with_what_to_do_and_by_the_exit_code(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"VAULTBOT_EMBEDDING_MODEL": "none", "VAULTBOT_MODEL_PATH": "/none.gguf"})
    ran = machine.run("doctor")
    told = machine.run("doctor", "--json")

    assert ran.code == told.code == 1
    assert "problem  language model" in ran.out
    assert "→ give a GGUF file with --model or [model] path" in ran.out
    assert ran.out.splitlines()[-1] == "1 problem"
    assert '"state": "problem"' in told.out


def test_a_wrong_setting_is_a_problem_and_the_rest_is_looked_at_all_the_same(tmp_path: Path) -> None:
    ran = Machine(tmp_path, {"VAULTBOT_MODEL_GPU_LAYERS": "many"}).run("doctor")

    assert ran.code == 1
    assert "problem  settings" in ran.out
    assert '"auto", "all" or a whole number' in ran.out
    assert "llama-cpp-python" in ran.out


def test_with_a_daemon_it_tells_what_that_says(tmp_path: Path) -> None:
    model = scripted_model(tmp_path / "m.gguf", ["It ", "is", " salt."])
    environment = {"VAULTBOT_EMBEDDING_MODEL": "none", "VAULTBOT_MODEL_PATH": str(model)}
    with machine_in(tmp_path / "machine", environment=environment) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and time.")
        with machine.serve() as daemon:
            checks = {one["name"]: one for one in machine.vaultbot("doctor", "--json").json()["checks"]}

    assert checks["daemon"]["says"] == f"ready, pid {daemon.pid}; notes: 1, passages: 1"
    assert checks["language model"]["state"] == "ok"


# ── a vault and its index ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and time.")
        machine.write("Broken.md", "---\nkind: [ferment\n---\nRadish.")
        machine.vaultbot("index")
        yield machine


def looked(machine: Machine, *words: str, **more: str) -> dict[str, dict[str, Any]]:
    """Every check by its name."""
    ran = machine.vaultbot("doctor", "--json", *words, **more)
    return {one["name"]: one for one in json.loads(ran.out)["checks"]}


def test_a_daemon_that_runs_is_asked_and_one_that_does_not_is_not_started(machine: Machine) -> None:
    running = looked(machine)
    os.kill(machine.client().runtime.pid, signal.SIGKILL)
    until(lambda: not is_locked(machine.state))
    before = fingerprint(machine.vault), fingerprint(machine.state.root)
    killed = looked(machine)

    for name in (
        "catalog",
        "full text",
        "vectors",
        "outbox",
        "properties",
        "token",
        "permissions",
        "vault",
        "watching",
    ):
        assert running[name]["says"] == killed[name]["says"], name
    assert running["catalog"]["says"].endswith("2 notes in 4 chunks")
    assert running["properties"]["state"] == "advice"
    assert "Broken.md:3: " in running["properties"]["says"]
    assert "held by this vault's daemon" in running["lock"]["says"]
    assert "has been killed, which does no harm" in killed["lock"]["says"]
    assert not is_locked(machine.state)
    assert (fingerprint(machine.vault), fingerprint(machine.state.root)) == before


def test_a_damaged_catalog_is_repaired_after_it_was_said_and_agreed_to(machine: Machine) -> None:
    machine.vaultbot("stop")
    damaged = b"no database" * 1000
    machine.state.catalog.write_bytes(damaged)

    refused = machine.vaultbot("doctor", "--repair")  # There is nobody to answer.
    assert refused.code != 0
    assert "this will move catalog.db aside, read the vault anew, and keep every vector that is whole" in refused.err
    assert machine.state.catalog.read_bytes() == damaged
    assert machine.vaultbot("doctor", "--repair", "--json").code == 2

    ran = machine.vaultbot("doctor", "--repair", "--yes")

    assert ran.code == 0, ran.out
    assert machine.paths_found("cabbage") == ["Kimchi.md"]
    assert list(machine.state.root.glob("catalog.db.damaged-*"))


def test_modes_and_lost_words_are_repaired_and_a_daemon_that_was_to_stay_runs_again(machine: Machine) -> None:
    machine.vaultbot("stop")
    machine.vaultbot("start")
    with closing(sqlite3.connect(machine.state.catalog, isolation_level=None)) as db:
        db.execute("DELETE FROM note_terms")
    machine.state.token.chmod(0o644)
    machine.state.root.chmod(0o755)

    ran = machine.vaultbot("doctor", "--repair", "--yes", "--json")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        number = other.getsockname()[1]
        after = looked(machine, VAULTBOT_SERVER_PORT=str(number))

    assert "take from others the right to read 2 files" in ran.err
    assert "move catalog.db aside, read the vault anew, and keep every vector that is whole" in ran.err
    assert {after[name]["state"] for name in ("permissions", "token", "catalog", "full text", "lock")} == {"ok"}
    assert machine.paths_found("cabbage") == ["Kimchi.md"]
    assert not machine.client().runtime.ends_when_idle
    assert after["port"]["state"] == "advice"
    assert f"{number} is taken by another program" in after["port"]["says"]
