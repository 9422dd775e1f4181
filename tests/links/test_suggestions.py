"""What is kept between two questions, and when it is made anew."""

from __future__ import annotations

import json
import threading

import pytest

from tests.conftest import VaultBuilder
from vaultbot.links import hiding, suggestions
from vaultbot.links.groundwork import Groundwork
from vaultbot.suggestion import Suggestion


@pytest.fixture
def garden(vault: VaultBuilder) -> VaultBuilder:
    for number in range(30):
        vault.write(f"Day {number}.md", f"Turned the [[Compost]], number {number}.")
    vault.write("Compost.md", "Rotten leaves.")
    vault.write("New.md", "Turned the compost.")
    vault.index()
    return vault


def targets(found: list[Suggestion]) -> list[tuple[str, str]]:
    return [(one.kind, one.target) for one in found]


def test_the_vault_is_read_once_for_many_questions(garden: VaultBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[int] = []
    before = Groundwork.__init__

    def counted(self: Groundwork, *given: object) -> None:
        laid.append(1)
        before(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Groundwork, "__init__", counted)
    first = garden.assistant.suggest("New")
    for number in range(5):
        garden.assistant.suggest(f"Day {number}")

    assert targets(first)[0] == ("mention", "Compost.md")
    assert len(laid) == 1


def test_a_note_is_read_as_it_is_now(garden: VaultBuilder) -> None:
    garden.assistant.suggest("New")
    garden.write("New.md", "Of leaves.\n\nTurned the compost.")

    assert garden.assistant.suggest("New")[0].line == 3


def test_a_name_that_came_is_known_and_one_that_went_is_not(garden: VaultBuilder) -> None:
    garden.assistant.suggest("New")
    garden.write("Leaf mould.md", "")
    garden.write("New.md", "Leaf mould and compost.")
    garden.index()
    assert ("mention", "Leaf mould.md") in targets(garden.assistant.suggest("New"))

    (garden.root / "Leaf mould.md").unlink()
    garden.index()
    assert ("mention", "Leaf mould.md") not in targets(garden.assistant.suggest("New"))


def test_what_was_learned_outlives_the_daemon(garden: VaultBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = garden.assistant.suggest("New")
    assert json.loads(garden.state.ranking.read_text())["links"] == 30
    garden.close()

    monkeypatch.setattr(suggestions, "learn", None)  # Whoever called it now would fail.
    garden.index()
    assert garden.assistant.suggest("New") == before


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"signals": []}', '{"weights": 1}'])
def test_a_damaged_file_is_learned_anew(garden: VaultBuilder, kept: str) -> None:
    before = garden.assistant.suggest("New")
    garden.close()
    garden.state.ranking.write_text(kept)
    garden.index()

    assert garden.assistant.suggest("New") == before
    assert json.loads(garden.state.ranking.read_text())["links"] == 30


def test_a_large_vault_answers_first_and_learns_at_rest(garden: VaultBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "_QUICK", 0)
    learned = threading.Event()
    before = hiding.learn

    def told(*given: object, **named: object) -> object:
        assert threading.current_thread().name == "index"
        learned.set()
        return before(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(suggestions, "learn", told)

    assert targets(garden.assistant.suggest("New"))[0] == ("mention", "Compost.md")
    assert learned.wait(timeout=60)


def test_nothing_is_read_for_a_vault_that_nobody_asks_about(garden: VaultBuilder) -> None:
    garden.index()

    assert not garden.state.ranking.exists()


def test_the_whole_vault_is_suggested_for_with_each_suggestion_once(garden: VaultBuilder) -> None:
    for name in ("New.md", "Day 1.md", "Day 2.md"):
        garden.write(name, "Turned the compost with a [[Pitchfork]].")
    garden.index()

    pages = dict(garden.assistant.suggest_all())

    assert list(pages) == sorted(pages)
    assert len(pages) == 32
    ids = [one.id for found in pages.values() for one in found]
    assert len(ids) == len(set(ids))
    assert sum(one.kind == "create" for found in pages.values() for one in found) == 1


def test_the_other_kinds_are_suggested_beside_links(garden: VaultBuilder) -> None:
    garden.write("New.md", "Turned the compost. See [[Compots]].")
    garden.index()

    assert {"mention", "fix-link"} <= {one.kind for one in garden.assistant.suggest("New")}


def test_scores_fall(garden: VaultBuilder) -> None:
    scores = [one.score for one in garden.assistant.suggest("New")]

    assert scores == sorted(scores, reverse=True)
