from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.index.sentences import sentence_spans, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One ends. Two ends! Three?", ["One ends.", "Two ends!", "Three?"]),
        ("Dr. Smith met Prof. Lee. They talked.", ["Dr. Smith met Prof. Lee.", "They talked."]),
        ("By J. R. Tolkien. A book.", ["By J. R. Tolkien.", "A book."]),
        ("See e.g. the notes, i.e. all of them. Done.", ["See e.g. the notes, i.e. all of them.", "Done."]),
        ("Salt, spices etc. are added. Stir.", ["Salt, spices etc. are added.", "Stir."]),
        ("Salt, spices etc. Then stir.", ["Salt, spices etc.", "Then stir."]),
        ("Pi is 3.14 or so. It is irrational.", ["Pi is 3.14 or so.", "It is irrational."]),
        ("See Fig. 3 and No. 5 on p. 7. Next.", ["See Fig. 3 and No. 5 on p. 7.", "Next."]),
        ("She said no. He said yes.", ["She said no.", "He said yes."]),
        ("The cat sat. It slept in the sun. Then it left.", ["The cat sat.", "It slept in the sun.", "Then it left."]),
        ("There were 3. They left in 2024. All of them.", ["There were 3.", "They left in 2024.", "All of them."]),
        ("He said “stop.” She did.", ["He said “stop.”", "She did."]),
        ("Wait... what? Well… yes.", ["Wait...", "what?", "Well…", "yes."]),
        ("Open https://example.org/a.b?c=d. Then read.", ["Open https://example.org/a.b?c=d.", "Then read."]),
        ("量子化は重い。軽くなる！本当？はい。", ["量子化は重い。", "軽くなる！", "本当？", "はい。"]),
        ("彼は「はい。」と言った。終わり。", ["彼は「はい。」", "と言った。", "終わり。"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("- first item\n- second item", ["first item", "second item"]),
        ("1. Mix. Knead.\n2. Bake.", ["Mix.", "Knead.", "Bake."]),
        ("- [x] done\n  * [ ] open", ["done", "open"]),
        ("A line\r\nand another\r\n", ["A line", "and another"]),
        ("", []),
        (" \n\t\n", []),
    ],
)
def test_sentences_end_where_a_reader_sees_them_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


TEXTS = st.text(st.sampled_from('aB1 .!?…。！"”)」-*+[x]\n\r\tDr量 \ud800'), max_size=80) | st.text(max_size=80)
BULLET = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[^\]]\]\s+)?")


@given(TEXTS)
def test_sentences_are_in_order_and_hold_every_word(text: str) -> None:
    spans = sentence_spans(text)

    end_before = 0
    for start, end in spans:
        assert end_before <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
        assert "\n" not in text[start:end]
        end_before = end
    said = "".join("".join(text[start:end].split()) for start, end in spans)
    lines = (BULLET.sub("", line, count=1) for line in text.split("\n"))
    assert said == "".join("".join(line.split()) for line in lines)


@pytest.mark.parametrize("unit", [".", "A b. ", "。", ".)", '!"', "Dr. ", "- ", "a" * 50 + " ", ".      ", "1. "])
def test_long_lines_take_time_in_proportion(unit: str) -> None:
    def seconds(repeats: int) -> float:
        began = time.perf_counter()
        sentence_spans(unit * repeats)
        return time.perf_counter() - began

    assert seconds(100_000) < 20 * seconds(10_000) + 0.5
