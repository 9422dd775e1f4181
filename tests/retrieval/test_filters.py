"""Operators in a question: what is one, what only looks like one, and what is left of the question."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vaultbot.errors import InvalidRequest
from vaultbot.index.filtering import Condition
from vaultbot.retrieval.filters import Options, days_in_words, in_words, read_operators, read_options
from vaultbot.retrieval.query import parse_query, parse_question

TODAY = date(2026, 11, 16)  # a Monday


def left(text: str) -> str:
    """The question without its filters."""
    return parse_query(text, today=TODAY).text


def conditions(text: str) -> list[tuple[Condition, ...]]:
    return list(parse_query(text, today=TODAY).filter.clauses)


def only(text: str) -> Condition:
    ((condition,),) = conditions(text)
    return condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("tag:#garden", Condition("tag", "garden")),
        ("tag:garden/beds", Condition("tag", "garden/beds")),
        ("Tag:#Garden", Condition("tag", "Garden")),
        ("TAG：園芸", Condition("tag", "園芸")),
        ("tag:＃園芸", Condition("tag", "園芸")),
        ('tag:"#garden"', Condition("tag", "garden")),
        ("tag:#garden/", Condition("tag", "garden")),
        ("path:Daily/", Condition("path", "Daily/")),
        ('path:"My Folder/"', Condition("path", "My Folder/")),
        ("path:“My Folder/”", Condition("path", "My Folder/")),
        ("file:.canvas", Condition("file", ".canvas")),
        ("file:2026-05", Condition("file", "2026-05")),
        ("[aliases]", Condition("property", name="aliases")),
        ('["due date"]', Condition("property", name="due date")),
        ("[status:Draft]", Condition("property", "Draft", "status", "says")),
        ("[status：下書き]", Condition("property", "下書き", "status", "says")),
        ("[due date: in May]", Condition("property", "in May", "due date", "says")),
        ('[status:"Draft"]', Condition("property", "Draft", "status", "is")),
        ("[is:[[Model compression|it]]]", Condition("property", "Model compression", "is", "is")),
        ("[due:null]", Condition("property", name="due", test="empty")),
        ("[duration:<5]", Condition("property", "5", "duration", "below")),
        ("[due:>2026-05-01]", Condition("property", "2026-05-01", "due", "above")),
        ("on:2026-05-12", Condition("dated", first="2026-05-12", last="2026-05-12")),
        ("On：2026-05", Condition("dated", first="2026-05-01", last="2026-05-31")),
        ("before:2026", Condition("dated", last="2025-12-31")),
        ("after:2024-02", Condition("dated", first="2024-03-01")),
        ("on:yesterday", Condition("dated", first="2026-11-15", last="2026-11-15")),
        ('on:"last week"', Condition("dated", first="2026-11-09", last="2026-11-15")),
        ("-rain", Condition("word", "rain", negated=True)),
        ("-量子化", Condition("word", "量子化", negated=True)),
        ("-self-hosted", Condition("word", "self-hosted", negated=True)),
        ('-"acid rain"', Condition("phrase", "acid rain", negated=True)),
        ("-tag:#garden", Condition("tag", "garden", negated=True)),
        ("-path:Daily/", Condition("path", "Daily/", negated=True)),
        ("-[status:Draft]", Condition("property", "Draft", "status", "says", negated=True)),
        ("-on:2026", Condition("dated", first="2026-01-01", last="2026-12-31", negated=True)),
    ],
)
def test_an_operator_is_taken_out_of_the_question(text: str, condition: Condition) -> None:
    assert only(text) == condition
    assert only(f"compost {text}") == condition
    assert only(f"What of ({text}) is there?") == condition
    assert left(f"compost {text} heap") == "compost heap"
    assert left(f"Which is it, {text}?") == "Which is it,?"


@pytest.mark.parametrize(
    "text",
    [
        "Why 12:30?",
        "foo:bar and line:(mix flour)",
        "https://example.org/tag:x?path:y",
        "multitag:x",
        "tag: x",
        "tag:#a,#b",
        "tag:#1984",
        "tag:(#a OR #b)",
        'an unclosed "quote',
        "an unclosed [bracket",
        "[status:",
        '["due date',
        "[[Note]] and ![[Note#Heading|shown]]",
        "array[index] and [text](url) and [ref][1]",
        "- [ ] a task, [x] done, [1] cited",
        "he [the author] says",
        'a 5" pot and a 7" pot',
        '""',
        '" "',
        "「量子化」とは何ですか",
        "ls -la -r --flag",
        "below -40 degrees - or not",
        "well-known and 1939-1945",
        "-foo:bar",
        "before: and after",
        "meeting OR work",
        "\\",
    ],
)
def test_what_only_looks_like_an_operator_stays_in_the_question(text: str) -> None:
    assert conditions(text) == []
    assert left(text) == text


def test_a_phrase_stays_in_the_question_without_its_quotes() -> None:
    assert left('What is "crop rotation"?') == "What is crop rotation?"
    assert only('What is "crop rotation"?') == Condition("phrase", "crop rotation")
    assert only("“crop rotation”") == only("＂crop rotation＂") == only('"crop rotation"')


def test_a_phrase_may_stand_among_words_that_have_no_blanks_around_them() -> None:
    assert only('文中"量子化"とは') == Condition("phrase", "量子化")
    assert left('文中"量子化"とは') == "文中量子化とは"


def test_quotes_within_a_phrase_are_escaped_as_in_obsidian() -> None:
    assert only(r'"they said \"hello\" to each other"').value == 'they said "hello" to each other'


def test_several_operators_must_all_fit_and_or_between_two_lets_either() -> None:
    assert conditions("tag:a tag:b path:c") == [
        (Condition("tag", "a"),), (Condition("tag", "b"),), (Condition("path", "c"),),
    ]  # fmt: skip
    assert conditions("tag:a OR tag:b path:c OR -[d]") == [
        (Condition("tag", "a"), Condition("tag", "b")),
        (Condition("path", "c"), Condition("property", name="d", negated=True)),
    ]
    assert left("compost tag:a OR tag:b") == "compost"
    assert left("tag:a or tag:b") == "or"


def test_a_property_may_have_one_of_several_values() -> None:
    draft, published = (Condition("property", value, "status", "says") for value in ("Draft", "Published"))

    assert conditions("[status:Draft OR Published]") == [(draft, published)]
    assert len(conditions("-[status:Draft OR Published]")) == 2


@pytest.mark.parametrize("text", ["before:yesterdayy", "on:click", "after:2026-02-31", 'on:"some day"', "-on:2026-13"])
def test_a_date_that_is_none_is_told_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(
        InvalidRequest, match=r"is no date for \w+; write it like before:2026-05-12.*put them in quotes"
    ):
        parse_query(f"compost {text}", today=TODAY)


def test_nobody_means_a_thousand_filters() -> None:
    assert len(conditions('"a" ' * 1000)) == 50
    assert left("tag:a " * 60) == " ".join(["tag:a"] * 10)


def test_a_date_operator_in_quotes_is_a_phrase() -> None:
    assert only('"on:click"') == Condition("phrase", "on:click")


@pytest.mark.parametrize(
    ("text", "words", "first", "last"),
    [
        ("what did I cook last week?", "what did I cook?", "2026-11-09", "2026-11-15"),
        ("昨日、何を食べましたか", "何を食べましたか", "2026-11-15", "2026-11-15"),
        ("上周我做了什么菜？", "我做了什么菜？", "2026-11-09", "2026-11-15"),
        ("yesterday's soup", "soup", "2026-11-15", "2026-11-15"),
        ("昨日の献立", "献立", "2026-11-15", "2026-11-15"),
        ("yesterday", "", "2026-11-15", "2026-11-15"),
    ],
)
def test_days_in_plain_words_are_a_filter_and_no_words(text: str, words: str, first: str, last: str) -> None:
    query = parse_query(text, today=TODAY)

    assert query.text == words
    assert query.days is not None
    assert query.days.relative
    assert (query.days.dated.first, query.days.dated.last) == (first, last)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("what did I cook last week tag:food", "what did I cook"),
        ("last week tag:food", "last week"),
        ("what happened in March 2024 tag:food", "what happened in March 2024"),
    ],
)
def test_the_same_question_is_kept_for_the_notes_of_all_days(text: str, words: str) -> None:
    query = parse_query(text, today=TODAY)

    assert query.otherwise is not None
    assert query.otherwise.text == words
    assert in_words(query.otherwise.filter) == "tagged #food"
    assert in_words(query.filter).startswith("tagged #food, dated ")


@pytest.mark.parametrize("text", ['the song "last week"', "last week on:2026-05-12", "last week -before:2020"])
def test_words_in_quotes_or_beside_a_date_operator_are_no_days(text: str) -> None:
    assert parse_query(text, today=TODAY).days is None


def test_options_are_filters_too_and_strict_ones() -> None:
    options = Options(tags=["#a", "b/c"], path="Daily/", before="2026-05", after="2025", on="yesterday")

    assert in_words(read_options(options, today=TODAY)) == (
        "tagged #a, tagged #b/c, with “Daily/” in the path, dated 2026-04-30 or earlier, dated 2026-01-01 or later, "
        "dated 15 November 2026"
    )
    for wrong in (Options(tags=["a,b"]), Options(tags=[""]), Options(path=" "), Options(on="nonsense")):
        with pytest.raises(InvalidRequest, match=r"is no tag|the path is empty|is no date for on"):
            read_options(wrong, today=TODAY)


def test_filters_alone_can_be_searched_but_not_asked() -> None:
    assert left("tag:#garden -[status:Draft]") == ""
    assert parse_query("", today=TODAY, options=Options(path="Daily/")).text == ""
    assert parse_question("May 2026?", today=TODAY).text == "May 2026?"
    for text in ("tag:#garden", "last week?", "(path:Daily/)"):
        with pytest.raises(InvalidRequest, match="filters without a question; ask something"):
            parse_question(text, today=TODAY)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-05-12", "2026-05-12", "12 May 2026"),
        ("2026-11-09", "2026-11-15", "9 to 15 November 2026"),
        ("2026-10-26", "2026-11-01", "26 October to 1 November 2026"),
        ("2025-12-29", "2026-01-04", "29 December 2025 to 4 January 2026"),
        ("2024-02-01", "2024-02-29", "February 2024"),
        ("2026-02-01", "2026-02-27", "1 to 27 February 2026"),
        ("2025-01-01", "2025-12-31", "2025"),
        ("9999-12-01", "9999-12-31", "December 9999"),
        ("2026-05-01", None, "2026-05-01 or later"),
        (None, "2026-05-01", "2026-05-01 or earlier"),
    ],
)
def test_days_are_told_as_people_write_them(first: str | None, last: str | None, words: str) -> None:
    assert days_in_words(first, last) == words


_SPICE = st.sampled_from(
    'tag: path: [ ] [[ ]] " “ ” - ( ) OR on: before: : ： # 12 2026-05-12 a b last week 昨日 < > null \\ 」'.split(" ")
)


@given(st.lists(st.one_of(_SPICE, st.text(max_size=4)), max_size=25), st.sampled_from(["", " "]))
@example(["on:", "\u0660"], "")
@example(["before:0001-01-01 after:9999-12-31"], "")
def test_no_text_breaks_the_parser(parts: list[str], between: str) -> None:
    text = between.join(parts)
    try:
        written = read_operators(text, today=TODAY)
    except InvalidRequest:
        assert re.search(r"(?:before|after|on)[:：]", text, re.IGNORECASE)
    else:
        assert len(written.words) == len(written.unquoted) <= len(text)
        assert written.cut or written.words == text


@pytest.mark.parametrize("text", ['"', '"a', "[a:", "[a:[[]]", "-", 'tag:"', "tag:a OR ", "[a:x OR ", "(", "“", '\\"'])
@pytest.mark.timeout(60)
def test_a_hostile_question_is_read_in_linear_time(text: str) -> None:
    """Two hundred thousand characters take about half a second; quadratic time would run into the time-out."""
    read_operators(text * (200_000 // len(text)), today=TODAY)
