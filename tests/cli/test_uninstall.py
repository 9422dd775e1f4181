"""`vaultbot uninstall`: after everything that vaultbot did, the vault alone is left, as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in
from tests.cli.test_service import SETTINGS, SYSTEMCTL
from tests.service.services import Programs
from vaultbot.runtime import is_locked

GARDEN = Path(__file__).parent.parent.parent / "examples" / "garden"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    programs = Programs(tmp_path / "bin")
    programs.add("systemctl", SYSTEMCTL)
    programs.add("systemd-run")
    places = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": f"{programs.folder}:/usr/bin:/bin",
    }
    with machine_in(tmp_path, environment=places) as machine:
        shutil.copytree(GARDEN, machine.vault, dirs_exist_ok=True)
        machine.home.mkdir()
        (machine.home / "config.toml").write_text(SETTINGS.replace("[model]", '[model]\nkey_keyring = "lab"'))
        yield machine


def test_nothing_but_the_vault_is_left_and_the_vault_is_as_it_was(machine: Machine) -> None:
    before = fingerprint(machine.vault)
    for words in (
        ["index"],
        ["ask", "what is quantization?"],
        ["search", "soil"],
        ["related", "Tomato"],
        ["suggest-links", "Tomato", "--dry-run"],
        ["report"],
        ["stop"],
        ["service", "install", "--yes"],
    ):
        ran = machine.vaultbot(*words)
        assert ran.code == 0, (words, ran.err)
    for file in (machine.home / "models" / "pulled.gguf", machine.home / "cache" / "embedders" / "model.onnx"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 2_000_000)
    second = machine.folder / "Second"
    second.mkdir()
    assert machine.run("--vault", str(second), "start").code == 0

    asked = machine.vaultbot("uninstall", "--data")
    assert asked.code == 2
    assert asked.err.splitlines()[-1].startswith("error: this would delete what is listed; if you want that, add --yes")
    assert f"2 MB {machine.home / 'models'}: language models that were pulled" in asked.err
    assert is_locked(machine.state)

    done = machine.vaultbot("uninstall", "--data", "--yes")

    assert done.code == 0, done.err
    assert done.out.startswith("ended 2 daemons, removed 1 service, deleted ")
    assert "your key is still in the keyring; to remove it: keyring del vaultbot lab" in done.out
    assert "pip uninstall vaultbot" in done.out
    assert not machine.home.exists()
    assert sorted(path.name for path in machine.folder.iterdir()) == ["Notes", "Second", "bin", "config"]
    assert list((machine.folder / "config").iterdir()) == []
    assert fingerprint(machine.vault) == before
    assert list(second.iterdir()) == []


def test_without_data_the_index_and_the_settings_stay_and_go_on(machine: Machine) -> None:
    assert machine.vaultbot("start").code == 0

    done = machine.vaultbot("uninstall", "--yes", "--json").json()

    assert (done["daemons"], done["services"], done["deleted"]) == (1, [], [])
    assert (machine.home / "config.toml").exists()
    assert "0 texts embedded" in machine.vaultbot("index").out
    assert "35 notes" in machine.vaultbot("status").out


def test_a_file_that_vaultbot_did_not_make_stops_it_before_anything_is_done(machine: Machine) -> None:
    assert machine.vaultbot("start").code == 0
    thesis = machine.state.root / "Thesis.md"
    thesis.write_text("years of work")

    refused = machine.vaultbot("uninstall", "--data", "--yes")

    assert refused.error == f"vaultbot did not make {thesis}; move that elsewhere, and try again; nothing was deleted"
    assert is_locked(machine.state)
    thesis.unlink()


def test_a_plugin_in_the_vault_is_named_and_left_to_its_owner(machine: Machine) -> None:
    (machine.vault / ".obsidian").mkdir(exist_ok=True)
    assert machine.vaultbot("plugin", "install", "--yes").code == 0
    before = fingerprint(machine.vault)

    done = machine.vaultbot("uninstall", "--data", "--yes")

    plugin = machine.vault / ".obsidian" / "plugins" / "vaultbot"
    assert f"the plugin is still in {plugin}; remove it in Obsidian" in done.out
    assert fingerprint(machine.vault) == before
