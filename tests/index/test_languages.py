from __future__ import annotations

from pathlib import Path

import pytest

from vaultbot.index.languages import language_of, language_shares, vault_languages
from vaultbot.vault.vault import Vault

ENGLISH = "Quantization stores the weights of a network with fewer bits, so that it fits into the memory of a phone. "
GERMAN = "Bei der Quantisierung werden die Gewichte eines Netzes mit weniger Bits gespeichert, so dass es passt. "
SPANISH = "La cuantización guarda los pesos de una red neuronal con menos bits para que quepa en la memoria. "
FRENCH = "La quantification enregistre les poids d'un réseau avec moins de bits afin qu'il tienne en mémoire. "
JAPANESE = "量子化は、ニューラルネットワークの重みをより少ないビットで保存することです。"
CHINESE = "量化是用更少的位数来存储神经网络权重的做法，它使模型更小、更快。"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH * 3, "English"),
        (GERMAN * 3, "another language in Latin letters"),
        (SPANISH * 3, "another language in Latin letters"),
        (FRENCH * 3, "another language in Latin letters"),
        (JAPANESE, "Japanese"),
        (f"{JAPANESE} GPTQ and AWQ are used for llama.cpp", "Japanese"),
        (CHINESE, "Chinese"),
        (f"{CHINESE}の", "Chinese"),
        ("양자화는 신경망의 가중치를 더 적은 비트로 저장하는 것입니다.", "Korean"),
        ("Квантование хранит веса сети меньшим числом бит.", "Russian or another in Cyrillic letters"),
        ("Η κβάντιση αποθηκεύει τα βάρη.", "Greek"),
        ("Milk, eggs", "English"),
        ("12:30 — 42 %", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_note_is_told_by_its_script_and_its_common_words(text: str, language: str) -> None:
    assert language_of(text) == language


def test_notes_count_alike_however_long_they_are() -> None:
    assert language_shares([ENGLISH * 50, JAPANESE, JAPANESE, "123"]) == {"Japanese": 2 / 3, "English": 1 / 3}


def test_the_words_of_notes_count_and_not_their_code_or_properties(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"---\ndescription: {ENGLISH}\n---\n{JAPANESE}")
    (tmp_path / "b.md").write_text(ENGLISH)
    (tmp_path / "c.md").write_bytes(b"\x00\x01\x02")
    (tmp_path / "d.txt").write_text(CHINESE)
    (tmp_path / "e.canvas").write_text("{}")

    assert vault_languages(Vault(tmp_path)) == {"English": 0.5, "Japanese": 0.5}


def test_of_a_large_vault_a_sample_is_read(tmp_path: Path) -> None:
    for number in range(901):
        (tmp_path / f"{number:04}.md").write_text(JAPANESE if number % 2 else ENGLISH)

    shares = vault_languages(Vault(tmp_path))

    assert 0.4 < shares["English"] < 0.6
