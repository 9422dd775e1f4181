from __future__ import annotations

import pytest

from tests.cli.machine import until
from tests.conftest import VaultBuilder
from tests.fakes import HashEmbedder
from vaultbot.retrieval.calibration import FEWEST, by_script, readability, words_share

SHARES = {"read": 0.45, "unread": 0.9}

#: Each about one thing that its title names, in the same word: what a model by words alone finds.
WORDS = [f"plant{a}{b}" for a in "abcdefgh" for b in "qrstuvw"]
READ = [(f"about {word}", f"Here is what is to be said of {word} and of nothing else.") for word in WORDS]


def test_notes_that_are_found_by_their_titles_are_read() -> None:
    measured = readability(HashEmbedder(dimensions=4096), {"LATIN": READ})

    assert measured["LATIN"] > 0.9
    assert words_share(measured["LATIN"], **SHARES) == 0.45


def test_notes_that_are_not_found_by_their_titles_are_not_read() -> None:
    texts = [(title, other) for (title, _), (_, other) in zip(READ, READ[7:] + READ[:7], strict=True)]

    measured = readability(HashEmbedder(dimensions=4096), {"LATIN": texts})

    assert measured["LATIN"] < 0.2
    assert words_share(measured["LATIN"], **SHARES) == 0.9


def test_a_title_that_its_text_repeats_proves_nothing() -> None:
    texts = [(word, f"{word} and nothing else to go by") for word in WORDS]

    assert readability(HashEmbedder(dimensions=4096), {"LATIN": texts})["LATIN"] < 0.01


def test_too_few_notes_tell_nothing_and_numbered_ones_count_once() -> None:
    days = [(f"Day {number}", f"It rained {number} times.") for number in range(100)]

    assert readability(HashEmbedder(), {"LATIN": READ[: FEWEST - 1], "KANA": days, "CJK": []}) == {}


def test_of_many_notes_a_sample_is_embedded_and_the_same_one_each_time() -> None:
    embedder = HashEmbedder()
    many = [(f"about {word}", f"Here is {word}.") for word in map("w{}x".format, map(chr, range(0x4E00, 0x4E00 + 900)))]

    first = readability(embedder, {"CJK": many})

    assert len(embedder.embedded) == 200
    assert readability(HashEmbedder(), {"CJK": many}) == first


@pytest.mark.parametrize(
    ("readable", "share"), [(0.0, 0.9), (0.43, 0.9), (0.5, 0.9), (0.6, 0.675), (0.7, 0.45), (0.97, 0.45), (1.0, 0.45)]
)
def test_words_count_less_the_better_a_script_is_read(readable: float, share: float) -> None:
    assert words_share(readable, **SHARES) == pytest.approx(share)


def test_a_notes_script_is_that_of_its_title() -> None:
    notes = [("Kimchi", "a"), ("キムチ漬け", "b"), ("尼崎藩", "c"), ("2024-01-01", "d"), ("Кимчи", "e")]

    assert {script: [text for _, text in of_script] for script, of_script in by_script(notes).items()} == {
        "LATIN": ["a"],
        "KANA": ["b"],
        "CJK": ["c"],
        "CYRILLIC": ["e"],
    }


# ── in a vault ─────────────────────────────────────────────────────────────────────────────────────────────────


def japanese(vault: VaultBuilder, numbers: range) -> None:
    """Notes whose titles are two signs that stand in their text as well, apart: `HashEmbedder` reads signs."""
    for number in numbers:
        one, other = chr(0x4E00 + number), chr(0x5E00 + number)
        vault.write(f"{one}{other}.md", f"{one} は {other}")


def words_count(vault: VaultBuilder, question: str) -> float | None:
    explained = vault.assistant.search(question, explain=True).hits[0].explained
    assert explained is not None
    share: float | None = explained["words_share"]
    return share


def until_calibrated(vault: VaultBuilder) -> None:
    until(lambda: bool(vault.assistant._retriever.readable))


def test_words_count_less_in_a_script_that_the_model_turns_out_to_read(vault: VaultBuilder) -> None:
    vault.embedder = HashEmbedder(dimensions=4096)
    japanese(vault, range(40))
    vault.index()
    until_calibrated(vault)

    assert words_count(vault, "一帀") == pytest.approx(0.45)


def test_in_a_small_vault_nothing_is_measured(vault: VaultBuilder) -> None:
    assert vault.embedder is not None
    japanese(vault, range(FEWEST - 1))
    vault.index()
    embedded = len(vault.embedder.embedded)
    vault.index()

    assert words_count(vault, "一帀") == pytest.approx(0.9)
    assert len(vault.embedder.embedded) == embedded


def test_what_was_measured_is_kept_until_the_vault_has_doubled(vault: VaultBuilder) -> None:
    vault.embedder = HashEmbedder(dimensions=4096)
    japanese(vault, range(40))
    vault.index()
    until_calibrated(vault)
    vault.close()

    vault.embedder = HashEmbedder(dimensions=4096)
    japanese(vault, range(40, 60))
    vault.index()
    until_calibrated(vault)
    assert len(vault.embedder.embedded) == 20

    japanese(vault, range(60, 80))
    vault.index()
    embedder = vault.embedder
    until(lambda: len(embedder.embedded) == 20 + 20 + 80)
