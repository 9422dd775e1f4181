"""Which languages a vault is written in, as far as scripts and common words tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from random import Random

from vaultbot.index.analyzer import STOP_WORDS
from vaultbot.index.scripts import script_shares
from vaultbot.vault.documents import parse_document
from vaultbot.vault.listing import is_note
from vaultbot.vault.vault import Vault

ENGLISH, OTHER_LATIN = "English", "another language in Latin letters"

_SAMPLED = 300  #: notes
_CHARACTERS = 4000  #: of each
_SCRIPTS = {"CJK": "Chinese", "HANGUL": "Korean", "CYRILLIC": "Russian or another in Cyrillic letters"}
_DENSE = {"CJK", "KANA", "HANGUL"}
_DENSER = 3  #: as much is said in one character of these as in so many letters
_LEAST_KANA = 0.05  #: of a note's letters; less is a Japanese name in a Chinese note
_LATIN_WORD = re.compile(r"[a-zà-ɏ]+")
_FEWEST_WORDS = 30  #: of a note, to tell its language by
_ENGLISH_SHARE = 0.12  #: of common English words; prose has 0.4, other languages that look alike 0.08 at most


def vault_languages(vault: Vault) -> dict[str, float]:
    """The share of the notes by language, the largest first, from a sample. Raises VaultMissing.

    A note that cannot be read is left out.
    """
    paths = sorted(path for path in vault.scan().notes if is_note(path))
    # The same at every call, and not every tenth: notes that are named by a rule come by that rule.
    sample = Random(0).sample(paths, min(_SAMPLED, len(paths)))  # noqa: S311
    return language_shares(_texts(vault, sample))


def language_shares(texts: Iterable[str]) -> dict[str, float]:
    """The share of the texts by language, the largest first. Texts without letters do not count."""
    counted = Counter(language for text in texts if (language := language_of(text)))
    return {language: count / counted.total() for language, count in counted.most_common()}


def language_of(text: str) -> str:
    """ "English", "Japanese", …; "" for a text without letters. What is short is taken for English."""
    scripts = script_shares([text])
    if scripts.get("KANA", 0) >= _LEAST_KANA:
        scripts["KANA"] += scripts.pop("CJK", 0)
    weighed = {script: share * (_DENSER if script in _DENSE else 1) for script, share in scripts.items()}
    main = max(weighed, key=weighed.__getitem__, default="")
    if main == "LATIN":
        words = _LATIN_WORD.findall(text.lower())
        common = sum(word in STOP_WORDS for word in words)
        return OTHER_LATIN if len(words) >= _FEWEST_WORDS and common < _ENGLISH_SHARE * len(words) else ENGLISH
    return "Japanese" if main == "KANA" else _SCRIPTS.get(main, main.capitalize())


def _texts(vault: Vault, paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        try:
            file = vault.read(path)
        except Exception:  # noqa: S112  # What ails a note, `vaultbot index` tells.
            continue
        if not file.skip_reason:
            yield "\n".join(parse_document(path, file.text).visible)[:_CHARACTERS]
