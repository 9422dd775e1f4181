"""What a source supports and what it does not, sentence by sentence, in English, Japanese and Chinese."""

from __future__ import annotations

import time

import pytest

from tests.conftest import VaultBuilder
from vaultbot.answering.evidence import Evidence
from vaultbot.answering.grounding import _skips_only_asides, supporting
from vaultbot.retrieval.query import parse_query

MISO = "味噌は大豆と麹と塩から作られ、発酵には約一年かかる。"
BRIDGE = "この橋は1871年に田中一郎が設計し、鈴木花子が建設した。"
PICKLES = "四川泡菜用白菜、盐和花椒制成，发酵大约需要七天。"
TOWER = "灯塔由李明于1871年设计，王芳负责建造。"
LIFT = "灯塔没有电梯，高三十一米。"
PRESS = "The printing press was developed by Johannes Gutenberg in Mainz around 1450."


def supported(vault: VaultBuilder, note: str, question: str, said: str, *, skipping: bool = True) -> Evidence | None:
    """Words alone are compared, so that what is checked is what the rule says."""
    vault.embedder = None
    vault.write("Note.md", note)
    vault.index()
    answerer = vault.assistant._answerer
    query = parse_query(question)
    with answerer.weigher.snapshot():
        (reading,) = answerer.retriever.readings(query)
        evidence = answerer.weigher.evidence(reading.query, answerer.retriever.passages(reading, limit=1))
        return supporting(said, reading.query, evidence, weigher=answerer.weigher, best=None, skipping=skipping)


@pytest.mark.parametrize(
    ("note", "question", "said"),
    [
        (MISO, "味噌は何から作られますか", "味噌は大豆と麹と塩から作られる。"),
        (MISO, "味噌の発酵はどのくらいですか", "発酵には約一年かかる。"),
        (BRIDGE, "橋は誰が設計しましたか", "橋は1871年に田中一郎が設計した。"),
        (PICKLES, "四川泡菜用什么制成？", "四川泡菜用白菜、盐和花椒制成。"),
        (PICKLES, "发酵需要多久？", "发酵大约需要七天。"),
        (TOWER, "灯塔是谁设计的？", "灯塔由李明于1871年设计。"),
        (
            PRESS,
            "Who developed the printing press?",
            "The printing press was developed by Johannes Gutenberg around 1450.",
        ),
    ],
)
def test_a_part_of_a_sentence_of_the_notes_is_supported(
    vault: VaultBuilder, note: str, question: str, said: str
) -> None:
    assert supported(vault, note, question, said) is not None


@pytest.mark.parametrize(
    ("note", "question", "said"),
    [
        (MISO, "味噌は何から作られますか", "味噌は大豆と米から作られる。"),
        (MISO, "味噌は何から作られますか", "味噌は大豆と麹と塩から作られない。"),
        (MISO, "味噌の発酵はどのくらいですか", "発酵には二年かかる。"),
        (MISO, "味噌の発酵はどのくらいですか", "発酵には一年かかる。"),
        (BRIDGE, "橋は誰が設計しましたか", "橋は1871年に鈴木花子が設計した。"),
        (BRIDGE, "橋は誰が設計しましたか", "橋は1878年に田中一郎が設計した。"),
        (BRIDGE, "橋は誰が設計しましたか", "鈴木花子が設計し、田中一郎が建設した。"),
        (PICKLES, "四川泡菜用什么制成？", "四川泡菜用萝卜、盐和花椒制成。"),
        (PICKLES, "四川泡菜用什么制成？", "四川泡菜不用白菜、盐和花椒制成。"),
        (PICKLES, "发酵需要多久？", "发酵大约需要八天。"),
        (TOWER, "灯塔是谁设计的？", "灯塔由王芳于1871年设计。"),
        (TOWER, "灯塔是谁设计的？", "灯塔由李明于1878年设计。"),
        (LIFT, "灯塔有多高？", "灯塔有电梯，高三十一米。"),
        (PRESS, "Who developed the printing press?", "The printing press was developed by Johannes Gutenberg in 1450."),
        ("Tesla was offered the task of redesigning.", "What about Tesla?", "Tesla offered the task of redesigning."),
        (PRESS, "Where was the press developed?", "The printing press was developed in Strasbourg around 1450."),
        (PRESS, "Who developed the steam press?", "The steam press was developed by Johannes Gutenberg around 1450."),
    ],
)
def test_what_says_something_else_is_not(vault: VaultBuilder, note: str, question: str, said: str) -> None:
    assert supported(vault, note, question, said) is None


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            "The lamp (which is older) was lit by oil, later by gas, and is kept in the museum.",
            "The lamp was lit by oil, later by gas, and is kept in the museum.",
        ),
        (
            "The lamp was lit by oil, as all lamps in town, and kept in the museum.",
            "The lamp was lit by oil and kept in the museum.",
        ),
        ("In winter the lamp was lit by oil at four.", "The lamp was lit by oil."),
    ],
)
def test_the_smallest_models_may_leave_out_asides_and_both_ends(vault: VaultBuilder, note: str, said: str) -> None:
    assert supported(vault, note, "How was the lamp lit?", said, skipping=False) is not None


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            "Lamps come in all sizes, though the wick of candles is lit by oil in the town hall.",
            "Lamps are lit by oil in the town hall.",
        ),
        ("The lamp of the old town hall was lit by oil.", "The lamp was lit by oil."),
        ("The lamp is rarely lit by oil and more often by gas in town.", "The lamp is more often lit by oil in town."),
    ],
)
def test_but_not_what_something_is_said_of(vault: VaultBuilder, note: str, said: str) -> None:
    assert supported(vault, note, "How was the lamp lit?", said, skipping=False) is None


def test_a_source_that_is_made_to_be_slow_costs_no_time() -> None:
    began = time.process_time()
    for filler in (", x", " and", "(x", " - x", "– x", ",,", " of the"):
        _skips_only_asides("Lamp oil.", f"Lamp{filler * 3000} oil.")

    assert time.process_time() - began < 3
