"""Which language a question is in, so that the model can be told."""

from __future__ import annotations

import pytest

from vaultbot.answering.language import UNKNOWN, language_of_question, other_script


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is quantization?", "English"),
        ("how long does dough rest", "English"),
        ("Was ist Quantisierung?", "German"),
        ("Wie lange ruht der Teig?", "German"),
        ("Quelle est la température du levain ?", "French"),
        ("¿Qué es el compost?", "Spanish"),
        ("Che cosa è il compost?", "Italian"),
        ("O que é a compostagem?", "Portuguese"),
        ("Wat is het verschil?", "Dutch"),
        ("量子化とは何ですか", "Japanese"),
        ("Q4_K_M とは？", "Japanese"),
        ("GGUFの利点は何ですか", "Japanese"),
        ("量化是什么？", "Chinese"),
        ("堆肥的碳氮比是多少", "Chinese"),
        ("양자화란 무엇인가?", "Korean"),
        ("Что такое компост?", "Russian"),
        ("Що таке компост і де він?", "Ukrainian"),
        ("Τι είναι;", "Greek"),
        ("kimchi", UNKNOWN),
        ("2026?", UNKNOWN),
    ],
)
def test_script_and_common_words_tell_it(question: str, language: str) -> None:
    assert language_of_question(question) == language


@pytest.mark.parametrize(
    ("answer", "question", "noticed"),
    [
        ("Bread rises.", "パンとは何ですか", True),
        ("パンは膨らむ。", "What is bread?", True),
        ("パンは膨らむ。", "面包是什么？", False),
        ("Bread rises.", "Was ist Brot?", False),
        ("1719", "何年ですか", False),
    ],
)
def test_an_answer_in_other_letters_is_noticed(answer: str, question: str, noticed: bool) -> None:
    assert other_script(answer, question) == noticed
