"""Several vaults by name, with real daemons."""

from __future__ import annotations

import json
import shutil
import socket
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.machine import NO_MODELS, Machine, machine_in
from tests.embedding_server import embedding_server
from vaultbot.paths import StatePaths, state_paths

MEMO = "日本 メモ"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Two vaults, without a port that is set for all: each takes its own. Obsidian has opened none."""
    with machine_in(tmp_path, environment={**NO_MODELS, "HOME": str(tmp_path)}) as machine:
        machine.write("Kimchi.md", "Kimchi is cabbage and salt.")
        (tmp_path / "Work").mkdir()
        (tmp_path / "Work" / "Budget.md").write_text("The budget is due in May.", encoding="utf-8")
        yield machine
        machine.run("stop", "--all")


def settings(machine: Machine, text: str = "") -> dict[str, Any]:
    file = machine.home / "config.toml"
    if text:
        machine.home.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def state_of(machine: Machine, folder: str) -> StatePaths:
    return StatePaths(machine.home / "vaults" / state_paths(machine.folder / folder).root.name)


def listed(machine: Machine) -> dict[str | None, dict[str, Any]]:
    return {one["name"] or Path(one["folder"]).name: one for one in machine.run("vaults", "--json").json()}


def test_two_daemons_at_once_each_answer_for_their_own_vault(machine: Machine) -> None:
    settings(machine, f"[vault]\npath = 'home'\n[vaults.home]\npath = '{machine.vault}'\n")
    assert machine.run("vaults", "add", MEMO, "Work").code == 0
    assert settings(machine)["vaults"][MEMO]["path"] == str(machine.folder / "Work")
    assert settings(machine)["vaults"][MEMO]["server"]["port"] > 8765

    started = machine.run("start", "--all", "--json").json()
    assert [(one["name"], one["error"]) for one in started] == [("home", None), (MEMO, None)]
    assert started[0]["port"] != started[1]["port"]
    assert machine.run("start", "--all", "--json").json() == started

    hits = {name: machine.run("search", "budget", "--vault", name, "--json").json()["hits"] for name in ("home", MEMO)}
    assert [[hit["path"] for hit in hits[name]] for name in ("home", MEMO)] == [[], ["Budget.md"]]
    assert machine.run("search", "cabbage", "--json").json()["hits"][0]["path"] == "Kimchi.md"
    status = machine.run("status", "--vault", str(machine.folder / "Work"), "--json").json()
    assert (status["name"], status["port"]) == (MEMO, started[1]["port"])

    rows = listed(machine)
    assert [(name, one["state"], one["default"], one["notes"]) for name, one in rows.items()] == [
        ("home", "running", True, 1),
        (MEMO, "running", False, 1),
    ]
    assert {one["port"] for one in rows.values()} == {one["port"] for one in started}
    assert rows[MEMO]["token_file"] == str(state_of(machine, "Work").token)
    assert all(one["bytes"] > 10_000 and one["indexed_at"] for one in rows.values())

    assert set(machine.run("stop", "--all", "--json").json()["stopped"]) == {str(machine.vault), rows[MEMO]["folder"]}
    assert {one["state"] for one in listed(machine).values()} == {"stopped"}


def test_a_port_that_another_vaults_daemon_holds_is_told_with_the_line_to_write(machine: Machine) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    both = f"[vaults.home]\npath = '{machine.vault}'\n[vaults.work]\npath = '{machine.folder / 'Work'}'\n"
    settings(machine, both)

    assert machine.run("start", "--vault", "home", VAULTBOT_SERVER_PORT=str(port)).code == 0
    named = machine.run("start", "--vault", "work", VAULTBOT_SERVER_PORT=str(port))
    settings(machine, both.partition("[vaults.work]")[0])
    unnamed = machine.run("start", "--vault", "Work", VAULTBOT_SERVER_PORT=str(port))

    told = f"port {port} is used by the daemon of another vault (home, {machine.vault}); "
    assert (named.code, unnamed.code) == (1, 1)
    assert named.error.startswith(f"{told}give this one its own in the settings: [vaults.work.server] port = ")
    assert unnamed.error == (
        f"{told}choose another with --port, or name this vault, which gives it a port: vaultbot vaults add NAME FOLDER"
    )


def test_a_port_is_given_to_one_vault_alone(machine: Machine) -> None:
    settings(machine, f"[vault]\npath = '{machine.vault}'\n[vaults.home]\npath = 'H'\nserver.port = 9001\n")

    named = machine.run("vaults", "add", "work", "Work", "--port", "9001")
    default = machine.run("vaults", "add", "work", "Work", "--port", "8765")
    own = machine.run("vaults", "add", "notes", "Notes", "--port", "8765")

    otherwise = "in the settings; choose another, or leave out --port to get a free one"
    assert (named.code, named.error) == (2, f"port 9001 is that of home {otherwise}")
    assert (default.code, default.error) == (2, f"port 8765 is that of {machine.vault} {otherwise}")
    assert own.code == 0, own.err
    assert machine.run("vaults", "add", "work", "Work", "--port", "0").code == 0
    ports = {name: vault["server"]["port"] for name, vault in settings(machine)["vaults"].items()}
    assert ports == {"home": 9001, "notes": 8765, "work": 0}


def test_one_that_cannot_be_started_does_not_keep_the_others_from_it(machine: Machine) -> None:
    settings(machine, f"[vaults.gone]\npath = 'Gone'\n[vaults.work]\npath = '{machine.folder / 'Work'}'\n")

    ran = machine.run("start", "--all")

    assert ran.code == 1
    gone, work = ran.out.splitlines()
    assert gone.startswith(f"gone: the vault {machine.home / 'Gone'} does not exist")
    assert work.startswith("work: runs on port ")
    assert [one["state"] for one in listed(machine).values()] == ["missing", "running"]


def test_assistants_know_each_vault_by_another_name(machine: Machine) -> None:
    settings(
        machine,
        f"[vault]\npath = 'home'\n[vaults.home]\npath = '{machine.vault}'\n[vaults.'My Work']\npath = 'W'\n"
        f"[vaults.'日本']\npath = 'J'\n",
    )

    def server(name: str) -> tuple[str, list[str]]:
        told = machine.run("mcp", "--print-config", "--json", "--vault", name).json()["mcpServers"]
        ((key, command),) = told.items()
        return key, command["args"][-2:]

    assert server("home") == ("vaultbot", ["--vault", "home"])
    assert server("My Work") == ("vaultbot-my-work", ["--vault", "My Work"])
    assert server("日本")[0].isascii()
    assert len(server("日本")[0]) == len("vaultbot-0123456789")


def test_a_vault_that_was_moved_keeps_its_index_without_embedding_a_text(machine: Machine) -> None:
    for number in range(30):
        machine.write(f"Many/{number}.md", f"Note {number} is about word{number}.")
    machine.write("Templates/Day.md", "# {{title}}")  # Known, and not searched.
    machine.write(".obsidian/templates.json", '{"folder": "Templates"}')
    with embedding_server() as server:
        own = {"VAULTBOT_EMBEDDING_BASE_URL": server.address, "VAULTBOT_EMBEDDING_REMOTE_MODEL": "hash"}
        own["VAULTBOT_EMBEDDING_MODEL"] = "auto"
        settings(machine, f"[vaults.home]\npath = '{machine.vault}'\n")
        assert machine.run("index", "--vault", "home", **own).code == 0
        embedded = len(server.texts)
        assert embedded > 30
        moved = machine.vault.rename(machine.folder / "Moved here")
        busy = machine.run("vaults", "relink", str(moved), "--yes")
        machine.run("stop", "--vault", "home")
        unasked = machine.run("vaults", "relink", str(moved))
        relinked = machine.run("vaults", "relink", str(moved), "--yes", "--json")
        report = machine.run("index", "--vault", "home", "--json", **own).json()
        status = machine.run("status", "--vault", "home", "--json", **own).json()
        hits = machine.run("search", "word7", "--vault", "home", "--json", **own).json()["hits"]
        again = [text for text in server.texts[embedded:] if "word" in text and text != "word7"]
        machine.run("stop", "--all")

    assert busy.error.endswith(f"end it first with: vaultbot stop --vault {machine.vault}")
    assert unasked.error.startswith(
        f"this would take the index of {machine.vault} along to {moved}, which holds 31 of "
    )
    assert (relinked.json()["name"], relinked.json()["service"]) == ("home", None)
    assert relinked.json()["notes"] == status["notes"] == 31
    assert settings(machine)["vaults"]["home"]["path"] == str(moved)
    assert (report["unchanged"], report["embedded"]) == (32, 0)
    assert hits[0]["path"] == "Many/7.md"
    assert len(again) <= 1  # the one passage by which a start makes sure that the server has the same model


def test_indexes_that_are_like_each_other_are_told_apart_by_their_old_folder(machine: Machine) -> None:
    for name in ("A", "B"):
        shutil.copytree(machine.vault, machine.folder / name)
        assert machine.run("index", "--vault", name).code == 0
    machine.run("stop", "--all")
    shutil.rmtree(machine.folder / "A")
    (machine.folder / "B").rename(machine.folder / "C")

    several = machine.run("vaults", "relink", "C", "--yes")
    chosen = machine.run("vaults", "relink", "C", "--yes", "--from", "B")

    assert "several indexes are of notes like these: " in several.error
    assert all(f"{machine.folder / name} (1 of 1 notes)" in several.error for name in ("A", "B"))
    assert chosen.code == 0, chosen.err
    assert [path.name.partition("-")[0] for path in sorted((machine.home / "vaults").iterdir())] == ["A", "C"]


def test_what_is_known_without_a_name_is_listed_as_well(machine: Machine) -> None:
    opened = {
        "vaults": {"1": {"path": str(machine.vault), "ts": 1}, "2": {"path": str(machine.folder / "Work"), "ts": 2}}
    }
    (machine.folder / ".config" / "obsidian").mkdir(parents=True)
    (machine.folder / ".config" / "obsidian" / "obsidian.json").write_text(json.dumps(opened))
    assert machine.run("index", "--vault", "Notes").code == 0
    machine.run("stop", "--all")
    old = state_of(machine, "Notes").root.with_name("Earlier-0123456789")
    shutil.copytree(state_of(machine, "Notes").root, old)
    (old / "vault.json").unlink()

    found = machine.run("vaults", "--json").json()

    assert [(one["name"], one["folder"] and Path(one["folder"]).name, one["state"], one["notes"]) for one in found] == [
        (None, "Notes", "stopped", 1),
        (None, "Work", "not indexed", None),
        (None, None, "missing", 1),
    ]
    shutil.rmtree(old)
