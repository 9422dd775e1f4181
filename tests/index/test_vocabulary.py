"""The vault's words: which there are, how they are written, and when they are read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.shelf import Shelf, a_shelf
from vaultbot.index.vocabulary import Vocabulary, knows, written


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with a_shelf(tmp_path) as shelf:
        yield shelf


@dataclass
class Clock:
    """Stands still, or goes on by `step` seconds each time somebody looks."""

    now: float = 0.0
    step: float = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_the_words_are_stems_with_the_notes_they_stand_in_most_frequent_first(shelf: Shelf) -> None:
    shelf.write("A.md", "Roses and gardens. Roses, roses.")
    shelf.write("B.md", "The garden.")

    counts = Vocabulary().words(shelf.db).counts

    assert counts["garden"] == 2
    assert counts["rose"] == 1
    assert next(iter(counts)) == "garden"


def test_words_of_names_are_told_apart_from_those_of_the_text(shelf: Shelf) -> None:
    shelf.write("Kimchi.md", "---\naliases: [gimchi]\ndescription: Fermented\n---\n# Cabbage\nSalt. #spicy")

    words = Vocabulary().words(shelf.db)

    assert words.named == {"kimchi", "gimchi", "ferment", "cabbag"}
    assert {"salt", "spici"} <= words.counts.keys()


def test_numbers_short_words_and_scripts_without_spaces_are_no_vocabulary(shelf: Shelf) -> None:
    shelf.write("A.md", f"2026 b2b ox 量子化 かな 한국 ไทย {'long' * 20} Слово λόγος kept")

    assert set(Vocabulary().words(shelf.db).counts) == {"слов", "λόγοσ", "kept"}


def test_a_word_is_known_wherever_it_stands(shelf: Shelf) -> None:
    shelf.write("Plants/Roses.md", "---\naliases: [Rosa]\n---\n# Thorns\nPrune them.")

    known = [word for word in ("rose", "rosa", "thorn", "prune", "tulip") if knows(shelf.db, word)]

    assert known == ["rose", "rosa", "thorn", "prune"]
    assert not knows(shelf.db, 'a" OR "rose')


def test_a_term_is_told_as_the_notes_write_it(shelf: Shelf) -> None:
    shelf.write("A.md", "Quantization. The quantized, quantized model. Quant. Colonies and a colony.")

    assert written(shelf.db, "quantiz") == {"Quantization": 1, "quantized": 2}
    assert written(shelf.db, "coloni") == {"Colonies": 1, "colony": 1}
    assert written(shelf.db, "absent") == {}


def test_names_tell_how_a_term_is_written_too(shelf: Shelf) -> None:
    shelf.write("Kimchi.md", "---\naliases: [Gimchi]\ndescription: 'Fermented “cabbage”'\n---\nSalt.")

    found = {term: set(written(shelf.db, term)) for term in ("kimchi", "gimchi", "ferment", "cabbag")}

    assert found == {"kimchi": {"Kimchi"}, "gimchi": {"Gimchi"}, "ferment": {"Fermented"}, "cabbag": {"cabbage"}}


def test_accents_are_kept_in_how_a_word_is_written(shelf: Shelf) -> None:
    shelf.write("A.md", "Un Résumé détaillé.")

    assert written(shelf.db, "resum") == {"Résumé": 1}


def test_words_are_read_again_when_notes_were_recorded(shelf: Shelf) -> None:
    clock = Clock()
    vocabulary = Vocabulary(clock=clock)
    shelf.write("A.md", "Roses.")
    assert "rose" in vocabulary.words(shelf.db).counts

    shelf.write("B.md", "Tulips.")
    clock.now += 10

    assert "tulip" in vocabulary.words(shelf.db).counts


def test_words_are_not_read_again_for_every_save(shelf: Shelf) -> None:
    clock = Clock()
    vocabulary = Vocabulary(clock=clock)
    shelf.write("A.md", "Roses.")
    first = vocabulary.words(shelf.db)

    shelf.write("A.md", "Tulips.")
    clock.now += 0.5

    assert vocabulary.words(shelf.db) is first


def test_words_that_take_long_to_read_are_good_for_longer(shelf: Shelf) -> None:
    clock = Clock(step=1)
    vocabulary = Vocabulary(clock=clock)
    shelf.write("A.md", "Roses.")
    first = vocabulary.words(shelf.db)
    shelf.write("A.md", "Tulips.")
    clock.now += 100

    assert vocabulary.words(shelf.db) is first
    clock.now += 100
    assert "tulip" in vocabulary.words(shelf.db).counts


def test_words_are_not_read_again_while_nothing_changes(shelf: Shelf) -> None:
    clock = Clock()
    vocabulary = Vocabulary(clock=clock)
    shelf.write("A.md", "Roses.")
    first = vocabulary.words(shelf.db)
    clock.now += 1_000_000

    assert vocabulary.words(shelf.db) is first


def test_an_empty_vault_has_no_words(shelf: Shelf) -> None:
    assert Vocabulary().words(shelf.db).counts == {}
