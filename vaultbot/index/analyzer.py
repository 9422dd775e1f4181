"""Words as the lexical index sees them, the same for notes and questions.

Text is folded (NFKC, lower case, accents off in Latin script), cut by script, and stemmed with Snowball. Chinese,
Japanese and Korean text, which has no spaces, becomes single characters and pairs of neighbours: measured as good as a
dictionary, at no cost. SQLite's own tokenizers find next to nothing there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex
import Stemmer

#: Scripts written without spaces: Han, kana, Hangul, Thai, Lao, Khmer, Myanmar.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u1100-\u11ff\uac00-\ud7a3\U00020000-\U0003ffff"
)
# The word branch leaves the unspaced scripts out, or it would swallow what follows: "5月から" is 5 and 月から.
# Marks belong to their letters: without them Hindi falls to pieces, and so does decomposed "résumé".
_WORD = rf"[[\p{{L}}\p{{N}}]--[{_UNSPACED}]][[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]*"
_PIECE = regex.compile(rf"([{_UNSPACED}]+)|{_WORD}(?:['’]{_WORD})*", regex.VERSION1)
# Putting a long run of marks in order takes quadratic time; Unicode's own limit for streams is 30.
_TOO_MANY_MARKS = regex.compile(r"([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+")
_LATIN_ACCENTS = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = re.compile(r"[a-z]")

#: Words that carry no meaning of their own in a question: English and Russian.
STOP_WORDS = frozenset(
    """
    a about above after again all am an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers him
    his how i if in into is it its itself just me more most my myself no nor not now of off on once only or
    other our ours out over own same she should so some such than that the their theirs them then there these
    they this those through to too under until up us very was we were what when where which while who whom whose
    why will with would you your yours и в во не что он на я с со как а то все она так его но да ты к у же вы за
    бы по ее мне было вот от меня еще нет о из ему теперь когда даже ну ли если или ни быть был него до вас уж
    вам ведь там потом себя для мы их чем кто этот
    """.split()
)
#: What a Japanese or Chinese question says besides what it asks about.
_UNSPACED_FILLER = re.compile(
    "とは何ですか|何ですか|とは何|でしょうか|ましたか|ですか|ますか|教えてください|教えて|について|という|とは|なぜ|どこ|いつ|どう|誰|何"
    "|为什么|為什麼|是什么|是什麼|什么|什麼|怎么样|怎么|怎麼|怎样|如何|哪里|哪個|哪个|哪些|多少|请问|的|是|了|吗|嗎|呢"
)
#: What was worked out for a word is kept for the next time; a word may have a million characters.
_LONGEST_KNOWN = 60
_ONE_SCRIPT = re.compile(r"[\u3041-\u309f]+|[\u30a0-\u30ff]+|[^\u3041-\u309f\u30a0-\u30ff\s]+")
_NOT_HIRAGANA = re.compile(r"[^\u3041-\u309f\s]+")
_HIRAGANA = re.compile(r"[\u3041-\u309f]")


@dataclass(frozen=True, slots=True)
class Token:
    """One searchable unit of a text and where it stands there."""

    term: str  #: folded and stemmed: "quantiz"
    start: int  #: in the text as given
    end: int


@lru_cache(maxsize=2)
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(language, 0)


def fold(text: str) -> str:
    """Compatibility forms, case and Latin accents removed; the length may change."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", _TOO_MANY_MARKS.sub(r"\1", text)).casefold()
    decomposed = unicodedata.normalize("NFD", folded)
    return unicodedata.normalize("NFC", _LATIN_ACCENTS.sub("", decomposed))


def _pieces(folded: str) -> Iterator[tuple[str, bool]]:
    for match in _PIECE.finditer(folded):
        yield match.group(), match.lastindex is not None


def _stem(word: str) -> str:
    return _known_stem(word) if len(word) <= _LONGEST_KNOWN else _stemmed(word)


def _stemmed(word: str) -> str:
    if _LATIN.search(word):
        word = word.replace("’", "'")
        stemmed: str = _stemmer("english").stemWord(word)
        return stemmed.replace("'", "")
    if _CYRILLIC.search(word):
        return str(_stemmer("russian").stemWord(word))
    return word


_known_stem = lru_cache(maxsize=20_000)(_stemmed)


def terms(text: str) -> list[str]:
    """Every term of the text, in order, repeats kept: what is written into the full-text index."""
    return [term for piece, unspaced in _pieces(fold(text)) for term in _terms_of(piece, unspaced=unspaced)]


def _terms_of(piece: str, *, unspaced: bool) -> list[str]:
    return [*_pairs(piece), *piece] if unspaced else [_stem(piece)]


def _pairs(piece: str) -> list[str]:
    return [piece[i : i + 2] for i in range(len(piece) - 1)]


def query_terms(text: str) -> list[str]:
    """The distinct terms of a question that are worth looking up; all of them when nothing else is left.

    In the unspaced scripts every pair and character counts: their rarity weighs them.
    """
    kept: dict[str, None] = {}
    dropped: dict[str, None] = {}
    for piece, unspaced in _pieces(fold(text)):
        known = dropped if not unspaced and piece in STOP_WORDS else kept
        known.update(dict.fromkeys(_terms_of(piece, unspaced=unspaced)))
    return list(kept) or list(dropped)


def term_pairs(text: str) -> list[tuple[str, str]]:
    """The distinct terms that stand side by side, no stop word between. Unspaced scripts have their pairs already."""
    found: dict[tuple[str, str], None] = {}
    before: str | None = None
    for piece, unspaced in _pieces(fold(text)):
        term = None if unspaced or piece in STOP_WORDS else _stem(piece)
        if before and term:
            found[before, term] = None
        before = term
    return list(found)


def content_terms(text: str) -> list[str]:
    """The distinct terms that carry a text's meaning: what a source must hold to answer or support it.

    In the unspaced scripts question words and particles are cut out and pairs are taken within one script, so that
    「量子化とは何ですか」 asks for 量子 and 子化 alone; hiragana counts only where there is nothing else.
    """
    found: dict[str, None] = {}
    weak: dict[str, None] = {}
    for piece, unspaced in _pieces(fold(text)):
        if not unspaced:
            (weak if piece in STOP_WORDS else found)[_stem(piece)] = None
            continue
        for run in _ONE_SCRIPT.findall(_UNSPACED_FILLER.sub(" ", piece)):
            units = _pairs(run) or [run]
            (weak if _HIRAGANA.match(run) else found).update(dict.fromkeys(units))
    return list(found) or list(weak)


def content_words(text: str) -> list[str]:
    """The distinct words that carry a text's meaning, as they stand in it: for people to read.

    In the unspaced scripts these are the runs of characters that are neither hiragana nor question words.
    """
    found: dict[str, None] = {}
    for match in _PIECE.finditer(text):
        written = match.group()
        if match.lastindex:
            found.update(dict.fromkeys(_NOT_HIRAGANA.findall(_UNSPACED_FILLER.sub(" ", written))))
        elif fold(written) not in STOP_WORDS:
            found[written] = None
    return list(found)


def tokens(text: str, *, among: Collection[str] | None = None) -> list[Token]:
    """The terms of a text with their places in it, for marking matches; with `among` only those terms."""
    found: list[Token] = []
    for match in _PIECE.finditer(text):
        start, end = match.span()
        written = match.group()
        if match.lastindex and fold(written) == written:
            pairs = [(written[i : i + 2], i, i + 2) for i in range(len(written) - 1)]
            pairs += [(character, i, i + 1) for i, character in enumerate(written)]
            found.extend(Token(term, start + i, start + j) for term, i, j in pairs if among is None or term in among)
        else:
            # Where folding moves the letters (ﬁ, ｶﾞ, NFD), the whole stretch is the place of every term.
            known = _known_terms(written) if end - start <= _LONGEST_KNOWN else terms(written)
            found.extend(Token(term, start, end) for term in known if among is None or term in among)
    return found


@lru_cache(maxsize=20_000)
def _known_terms(written: str) -> tuple[str, ...]:
    return tuple(terms(written))


def latin_share(text: str) -> float:
    """Share of a text's letters that an English model can read: 1.0 for Latin script, 0.0 for Japanese or Chinese."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return 1.0
    return sum(1 for c in letters if c.isascii() or unicodedata.name(c, "").startswith("LATIN")) / len(letters)
