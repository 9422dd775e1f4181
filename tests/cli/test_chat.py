"""A conversation at the command line: each line of standard input is a question or a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.machine import Machine, Ran, fingerprint, machine_in
from vaultbot.cli.opener import open_link

HARBOUR = "obsidian://open?vault=Notes&file=Harbour"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_in(tmp_path_factory.mktemp("chat")) as machine:
        machine.write("Harbour.md", "The harbour of Trieste was built by Fabio Severo.\n\nIt opened in May 1719.\n")
        machine.write("Kimchi.md", "Kimchi is kept at 4 °C for a month.\n")
        machine.vaultbot("index")
        yield machine


def started(machine: Machine, *arguments: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "vaultbot", "--vault", str(machine.vault), "chat", *arguments],
        env=machine.env(**more),
        cwd=machine.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def chat(machine: Machine, *lines: str, arguments: tuple[str, ...] = (), **more: str) -> Ran:
    with started(machine, *arguments, **more) as process:
        out, err = process.communicate("".join(f"{line}\n" for line in lines), timeout=120)
    return Ran(process.returncode, out, err)


def test_each_line_is_answered_and_a_follow_up_from_the_one_before(machine: Machine) -> None:
    before = fingerprint(machine.vault)
    said = chat(machine, "Who built the harbour of Trieste?", "", "And when was it opened?")

    first, second = said.out.split("> And when was it opened?\n")
    assert first.startswith(
        "> Who built the harbour of Trieste?\n“The harbour of Trieste was built by Fabio Severo.” [1]"
    )
    assert "“It opened in May 1719.”" in second
    assert said.err == "\nnote: understood as: And when was it opened? (Harbour)\n"
    assert said.code == 0
    assert fingerprint(machine.vault) == before


def test_a_new_conversation_has_forgotten_the_old_one(machine: Machine) -> None:
    said = chat(machine, "Who built the harbour of Trieste?", "/new", "And when was it opened?")

    assert "forgotten" in said.out
    assert "understood as" not in said.err


def test_sources_are_shown_word_for_word(machine: Machine) -> None:
    said = chat(machine, "/sources", "Who built the harbour of Trieste?", "/sources")

    assert said.err == "error: there is no answer with sources yet; ask something\n"
    assert said.out.rstrip().endswith(
        "> /sources\n[1] Harbour  Harbour.md:1\n    “The harbour of Trieste was built by Fabio Severo.”"
    )


def test_a_source_is_opened_only_when_that_is_typed(machine: Machine) -> None:
    programs = machine.folder / "bin"
    programs.mkdir()
    for name in ("open", "xdg-open"):
        (programs / name).write_text('#!/bin/sh\necho "$1" >> opened.txt\n')
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    opened = machine.folder / "opened.txt"

    chat(machine, "Who built the harbour of Trieste?", PATH=path)
    assert not opened.exists()

    said = chat(machine, "Who built the harbour of Trieste?", "/open 1", "/open 2", "/open", PATH=path)
    assert opened.read_text() == f"{HARBOUR}\n"
    assert said.err == "error: say which source, like: /open 1 (see /sources)\n" * 2


def test_only_links_to_obsidian_are_opened() -> None:
    assert not open_link("file:///etc/passwd")
    assert not open_link("https://example.org")
    assert not open_link("--help")


def test_the_last_question_is_asked_again(machine: Machine) -> None:
    said = chat(machine, "/retry", "Who built the harbour of Trieste?", "when was it opened?", "/retry", "/retry")

    assert said.out.count("“It opened in May 1719.”") == 3
    assert said.err.count("understood as: when was it opened? (Harbour)\n") == 3
    assert said.err.startswith("error: nothing was asked yet\n")


def test_a_model_that_is_not_there_ends_no_chat(machine: Machine) -> None:
    said = chat(machine, "/model nowhere.gguf", "/model", "Who built the harbour of Trieste?")

    assert "error: there is no file" in said.err
    assert "the settings' model answers" in said.out
    assert "Fabio Severo" in said.out


def test_a_model_file_is_used_from_then_on(machine: Machine) -> None:
    machine.folder.joinpath("broken.gguf").write_bytes(b"GGUF")
    said = chat(machine, "/model broken.gguf", "Who built the harbour of Trieste?", "/model", "/retry")

    assert "broken.gguf answers" in said.out
    assert said.err.startswith("error: ")
    assert said.out.count("Fabio Severo") == 1


def test_quit_ends_it_and_what_follows_is_not_asked(machine: Machine) -> None:
    said = chat(machine, "/help", "/quit", "Who built the harbour of Trieste?")

    assert "/open N" in said.out
    assert said.out.endswith("> /quit\n")
    assert said.code == 0


def test_what_is_wrong_is_told_and_the_chat_goes_on(machine: Machine) -> None:
    said = chat(machine, "/store x", "tag:a", "x" * 30_000, "Who built the harbour of Trieste?")

    assert said.err.startswith("error: there is no command /store; /help lists them\nerror: these are filters without")
    assert said.err.count("error: ") == 3
    assert "Fabio Severo" in said.out


def test_filters_hold_for_the_whole_chat(machine: Machine) -> None:
    said = chat(machine, "Who built the harbour of Trieste?", arguments=("--path", "Kimchi", "--extract"))

    assert "Fabio Severo" not in said.out


def test_a_chat_has_no_json(machine: Machine) -> None:
    assert "programs send messages" in chat(machine, arguments=("--json",)).error


def test_ctrl_c_stops_an_answer_and_not_the_chat(machine: Machine) -> None:
    pid = machine.client().runtime.pid
    with started(machine) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("Who built the harbour of Trieste?\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("> Who")
        while process.stdout.readline() != "\n":  # the whole answer: the chat has begun
            pass
        os.kill(pid, signal.SIGSTOP)  # A daemon that thinks for long.
        try:
            process.stdin.write("When did the harbour open?\n")
            process.stdin.flush()
            while not process.stdout.readline().startswith("> When"):
                pass
            process.send_signal(signal.SIGINT)
            while process.stdout.readline() != "stopped\n":
                pass
        finally:
            os.kill(pid, signal.SIGCONT)
        out, err = process.communicate("Who built the harbour of Trieste?\n", timeout=120)

    assert "Fabio Severo" in out
    assert (process.returncode, err) == (0, "")
