"""Links that go astray, and how they are mended."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from tests.links.views import mended, view_of
from vaultbot.links.fix_links import FixLinkKind
from vaultbot.suggestion import Suggestion
from vaultbot.vault.markdown import parse_note


def repairs(vault: VaultBuilder, note: str) -> list[Suggestion]:
    with view_of(vault) as view:
        return FixLinkKind(view).suggest(view.page(note))


def only(vault: VaultBuilder, note: str) -> tuple[Suggestion, str]:
    """The only repair, and the note's text after it."""
    (found,) = repairs(vault, note)
    return found, mended(vault, found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[[Quantisation]]", "[[Quantization|Quantisation]]"),
        ("[[Quantisation|smaller weights]]", "[[Quantization|smaller weights]]"),
        ("[[LLM]]", "[[Large language model|LLM]]"),
        ("[[old/Quantization]]", "[[Quantization|old/Quantization]]"),
        ("[[Quantization#Why it work]]", "[[Quantization#Why it works|Quantization > Why it work]]"),
        ("[[Quantization#Why it work|why]]", "[[Quantization#Why it works|why]]"),
        ("[why](Quantization.md#Why%20it%20work)", "[why](Quantization.md#Why%20it%20works)"),
        ("![[Quantization#Why it work]]", "![[Quantization#Why it works]]"),
        ("[[Large language model#^moved]]", "[[Quantization#^moved|Large language model > ^moved]]"),
        ("| a |\n| - |\n| [[Quantisation]] |", "| a |\n| - |\n| [[Quantization\\|Quantisation]] |"),
    ],
)
def test_a_link_leads_where_it_was_meant_to_and_reads_as_before(vault: VaultBuilder, before: str, after: str) -> None:
    vault.write("ML/Quantization.md", "# Why it works\nRounding. ^moved")
    vault.write("ML/Large language model.md", "---\naliases: [LLM]\n---\nPredicts tokens.")
    vault.write("Note.md", f"See {before}\n")

    found, text = only(vault, "Note.md")

    assert text == f"See {after}\n"
    assert (found.kind, found.note, found.text) == ("fix-link", "Note.md", parse_note("Note.md", before).links[0].raw)
    if not before.startswith("!"):
        assert parse_note("Note.md", text).visible == parse_note("Note.md", f"See {before}\n").visible


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("up: [[Food]]", 'up: "[[Food]]"'),
        ("up:\n  - [[Food]]\n  - '[[Drinks]]'", "up:\n  - \"[[Food]]\"\n  - '[[Drinks]]'"),
        ("up: [[Food|what we eat]]  # above", 'up: "[[Food|what we eat]]"  # above'),
        ('up: [[Food|"food"]]', "up: '[[Food|\"food\"]]'"),
        ("up: [[Soon]]", 'up: "[[Soon]]"'),
    ],
)
def test_a_property_link_gets_its_quotes(vault: VaultBuilder, before: str, after: str) -> None:
    vault.write("Food.md", "Bread.")
    vault.write("Drinks.md", "Water.")
    vault.write("Note.md", f"---\n{before}\n---\nWords.")

    found, text = only(vault, "Note.md")

    assert text == f"---\n{after}\n---\nWords."
    assert found.target in ("Food.md", "Soon")
    assert found.key == "up"
    assert found.reasons == ("without quotes Obsidian reads a list in a list, and no link",)
    assert found.score > 0.9


@pytest.mark.parametrize("before", ["up: [[[Food]], [[Drinks]]]", "up: {a: [[Food]]}", "up: [[Food]] [[Drinks]]"])
def test_what_quotes_alone_would_not_mend_is_left_alone(vault: VaultBuilder, before: str) -> None:
    vault.write("Food.md", "Bread.")
    vault.write("Note.md", f"---\n{before}\n---\nWords.")

    assert repairs(vault, "Note.md") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('up: "[[Quantisation]]"', 'up: "[[Quantization|Quantisation]]"'),
        ("up: '[[Quantisation|it''s small]]'", "up: '[[Quantization|it''s small]]'"),
        ("up:\n- '[[LLM]]'", "up:\n- '[[Large language model|LLM]]'"),
    ],
)
def test_a_property_link_that_strayed_keeps_its_quotes(vault: VaultBuilder, before: str, after: str) -> None:
    vault.write("Quantization.md", "Rounding.")
    vault.write("Large language model.md", "---\naliases: [LLM]\n---\nPredicts tokens.")
    vault.write("Note.md", f"---\n{before}\n---\nWords.")

    found, text = only(vault, "Note.md")

    assert text == f"---\n{after}\n---\nWords."
    assert found.key == "up"


def test_every_link_of_the_same_name_is_one_suggestion(vault: VaultBuilder) -> None:
    vault.write("Quantization.md", "Rounding.")
    vault.write("Note.md", "[[Quantisation]] and [[Quantisation]]")

    first, second = repairs(vault, "Note.md")

    assert first.id != second.id
    assert mended(vault, second) == "[[Quantisation]] and [[Quantization|Quantisation]]"
    assert (second.line, second.col) == (1, 22)


def test_offsets_are_of_the_file_as_it_is_now(vault: VaultBuilder) -> None:
    vault.write("Quantization.md", "Rounding.")
    vault.write("Note.md", "[[Quantisation]]")
    with view_of(vault) as view:
        kind = FixLinkKind(view)
        vault.write("Note.md", "More before: [[Quantisation]]")
        (found,) = kind.suggest(view.page("Note.md"))

    assert mended(vault, found) == "More before: [[Quantization|Quantisation]]"


def test_what_waits_to_be_written_strays_not(vault: VaultBuilder) -> None:
    vault.write("Quantization.md", "# Why\nRounding.")
    vault.write(
        "Note.md", "[[Something else]] [[2026-05-01]] %% [[Quantisation]] %% [[#Nowhere]] [[Quantization#^gone]]"
    )

    assert repairs(vault, "Note.md") == []


def test_a_block_that_several_notes_have_is_not_guessed(vault: VaultBuilder) -> None:
    for name in ("A", "B"):
        vault.write(f"{name}.md", "Words. ^here")
    vault.write("C.md", "Nothing.")
    vault.write("Note.md", "[[C#^here]]")

    assert repairs(vault, "Note.md") == []


def test_reasons_are_plain_words(vault: VaultBuilder) -> None:
    vault.write("ML/Large language model.md", "---\naliases: [LLM]\n---\n# Use\nPredicts tokens. ^b1")
    vault.write("Gone.md", "Nothing.")
    vault.write(
        "Note.md",
        "[[LLM]] [[Large language models]] [[Old/Large language model]] [[Large language model#Uses]] [[Gone#^b1]]",
    )

    told = {one.text: one.reasons[0] for one in repairs(vault, "Note.md")}

    assert told == {
        "[[LLM]]": "“LLM” is an alias of Large language model, and links do not follow aliases",
        "[[Large language models]]": (
            "no note is called “Large language models”; Large language model is written almost so"
        ),
        "[[Old/Large language model]]": "the note is ML/Large language model.md now",
        "[[Large language model#Uses]]": "Large language model has no such heading; this one is written almost so",
        "[[Gone#^b1]]": "the block is in Large language model now",
    }
