"""Notes that say two things: told where it is plain, and nowhere else."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.answering.differing import split


@pytest.mark.parametrize(
    ("one", "other", "kind", "words"),
    [
        ("The meeting is on 3 May.", "The meeting is on 5 May.", "date", ("3 May", "5 May")),
        ("The meeting is on Monday.", "The meeting is on Tuesday.", "date", ("Monday", "Tuesday")),
        ("The shop opens at 9:00.", "The shop opens at 10:00.", "date", ("9:00", "10:00")),
        ("Q4 has 4 bits.", "Q4 has eight bits.", "number", ("4", "eight")),
        ("Rent is 900 euros.", "The rent is 950 euros a month.", "number", ("900", "950")),
        ("Compost smells.", "Compost does not smell.", "negation", ("", "not")),
        ("Basil can stand frost.", "Basil can't stand frost.", "negation", ("", "can't")),
        ("It was built by Fabio Severo.", "It was built by Ana Rossi.", "name", ("Fabio Severo", "Ana Rossi")),
        ("会議は5月3日です。", "会議は5月5日です。", "date", ("5月3日", "5月5日")),
        ("会議は月曜日です。", "会議は火曜日です。", "date", ("月曜日", "火曜日")),
        ("このモデルはGPUを使える。", "このモデルはGPUを使えない。", "negation", ("", "ない")),
        ("面包需要冷藏。", "面包不需要冷藏。", "negation", ("", "不")),
        ("图书馆有停车场。", "图书馆没有停车场。", "negation", ("", "没有")),
    ],
)
def test_what_two_sentences_differ_in(one: str, other: str, kind: str, words: tuple[str, str]) -> None:
    assert split(one, other) == (kind, words)
    assert split(other, one) == (kind, words[::-1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bread rises.", "Bread rises."),
        ("Chapter 3 covers bread.", "Chapter 4 covers bread."),
        ("Llama 2 is open.", "Llama 3 is open."),
        ("It has 3 cats.", "It has three cats."),
        ("The hall has 1,000 seats.", "The hall has 1000 seats."),
        ("About 4.9 bits are used.", "4.85 bits are used."),
        ("Dough rests at least 12 hours.", "Dough rests 14 hours."),
        ("Paris is the capital of France.", "Berlin is the capital of Germany."),
        ("The museum opened in May 1921.", "The museum opened on 4 May 1921."),
        ("The meeting is on 3 May.", "The meeting is on May 3rd."),
        ("The meeting is on 2026-05-03.", "The meeting is on 3 May."),
        ("Is the meeting on 3 May?", "Is the meeting on 5 May?"),
        ("The hiking map is not cheap.", "The hiking map is good."),
        ("論文の第3章は土壌を扱う。", "論文の第4章は水を扱う。"),
        ("美術館は1921年に開館した。", "美術館は1921年6月4日に開館した。"),
        ("", "Bread."),
        ("word " * 500, "word " * 499 + "3"),
    ],
)
def test_what_is_no_contradiction(one: str, other: str) -> None:
    assert split(one, other) is None
    assert split(other, one) is None


@pytest.fixture
def office(vault: VaultBuilder) -> VaultBuilder:
    vault.embedder = None
    vault.write("Board/2026-05-02.md", "The board meeting is on 5 May.")
    vault.write("Board/2026-04-20.md", "The board meeting is on 3 May.")
    vault.write("Rooms.md", "The room of the board meeting has 12 chairs.")
    return vault


def test_both_are_quoted_the_newer_one_last(office: VaultBuilder) -> None:
    answer = office.ask("When is the board meeting?")

    (found,) = answer.differences
    cited = {citation.n: citation for citation in answer.citations}
    assert (found.kind, found.words, found.dates) == ("date", ("3 May", "5 May"), ("2026-04-20", "2026-05-02"))
    assert [cited[n].quote for n in found.citations] == [
        "The board meeting is on 3 May.",
        "The board meeting is on 5 May.",
    ]
    assert {sentence.support for sentence in answer.sentences} == {"quote"}
    assert {n for sentence in answer.sentences for n in sentence.citations} >= set(found.citations)


def test_the_answer_without_a_model_tells_it_as_well(office: VaultBuilder) -> None:
    office.index()

    assert len(office.assistant.ask("When is the board meeting?", extractive=True).differences) == 1


def test_a_question_that_names_one_of_them_is_not_told(office: VaultBuilder) -> None:
    assert office.ask("Is the board meeting on 3 May?").differences == ()


def test_a_diary_that_goes_on_is_none(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("2026-05-01.md", "Ran 5 km along the river.")
    vault.write("2026-05-02.md", "Ran 8 km along the river.")

    assert vault.ask("How many km along the river were run?").differences == ()


def test_notes_about_two_things_do_not_differ(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Trieste.md", "The town has a population of 200000.")
    vault.write("Udine.md", "The town has a population of 100000.")

    assert vault.ask("What is the population of the town of Trieste?").differences == ()


def test_yes_or_no_is_answered_by_a_sentence_in_the_questions_words(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.model = ScriptedChatModel({"": ""})
    vault.write("Bees.md", "Bees sleep at night.")

    assert vault.ask("Do bees sleep at night?").sentences[0].text == "Bees sleep at night."
