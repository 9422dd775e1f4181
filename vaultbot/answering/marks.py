"""Citations that a model writes are taken out of what it says: which source supports a sentence is for us to say.

A number in brackets may be copied from a note, made up, or meant to mislead; to a reader it looks like one of ours. So
none is left, whatever it was. Text that only looks alike stays: a task's [x], an index in `code[1]`, a year (1936).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_DIGITS = r"[0-9０-９]{1,3}"
_NUMBERS = rf"\^?\s?{_DIGITS}(?:\s?(?:[,;、，&\-–—]|and)\s?\^?{_DIGITS})*"
_WORD = (
    r"(?:notes?|sources?|refs?\.?|references?|citations?|passages?|documents?|docs?|nos?\.|ノート|資料|出典|情報源|笔记|筆記|来源|"
    r"來源|资料|文献)"
)
_NAMED = rf"{_WORD}\s?#?{_NUMBERS}"
_OPEN, _CLOSE = r"[\[［【〔〚]", r"[\]］】〕〛]"
_IN_BRACKETS = r"[^\]］】〕〛\n]"
_ANY_MARK = (
    rf"\^?{_OPEN}{{1,2}}\s?"
    rf"(?:(?!0{{1,3}}\s?{_CLOSE}){_NUMBERS}(?:†{_IN_BRACKETS}{{0,60}})?|{_NAMED}|{_WORD}\s?[:：]{_IN_BRACKETS}{{0,200}})"
    rf"\s?{_CLOSE}{{1,2}}(?:\([^()\s]{{0,200}}\))?"
)
#: [1], [^2], [1, 3], ［１］, 【1†source】, [Note 2], [source: Bread], [1](url); in brackets of any kind but round ones.
_BRACKETED = re.compile(rf"\s*(?:{_ANY_MARK}\s?(?:[,;、]|and\b|&)?\s?)*{_ANY_MARK}:?", re.IGNORECASE)
#: (Note 2), (source: Bread), (see [[Bread]]): in round brackets where it says what it is.
_IN_PARENTHESES = re.compile(
    rf"\s*[(（]\s?(?:see\s|from\s|cf\.\s)?(?:{_NAMED}|{_WORD}\s?[:：][^()（）\n]{{0,200}})\s?[)）]", re.IGNORECASE
)
#: "bits (1)." or "bits. (1)": a bare number in round brackets is a mark only at the end.
_AT_THE_END = re.compile(rf"\s*[(（]\s?{_NUMBERS}\s?[)）](?=\s*[.!?。！？]*\s*$)")
_AT_THE_START = re.compile(rf"^\s*[(（]\s?{_DIGITS}\s?[)）]\s*")
_SUPERSCRIPT = re.compile(r"(?<=[.!?。！？,，、])[¹²³⁴⁵⁶⁷⁸⁹⁰]+(?=\s|$)|<sup>\s?[\[(]?\d{1,3}[\])]?\s?</sup>")
_WIKILINK = re.compile(r"!?\[\[([^\[\]\n|]{1,300})(?:\|([^\[\]\n]{1,300}))?\]\]")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\((?:<[^<>\n]{0,500}>|[^()\s]{0,500})\)")
_ANY_LINK = r"!?(?:\[\[[^\[\]\n]{1,300}\]\]|\[[^\[\]\n]{1,300}\]\([^()\n]{0,500}\))"
_LINK_AT_THE_END = re.compile(rf"(?<=[.!?。！？])\s*(?:{_ANY_LINK}[,;、\s]{{0,2}})+$")
_LINK_IN_PARENTHESES = re.compile(rf"\s*[(（]\s?(?:see\s|from\s)?(?:{_ANY_LINK}[,;、\s]{{0,2}})+[)）]", re.IGNORECASE)
_ENCLOSED = re.compile(r"\s*(?:\[([^\[\]\n]{1,200})\](?!\()|[(（]([^()（）\n]{1,200})[)）])")
_OPENING = re.compile(
    rf"^(?:(?:according to|as (?:stated|said|mentioned|described|noted|shown) in|based on|per|from)\s"
    rf"(?:the\s|your\s|my\s)?(?:provided\s|numbered\s|given\s)?"
    rf"(?:{_NAMED}|{_ANY_MARK}|notes?|sources?|context|text|passages?)(?:\s(?:above|provided))?\s?[,:]\s?"
    r"|(?:the|your)\s(?:notes?|sources?)\s(?:says?|states?|mentions?)\s(?:that\s)?"
    rf"|{_WORD}\s?#?(?:{_NUMBERS})?\s?(?:によると|によれば|では)[、,]?\s?"
    rf"|(?:根据|根據|据|據|依据|按照)\s?{_WORD}\s?#?(?:{_NUMBERS})?(?:的记载|的記載|中的内容)?[，,、]\s?"
    rf"|{_NAMED}\s?[:：]\s?)",
    re.IGNORECASE,
)
#: An index is told from a mark by what follows it.
_CODE = re.compile(r"(`+)(?:(?!\1).)+\1|\w\[\d{1,3}\](?:\s?=[^=\n]{1,40}|\(|\.\w)")
_EMPHASIS = re.compile(r"(\*\*|__|~~|==)(?=\S)(.{1,500}?)(?<=\S)\1")
_ITALIC = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,300}?)(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=\S)([^_\n]{1,300}?)(?<=\S)_(?!\w)"
)
_EMPTY = re.compile(r"\s*(?:\(\s*\)|\[\s?\]\(\s*\)|（\s*）|【\s*】)")
_GAP = re.compile(r"[ \t]+(?=[.,;:!?。、，；：！？])|[ \t]{2,}")
_OTHER_NUMBERED = re.compile(rf"{_OPEN}(\s?{_NUMBERS}\s?){_CLOSE}")


def without_marks(text: str, *, labels: Collection[str] = ()) -> str:
    """A sentence without the citations in it, and without emphasis; `labels` are the names of the sources it had.

    "" when nothing else is left.
    """
    text = text.replace("\0", "")
    code = [found.group() for found in _CODE.finditer(text)]
    text = _CODE.sub("\0", text)
    names = {_folded(label) for label in labels}
    text = _OPENING.sub("", text.strip(), count=1)
    text = _LINK_AT_THE_END.sub("", _LINK_IN_PARENTHESES.sub("", text))
    text = _SUPERSCRIPT.sub("", _BRACKETED.sub("", text))
    text = _WIKILINK.sub(_shown, text)
    text = _MARKDOWN_LINK.sub(r"\1", text)
    text = _IN_PARENTHESES.sub("", text)
    text = _AT_THE_START.sub("", _AT_THE_END.sub("", text))
    text = _ENCLOSED.sub(lambda found: "" if _is_label(found, names, text) else found.group(), text)
    text = _OPENING.sub("", text.strip(), count=1)
    text = _ITALIC.sub(lambda found: found[1] or found[2], _EMPHASIS.sub(r"\2", text))
    text = _GAP.sub(lambda gap: "" if len(gap.group()) == 1 else " ", _EMPTY.sub("", text))
    text = _GAP.sub("", text).strip().lstrip(",;:、，；： ").strip()
    if not any(character.isalnum() or character == "\0" for character in text):
        return ""
    for written in code:
        text = text.replace("\0", written, 1)
    return text[:1].upper() + text[1:]


def in_round_brackets(quote: str) -> str:
    """A quote in a text where numbers in brackets are citations: its own are put in round ones."""
    return _OTHER_NUMBERED.sub(r"(\1)", quote)


def _shown(link: re.Match[str]) -> str:
    return link[2] or link[1].rpartition("/")[2].replace(".md", "").replace("#", " › ").strip(" ›")


def _is_label(found: re.Match[str], names: set[str], text: str) -> bool:
    """Whether brackets hold the name of a source: anywhere in square ones, at the end alone in round ones."""
    square, parenthesised = found[1], found[2]
    if square is not None:
        return _folded(square) in names
    return _folded(parenthesised) in names and not any(c.isalnum() for c in text[found.end() :])


def _folded(label: str) -> str:
    label = unicodedata.normalize("NFKC", label).casefold().strip().strip("\"'“”‘’[]*_ ")
    return " ".join(label.removesuffix(".md").replace(">", "›").split())
