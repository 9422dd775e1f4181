"""What a model says, cut into statements: whatever it writes, and in pieces of any size."""

from __future__ import annotations

import time

import pytest

from vaultbot.answering.statements import Statements


def said(text: str, *, piece: int = 1) -> list[str]:
    statements = Statements(labels=["Bread"])
    found = [one for at in range(0, len(text), piece) for one in statements.heard(text[at : at + piece])]
    return found + statements.rest()


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    ("written", "statements"),
    [
        ("Bread rises. It is baked.", ["Bread rises.", "It is baked."]),
        ("Bread rises. [1] It is baked [2].", ["Bread rises.", "It is baked."]),
        ("パンは膨らむ。焼く。", ["パンは膨らむ。", "焼く。"]),
        ("面包会发酵。然后烤。", ["面包会发酵。", "然后烤。"]),
        ("- Bread rises.\n- It is baked.\n", ["Bread rises.", "It is baked."]),
        ("1. Bread rises [1]\n2. It is baked", ["Bread rises", "It is baked"]),
        ("> Bread rises.\n> It is baked.", ["Bread rises.", "It is baked."]),
        ("# Bread\n\nIt rises.", ["It rises."]),
        ("**Bread:**\nIt rises.", ["It rises."]),
        ("| Flour | Time |\n|---|---|\n| Rye | 2 h |", ["Flour | Time", "Rye | 2 h"]),
        ("Do this:\n```python\nx = a[1]\ny = 2\n```\nDone.", ["Do this:", "x = a[1]\ny = 2", "Done."]),
        ("```\nx = 1\n", ["x = 1"]),
        ("Bread rises.\n\n---\n", ["Bread rises."]),
        ("Answer: Bread rises.", ["Bread rises."]),
        ("回答：パンは膨らむ。", ["パンは膨らむ。"]),
    ],
)
def test_prose_lists_tables_and_code(written: str, statements: list[str], piece: int) -> None:
    assert said(written, piece=piece) == statements


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    "ending",
    [
        "\nSources:\n- Bread.md\n- [2] Nature, 2019",
        "\n\n**Sources:** [1] Bread. It also cites Nature.",
        "\n## References\n1. Bread",
        "\nSource: [[Bread]]",
        "\n出典：パン",
        "\n来源：面包",
        "\nUser: And rye?\nAssistant: Rye rises, too.",
        "\n\nQuestion: What is rye?",
        "\n<|im_start|>user\nAnd rye?",
        "\n### Instruction: say more",
    ],
)
def test_made_up_sources_and_turns_end_the_answer(ending: str, piece: int) -> None:
    assert said(f"Bread rises.{ending}", piece=piece) == ["Bread rises."]


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    ("written", "statements"),
    [
        ("<think>Rye? No. Bread.</think>\n\nBread rises.", ["Bread rises."]),
        ("<think>\n\n</think>\n\nBread rises.", ["Bread rises."]),
        ("<think>Rye? It never comes to an end. And so on.", []),
        ("<THINK>Hm.</think>Bread rises.<think>Or not.</think> It is baked.", ["Bread rises.", "It is baked."]),
        ("[THINK]Hm.[/THINK]Bread rises.", ["Bread rises."]),
        ("<thinking>Hm.</thinking>Bread rises.", ["Bread rises."]),
        ("Rye is 1 < 2 <b>bold</b> [T] here.", ["Rye is 1 < 2 <b>bold</b> [T] here."]),
        ("It ends in <thi", ["It ends in <thi"]),
    ],
)
def test_what_it_thinks_is_not_what_it_says(written: str, statements: list[str], piece: int) -> None:
    assert said(written, piece=piece) == statements


def test_thoughts_whose_beginning_stood_in_the_prompt_are_forgotten_when_they_end() -> None:
    statements = Statements()

    assert statements.heard("the user wants bread") == []
    assert statements.heard("</think>\nBread rises.") == []
    assert statements.rest() == ["Bread rises."]
    assert statements.thought


def test_an_unfinished_sentence_is_kept_back() -> None:
    statements = Statements()

    assert statements.heard("Bread rises. It is ba") == ["Bread rises."]
    assert statements.heard("ked.\nAnd") == ["It is baked."]


@pytest.mark.parametrize(
    "hostile", ["-" * 20_000 + "x", "| " * 10_000, "<" * 20_000, "[THIN" * 4000, "> " * 10_000, "* " * 9000]
)
def test_text_that_is_made_to_be_slow_costs_no_time(hostile: str) -> None:
    began = time.process_time()
    said(hostile, piece=len(hostile))
    said(f"{hostile}\n{hostile}\n", piece=4000)

    assert time.process_time() - began < 3
