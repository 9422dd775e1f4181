"""The bridge: words in another alphabet find the vault's words that sound like them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.shelf import Shelf
from vaultbot.index.vocabulary import Vocabulary
from vaultbot.retrieval.bridge import Bridge
from vaultbot.retrieval.spelling import Respelled

#: Each a heading: what notes are named after is found most readily.
HEADINGS = """
# Mathematical formula
# Synchronization of files
# Symbolic links
# Phosphor
# Archive
# Configuration
# Graph view
# Commercial license
# Export
# Philosophy
# Program
"""


def across(shelf: Shelf, word: str) -> str | None:
    found = Bridge(Vocabulary()).across(shelf.db, word)
    return found.written.lower() if found else None


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("математические", "mathematical"),
        ("формулы", "formula"),
        ("синхронизация", "synchronization"),
        ("файлов", "files"),
        ("символические", "symbolic"),
        ("фосфор", "phosphor"),
        ("архив", "archive"),
        ("конфигурация", "configuration"),
        ("граф", "graph"),
        ("коммерческая", "commercial"),
        ("лицензия", "license"),
        ("экспорт", "export"),
        ("експорт", "export"),  # Ukrainian
        ("φιλοσοφία", "philosophy"),
        ("πρόγραμμα", "program"),
        ("συμβολικοί", "symbolic"),
    ],
)
def test_an_international_word_is_found_in_another_alphabet(shelf: Shelf, word: str, written: str) -> None:
    shelf.write("Sounds.md", HEADINGS)

    assert across(shelf, word) == written


@pytest.mark.parametrize("word", ["заметка", "хранилище", "собака", "σκύλος", "граффо" * 7, "код", "量子化", "formula"])
def test_a_word_that_sounds_like_nothing_in_the_vault_leads_nowhere(shelf: Shelf, word: str) -> None:
    shelf.write("Sounds.md", HEADINGS)

    assert across(shelf, word) is None


def test_a_word_in_a_name_is_ahead_of_one_in_the_text(shelf: Shelf) -> None:
    shelf.write("Filter.md", "Water.")
    shelf.write("Other.md", "A philter, philters.")

    assert across(shelf, "фильтр") == "filter"


def test_a_word_in_the_text_must_be_more_like_it_than_one_in_a_name(shelf: Shelf) -> None:
    shelf.write("A.md", "A symbol of it.")
    assert across(shelf, "символический") is None

    shelf.write("Symbol.md", "Another one.")
    assert across(shelf, "символический") == "symbol"


def test_the_written_form_is_the_one_that_sounds_most_like_the_word(shelf: Shelf) -> None:
    shelf.write("A.md", "# Mathematics\nMathematical words. Imports, imports: important to import.")

    bridge = Bridge(Vocabulary())

    assert bridge.across(shelf.db, "математическая") == Respelled("mathemat", "Mathematical")
    assert bridge.across(shelf.db, "импорт") == Respelled("import", "import")


def test_words_that_came_into_the_vault_are_found_by_the_same_bridge(shelf: Shelf) -> None:
    now = [0.0]
    bridge = Bridge(Vocabulary(clock=lambda: now[0]))
    shelf.write("A.md", "# Formula")
    assert bridge.across(shelf.db, "граф") is None

    shelf.write("B.md", "# Graph")
    now[0] = 10

    assert bridge.across(shelf.db, "граф") == Respelled("graph", "Graph")


def test_an_empty_vault_has_nothing_on_the_other_side(shelf: Shelf) -> None:
    assert across(shelf, "формула") is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(max_size=45) | st.text(alphabet="абвгджзйкцчшщьъыэюяёїґαβγδψωςאבגدجخ", max_size=20))
def test_any_word_may_be_led_across(shelf: Shelf, word: str) -> None:
    shelf.write("Sounds.md", HEADINGS)
    across(shelf, word)
