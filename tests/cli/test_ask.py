"""A question from the command line to the real starter models and back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in, until
from vaultbot.errors import VaultbotError
from vaultbot.runtime import is_locked


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, exports: Path) -> Iterator[Machine]:
    with machine_in(tmp_path_factory.mktemp("starter"), environment={}) as machine:
        machine.home.mkdir(mode=0o700)
        (machine.home / "cache").symlink_to(exports)
        machine.write(
            "Quantization.md",
            "---\naliases: [quantisation]\n---\n"
            "Quantization is the practice of storing a neural network's weights with fewer bits. "
            "It makes a model smaller and faster.\n",
        )
        machine.write("Sourdough.md", "# Starter\n\nA sourdough starter is fed with flour and water every day.\n")
        machine.write("Harbour.md", "The harbour of Trieste was built in 1719 under Charles VI.\n")
        yield machine


def test_the_first_question_starts_everything_and_gets_a_cited_answer(machine: Machine) -> None:
    before = fingerprint(machine.vault)

    answer = machine.vaultbot("ask", "what is quantization?", "--json").json()

    assert "storing a neural network's weights with fewer bits" in answer["answer"]
    assert {citation["path"] for citation in answer["citations"]} == {"Quantization.md"}
    assert (answer["grounded"], answer["refused"]) == (True, False)
    assert answer["model"].startswith("SmolLM2-135M-Instruct")
    assert answer["tokens"]["completion"] > 0
    assert answer["timings_ms"]["first_token"] > 0
    assert fingerprint(machine.vault) == before


def test_what_is_meant_is_found_without_its_words(machine: Machine) -> None:
    found = machine.vaultbot("search", "how do I look after my bread culture", "--json").json()

    assert found["hits"][0]["path"] == "Sourdough.md"


def test_what_the_notes_do_not_say_is_not_made_up(machine: Machine) -> None:
    asked = machine.vaultbot("ask", "Who painted the Mona Lisa?")

    assert (asked.code, asked.out.splitlines()[0]) == (0, "Not in your notes.")


def test_a_note_that_was_just_written_is_asked_about(machine: Machine) -> None:
    machine.write("Bees.md", "The beekeeper Anna Kowalska keeps nine hives behind the mill.\n")
    until(lambda: "Bees.md" in machine.paths_found("who keeps hives?"))

    assert "Anna Kowalska" in machine.vaultbot("ask", "Who keeps nine hives behind the mill?").out


def test_a_question_under_way_ends_with_the_daemon(machine: Machine) -> None:
    client = machine.client()
    told: list[str] = []

    def ask() -> None:
        try:
            while True:
                told.extend(
                    name for name, _ in client.events("POST", "/api/ask", {"question": "bees?", "stream": True})
                )
        except VaultbotError as error:
            told.append(error.slug)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    until(lambda: "done" in told)
    stopped = machine.vaultbot("stop")  # which itself gives up after ten seconds
    asking.join(30)

    assert stopped.out == "stopped\n"
    assert told[-1] in ("shutting-down", "not-running")
    assert not is_locked(machine.state)


def test_it_may_be_ended_while_it_is_still_loading(machine: Machine) -> None:
    with machine.serve(indexed=False) as daemon:
        daemon.terminate()
        _, errors = daemon.communicate(timeout=30)

    assert daemon.returncode == 0
    assert "terminate" not in errors
    assert not is_locked(machine.state)


def test_ctrl_c_breaks_a_question_off(machine: Machine) -> None:
    # Tests that a shell runs in the background ignore it, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with machine.popen("--vault", str(machine.vault), "ask", "what is quantization?") as process:
        until(lambda: is_locked(machine.state))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, "", "error: interrupted\n")


def test_a_daemon_that_is_still_starting_can_be_stopped(machine: Machine) -> None:
    machine.vaultbot("stop")
    with machine.popen("--vault", str(machine.vault), "search", "bees") as process:
        until(lambda: is_locked(machine.state))
        process.kill()

    assert machine.vaultbot("stop").out == "stopped\n"
    assert not is_locked(machine.state)
