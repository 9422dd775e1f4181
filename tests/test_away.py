"""The vault is away when the daemon starts, as a disk that is not mounted yet: the last index serves until it comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import Machine, machine_in, until
from vaultbot.paths import state_paths
from vaultbot.states import remember_owner, state_of


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Its vault was indexed earlier, and no daemon runs."""
    with machine_in(tmp_path) as machine:
        machine.write("Bread/Sourdough.md", "A sourdough starter is fed with flour and water every day.\n")
        with machine.serve():
            pass
        yield machine


def how(machine: Machine) -> str:
    return str(machine.vaultbot("status", "--json").json()["state"])


@pytest.mark.parametrize("in_its_place", ["nothing", "a file", "an empty folder"])
def test_commands_answer_from_the_last_index_and_the_vault_is_found_when_it_is_back(
    machine: Machine, in_its_place: str
) -> None:
    away = machine.vault.rename(machine.folder / "Elsewhere")
    if in_its_place == "a file":
        machine.vault.touch()
    elif in_its_place == "an empty folder":
        machine.vault.mkdir()

    hits = machine.vaultbot("search", "sourdough", "--json").json()["hits"]

    assert [hit["path"] for hit in hits] == ["Bread/Sourdough.md"]
    assert how(machine) == "vault-missing"
    assert machine.vaultbot("index").code == 4
    if in_its_place == "a file":
        machine.vault.unlink()
    elif in_its_place == "an empty folder":
        machine.vault.rmdir()
    away.rename(machine.vault)
    until(lambda: how(machine) == "ready")
    machine.write("Kimchi.md", "Cabbage, salt, radish and time.")
    until(lambda: machine.paths_found("radish") == ["Kimchi.md"])
    assert machine.paths_found("sourdough") == ["Bread/Sourdough.md"]


def test_a_daemon_in_the_foreground_as_a_service_has_it_waits_for_the_vault(machine: Machine) -> None:
    known = machine.state.owner.read_text()
    away = machine.vault.rename(machine.folder / "Elsewhere")
    with machine.serve():
        assert machine.client().get("/api/status")["state"] == "vault-missing"
        assert machine.paths_found("sourdough") == ["Bread/Sourdough.md"]
        assert machine.state.owner.read_text() == known

        away.rename(machine.vault)
        until(lambda: machine.client().get("/api/status")["state"] == "ready")


def test_start_and_stop_do_without_the_vault(machine: Machine) -> None:
    away = machine.vault.rename(machine.folder / "Elsewhere")

    assert machine.vaultbot("stop").out == "no daemon was running for this vault\n"
    assert machine.vaultbot("start", "--json").json()["state"] == "vault-missing"
    assert machine.vaultbot("stop", "--json").json() == {"stopped": True}
    away.rename(machine.vault)


def test_a_vault_that_never_held_a_note_is_refused_while_it_is_away(tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:
        with machine.serve():
            pass
        away = machine.vault.rename(machine.folder / "Elsewhere")

        ran = machine.vaultbot("serve")

        away.rename(machine.vault)
    assert ran.code == 4
    assert ran.error == f"the vault {machine.vault} does not exist; give the folder that you open in Obsidian"


def test_a_vault_that_is_a_link_on_its_own_disk_keeps_its_index_while_the_disk_is_away(tmp_path: Path) -> None:
    """Its real path cannot be told then."""
    with machine_in(tmp_path) as machine:
        disk = machine.folder / "disk"
        (disk / "2026").mkdir(parents=True)
        (disk / "2026" / "Soup.md").write_text("Leeks and potatoes.")
        (disk / "Notes").symlink_to("2026")
        link = str(disk / "Notes")
        machine.run("start", "--vault", link)
        machine.run("stop", "--vault", link)
        away = disk.rename(machine.folder / "unmounted")

        found = machine.run("search", "leeks", "--vault", link, "--json").json()["hits"]
        away.rename(disk)
        until(lambda: machine.run("status", "--vault", link, "--json").json()["state"] == "ready")
        again = machine.run("stop", "--vault", link, "--json").json()

    assert [hit["path"] for hit in found] == ["Soup.md"]
    assert again == {"stopped": True}
    assert len(list((machine.home / "vaults").iterdir())) == 1


def test_of_two_folders_that_had_the_name_the_last_one_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    link = tmp_path / "disk" / "Notes"
    link.parent.mkdir()
    for year in ("2025", "2026"):
        (link.parent / year).mkdir()
        link.unlink(missing_ok=True)
        link.symlink_to(year)
        state_paths(link).create()
        remember_owner(state_paths(link), link)
    last = state_paths(link)
    link.parent.rename(tmp_path / "unmounted")

    assert state_of(link) == last != state_paths(link)
    assert state_of(link.with_name("Other")) == state_paths(link.with_name("Other"))
