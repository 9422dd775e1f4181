"""The command line as a person or a script meets it: exit codes, one line for what is wrong, JSON, pipes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in

SOURDOUGH = "# Starter\n\nA sourdough starter is fed with flour and water every day. Kimchi is another ferment.\n"


@pytest.fixture(scope="module")
def bakery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One daemon for all of this file; its vault stays as it is."""
    with machine_in(tmp_path_factory.mktemp("bakery")) as machine:
        machine.write("Bread/Sourdough.md", SOURDOUGH)
        machine.write("Kimchi.md", "Cabbage, salt and time.\n")
        with machine.serve():
            before = fingerprint(machine.vault)
            yield machine
            assert fingerprint(machine.vault) == before


# ── contracts ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_search_prints_one_json_object(bakery: Machine) -> None:
    found = bakery.vaultbot("search", "starter", "--json", "--limit", "1").json()

    assert {"query", "hits", "took_ms"} <= found.keys()
    (hit,) = found["hits"]
    assert {"path", "title", "heading_path", "line_start", "line_end", "text", "score", "wikilink", "uri"} <= hit.keys()
    assert hit["uri"].startswith("obsidian://open?vault=Notes&file=Bread%2FSourdough")


def test_ask_prints_one_json_object(bakery: Machine) -> None:
    answer = bakery.vaultbot("ask", "What is a starter fed with?", "--json").json()

    assert answer["answer"] == "A sourdough starter is fed with flour and water every day. [1]"
    assert answer["citations"][0]["path"] == "Bread/Sourdough.md"
    assert (answer["grounded"], answer["refused"], answer["model"]) == (True, False, None)
    assert answer["timings_ms"].keys() == {"retrieve", "first_token", "total"}
    assert answer["tokens"].keys() == {"prompt", "cached", "completion"}


def test_index_status_and_suggestions_print_one_json_object(bakery: Machine) -> None:
    report = bakery.vaultbot("index", "--json").json()
    status = bakery.vaultbot("status", "--json").json()
    page = bakery.vaultbot("suggest-links", "Sourdough", "--json").json()

    assert (report["unchanged"], report["added"], report["failed"]) == (2, 0, [])
    assert {"state", "vault", "notes", "chunks", "embedder", "model", "pid", "port", "token_file"} <= status.keys()
    assert (status["state"], status["vault"], status["notes"]) == ("ready", str(bakery.vault), 2)
    assert [(one["text"], one["target"]) for one in page["suggestions"]] == [("Kimchi", "Kimchi.md")]


def test_options_work_before_and_after_the_command(bakery: Machine) -> None:
    empty = bakery.folder / "empty.toml"
    empty.touch()
    options = ["--vault", str(bakery.vault), "--config", str(empty), "--json", "--verbose"]

    before = bakery.run(*options, "search", "starter")
    after = bakery.run("search", "starter", *options)

    assert before.json()["hits"] == after.json()["hits"] != []


def test_the_vault_is_the_one_that_one_is_in(bakery: Machine) -> None:
    inside = bakery.vault / "Bread"
    (bakery.vault / ".obsidian").mkdir(exist_ok=True)
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "vaultbot", "status", "--json", "--no-start"],
        cwd=inside, env=bakery.env(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    (bakery.vault / ".obsidian").rmdir()

    assert json.loads(ran.stdout)["vault"] == str(bakery.vault)


# ── bad input ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["search", ""], 2, "the question is empty; ask something"),
        (["ask", "  "], 2, "the question is empty; ask something"),
        (["ask", "why? " * 4000], 2, "characters; 4,000 are allowed"),
        (["search", "why? " * 4000], 2, "characters; 4,000 are allowed"),
        (["search", "量" * 20_000], 2, "the question has 20,000 characters"),
        (["search", "x", "--limit", "0"], 2, "0 is not in the range 1<=x<=50; see: vaultbot search --help"),
        (["search", "x", "--limit", "51"], 2, "51 is not in the range 1<=x<=50; see: vaultbot search --help"),
        (["search", "x", "--limit", "abc"], 2, "'abc' is not a valid int"),
        (["search"], 2, "the question is empty; ask something, like: vaultbot ask"),
        (["ask"], 2, "Missing argument 'question'; see: vaultbot ask --help"),
        (["search", "x", "--on", "nonsense"], 2, "that is no date for on; write it like"),
        (["search", "x", "--colour"], 2, "No such option: --colour"),
        (["serach", "x"], 2, "No such command 'serach'. Did you mean 'search'"),
        (["suggest-links", "Nope"], 1, "there is no such note in the index; give its path"),
        (["suggest-links", "../../etc/passwd"], 1, "there is no such note"),
        (["start"], 3, "vaultbot is already running for this vault (pid"),
        (["serve"], 3, "vaultbot is already running for this vault (pid"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_next_step(bakery: Machine, words: list[str], code: int, told: str) -> None:
    ran = bakery.vaultbot(*words)

    assert (ran.code, ran.out) == (code, "")
    assert told in ran.error


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no model file at {path}; "),
        (
            b"<!DOCTYPE html><html><body>404 Not Found</body></html>" * 50,
            "{path} is a web page, not a model: download it again",
        ),
        (b"GGUF\x03\x00\x00\x00" + b"\xff" * 60, "{path}"),
        (b"", "{path}"),
    ],
)
def test_a_file_that_is_no_model_is_named_and_the_daemon_lives(
    bakery: Machine, content: bytes | None, told: str
) -> None:
    model = bakery.folder / "model.gguf"
    model.unlink(missing_ok=True)
    if content is not None:
        model.write_bytes(content)

    ran = bakery.vaultbot("ask", "What is a starter fed with?", "--model", str(model))

    assert ran.code == 5
    assert told.format(path=model) in ran.error
    assert bakery.vaultbot("ask", "x", "--model", str(bakery.folder), "--json").code == 5
    assert bakery.vaultbot("search", "starter", "--json").json()["hits"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Nowhere", "the vault {path} does not exist; give the folder that you open in Obsidian"),
        ("file.txt", "the vault {path} is not a folder; give the folder that you open in Obsidian"),
        ("x" * 300, "the vault {path} does not exist"),
    ],
)
@pytest.mark.parametrize("command", [["search", "x"], ["serve"], ["start"], ["stop"], ["status", "--no-start"]])
def test_a_vault_that_is_none_is_exit_code_4(tmp_path: Path, command: list[str], name: str, told: str) -> None:
    (tmp_path / "file.txt").touch()
    machine = Machine(tmp_path)

    ran = machine.run(*command, "--vault", str(tmp_path / name))

    assert ran.code == 4
    assert told.format(path=tmp_path / name) in ran.error
    assert not machine.home.exists()


def test_without_a_vault_one_is_asked_for(tmp_path: Path) -> None:
    assert Machine(tmp_path).run("search", "x").error == (
        "no vault is named; give --vault FOLDER, or choose one for good with: vaultbot init"
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (None, "there is no settings file {path}; make one with: vaultbot init"),
        ("[server\nport = 1", "{path} is not valid TOML: "),
        ("[sever]\nport = 1", "{path}: unknown section [sever]; the sections are vault, index, "),
        ("[server]\nprot = 1", "{path}: unknown setting [server] prot; allowed are port, idle_minutes, "),
        ("[server]\nport = 99999", "{path}: [server] port = 99999 is not allowed; it must be a whole number from 0 "),
        ('[server]\nallowed_origins = ["*"]', '[server] allowed_origins: "*" is not one origin; '),
    ],
)
def test_a_wrong_setting_names_the_file_the_key_and_what_is_allowed(
    tmp_path: Path, settings: str | None, told: str
) -> None:
    machine = Machine(tmp_path)
    machine.vault.mkdir()
    file = tmp_path / "config.toml"
    if settings is not None:
        file.write_text(settings)

    ran = machine.vaultbot("status", "--config", str(file))

    assert ran.code == 2
    assert ran.error.startswith(told.format(path=file))


def test_a_wrong_variable_is_named(bakery: Machine) -> None:
    assert "the variable VAULTBOT_SERVER_PORT: [server] port" in bakery.vaultbot(
        "status", VAULTBOT_SERVER_PORT="many"
    ).error  # fmt: skip


def test_state_can_be_neither_in_a_file_nor_in_the_vault(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("A.md", "A note.")
    (tmp_path / "file").touch()
    before = fingerprint(machine.vault)

    in_file = machine.vaultbot("status", VAULTBOT_HOME=str(tmp_path / "file"))
    in_vault = machine.vaultbot("status", VAULTBOT_HOME=str(machine.vault / "State"))

    assert (in_file.code, in_vault.code) == (1, 2)
    assert "set VAULTBOT_HOME to a folder you can write to" in in_file.error
    assert "is inside the vault; set VAULTBOT_HOME to a folder elsewhere" in in_vault.error
    assert fingerprint(machine.vault) == before


def test_no_start_starts_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("A.md", "A note.")

    for command in (["search", "x"], ["ask", "x"], ["index"], ["status"], ["suggest-links", "A"]):
        ran = machine.vaultbot(*command, "--no-start")
        assert (ran.code, ran.error) == (1, "no daemon runs for this vault; start one with: vaultbot start")
    assert not machine.home.exists()
    assert machine.vaultbot("stop").out == "no daemon was running for this vault\n"


def test_an_empty_vault_is_said_to_be_empty(tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:
        asked = machine.vaultbot("ask", "anything?")
        found = machine.vaultbot("search", "anything")

        assert asked.code == 1
        assert asked.error == f"there are no notes in {machine.vault}; is it the folder that you open in Obsidian?"
        assert (found.code, found.err) == (0, f"note: {asked.error}\n")
        assert machine.vaultbot("index").out.startswith("no notes; ")


def test_an_error_nobody_foresaw_is_one_line_too(bakery: Machine) -> None:
    program = (
        "import sys, vaultbot.cli.session as session\n"
        "session.find = lambda state: 1 / 0\n"
        "from vaultbot.cli.main import main\nmain()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "status", "--vault", str(bakery.vault)],
        env=bakery.env(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith("error: an error inside vaultbot (ZeroDivisionError: division by zero); --verbose")


# ── terminals and pipes ────────────────────────────────────────────────────────────────────────────────────────


def in_terminal(machine: Machine, *words: str, **variables: str) -> str:
    """What a terminal gets to show."""
    main, side = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "vaultbot", "--vault", str(machine.vault), *words],
        env=machine.env(TERM="xterm-256color", **variables), stdin=side, stdout=side, stderr=side,
    ) as process:  # fmt: skip
        os.close(side)
        shown = b""
        try:
            while data := os.read(main, 65536):
                shown += data
        except OSError:  # Linux's way of saying that the other side is closed.
            pass
    os.close(main)
    assert process.returncode == 0, shown
    return shown.decode()


def test_in_a_terminal_the_place_of_a_hit_can_be_clicked_and_its_words_stand_out(bakery: Machine) -> None:
    shown = in_terminal(bakery, "search", "sourdough")

    assert "\033]8;;obsidian://open?vault=Notes&file=Bread%2FSourdough" in shown
    assert "\033[1;33msourdough\033[0m" in shown


def test_colours_are_left_out_when_nobody_sees_or_wants_them(bakery: Machine) -> None:
    for words in (["search", "sourdough"], ["ask", "What is a starter fed with?"], ["index"], ["status"]):
        assert "\033" not in bakery.vaultbot(*words).out
    assert "\033" not in in_terminal(bakery, "search", "sourdough", NO_COLOR="1")
    assert "\033" not in in_terminal(bakery, "ask", "What is a starter fed with?", NO_COLOR="1")


@pytest.mark.parametrize("words", [["ask", "What is a starter fed with?"], ["search", "starter"], ["--help"]])
def test_a_reader_that_has_enough_is_no_error(bakery: Machine, words: list[str]) -> None:
    with bakery.popen("--vault", str(bakery.vault), *words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()

    assert (process.returncode, errors) == (0, "")


def test_another_encoding_shows_question_marks_and_the_json_stays_whole(bakery: Machine) -> None:
    shown = bakery.vaultbot("ask", "What is a starter fed with?", PYTHONIOENCODING="ascii")
    told = bakery.vaultbot("search", "Kimchi ✓", "--json", PYTHONIOENCODING="latin-1")

    assert shown.out.startswith("?A sourdough starter")
    assert told.json()["query"] == "Kimchi ✓"


def test_a_word_that_is_no_valid_text_is_searched_as_far_as_it_goes(bakery: Machine) -> None:
    assert bakery.vaultbot("search", "starter \udcff", "--json").json()["hits"]


def test_help_and_version_need_no_vault(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    assert machine.run("--version").out.startswith("vaultbot 0.")
    assert machine.run("--help").code == 0
    assert machine.run().code == 2
    assert "…" not in machine.run("--help").out
    assert "..." not in machine.run("--help").out.replace("[ARGS]...", "")
