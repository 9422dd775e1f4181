"""`vaultbot plugin install`, and the plugin's files that come with the package."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.cli.machine import Machine, fingerprint
from vaultbot import __version__
from vaultbot.cli.plugin import FILES

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "obsidian-plugin"
BUILT = ROOT / "vaultbot" / "plugin"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    (machine.vault / ".obsidian").mkdir(parents=True)
    machine.write("Kimchi.md", "Cabbage, salt and time.")
    return machine


def folder_of(machine: Machine) -> Path:
    return machine.vault / ".obsidian" / "plugins" / "vaultbot"


def test_the_plugin_is_copied_and_knows_where_the_token_is(machine: Machine) -> None:
    ran = machine.vaultbot("plugin", "install", "--yes")

    assert ran.code == 0, ran.err
    assert {name: (folder_of(machine) / name).read_bytes() for name in FILES} == {
        name: (BUILT / name).read_bytes() for name in FILES
    }
    settings = json.loads((folder_of(machine) / "data.json").read_text())
    assert settings == {"port": 0, "tokenFile": str(machine.state.token)}
    assert "Community plugins" in ran.out
    assert "vaultbot start" in ran.out
    assert sorted(path.name for path in folder_of(machine).iterdir()) == sorted([*FILES, "data.json"])


def test_nothing_is_written_without_being_asked(machine: Machine) -> None:
    before = fingerprint(machine.vault)

    ran = machine.vaultbot("plugin", "install")

    assert ran.code == 2
    assert ran.error.startswith(f"this would copy the plugin vaultbot {__version__} to {folder_of(machine)}")
    assert ran.error.endswith("add --yes")
    assert fingerprint(machine.vault) == before


def test_a_second_time_brings_it_up_to_date_and_keeps_the_settings(machine: Machine) -> None:
    machine.vaultbot("plugin", "install", "--yes")
    (folder_of(machine) / "data.json").write_text('{"port": 9000, "tokenFile": "/mine"}')
    (folder_of(machine) / "main.js").write_text("old")

    assert machine.vaultbot("plugin", "install", "--yes", "--json").json()["changed"] is True
    assert machine.vaultbot("plugin", "install", "--json").json()["changed"] is False

    assert (folder_of(machine) / "main.js").read_bytes() == (BUILT / "main.js").read_bytes()
    assert json.loads((folder_of(machine) / "data.json").read_text()) == {"port": 9000, "tokenFile": "/mine"}


def test_a_vault_that_was_copied_or_moved_with_its_settings_is_led_to_its_own_daemon(machine: Machine) -> None:
    machine.vaultbot("plugin", "install", "--yes")
    others = machine.state.root.with_name("Original-0123456789") / "token"
    (folder_of(machine) / "data.json").write_text(json.dumps({"port": 9000, "tokenFile": str(others)}))

    asked = machine.vaultbot("plugin", "install")
    assert asked.code == 2
    assert ", and have it ask this vault's daemon, not another's; if you want that, add --yes" in asked.error
    assert machine.vaultbot("plugin", "install", "--yes", "--json").json()["changed"] is True

    told = json.loads((folder_of(machine) / "data.json").read_text())
    assert told == {"port": 9000, "tokenFile": str(machine.state.token)}


def test_a_folder_that_obsidian_does_not_know_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("Kimchi.md", "Cabbage, salt and time.")
    before = fingerprint(machine.vault)

    ran = machine.vaultbot("plugin", "install", "--yes")

    assert ran.code == 2
    assert "is no vault of Obsidian's" in ran.error
    assert fingerprint(machine.vault) == before


def test_a_vault_that_keeps_its_settings_elsewhere_gets_the_plugin_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write(".settings/app.json", "{}")

    assert machine.vaultbot("plugin", "install", "--yes").code == 0

    assert (machine.vault / ".settings" / "plugins" / "vaultbot" / "main.js").is_file()


def test_nothing_is_written_through_a_link_that_leads_out_of_the_vault(machine: Machine) -> None:
    outside = machine.folder / "outside"
    outside.mkdir()
    (machine.vault / ".obsidian" / "plugins").symlink_to(outside)

    ran = machine.vaultbot("plugin", "install", "--yes")

    assert ran.code == 2
    assert "leads out of the vault" in ran.error
    assert list(outside.iterdir()) == []


def test_the_built_plugin_is_that_of_the_sources() -> None:
    sources = [
        *(file.relative_to(SOURCE).as_posix() for file in (SOURCE / "src").rglob("*") if file.is_file()),
        "esbuild.config.mjs",
        "package-lock.json",
    ]
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name}\n".encode() + (SOURCE / name).read_bytes())

    told = re.search("sources: ([0-9a-f]{64})", (BUILT / "main.js").read_text(encoding="utf-8"))

    assert told is not None
    assert told[1] == digest.hexdigest(), "vaultbot/plugin is not up to date; run: make plugin"
    for name in ("manifest.json", "styles.css"):
        assert (BUILT / name).read_bytes() == (SOURCE / name).read_bytes(), "run: make plugin"


def test_the_plugin_has_the_version_of_vaultbot() -> None:
    manifest = json.loads((SOURCE / "manifest.json").read_text(encoding="utf-8"))
    versions = json.loads((SOURCE / "versions.json").read_text(encoding="utf-8"))
    package = json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))

    assert manifest["version"] == package["version"] == __version__
    assert versions[__version__] == manifest["minAppVersion"]


def test_the_lock_names_no_place_to_get_packages_from() -> None:
    lock = (SOURCE / "package-lock.json").read_text(encoding="utf-8")

    assert '"resolved"' not in lock
    assert '"integrity": "sha512-' in lock
