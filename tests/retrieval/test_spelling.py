"""Respelling: slips are mended from the vault's own words, and what is no slip is left alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import HashEmbedder
from tests.shelf import Shelf
from vaultbot.index.vocabulary import Vocabulary
from vaultbot.retrieval.spelling import Respelled, alphabet, respell, words_of

MODELS = """# Quantization
Quantization makes a model smaller. Quantized weights take less memory than others.
Separately, an accommodation of the weather forecast is needed for the Kubernetes cluster and the Zettelkasten.
Receive the letters. A filter of the water. We test the notes.
"""


@pytest.fixture
def models(shelf: Shelf) -> Shelf:
    shelf.write("Models.md", MODELS)
    return shelf


def no_word(word: str) -> bool:
    """A dictionary that knows nothing: every word may be a slip."""
    return False


def meant(shelf: Shelf, word: str, *, name: bool = False) -> str | None:
    found = respell(shelf.db, Vocabulary(), word, is_word=no_word, name=name)
    return found.written if found else None


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("quantizaton", "quantization"),  # dropped, where the stem's ending was
        ("quanttization", "quantization"),  # doubled
        ("qunatization", "quantization"),  # swapped
        ("quantuzation", "quantization"),  # another letter
        ("uantization", "quantization"),  # dropped at the start
        ("wegihts", "weights"),
        ("recieve", "receive"),
        ("memmory", "memory"),
        ("Qantised", "Quantized"),
    ],
)
def test_a_slip_is_mended_to_the_word_as_the_vault_writes_it(models: Shelf, typed: str, written: str) -> None:
    found = meant(models, typed)

    assert found is not None
    assert found.lower() == written.lower()


def test_the_stem_is_told_with_the_word(models: Shelf) -> None:
    assert respell(models.db, Vocabulary(), "quantizaton", is_word=no_word) == Respelled("quantiz", "Quantization")


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("seperatly", "Separately"),
        ("accomodaton", "accommodation"),
        ("zettlekasen", "Zettelkasten"),
        ("kubernetiss", "Kubernetes"),
    ],
)
def test_two_slips_are_forgiven_in_a_long_word(models: Shelf, typed: str, written: str) -> None:
    assert meant(models, typed) == written


@pytest.mark.parametrize("typed", ["mitigation", "kubeflow", "qantized123", "тepm", "量子化する", "cot", "x" * 41])
def test_a_word_that_is_not_like_any_stays_as_it_is(shelf: Shelf, typed: str) -> None:
    shelf.write("Note.md", f"Motivation. Kubelet. Quantized. 量子化. A cat. {'x' * 40}. Term.")

    assert meant(shelf, typed) is None


def test_a_known_word_of_the_language_is_no_slip(shelf: Shelf) -> None:
    shelf.write("Weather.md", "The forecast says rain.")

    assert respell(shelf.db, Vocabulary(), "grain", is_word={"grain"}.__contains__) is None
    assert respell(shelf.db, Vocabulary(), "rainn", is_word={"grain"}.__contains__) == Respelled("rain", "rain")


def test_a_word_must_stand_in_the_vault_in_that_very_form(shelf: Shelf) -> None:
    shelf.write("Calls.md", "He called and called.")  # The stem of "calling" too.

    assert meant(shelf, "callsing") is None
    assert meant(shelf, "caled") == "called"


def test_the_more_frequent_of_two_likely_words_is_meant(shelf: Shelf) -> None:
    shelf.write("A.md", "The weather.")
    for n in range(9):
        shelf.write(f"B {n}.md", "The leather.")

    assert meant(shelf, "eather") == "leather"


def test_a_clear_slip_beats_a_frequent_word(shelf: Shelf) -> None:
    shelf.write("A.md", "A form.")
    for n in range(9):
        shelf.write(f"B {n}.md", "A farm.")

    assert meant(shelf, "fomr") == "form"


def test_small_words_are_not_what_anybody_meant(shelf: Shelf) -> None:
    shelf.write("A.md", "There, there: these are those.")

    assert meant(shelf, "thesee") is None


def test_a_name_stays_unless_the_vault_has_the_name(shelf: Shelf) -> None:
    shelf.write("A.md", "She would rather talk to Warner in the garden.")

    assert meant(shelf, "Ratner", name=True) is None
    assert meant(shelf, "Ratner") == "rather"
    assert meant(shelf, "Wagner", name=True) == "Warner"
    assert meant(shelf, "Graden", name=True) == "garden"  # Nobody is called that: two letters changed places.


def test_without_a_dictionary_only_clear_slips_are_mended_in_a_short_word(shelf: Shelf) -> None:
    shelf.write("A.md", "A kernel and an elephant in the garden.")
    vocabulary = Vocabulary()

    assert respell(shelf.db, vocabulary, "kennel") is None
    assert respell(shelf.db, vocabulary, "kerneel") == Respelled("kernel", "kernel")
    assert respell(shelf.db, vocabulary, "elephunt") == Respelled("eleph", "elephant")


@pytest.mark.parametrize(
    ("text", "typed", "written"),
    [
        ("Синхронизация заметок.", "синхронзация", "Синхронизация"),
        ("Η φιλοσοφία του Πλάτωνα.", "φιλοσοφια", "φιλοσοφία"),
        ("Un résumé détaillé.", "résummé", "résumé"),
    ],
)
def test_slips_are_mended_in_every_alphabet(shelf: Shelf, text: str, typed: str, written: str) -> None:
    shelf.write("A.md", text)

    assert meant(shelf, typed) == written


def test_a_word_that_is_gone_from_the_vault_is_not_offered(shelf: Shelf) -> None:
    vocabulary = Vocabulary()
    shelf.write("A.md", "Quantization.")
    assert respell(shelf.db, vocabulary, "quantizaton", is_word=no_word)

    shelf.remove("A.md")

    assert respell(shelf.db, vocabulary, "quantizaton", is_word=no_word) is None


def test_letters_of_two_alphabets_are_no_word() -> None:
    assert alphabet("saldo") == "LATIN"
    assert alphabet("сальдо") == "CYRILLIC"
    assert alphabet("sаldo") == ""  # with a Cyrillic а
    assert alphabet("量子") == alphabet("x2") == alphabet("") == ""


@pytest.mark.parametrize(
    ("asked", "noted"),
    [
        ("hypotension", "Hypertension"),
        ("hypoglycemia", "Hyperglycemia"),
        ("hypothyroidism", "hyperthyroidism"),
        ("intrastate", "interstate"),
        ("exothermic", "endothermic"),
        ("efferent", "afferent"),
        ("asymmetric", "symmetric"),
        ("microscopic", "macroscopic"),
        ("unregulated", "regulated"),
    ],
)
def test_opposites_are_no_slips_of_each_other(shelf: Shelf, asked: str, noted: str) -> None:
    shelf.write("Note.md", f"All about {noted}.")

    for one, other in ((asked, noted), (noted, asked)):
        shelf.write("Note.md", f"All about {other}.")
        assert respell(shelf.db, Vocabulary(), one, is_word=no_word) is None


@pytest.mark.parametrize(
    ("asked", "noted", "sure"),
    [
        ("quantizaton", "quantization", True),  # a letter dropped
        ("fermantation", "fermentation", True),  # one for another, in a long word
        ("bumda", "bumba", False),  # in a short one
        ("fermantaton", "fermentation", False),  # two slips
    ],
)
def test_a_guess_is_told_from_a_plain_slip(shelf: Shelf, asked: str, noted: str, *, sure: bool) -> None:
    shelf.write("Note.md", f"All about {noted} here.")

    meant = respell(shelf.db, Vocabulary(), asked, is_word=no_word)

    assert meant is not None
    assert (meant.written, meant.sure) == (noted, sure)


class Tokenizer(HashEmbedder):
    """An embedder that has "garden" in one piece and other words in pieces of two letters, and cannot read 頭."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [1 if text == "garden" or "頭" in text else (len(text) + 1) // 2 for text in texts]


def test_an_embedder_knows_the_words_that_it_has_in_one_piece() -> None:
    is_word = words_of(Tokenizer())

    assert is_word is not None
    assert is_word("garden")
    assert not is_word("gadren")
    assert not is_word("頭")


class Server(Tokenizer):
    """One whose tokens can only be guessed at."""

    @property
    def counts_exactly(self) -> bool:
        return False


def test_an_embedder_that_only_guesses_its_tokens_knows_no_words() -> None:
    assert words_of(Server()) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(max_size=45))
def test_any_word_may_be_asked_for(models: Shelf, word: str) -> None:
    respell(models.db, Vocabulary(), word, is_word=no_word)
