from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.index.analyzer import content_terms, content_words, fold, latin_share, query_terms, terms, tokens


def test_chinese_and_japanese_become_characters_and_pairs() -> None:
    assert set(terms("量子化")) == {"量", "子", "化", "量子", "子化"}


def test_text_after_a_digit_or_a_latin_word_is_not_swallowed() -> None:
    assert set(terms("5月から7月")) >= {"5", "月", "から", "7"}
    assert "5月から7月" not in terms("5月から7月")
    assert set(terms("GPUで学習")) >= {"gpu", "学習"}


@pytest.mark.parametrize(
    ("note", "question"),
    [
        ("quantization", "quantized"),
        ("Running notes", "run note"),
        ("the model's weights", "model weight"),
        ("don’t panic", "don't panic"),
        ("Café Zürich", "cafe zurich"),
        ("cafe\u0301 re\u0301sume\u0301", "café résumé"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("ﾊﾟﾝの発酵", "パンの発酵"),
        ("か\u3099くせい", "がくせい"),
        ("ﬁnancial", "financial"),
        ("STRASSE", "straße"),
        ("книги", "книгами"),
        ("Ёлка", "ёлка"),
    ],
)
def test_a_word_is_found_in_its_other_forms(note: str, question: str) -> None:
    assert set(query_terms(question)) <= set(terms(note))


def test_words_of_scripts_with_vowel_signs_stay_whole() -> None:
    assert terms("हिन्दी भाषा") == ["हिन्दी", "भाषा"]
    assert terms("مُحَمَّد") == ["مُحَمَّد"]


def test_accents_tell_apart_where_they_are_letters() -> None:
    assert terms("й") != terms("и")
    assert terms("が") != terms("か")


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("量子化とは何ですか", {"量子", "子化"}),
        ("なぜパンは膨らむのですか？", {"パン", "膨"}),
        ("什么是量化？", {"量化"}),
        ("如何发酵面包", {"发酵", "酵面", "面包"}),
        ("what is the quantization of a model", {"quantiz", "model"}),
    ],
)
def test_question_words_carry_no_meaning(question: str, asked: set[str]) -> None:
    assert set(content_terms(question)) == asked


def test_a_question_of_stop_words_alone_still_asks_something() -> None:
    assert query_terms("to be or not to be") == content_terms("to be or not to be") == ["to", "be", "or", "not"]


def test_matches_are_marked_where_they_stand() -> None:
    text = "Über Quantisierung: 量子化 ist gut"

    marked = {token.term: text[token.start : token.end] for token in tokens(text)}
    assert marked["uber"] == "Über"
    assert marked["量"] == "量"
    assert marked["子化"] == "子化"
    assert marked["gut"] == "gut"


TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from("aé e\u0301ßﬁ'’_5月から量ｶﾞか\u3099各한국๑ไทย.-\n\ud800😀\ufe0f"), max_size=40),
)


@given(TEXTS)
def test_a_marked_place_holds_its_term(text: str) -> None:
    for token in tokens(text):
        assert 0 <= token.start < token.end <= len(text)
        assert token.term in terms(text[token.start : token.end])


@given(TEXTS)
def test_terms_are_words_that_a_blank_can_separate(text: str) -> None:
    for term in [*terms(text), *query_terms(text), *content_terms(text)]:
        assert term
        assert not any(c.isspace() or c == '"' for c in term)
        term.encode()  # SQLite takes no lone surrogates


@given(TEXTS)
def test_a_text_is_found_by_its_own_words(text: str) -> None:
    assert set(query_terms(text)) <= set(terms(text))


@given(TEXTS)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text)

    assert fold(once) == once or unicodedata.normalize("NFKC", once).casefold() != once


@pytest.mark.parametrize(
    "unit", ["\u0316\u0300", "a\u0301", "ﾞ\u0300\u0316", "'", "量", "a’", "\ufdfa", "5月", "_", "\u0300"]
)
def test_a_long_text_of_anything_has_its_terms(unit: str) -> None:
    """What took more than a time in proportion would not end here; bench/hostile.py measures it."""
    text = "a" + unit * (200_000 // len(unit.encode()))

    assert {token.term for token in tokens(text)} == set(terms(text))


def test_latin_text_is_what_an_english_model_can_read() -> None:
    assert latin_share("Über 100 naïve cafés") == 1.0
    assert latin_share("量子化") == 0.0
    assert latin_share("GPU 量子化") == 0.5
    assert latin_share("1 + 1") == 1.0
    assert 0 <= latin_share("".join(map(chr, range(0, sys.maxunicode, 997)))) <= 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What is the Quantization of weights?", ["Quantization", "weights"]),
        ("パン種の温度は何度ですか？", ["パン種", "温度", "度"]),
        ("堆肥最合适的碳氮比是多少？", ["堆肥最合适", "碳氮比"]),
        ("why is it?", []),
    ],
)
def test_the_words_that_carry_a_question_are_read_as_they_stand(text: str, words: list[str]) -> None:
    assert content_words(text) == words
