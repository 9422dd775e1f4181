"""Whether a note says a sentence, judged by other means than vaultbot's own check.

It looks at the note's file, and at whole words as they are written: no stemmer, rarity, embedding model or order.
A sentence stands in a note when its numbers and names all stand in the cited sentence or its neighbours, and nine
tenths of its longer words, by their first five letters; in scripts without spaces, eight tenths of its pairs of
characters. Words can be put together wrongly, which this does not see; for that some are labelled by hand.
"""

from __future__ import annotations

import re
import unicodedata

_NEAR = 300  #: characters of the note on each side of the cited sentence
_WORD = re.compile(r"[^\W\d_]{4,}")
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w-]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_UNSPACED = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]")
_MARKUP = re.compile(r"[*_`=~\[\]|#>]|\(https?://[^)\s]*\)|<[^<>]*>")


def verbatim(quote: str, note: str) -> bool:
    """Whether the quote stands in the note letter by letter, markup and blanks aside."""
    return _letters(quote) in _letters(note)


def stands_in(sentence: str, quote: str, note: str) -> bool:
    """Whether the note says the sentence where the quote stands, as far as words tell."""
    around = _around(quote, note)
    if not all(number in around for number in _NUMBER.findall(sentence)):
        return False
    if _UNSPACED.search(sentence):
        letters = _letters(sentence)
        pairs = [letters[at : at + 2] for at in range(len(letters) - 1)]
        return sum(pair in _letters(around) for pair in pairs) >= 0.8 * len(pairs)
    known = {word.lower()[:5] for word in _WORD.findall(around)}
    words = [word.lower()[:5] for word in _WORD.findall(sentence)]
    names = all(name.lower() in around.lower() for name in _NAME.findall(sentence))
    return names and sum(word in known for word in words) >= 0.9 * len(words)


def _around(quote: str, note: str) -> str:
    text = " ".join(_MARKUP.sub("", note).split())
    at = text.find(" ".join(_MARKUP.sub("", quote).split())[:40])
    return text[max(0, at - _NEAR) : at + len(quote) + _NEAR] if at >= 0 else quote


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
