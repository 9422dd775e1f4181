"""Other names that a note could have."""

from __future__ import annotations

from tests.conftest import VaultBuilder
from tests.links.views import added, view_of
from vaultbot.links.aliases import AliasKind
from vaultbot.suggestion import Suggestion


def aliases(vault: VaultBuilder, note: str) -> list[Suggestion]:
    with view_of(vault) as view:
        return AliasKind(view).suggest(view.page(note))


def names(vault: VaultBuilder, note: str) -> list[str]:
    return [one.target for one in aliases(vault, note)]


def test_what_two_notes_call_it_is_offered_to_the_note_itself(vault: VaultBuilder) -> None:
    vault.write("Sourdough starter.md", "Rye and water.")
    vault.write("Bread.md", "Feed the [[Sourdough starter|mother dough]] first.")
    vault.write("Pizza.md", "Take [[Sourdough starter|Mother dough]] or yeast. [[Sourdough starter|mother dough]]")

    (found,) = aliases(vault, "Sourdough starter.md")

    assert (found.kind, found.note, found.target) == ("alias", "Sourdough starter.md", "mother dough")
    assert added(found) == ("aliases", "mother dough")
    assert found.reasons == ("2 notes call it so: Bread, Pizza",)
    assert aliases(vault, "Bread.md") == []


def test_what_one_note_calls_it_twice_is_no_name(vault: VaultBuilder) -> None:
    vault.write("Starter.md", "Rye and water.")
    vault.write("Bread.md", "[[Starter|mother dough]], and again [[Starter|mother dough]].")

    assert names(vault, "Starter.md") == []


def test_words_that_lead_to_several_notes_or_belong_to_another_are_no_alias(vault: VaultBuilder) -> None:
    for name in ("Starter", "Yeast"):
        vault.write(f"{name}.md", "Rye and water.")
        for number in range(2):
            vault.write(f"{name} {number}.md", f"[[{name}|leaven]] and [[{name}|levain]] and [[{name}|Madre]] {number}")
    vault.write("Levain.md", "A note of that name.")
    vault.write("Other.md", "---\naliases: [madre]\n---\nA note with that alias.")
    vault.write("madre.png", b"\x89PNG")

    assert names(vault, "Starter.md") == []


def test_its_own_names_in_another_casing_are_no_news(vault: VaultBuilder) -> None:
    vault.write("Starter.md", "---\naliases: [Mother]\n---\nRye and water.")
    for number in range(2):
        vault.write(f"{number}.md", "[[Starter|starter]] and [[Starter|mother]]")

    assert names(vault, "Starter.md") == []


def test_a_word_that_hardly_ever_means_the_note_is_no_alias(vault: VaultBuilder) -> None:
    vault.write("Unix background jobs.md", "fg and bg")
    for number in range(2):
        vault.write(f"{number}.md", "[[Unix background jobs|background]]")
    for number in range(30):
        vault.write(f"Story {number}.md", "Trees in the background.")

    assert names(vault, "Unix background jobs.md") == []


def test_stop_words_sentences_and_marks_are_no_names(vault: VaultBuilder) -> None:
    vault.write("Starter.md", "Rye and water.")
    for number in range(2):
        vault.write(
            f"{number}.md", "[[Starter|this]] [[Starter|It is alive.]] [[Starter|**bold**]] [[Starter|2024]]"
            " [[Starter|one two three four five six seven]]",
        )  # fmt: skip

    assert names(vault, "Starter.md") == []


def test_the_acronym_that_a_note_explains_is_offered(vault: VaultBuilder) -> None:
    vault.write("Large language model.md", "A large language model (LLM) predicts tokens.")
    vault.write("RAG.md", "RAG (retrieval-augmented generation) looks things up.")
    vault.write("Other.md", "A support vector machine (SVM) is none.")

    assert names(vault, "Large language model.md") == ["LLM"]
    assert names(vault, "RAG.md") == ["retrieval-augmented generation"]
    assert names(vault, "Other.md") == []
    assert aliases(vault, "Large language model.md")[0].reasons == (
        "the note says it is short for “large language model”",
    )


def test_a_link_that_leads_nowhere_and_is_written_almost_so_is_a_name(vault: VaultBuilder) -> None:
    vault.write("Sourdough starter.md", "Rye and water.")
    vault.write("Bread.md", "Feed the [[Sourdough starters]] and see [[2026-05-01]].")

    (found,) = aliases(vault, "Sourdough starter.md")

    assert found.target == "Sourdough starters"
    assert found.reasons == ("links that lead nowhere call it so, in Bread",)


def test_names_in_chinese_and_japanese_are_names_too(vault: VaultBuilder) -> None:
    vault.write("大規模言語モデル.md", "言葉を予測する。")
    for number in range(2):
        vault.write(f"{number}.md", "[[大規模言語モデル|言語モデル]]は便利だ。")

    assert names(vault, "大規模言語モデル.md") == ["言語モデル"]


def test_the_property_keeps_its_spelling_and_a_broken_one_is_left_alone(vault: VaultBuilder) -> None:
    vault.write("Starter.md", "---\nAliases: [Leaven]\n---\nRye and water.")
    for number in range(2):
        vault.write(f"{number}.md", "[[Starter|mother dough]]")
    assert [added(one) for one in aliases(vault, "Starter.md")] == [("Aliases", "mother dough")]

    vault.write("Starter.md", "---\nAliases: [\n---\nRye and water.")
    assert aliases(vault, "Starter.md") == []
