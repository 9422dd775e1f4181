"""A question in the vault's words: what is changed in it, what is added to it, and what the one who asks is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.shelf import Shelf
from vaultbot.index.vocabulary import Vocabulary
from vaultbot.retrieval.expansion import Expander
from vaultbot.retrieval.query import Wording, parse_query

NOTES = """# Quantization
Quantization makes a model smaller. The weights of NASA and of the vault, and of Warner.
## Formulas and diagrams
"""

#: As the notes' abbreviations and aliases would have it.
MEANINGS = {
    "rag": ["retrieval-augmented generation"],
    "gimchi": ["Kimchi"],
    "cold cellar": ["Root cellar"],
    "cellar": ["Basement"],
    "who": ["World Health Organization"],
    "pm": ["Prime Minister", "project manager"],
    "home": ["House", "Start", "Index"],
    "量 子 化": ["Quantization"],
    "roses": ["Rosa"],
}


def meanings(sayings: Collection[str]) -> Mapping[str, Sequence[str]]:
    return {said: MEANINGS[said] for said in sayings if said in MEANINGS}


@pytest.fixture
def notes(shelf: Shelf) -> Shelf:
    shelf.write("Quantization.md", NOTES)
    return shelf


@dataclass(frozen=True)
class Expansion:
    """What has become of a question."""

    text: str
    embedded: str
    more: tuple[Wording, ...] = ()
    notices: tuple[str, ...] = ()


def expand(shelf: Shelf, question: str, *, words: Collection[str] = ()) -> Expansion:
    query, notices = Expander(Vocabulary()).expand(
        shelf.db, parse_query(question), is_word=set(words).__contains__, meanings=meanings
    )
    return Expansion(query.text, query.meaning, query.more, notices)


def test_a_slip_is_mended_and_told(notes: Shelf) -> None:
    expansion = expand(notes, "What is quantizaton good for?")

    assert expansion.text == expansion.embedded == "What is Quantization good for?"
    assert expansion.notices == ("searched for “Quantization” instead of “quantizaton”",)


def test_several_slips_are_told_in_one_line(notes: Shelf) -> None:
    expansion = expand(notes, "wegihts of a modle")

    assert expansion.text == "weights of a model"
    assert expansion.notices == ("searched for “weights” instead of “wegihts”, “model” instead of “modle”",)


@pytest.mark.parametrize(
    "question",
    [
        "What makes the model smaller?",  # every word is known
        "What does Ketchup do?",  # unknown, and like nothing
        'the "quantizaton" of it',  # quoted
        "NASE and its weights",  # capitals alone
        "What did Warter make?",  # a name, and not the vault's
        "quantizaton",  # a word of the language, for all one knows
        "モデルの量子",
        "2+2",
    ],
)
def test_what_is_meant_as_it_stands_is_left_alone(notes: Shelf, question: str) -> None:
    expansion = expand(notes, question, words={"quantizaton", "warter"} if " " not in question else {"warter"})

    assert expansion == Expansion(parse_query(question).text, parse_query(question).text)


def test_operators_are_no_words_to_mend(notes: Shelf) -> None:
    assert expand(notes, "tag:quantizaton smaller model").text == "smaller model"


def test_a_question_in_capitals_is_mended_too(notes: Shelf) -> None:
    assert expand(notes, "QUANTIZATON OF MODLE").text == "Quantization OF model"


def test_another_alphabet_is_bridged_and_told(notes: Shelf) -> None:
    expansion = expand(notes, "формулы и диаграммы")

    assert expansion.text == "Formulas и diagrams"
    assert expansion.notices == ("searched for “Formulas” instead of “формулы”, “diagrams” instead of “диаграммы”",)


def test_words_that_nobody_can_read_are_kept_from_the_embedder_once_others_were_bridged(notes: Shelf) -> None:
    expansion = expand(notes, "красивые формулы Ketchup")

    assert (expansion.text, expansion.embedded) == ("красивые Formulas Ketchup", "Formulas Ketchup")
    assert expand(notes, "красивые собаки").embedded == "красивые собаки"


def test_an_embedder_that_reads_the_alphabet_gets_the_words_as_they_were(notes: Shelf) -> None:
    expansion = expand(notes, "красивые формулы", words={"красивые", "формулы"})

    assert (expansion.text, expansion.embedded) == ("красивые Formulas", "красивые формулы")


def test_an_abbreviation_is_spelled_out_for_the_embedder_and_its_words_are_looked_up(notes: Shelf) -> None:
    expansion = expand(notes, "What is RAG good for?")

    assert expansion.text == "What is RAG good for?"
    assert expansion.embedded == "What is RAG (retrieval-augmented generation) good for?"
    assert [wording.terms for wording in expansion.more] == [("retriev", "augment", "generat")]
    assert expansion.notices == ("also searched for “retrieval-augmented generation”, which your notes call “RAG”",)


def test_an_alias_gets_the_title_of_its_note(notes: Shelf) -> None:
    assert expand(notes, "is gimchi sour?").embedded == "is gimchi (Kimchi) sour?"


def test_an_alias_is_found_in_a_script_without_spaces(notes: Shelf) -> None:
    assert expand(notes, "量子化とは").embedded == "量子化 (Quantization)とは"


def test_the_longest_name_is_meant(notes: Shelf) -> None:
    assert expand(notes, "a cold cellar").embedded == "a cold cellar (Root cellar)"


def test_small_words_are_acronyms_only_in_capitals(notes: Shelf) -> None:
    assert expand(notes, "who is the pm?").embedded == "who is the pm?"
    assert expand(notes, "Is WHO smaller?").embedded == "Is WHO (World Health Organization) smaller?"


def test_two_meanings_are_both_looked_for_and_three_are_none(notes: Shelf) -> None:
    assert expand(notes, "the PM").embedded == "the PM (Prime Minister, project manager)"
    assert expand(notes, "at home").more == ()


def test_a_usual_word_is_no_name_though_it_is_an_alias(notes: Shelf) -> None:
    for number in range(5):
        notes.write(f"Roses {number}.md", "Roses by the wall.")

    assert expand(notes, "when do roses flower").more == ()


def test_only_an_acronym_or_the_whole_question_counts_as_having_said_the_name(notes: Shelf) -> None:
    def synonyms(question: str) -> int:
        query, _ = Expander(Vocabulary()).expand(notes.db, parse_query(question), meanings=meanings)
        assert query.more
        return len(query.synonyms)

    assert synonyms("is RAG good?") == 1
    assert synonyms("what is gimchi?") == 1
    assert synonyms("is gimchi good with weights?") == 0


def test_what_the_question_says_already_is_not_added(notes: Shelf) -> None:
    question = "Is RAG retrieval augmented generation?"

    assert expand(notes, question) == Expansion(question, question)


def test_a_mended_word_may_be_an_alias(shelf: Shelf) -> None:
    shelf.write("Kimchi.md", "---\naliases: [gimchi]\n---\nCabbage.")

    expansion = expand(shelf, "gimcih with cabbage")

    assert (expansion.text, expansion.embedded) == ("gimchi with cabbage", "gimchi (Kimchi) with cabbage")


def test_a_text_full_of_unknown_words_is_looked_after_only_at_its_start(notes: Shelf) -> None:
    strange = " ".join(f"{'xyzw' * 2}{letter}" for letter in "abcdef")

    assert expand(notes, f"quantizaton {strange}").notices
    assert not expand(notes, f"{strange} quantizaton").notices


def test_without_anyone_to_ask_nothing_is_spelled_out(notes: Shelf) -> None:
    query = parse_query("RAG")

    assert Expander(Vocabulary()).expand(notes.db, query) == (query, ())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.text(min_size=1, max_size=80).filter(lambda text: bool(text.split())))
def test_any_question_can_be_expanded(notes: Shelf, question: str) -> None:
    expansion = expand(notes, f"quantizaton {question}")

    assert "Quantization" in expansion.text or '"' in question or "“" in question
