"""`suggest-links`, `undo` and `dismissals`, as a script and as a person at a terminal meet them."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in

TOMATO = "They like compost, and peas beside them.\r\nSoil is best with lime."
_PROMPT = re.compile(r"(?:q quit|keys: back)\x1b\[0m$")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_in(tmp_path_factory.mktemp("garden")) as machine:
        for name in ("Compost", "Peas", "Soil"):
            machine.write(f"{name}.md", "A note.\n")
        machine.write("Tomato.md", "")
        (machine.vault / "Tomato.md").write_bytes(TOMATO.encode())
        with machine.serve():
            yield machine


@pytest.fixture
def garden(served: Machine) -> Iterator[Machine]:
    """The garden as it was, an hour ago."""
    rest(served)
    before = fingerprint(served.vault)
    yield served
    (served.vault / "Tomato.md").write_bytes(TOMATO.encode())
    served.vaultbot("dismissals", "clear", "--all")
    rest(served)
    assert fingerprint(served.vault) == before


def rest(machine: Machine) -> None:
    for file in machine.vault.glob("*.md"):
        os.utime(file, ns=(0, 1_700_000_000 * 10**9))


def tomato(machine: Machine) -> str:
    return (machine.vault / "Tomato.md").read_bytes().decode()


def offered(machine: Machine) -> list[dict[str, Any]]:
    """What is suggested for the note, best first."""
    found: list[dict[str, Any]] = machine.vaultbot("suggest-links", "Tomato", "--json").json()["suggestions"]
    return found


def with_links(*suggestions: dict[str, Any]) -> str:
    """The note with these suggestions written."""
    text = TOMATO
    for one in sorted(suggestions, key=lambda one: -int(one["edit"]["start"])):
        text = text[: one["edit"]["start"]] + one["edit"]["text"] + text[one["edit"]["end"] :]
    return text


def at_a_terminal(machine: Machine, keys: str, *words: str) -> tuple[int, str]:
    """What a person sees who answers each prompt with the next key; exit code and screen, without styles."""
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-P", "-m", "vaultbot", "--vault", str(machine.vault), *words]
    env = machine.env(TERM="xterm")
    process = subprocess.Popen(
        command, stdin=other_end, stdout=other_end, stderr=other_end, env=env, cwd=machine.folder
    )
    os.close(other_end)
    screen, left = "", list(keys)
    while select.select([terminal], [], [], 30)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        screen += data.decode("utf-8", "replace")
        if left and _PROMPT.search(screen):
            os.write(terminal, left.pop(0).encode())
    os.close(terminal)
    code = process.wait(timeout=60)
    shown = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\", "", screen)
    lines = [re.split(r"\r *\r", line.removesuffix("\r"))[-1].rstrip() for line in shown.split("\n")]
    return code, "\n".join(lines)


# ── scripts ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_terminal_suggestions_are_listed_and_nothing_is_written(garden: Machine) -> None:
    ran = garden.vaultbot("suggest-links", "Tomato")

    assert ran.code == 0
    assert "Tomato.md:1:11  **compost** → Compost.md\n  They like **compost**, and peas" in ran.out
    assert ran.out.endswith("3 suggestions; nothing was changed\n")
    assert tomato(garden) == TOMATO


def test_each_suggestion_is_a_line_of_json_for_the_whole_vault(garden: Machine) -> None:
    ran = garden.vaultbot("suggest-links", "--all", "--jsonl", "--limit", "2")
    tags = garden.vaultbot("suggest-links", "--all", "--jsonl", "--kind", "tag")

    assert {json.loads(line)["kind"] for line in tags.out.splitlines()} <= {"tag"}
    assert {json.loads(line)["kind"] for line in ran.out.splitlines()} <= {"mention", "semantic"}
    found = [json.loads(line) for line in ran.out.splitlines()]
    assert {one["note"] for one in found} >= {"Tomato.md"}
    for note in {one["note"] for one in found}:
        scores = [one["score"] for one in found if one["note"] == note]
        assert len(scores) <= 2
        assert scores == sorted(scores, reverse=True)
    assert ("Soil.md", "Soil") in {(one["target"], one["text"]) for one in found}
    assert [one["text"] for one in found if one["kind"] == "semantic"] == [
        None for one in found if one["kind"] == "semantic"
    ]


def test_suggestions_of_several_notes_are_one_object(garden: Machine) -> None:
    several = garden.vaultbot("suggest-links", "Tomato", "Peas", "--json").json()
    one = garden.vaultbot("suggest-links", "Tomato", "--json").json()

    assert [(page["note"], len(page["suggestions"])) for page in several["notes"]] == [("Tomato.md", 3), ("Peas.md", 0)]
    assert several["notes"][0] == one


def test_the_exit_code_tells_whether_there_is_something_to_suggest(garden: Machine) -> None:
    assert garden.vaultbot("suggest-links", "Tomato", "--check").code == 1
    assert garden.vaultbot("suggest-links", "Peas", "--check").code == 0
    assert garden.vaultbot("suggest-links", "Tomato", "--kind", "tag", "--check").code == 0


def test_a_dry_run_prints_a_diff_that_patch_takes(garden: Machine) -> None:
    ran = garden.vaultbot("suggest-links", "Tomato", "--dry-run", "--limit", "1")

    after = with_links(offered(garden)[0])
    lines = ran.out.replace("\r\n", "\n").split("\n")
    assert lines[:3] == ["--- a/Tomato.md", "+++ b/Tomato.md", "@@ -1,2 +1,2 @@"]
    assert {line[1:] for line in lines[3:] if line[:1] == "+"} == set(after.split("\r\n")) - set(TOMATO.split("\r\n"))
    assert {line[1:] for line in lines[3:] if line[:1] == "-"} == set(TOMATO.split("\r\n")) - set(after.split("\r\n"))
    assert tomato(garden) == TOMATO


def test_a_script_writes_without_asking_and_undoes_it(garden: Machine) -> None:
    ran = garden.vaultbot("suggest-links", "--all", "--apply", "--yes", "--min-score", "0.05")

    assert ran.code == 0
    assert (
        tomato(garden) == "They like [[Compost|compost]], and [[Peas|peas]] beside them.\r\n[[Soil]] is best with lime."
    )
    assert "3 suggestions written in 1 note\nto undo it: vaultbot undo " in ran.out
    run = ran.out.split()[-1]
    assert garden.vaultbot("suggest-links", "--history").out.startswith(run)
    assert garden.vaultbot("undo", run).out == "Tomato.md: as it was before\n"
    assert tomato(garden) == TOMATO
    assert garden.vaultbot("undo", run).out == f"nothing is left to undo of {run}\n"


def test_json_tells_what_was_written(garden: Machine) -> None:
    page = garden.vaultbot("suggest-links", "Tomato", "--apply", "--yes", "--min-score", "0.05", "--json").json()

    assert (page["written"], page["refused"]) == (3, [])
    assert garden.vaultbot("undo", "--json").json()["restored"] == ["Tomato.md"]
    assert garden.vaultbot("suggest-links", "--history", "--json").json()["runs"][0]["run"] == page["run"]


def test_what_is_not_likely_enough_is_not_written(garden: Machine) -> None:
    ran = garden.vaultbot("suggest-links", "--all", "--apply", "--yes", "--min-score", "0.9")

    assert (ran.code, ran.out) == (0, "nothing was written\n")


def test_a_note_that_somebody_is_typing_in_is_told_and_left_alone(garden: Machine) -> None:
    (garden.vault / "Tomato.md").write_text("Compost, typed.")

    ran = garden.vaultbot("suggest-links", "Tomato", "--apply", "--yes", "--min-score", "0.05")

    assert (ran.code, ran.out) == (1, "nothing was written\n")
    assert re.match(r"not written: Tomato\.md was changed \d+ s ago; try again", ran.err)
    assert tomato(garden) == "Compost, typed."


def test_undo_after_the_note_was_changed_names_the_copy(garden: Machine) -> None:
    garden.vaultbot("suggest-links", "Tomato", "--apply", "--yes", "--min-score", "0.05")
    (garden.vault / "Tomato.md").write_text("mine")

    ran = garden.vaultbot("undo")

    assert ran.code == 1
    assert ran.out.startswith("Tomato.md: it was changed since, and is left as it is; the note of before is kept in ")
    assert Path(ran.out.rpartition(" ")[2].strip()).read_bytes() == TOMATO.encode()
    assert tomato(garden) == "mine"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "name notes, or give --all"),
        (["Tomato", "--all"], "name notes, or give --all"),
        (["Tomato", "--apply"], "there is no terminal to ask at"),
        (["Tomato", "--apply", "--yes"], "--yes writes without asking"),
        (["Tomato", "--yes"], "--yes goes with --apply"),
        (["Tomato", "--apply", "--yes", "--min-score", "0.1", "--dry-run"], "leave one of them out"),
        (["Tomato", "--min-score", "2"], "2.0 is not in the range"),
        (["Tomato", "--kind", "links"], "there is no kind 'links'"),
    ],
)
def test_words_that_make_no_sense_are_told_and_nothing_is_written(
    garden: Machine, words: list[str], error: str
) -> None:
    ran = garden.vaultbot("suggest-links", *words)

    assert ran.code == 2
    assert error in ran.error
    assert tomato(garden) == TOMATO


# ── at a terminal ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_review_writes_what_is_accepted_and_forgets_nothing(garden: Machine) -> None:
    first, second, third = offered(garden)

    code, screen = at_a_terminal(garden, "adps", "suggest-links", "Tomato")

    assert code == 0
    assert tomato(garden) == with_links(first)
    assert screen.replace("\n\n", "\n").startswith(
        f"\nTomato.md:{first['line']}:{first['col']}  1 of 3 in this note\n"
        f"  {first['text']} → {first['target']}\n"
        f"  {first['context']}\n"
        f"  {first['edit']['text']}  {first['score']:.2f} · {'; '.join(first['reasons'])}\n"
        "  written\n"
        f"Tomato.md:{second['line']}:{second['col']}  2 of 3 in this note\n"
    )
    assert "  dismissed for these two notes\n" in screen.replace("\n\n", "\n")
    assert "1 suggestion written in 1 note, 1 dismissed, 1 skipped\nto undo it: vaultbot undo " in screen
    listed = garden.vaultbot("dismissals", "list").out
    assert f"mention: {second['target']} for Tomato.md" in listed
    assert [one["text"] for one in offered(garden)] == [third["text"]]
    assert garden.vaultbot("undo").out == "Tomato.md: as it was before\n"
    assert garden.vaultbot("dismissals", "clear", listed.split()[0]).out == "1 dismissal cleared\n"


def test_all_that_is_left_of_a_note_is_accepted_with_one_key(garden: Machine) -> None:
    rest = offered(garden)[1:]

    code, screen = at_a_terminal(garden, "sA", "suggest-links", "--all", "--apply")

    assert code == 0
    assert tomato(garden) == with_links(*rest)
    assert "written: 2" in screen
    assert "2 suggestions written in 1 note, 0 dismissed, 1 skipped" in screen


@pytest.mark.parametrize("keys", ["q", "n", "dxq", "\x04", "zoq", "\x1bq"])
def test_leaving_writes_nothing(garden: Machine, keys: str) -> None:
    code, screen = at_a_terminal(garden, keys, "suggest-links", "Tomato")

    assert code == 0
    assert "0 suggestions written in 0 notes, 0 dismissed" in screen
    assert tomato(garden) == TOMATO


def test_a_note_that_changes_during_the_review_is_left_alone(garden: Machine) -> None:
    (garden.vault / "Tomato.md").write_text("Compost, typed.")

    code, screen = at_a_terminal(garden, "aq", "suggest-links", "Tomato")

    assert code == 0
    assert "not written: Tomato.md was changed" in screen
    assert tomato(garden) == "Compost, typed."
