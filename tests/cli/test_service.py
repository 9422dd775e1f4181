"""`vaultbot service`, with real daemons and a program in systemctl's place that starts what the unit says."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import Machine, machine_in
from tests.service.services import Programs
from vaultbot.paths import state_paths
from vaultbot.runtime import is_locked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="services of Linux")

#: What systemd does with a unit, as far as these tests see it.
SYSTEMCTL = """
import json, os, shlex, signal, subprocess
units = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user"
running = here / "pid"
verb = next(word for word in words if not word.startswith("-"))
def alive():
    try:
        stat = pathlib.Path("/proc", running.read_text(), "stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"  # One that has ended may be there for a while.
    except OSError:
        return False
if verb in ("start", "restart") and not alive():
    unit = (units / words[-1]).read_text()
    lines = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    given = dict(shlex.split(line)[0].split("=", 1) for line in unit.replace("Environment=", "\\0").split("\\0")[1:])
    command = shlex.split(lines["ExecStart"].removeprefix(":"))
    log = open(lines["StandardError"].removeprefix("append:"), "a")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "PYTHONSAFEPATH") if name in os.environ}
    process = subprocess.Popen(command, env={**kept, **given}, stdout=log, stderr=log, start_new_session=True)
    running.write_text(str(process.pid))
if verb == "stop" and alive():
    os.kill(int(running.read_text()), signal.SIGTERM)
if verb == "show" and "--property=Version" not in words:
    active = "active" if alive() else "inactive"
    print(f"Result=success\\nActiveState={active}\\nSubState={active}\\nUnitFileState=enabled")
"""

SETTINGS = '[embedding]\nmodel = "none"\n[model]\npath = "none"\n[server]\nport = 0\n'


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    programs = Programs(tmp_path / "bin")
    programs.add("systemctl", SYSTEMCTL)
    programs.add("systemd-run")
    return programs


@pytest.fixture
def machine(tmp_path: Path, programs: Programs) -> Iterator[Machine]:
    places = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": f"{programs.folder}{os.pathsep}{os.environ['PATH']}",
        "VAULTBOT_SERVER_PORT": "0",
    }
    with machine_in(tmp_path, environment=places) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and time.")
        machine.home.mkdir()
        (machine.home / "config.toml").write_text(SETTINGS)
        yield machine


def units(machine: Machine) -> list[Path]:
    return sorted(path for path in (machine.folder / "config").rglob("*") if path.is_file())


def test_a_service_is_installed_serves_is_stopped_started_and_leaves_nothing(machine: Machine) -> None:
    installed = machine.vaultbot("service", "install", "--yes")
    assert installed.code == 0, installed.err
    assert "installed, and serves http://127.0.0.1:" in installed.out
    assert "to have it started with the machine: loginctl enable-linger" in installed.out
    assert "VAULTBOT_SERVER_PORT is set here and not for the service" in installed.err
    [unit] = units(machine)
    assert str(unit) in installed.err
    assert f'"{machine.vault}"' in unit.read_text()
    assert machine.paths_found("cabbage") == ["Kimchi.md"]

    again = machine.vaultbot("service", "install")  # No question: there is nothing to do.
    assert "was already installed" in again.out, again.err

    told = machine.vaultbot("service", "status", "--json").json()
    assert told["service"]["file"] == str(unit)
    assert "active" in told["service"]["state"]
    assert told["daemon"]["notes"] == 1
    shown = machine.vaultbot("service", "status").out
    assert f"{unit.stem} of systemd, active" in shown
    assert "1 note in 1 passage" in shown

    assert machine.vaultbot("stop").out == (
        "stopped\nits service starts it when you log in; without one: vaultbot service uninstall\n"
    )
    assert not is_locked(machine.state)
    assert "no daemon runs for this vault" in machine.vaultbot("service", "status").out

    refused = machine.vaultbot("start", "--port", "9000")
    assert refused.code == 2
    assert refused.error == (
        "the port is the service's to choose; change it with: "
        f"vaultbot service install --vault {machine.vault} --port 9000"
    )
    machine.vaultbot("search", "cabbage")  # A daemon that ends by itself.
    started = machine.vaultbot("start", "--json").json()
    assert started["pid"] == int((machine.folder / "bin" / "pid").read_text())
    assert not machine.client().runtime.ends_when_idle

    gone = machine.vaultbot("service", "uninstall", "--yes")
    assert gone.code == 0, gone.err
    assert units(machine) == []
    assert not (machine.folder / "config" / "systemd").exists()
    assert not is_locked(machine.state)
    assert machine.vaultbot("service", "uninstall", "--yes").error == (
        "no service is installed for this vault; see: vaultbot service status"
    )
    assert machine.vaultbot("service", "status").out.startswith("no service is installed for this vault; install one")


def test_of_a_vault_that_was_moved_the_service_is_told_that_is_for_the_folder_of_before(machine: Machine) -> None:
    own = machine.folder / "own settings.toml"
    own.write_text(SETTINGS)
    options = ["--port", "0", "--read-only", "--config", str(own), "--verbose"]
    installed = machine.vaultbot("service", "install", "--yes", "--json", *options).json()
    [unit] = units(machine)
    described = unit.read_text()
    machine.vaultbot("stop")
    moved = machine.vault.rename(machine.folder / "New place")

    told = machine.run("vaults", "relink", str(moved), "--yes").out.splitlines()[-1]

    before = f"vaultbot service uninstall --vault {machine.vault}"
    after = f"vaultbot service install --vault '{moved}' {shlex.join(options)}"
    assert told == (
        f"the service {installed['service']} is still for the folder of before; put one for this folder in its place: "
        f"{before}, and then {after}"
    )
    for command in (before, after):
        ran = machine.run(*shlex.split(command)[1:], "--yes")
        assert ran.code == 0, ran.err
    [unit] = units(machine)
    described = described.replace(f"the vault {machine.vault.name}", f"the vault {moved.name}")
    for was, now in ((machine.state.root.name, state_paths(moved).root.name), (str(machine.vault), str(moved))):
        described = described.replace(was, now)
    assert unit.read_text() == described
    assert machine.run("stop", "--vault", str(moved)).code == 0


def test_nothing_is_written_until_the_owner_has_seen_the_file_and_said_yes(machine: Machine) -> None:
    ran = machine.vaultbot("service", "install")
    assert ran.code == 2
    assert "ExecStart=" in ran.err
    assert ran.err.splitlines()[-1].startswith("error: this would write ")
    assert "if you want that, add --yes" in ran.err

    reader, terminal = pty.openpty()
    words = [sys.executable, "-P", "-m", "vaultbot", "service", "install", "--vault", str(machine.vault)]
    with subprocess.Popen(
        words, env=machine.env(), stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        os.write(reader, b"n\n")
        _, err = process.communicate(timeout=60)
    os.close(reader)
    os.close(terminal)

    assert process.returncode == 1
    assert "whenever you log in? [y/N]" in err
    assert err.endswith("error: nothing was done\n")
    assert units(machine) == []


def test_wrong_settings_and_a_missing_vault_are_told_before_anything_is_written(machine: Machine) -> None:
    (machine.home / "config.toml").write_text("[server]\nport = -1\n")
    assert machine.vaultbot("service", "install", "--yes").code == 2
    (machine.home / "config.toml").write_text(SETTINGS)
    assert machine.run("service", "install", "--yes", "--vault", str(machine.folder / "gone")).code == 4

    assert units(machine) == []


def test_without_a_service_manager_it_says_what_to_do_instead(machine: Machine, programs: Programs) -> None:
    programs.add("systemctl", "print('Failed to connect to bus'); sys.exit(1)")

    ran = machine.vaultbot("service", "install", "--yes")

    assert ran.code == 1
    assert ran.error.endswith("so there are no services; run: vaultbot start")
    assert units(machine) == []


def test_a_daemon_that_cannot_start_is_told_with_its_own_last_words(machine: Machine, programs: Programs) -> None:
    programs.add("systemctl", SYSTEMCTL.replace("restart", "never") + "sys.exit('restart' in words and 'failed')")
    machine.state.create()
    machine.state.log.write_text("error: port 8765 is used by another program\n")

    ran = machine.vaultbot("service", "install", "--yes", "--json")

    assert ran.code == 1
    assert "port 8765 is used by another program" in ran.error


def test_a_vault_to_be_read_alone_is_none_of_the_writable_folders(machine: Machine) -> None:
    assert machine.vaultbot("service", "install", "--yes", "--read-only").code == 0

    writable = [line for line in units(machine)[0].read_text().splitlines() if line.startswith("ReadWritePaths")]

    assert writable == [f'ReadWritePaths="-{machine.state.root}"', f'ReadWritePaths="-{machine.home / "cache"}"']


# ── its log ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_is_shown_with_its_place(machine: Machine) -> None:
    assert machine.vaultbot("service", "logs").error.endswith("; the daemon writes it: vaultbot start")
    machine.state.create()
    machine.state.log.write_text("".join(f"line {n}\x1b[31m\n" for n in range(100)))

    ran = machine.vaultbot("service", "logs", "-n", "2")

    assert (ran.out, ran.err) == ("line 98[31m\nline 99[31m\n", f"{machine.state.log}:\n")


def test_new_lines_are_followed_into_the_next_file(machine: Machine) -> None:
    machine.state.create()
    log = machine.state.log
    log.write_text("one\n")
    with machine.popen("service", "logs", "-f", "--vault", str(machine.vault)) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert next(lines) == "one\n"
        with log.open("a") as file:
            file.write("two\n")
        assert next(lines) == "two\n"
        log.rename(log.with_name("daemon.log.1"))
        log.write_text("three\n")
        assert next(lines) == "three\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
