"""Answers from footnotes, tables, embeds and tasks: found by more than is seen, quoted from where it stands."""

from __future__ import annotations

from tests.conftest import VaultBuilder
from vaultbot.types import Answer


def lines_of(vault: VaultBuilder, answer: Answer) -> list[str]:
    """What the file has where the answer says that its quotes stand."""
    return [
        (vault.root / one.path).read_text(encoding="utf-8").split("\n")[one.line_start - 1] for one in answer.citations
    ]


def test_a_footnote_is_quoted_at_its_own_line(vault: VaultBuilder) -> None:
    vault.write(
        "Bread.md",
        "# Bread\n\nThe oven wants to be hot[^heat].\n\n## Flour\n\nRye is dark.\n\n"
        "[^heat]: A thermometer shows 240 degrees after an hour.\n",
    )

    answer = vault.ask("What does the thermometer show after an hour?")

    first = answer.citations[0]
    assert first.quote == "A thermometer shows 240 degrees after an hour."
    assert first.line_start == 9
    assert first.quote in lines_of(vault, answer)[0]


def test_a_row_of_a_table_is_quoted_as_a_reader_sees_it(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write(
        "Loaves.md",
        "# Loaves\n\n| Loaf | Time |\n| --- | --- |\n| Rye bread | 36 hours |\n| **Spelt** bread | 12 hours |\n",
    )

    answer = vault.ask("What of spelt bread?")

    first = answer.citations[0]
    assert first.quote == "Spelt bread | 12 hours"
    assert lines_of(vault, answer)[0] == "| **Spelt** bread | 12 hours |"


def test_the_names_of_a_tables_columns_are_no_answer(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write(
        "Loaves.md",
        "# Loaves\n\n| Loaf | Baking temperature |\n| --- | --- |\n| Rye | 240 °C |\n| Spelt | 220 °C |\n",
    )

    answer = vault.ask("What is the baking temperature of spelt?")

    assert answer.citations[0].quote == "Spelt | 220 °C"


def test_a_note_is_found_by_what_it_embeds_and_that_is_never_quoted(vault: VaultBuilder) -> None:
    vault.write("Plan.md", "Before lunch I read on.\n\n![[Fermentation of cabbage]]\n")
    vault.write("Tulips.md", "Plant the bulbs in autumn.\n")

    hits = vault.search("fermentation of cabbage")

    assert hits[0].path == "Plan.md"
    assert hits[0].text == "Before lunch I read on."
