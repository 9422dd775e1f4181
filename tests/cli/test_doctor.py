"""`vaultbot doctor`, as a person types it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.machine import Machine, machine_in
from tests.gguf_files import scripted_model


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
