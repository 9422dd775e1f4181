"""What a person decided about suggestions stays decided."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from vaultbot.errors import DataDamaged
from vaultbot.links.decisions import Decisions, Scope
from vaultbot.suggestion import Replacement, Suggestion

COMPOST = Suggestion(
    id="s_1",
    kind="mention",
    note="Tomato.md",
    target="Compost.md",
    text="compost",
    edit=Replacement(10, 17, "[[Compost|compost]]"),
    score=0.8,
    reasons=("the note's title",),
    line=1,
    col=11,
    context="a bucket of compost",
    sha256="0" * 64,
)
AGAIN = replace(COMPOST, id="s_2", line=9)  #: the same words further down
RELATED = replace(COMPOST, id="s_3", kind="semantic", text="[[Compost]]")
ELSEWHERE = replace(COMPOST, id="s_4", note="Peas.md")
SHOUTED = replace(ELSEWHERE, id="s_5", text="COMPOST")
OTHER_TARGET = replace(COMPOST, id="s_6", target="Compost heap.md")
TYPED = replace(COMPOST, id="s_7", kind="property", key="uses", text="[[Compost]]")


@pytest.mark.parametrize(
    ("scope", "gone", "kept"),
    [
        ("here", [COMPOST], [AGAIN, RELATED, ELSEWHERE, OTHER_TARGET, TYPED]),
        ("pair", [COMPOST, AGAIN, RELATED], [ELSEWHERE, OTHER_TARGET, TYPED]),
        ("phrase", [COMPOST, AGAIN, ELSEWHERE, SHOUTED, OTHER_TARGET], [RELATED, TYPED]),
    ],
)
def test_a_dismissal_reaches_as_far_as_its_scope(scope: Scope, gone: list[Suggestion], kept: list[Suggestion]) -> None:
    decisions = Decisions()
    assert not decisions.dismissed(COMPOST)

    decisions.dismiss(COMPOST, scope)

    assert [one for one in gone if not decisions.dismissed(one)] == []
    assert [one for one in kept if decisions.dismissed(one)] == []


def test_decisions_outlive_the_process(tmp_path: Path) -> None:
    first = Decisions(tmp_path / "decisions.db", clock=lambda: 5.0)
    first.dismiss(COMPOST, "pair")
    first.accept([ELSEWHERE], run="e1")
    first.close()

    again = Decisions(tmp_path / "decisions.db")

    assert again.dismissed(AGAIN)
    assert [(d.note, d.target, d.text, d.score, d.at) for d in again.refused()] == [
        ("Tomato.md", "Compost.md", "compost", 0.8, 5.0)
    ]
    assert [(d.note, d.run) for d in again.accepted()] == [("Peas.md", "e1")]


def test_an_acceptance_hides_nothing_and_is_withdrawn_by_undo() -> None:
    decisions = Decisions()
    decisions.accept([COMPOST, ELSEWHERE], run="e1")
    decisions.accept([OTHER_TARGET], run="e2")
    assert not decisions.dismissed(COMPOST)

    decisions.withdraw("e1", ["Tomato.md"])

    assert [(d.note, d.run) for d in decisions.accepted()] == [("Peas.md", "e1"), ("Tomato.md", "e2")]


def test_what_is_cleared_is_suggested_again() -> None:
    decisions = Decisions()
    number = decisions.dismiss(COMPOST, "here").number
    decisions.dismiss(ELSEWHERE, "here")

    assert decisions.clear([number, 99]) == 1

    assert not decisions.dismissed(COMPOST)
    assert decisions.dismissed(ELSEWHERE)


@pytest.mark.parametrize("scope", ["here", "pair"])
def test_a_decision_follows_the_notes_it_is_about(scope: Scope, tmp_path: Path) -> None:
    decisions = Decisions(tmp_path / "decisions.db")
    decisions.dismiss(COMPOST, scope)

    decisions.follow("Tomato.md", "Garden/Tomato.md")
    decisions.follow("Compost.md", "Garden/Compost.md")
    decisions.follow("Unknown.md", "Else.md")
    decisions.close()

    moved = replace(COMPOST, id="s_new", note="Garden/Tomato.md", target="Garden/Compost.md")
    assert Decisions(tmp_path / "decisions.db").dismissed(moved)
    assert not Decisions(tmp_path / "decisions.db").dismissed(replace(moved, text="heap of it", target="Heap.md"))


def test_every_decision_makes_what_was_learned_before_out_of_date() -> None:
    decisions = Decisions()
    versions = [decisions.version]

    decisions.dismiss(COMPOST, "here")
    versions.append(decisions.version)
    decisions.accept([ELSEWHERE], run="e1")
    versions.append(decisions.version)
    decisions.clear([1])
    versions.append(decisions.version)

    assert versions == sorted(set(versions))


def test_a_damaged_file_is_kept_beside_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "decisions.db"
    file.write_bytes(b"no database at all, but long enough to be taken for one" * 40)

    decisions = Decisions(file)

    decisions.dismiss(COMPOST, "here")
    (aside,) = tmp_path.glob("decisions.db.damaged-*")
    assert aside.read_bytes().startswith(b"no database")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "decisions.db"
    Decisions(file).close()
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 9")

    with pytest.raises(DataDamaged, match="newer vaultbot"):
        Decisions(file)
