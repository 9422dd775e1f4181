"""Which scripts the notes are written in."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterable

_SAMPLED = 150  #: titles of the notes that were read first, and of those that were read last
_TITLES = """
SELECT * FROM (SELECT title FROM note WHERE searched ORDER BY id LIMIT ?1) UNION
SELECT * FROM (SELECT title FROM note WHERE searched ORDER BY id DESC LIMIT ?1)
"""
_KANA = ("HIRAGANA", "KATAKANA", "HALFWIDTH")


def title_scripts(db: sqlite3.Connection) -> dict[str, float]:
    """Each script's share of the letters in a sample of titles, the largest first: {"LATIN": 0.9, "KANA": 0.1}."""
    return script_shares(title for (title,) in db.execute(_TITLES, (_SAMPLED,)))


def script_shares(texts: Iterable[str]) -> dict[str, float]:
    """Each script's share of the letters, the largest first, by the first word of their Unicode names.

    Hiragana and katakana are both KANA, Chinese characters are CJK.
    """
    counted = Counter(_script(letter) for text in texts for letter in text if letter.isalpha())
    return {script: count / counted.total() for script, count in counted.most_common() if script}


def _script(letter: str) -> str:
    script = "LATIN" if letter.isascii() else re.split("[ -]", unicodedata.name(letter, ""), maxsplit=1)[0]
    return "KANA" if script in _KANA else script
