"""Passages that were cut out of a long list or paragraph come with what stands before and after them."""

from __future__ import annotations

from tests.conftest import VaultBuilder
from vaultbot.retrieval.hits import Found
from vaultbot.retrieval.query import parse_query

#: About twice as long as a passage may be.
PLANTS = "\n".join(f"- plant {number} stands in the bed by the wall and is watered daily" for number in range(40))
NOTE = f"# Beds\n\nWhat grows by the wall:\n\n{PLANTS}\n- saffron grows behind the shed\n\n## Tools\n\nA hoe."


def found(vault: VaultBuilder, question: str, *, limit: int = 1) -> list[Found]:
    vault.index()
    retriever = vault.assistant._retriever
    with vault.assistant._reader.snapshot():
        (reading,) = retriever.readings(parse_query(question))
        return retriever.passages(reading, limit=limit)


def test_a_fragment_comes_with_the_one_before_it_which_counts_less(vault: VaultBuilder) -> None:
    vault.write("Beds.md", NOTE)

    fragment, before, *rest = found(vault, "saffron behind the shed")

    assert "saffron" in fragment.passage.text
    assert before.passage.end_line + 1 == fragment.passage.start_line
    assert before.score < fragment.score
    assert all(one.passage.start_line >= fragment.passage.end_line for one in rest)


def test_passages_between_whole_blocks_come_alone(vault: VaultBuilder) -> None:
    paragraphs = "\n\n".join(f"Paragraph {n} tells of a garden. " + "It rains on the beds. " * 30 for n in range(6))
    vault.write("Rain.md", f"# Rain\n\n{paragraphs}\n\nSaffron needs none of it.")

    (alone,) = found(vault, "who needs saffron")

    assert "Saffron" in alone.passage.text


def test_a_section_right_behind_another_is_no_fragment(vault: VaultBuilder) -> None:
    text = "The bed by the wall is watered daily. " * 30
    vault.write("Beds.md", f"# One\n{text}\n# Two\nSaffron grows here. {text}")

    (alone, *_) = together = found(vault, "saffron grows here")

    assert "Saffron" in alone.passage.text
    assert all(one.passage.start_line >= alone.passage.start_line for one in together)


def test_neighbours_that_were_found_themselves_come_once(vault: VaultBuilder) -> None:
    vault.write("Beds.md", NOTE)

    places = [one.passage.rowid for one in found(vault, "saffron plant by the wall", limit=3)]

    assert len(places) == len(set(places))
