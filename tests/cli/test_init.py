from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.cli.machine import Machine, Ran, fingerprint


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def known_to_obsidian(machine: Machine, *names: str) -> None:
    """Makes the folders, and the file in which Obsidian remembers them; the last one was opened last."""
    vaults = {f"{number:016x}": {"path": str(machine.folder / name), "ts": number} for number, name in enumerate(names)}
    for name in names:
        (machine.folder / name).mkdir(exist_ok=True)
    file = machine.folder / "xdg" / "obsidian" / "obsidian.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"vaults": vaults}))


def init(machine: Machine, *words: str) -> Ran:
    return machine.run("init", *words, HOME=str(machine.folder), XDG_CONFIG_HOME=str(machine.folder / "xdg"))


def without_chat_model(ran: Ran) -> list[str]:
    """What was said, but for the language model that suits the machine this runs on."""
    return [line for line in ran.out.splitlines() if not line.startswith("for better answers this machine suits ")]


def chosen(machine: Machine) -> str:
    path: str = tomllib.loads((machine.home / "config.toml").read_text())["vault"]["path"]
    return path


def test_the_only_vault_that_obsidian_knows_is_taken(machine: Machine) -> None:
    known_to_obsidian(machine, "Notes")
    before = fingerprint(machine.vault)

    ran = init(machine)

    assert without_chat_model(ran) == [
        f"wrote {machine.home / 'config.toml'}",
        f"your vault is {machine.vault}",
        'now ask it something: vaultbot ask "…"',
    ]
    assert chosen(machine) == str(machine.vault)
    assert fingerprint(machine.vault) == before
    assert machine.run("status", "--no-start").error.startswith("no daemon runs for this vault")


def test_of_several_one_is_to_be_chosen_the_last_one_opened_first(machine: Machine) -> None:
    known_to_obsidian(machine, "Old", "Notes")

    ran = init(machine)

    assert ran.code == 2
    assert ran.err.splitlines() == [
        "error: Obsidian knows several vaults; choose one with --vault:",
        f"  1  {machine.folder / 'Notes'}",
        f"  2  {machine.folder / 'Old'}",
    ]
    assert init(machine, "--vault", str(machine.folder / "Old")).code == 0
    assert chosen(machine) == str(machine.folder / "Old")


def test_a_vault_that_was_deleted_is_not_offered(machine: Machine) -> None:
    known_to_obsidian(machine, "Gone", "Notes")
    (machine.folder / "Gone").rmdir()

    assert init(machine).code == 0
    assert chosen(machine) == str(machine.vault)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"vaults": []}', '{"vaults": {"a": {"path": 5}}}'])
def test_without_obsidian_a_folder_is_asked_for(machine: Machine, content: str | None) -> None:
    if content is not None:
        file = machine.folder / "xdg" / "obsidian" / "obsidian.json"
        file.parent.mkdir(parents=True)
        file.write_text(content)

    assert init(machine).error == (
        "Obsidian has no vault on this machine that could be found; name one: vaultbot init --vault FOLDER"
    )


def test_a_settings_file_that_is_there_is_kept_unless_told_otherwise(machine: Machine) -> None:
    known_to_obsidian(machine, "Notes")
    machine.home.mkdir()
    (machine.home / "config.toml").write_text("# mine\n")

    assert init(machine).error.endswith(
        "edit it, name a further vault with: vaultbot vaults add NAME FOLDER, or replace the file with: vaultbot init "
        "--force"
    )
    assert (machine.home / "config.toml").read_text() == "# mine\n"
    assert init(machine, "--force").code == 0
    assert chosen(machine) == str(machine.vault)


def test_a_vault_may_get_a_name_and_the_others_are_mentioned(machine: Machine) -> None:
    known_to_obsidian(machine, "My Old Notes", "Notes")

    ran = init(machine, "--vault", str(machine.vault), "--name", "日記 home")

    assert tomllib.loads((machine.home / "config.toml").read_text()) == {
        "vault": {"path": "日記 home"},
        "vaults": {"日記 home": {"path": str(machine.vault)}},
    }
    assert without_chat_model(ran)[-1] == (
        f"Obsidian knows more vaults; to ask one, too: vaultbot vaults add NAME '{machine.folder / 'My Old Notes'}'"
    )
    assert machine.run("status", "--no-start", "--vault", "日記 home").error.startswith("no daemon runs for this vault")
    assert init(machine, "--force", "--name", "a/b").error.startswith(
        "a vault cannot be called 'a/b': a name is up to "
    )


def test_a_folder_of_any_name_is_written_so_that_it_can_be_read_again(machine: Machine) -> None:
    folder = machine.folder / 'a "quoted" \\ name\nof メモ'
    folder.mkdir()

    assert init(machine, "--vault", str(folder)).code == 0
    assert chosen(machine) == str(folder)


def test_nothing_is_written_into_the_vault_and_no_vault_is_made_up(machine: Machine) -> None:
    machine.vault.mkdir()

    inside = init(machine, "--vault", str(machine.vault), "--config", str(machine.vault / "config.toml"))
    missing = init(machine, "--vault", str(machine.folder / "Nope"))

    assert (inside.code, missing.code) == (2, 4)
    assert "would be inside the vault, where vaultbot keeps no files" in inside.error
    assert list(machine.vault.iterdir()) == []
    assert not (machine.home / "config.toml").exists()


# ── which embedding model ──────────────────────────────────────────────────────────────────────────────────────


def test_the_model_for_the_languages_of_the_notes_is_named(machine: Machine) -> None:
    for number in range(5):
        machine.write(f"En {number}.md", "Cabbage is left with salt until it is sour.")
    for number in range(3):
        machine.write(f"Ja {number}.md", "白菜を塩と一緒に酸っぱくなるまで置いておきます。")

    ran = init(machine, "--vault", str(machine.vault))

    assert without_chat_model(ran)[2:] == [
        "your notes: 62% English, 38% Japanese",
        "the installed model, all-MiniLM-L6-v2, reads English; Japanese is found by words",
        (
            "to find them by meaning, too, download the folder of intfloat/multilingual-e5-small (471 MB) and set "
            "[embedding] model to it"
        ),
        'now ask it something: vaultbot ask "…"',
    ]


def test_where_nothing_is_lacking_no_other_model_is_named(machine: Machine) -> None:
    machine.write("Kimchi.md", "Cabbage is left with salt until it is sour.")

    ran = init(machine, "--vault", str(machine.vault), "--json")

    told = json.loads(ran.out)
    assert ":" in told.pop("recommended_chat_model")
    assert told == {
        "config": str(machine.home / "config.toml"),
        "vault": str(machine.vault),
        "name": None,
        "languages": {"English": 1.0},
        "embedding_model": "sentence-transformers/all-MiniLM-L6-v2",
        "unread": [],
        "recommended_model": None,
    }


# ── which language model ───────────────────────────────────────────────────────────────────────────────────────


def test_a_language_model_for_this_machine_is_named_and_not_downloaded(machine: Machine) -> None:
    machine.write("Kimchi.md", "白菜を塩と一緒に酸っぱくなるまで置いておきます。")

    ran = init(machine, "--vault", str(machine.vault))

    (line,) = [line for line in ran.out.splitlines() if line.startswith("for better answers")]
    assert re.search(r"suits qwen[\d.]+-\S+:Q\w+ \(.* [MG]B\); get it with: vaultbot models pull qwen", line)
    assert not (machine.home / "models").exists()
