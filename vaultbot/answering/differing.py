"""Where notes say two things: "the meeting is on 3 May" here, "the meeting is on 5 May" there.

Only what is plain to see is told: two sentences in nearly the same words and order that differ in one number, date or
name, or in a "not". Which of the two holds is for people to say. What says the same in other words is not noticed, and
neither are numbers that name something ("chapter 3"), give a bound ("at least 5"), or belong to a diary's days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from vaultbot.answering.evidence import Evidence, Weigher
from vaultbot.difference import DifferenceKind
from vaultbot.index.analyzer import STOP_WORDS, content_terms, fold, terms
from vaultbot.retrieval.query import Query

_CLOSE = 0.75  #: cosine of the two sentences, where meaning is compared
_LONGEST = 60  #: tokens of a sentence that is looked at
_MOST_MORE = 3  #: words that one of the two may have more, at one place
_ROUNDED = 0.06  #: "about 4.9" is no other number than 4.85

_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)(?:uary|ruary|ch|il|ust|tember|ober|ember)?\.?"
_DATE = re.compile(
    rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})[-/](?P<day>\d{{1,2}})"
    rf"|(?P<day2>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<named2>{_MONTH})(?:,? (?P<year2>\d{{4}}))?\b"
    rf"|\b(?P<named3>{_MONTH}) (?P<day3>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year3>\d{{4}}))?\b"
    r"|(?:(?P<year4>\d{4})年)?(?P<month4>\d{1,2})月(?P<day4>\d{1,2})[日号號]",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    rf"(?P<date>{re.sub(r'[?]P<[a-z0-9]+>', '?:', _DATE.pattern)})"
    r"|\d+(?:[.,:/]\d+)*(?![a-zA-Z_])|[\u30a1-\u30fa\u30fc]+|[\u3041-\u3096\u3400-\u9fff\uf900-\ufaff]|\w+(?:['’]\w+)*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_HIRAGANA = re.compile(r"[\u3041-\u3096]")
_HAN = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]")
_NUMERALS = {
    **{
        word: str(n)
        for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
    },
    **{sign: str(n) for n, sign in enumerate("〇一二三四五六七八九十")},
}
_MONTHS = frozenset(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec".split()
)
_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_DAYS_HAN = frozenset("月火水木金土日")  #: with 曜日 or 星期 beside them
_OF_DATES = re.compile(r"[年月日号號]|曜|星期|周|週|時|时|点|點|\b(?:19|20)\d\d\b|\d:\d\d|\d[/-]\d")
_BOUND = re.compile(
    r"\b(?:more|less|fewer|greater|higher|lower) than\b|\bat (?:least|most)\b|\bup to\b|\b(?:over|under|above|below|"
    r"minimum|maximum|max|min|between|since|until|before|after)\b|"
    r"以上|以下|未満|最大|最小|最低|最高|至少|最多|超过|超過|不到|以内|以前|以后|以後|から|"
    r"まで"
)
_HEDGE = re.compile(
    r"\b(?:about|around|roughly|approximately|nearly|almost|circa|ca)\b|約|约|およそ|ほぼ|大约|大約|左右"
)
_WEAK = frozenset(
    "the a an of to in on at is are was were be been it its this that do does did has have had will and".split()
)
_WEAK_HAN = frozenset("はがをにでともの的了着在也")
_NOT = frozenset("not no never cannot without longer".split())
_ENDING = re.compile(r"[\u3041-\u3096]+[。．.！!]?$")  #: of a Japanese sentence, where it denies or does not
_WITHOUT_NOT = {"cannot": "can", "can't": "can", "won't": "will", "shan't": "shall"}
_NOT_HAN = re.compile(
    "ではない|ではありません|じゃない|ません|ない|なかった|ず(?=に|、|。|$)|不|没有|沒有|没|沒|无|無|未"
)
#: Words after which a number or a name is what something is called.
_NAMES_IT = frozenset(
    "version chapter week day part step phase figure fig table section no number page lesson level room unit line type "
    "model class grade task question item vol volume edition season episode round release group team stage act book "
    "year attempt try test sprint iteration exercise 第".split()
)
_NAMING = frozenset("by is was are were named called to from in at for".split())
_IMPLIED = re.compile(
    r"(?:it|its|he|she|they|this|that|these|those|such|here|there)\b|これ|それ|この|その|它|这|這|该|该|他|她", re.I
)
_DATED_TITLE = re.compile(r"[\d\W_年月日]+")


@dataclass(frozen=True, slots=True)
class Differing:
    """Two sentences of the notes, and what each of them has where they differ."""

    kind: DifferenceKind
    both: tuple[Evidence, Evidence]
    words: tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    written: str
    term: str
    end: int  #: in the sentence
    counts: float  #: as a word; a Chinese character is half of one, and an article none


def differing(
    query: Query, shown: Sequence[Evidence], others: Sequence[Evidence], *, weigher: Weigher
) -> Iterator[Differing]:
    """Each shown sentence that another one contradicts, by the first of the others that does, best first."""
    told: set[int] = set()
    for one in shown:
        for other in others:
            if id(other) in told or not _of_the_same(query, one, other):
                continue
            found = split(one.text, other.text)
            if found is None or not _is_news(query, one, other, *found):
                continue
            compared = query.latin and found[0] != "negation"  # A "not" takes words far apart that are the same.
            [cosine] = weigher.cosines(one.text, [other.text], query=False) if compared else [None]
            if cosine is None or cosine >= _CLOSE:
                told |= {id(one), id(other)}
                yield Differing(found[0], (one, other), found[1])
                break


def _of_the_same(query: Query, one: Evidence, other: Evidence) -> bool:
    """Whether two sentences of different places may speak of the same thing that was asked about."""
    if (one.path, one.heading_path) == (other.path, other.heading_path) or one.text == other.text:
        return False
    if _IMPLIED.match(one.text) or _IMPLIED.match(other.text):
        return False
    if query.latin:
        asked = set(query.content)
        held = [asked & (each.terms | each.context_terms) for each in (one, other)]
        common = asked & one.terms & other.terms
    else:  # There a "not" changes the pairs of characters around it.
        asked = {sign for term in content_terms(query.text) for sign in term if not _HIRAGANA.match(sign)}
        held = [asked & set("".join((each.text, each.title, *each.heading_path))) for each in (one, other)]
        common = asked & set(one.text) & set(other.text)
    return held[0] == held[1] and len(common) * 2 >= len(asked)


def _is_news(query: Query, one: Evidence, other: Evidence, kind: DifferenceKind, words: tuple[str, str]) -> bool:
    """Whether the question leaves open which of the two is meant, and no diary just goes on."""
    asked = {token.term for token in _told(query.text)[0] if _tells(token)}
    if any(token.term in asked for each in words for token in _told(each)[0] if _tells(token)):
        return False
    diary = all(_DATED_TITLE.fullmatch(each.title) for each in (one, other))
    same_note = one.path == other.path
    common = len((one.terms & other.terms) - STOP_WORDS)
    return not (diary and kind == "number") and not (same_note and common < 3)


def _tells(token: _Token) -> bool:
    """Whether it is a number, a date or a name: of the words that differ, those that a question may settle."""
    return any(c.isdigit() for c in token.term) or token.term in _WEEKDAYS | _MONTHS or token.written[:1].isupper()


def split(one: str, other: str) -> tuple[DifferenceKind, tuple[str, str]] | None:
    """What the two sentences differ in, if that is one thing alone."""
    if one.rstrip().endswith(("?", "？")) or other.rstrip().endswith(("?", "？")):
        return None
    (a, a_denies), (b, b_denies) = _told(one), _told(other)
    if bool(a_denies) != bool(b_denies) and _alike_but_for_the_ending(one, other):
        return "negation", (a_denies, b_denies)
    if not a or not b or len(a) > _LONGEST or len(b) > _LONGEST:
        return None
    changed, more, same = _compared(a, b)
    if len(changed) > 1 or more >= max(1, same):
        return None
    if bool(a_denies) != bool(b_denies):
        return ("negation", (a_denies, b_denies)) if same >= 2 and not changed and not more else None
    kind = _kind(one, other, a, b, changed[0]) if changed else None
    if kind is None or same < (1 if kind == "date" else 2):
        return None
    (a_from, a_to), (b_from, b_to) = changed[0]
    return kind, (_written(one, a, a_from, a_to), _written(other, b, b_from, b_to))


def _alike_but_for_the_ending(one: str, other: str) -> bool:
    """Of Japanese: 使える, 使えない."""
    stems = [_ENDING.sub("", text.strip()) for text in (one, other)]
    return stems[0] == stems[1] and len(stems[0]) >= 4 and stems[0] != one.strip()


Place = tuple[tuple[int, int], tuple[int, int]]  #: in the tokens of the one, and of the other


def _compared(a: Sequence[_Token], b: Sequence[_Token]) -> tuple[list[Place], int, float]:
    """Where other words stand in place of each other, how many words the one has more, and how many are the same."""
    changed: list[Place] = []
    more, same, gaps = 0, 0.0, 0
    matcher = SequenceMatcher(None, [t.term for t in a], [t.term for t in b], autojunk=False)
    for tag, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if tag == "equal":
            same += sum(token.counts for token in a[a_from:a_to])
            continue
        mine, theirs = _without_weak(a, a_from, a_to), _without_weak(b, b_from, b_to)
        if mine[0] < mine[1] and theirs[0] < theirs[1]:
            changed.append((mine, theirs))
        elif extra := [t for t in (*a[mine[0] : mine[1]], *b[theirs[0] : theirs[1]]) if t.counts]:
            # A number that only one of them has makes it more exact; it may be what the other leaves out.
            more += len(extra) if not any(_number(t) is not None for t in extra) else _MOST_MORE + 1
            gaps += 1
    return changed, more if more <= _MOST_MORE and gaps < 2 else _LONGEST, same


def _without_weak(tokens: Sequence[_Token], start: int, end: int) -> tuple[int, int]:
    while start < end and not tokens[start].counts:
        start += 1
    while start < end and not tokens[end - 1].counts:
        end -= 1
    return start, end


def _kind(one: str, other: str, a: Sequence[_Token], b: Sequence[_Token], place: Place) -> DifferenceKind | None:
    (a_from, a_to), (b_from, b_to) = place
    mine, theirs = a[a_from:a_to], b[b_from:b_to]
    before = a[a_from - 1] if a_from else None
    if before is None or before.term in _NAMES_IT:
        return None
    days = _MONTHS | _WEEKDAYS
    if all(t.term in days or _is_day(t, one, other) or _number(t) is not None for t in (*mine, *theirs)):
        if _BOUND.search(one.casefold()) or _BOUND.search(other.casefold()):
            return None
        dated = any(t.term in days or _is_day(t, one, other) for t in (*mine, *theirs)) or (
            _is_dated(one, a, a_to) and _is_dated(other, b, b_to)
        )
        if not dated and (_is_label(before, one) or _same_number(one, other, mine, theirs)):
            return None
        return "date" if dated else "number"
    if len(mine) == len(theirs) == 1 and mine[0].term.startswith("@") and theirs[0].term.startswith("@"):
        parts = [set(token.term[1:].split()) for token in (mine[0], theirs[0])]
        return None if parts[0] <= parts[1] or parts[1] <= parts[0] else "date"
    names = all(t.written[:1].isupper() for t in (*mine, *theirs)) and max(len(mine), len(theirs)) <= 3
    if names and before.term in _NAMING and not ({t.term for t in mine} & {t.term for t in theirs}):
        return "name"
    return None


def _is_label(before: _Token, sentence: str) -> bool:
    """Whether a number behind this word is a part of a name: Llama 2."""
    behind = sentence[before.end :].lstrip()[:1]
    return before.written[:1].isupper() and before.term not in _MONTHS and behind not in (":", "：")


def _is_day(token: _Token, one: str, other: str) -> bool:
    return token.term in _DAYS_HAN and all(re.search("曜|星期|周|週", text) for text in (one, other))


def _is_dated(sentence: str, tokens: Sequence[_Token], behind: int) -> bool:
    """Whether the number that ends before this token is one of a date or of an hour."""
    near = {token.term for token in tokens[max(0, behind - 3) : behind + 2]}
    end = tokens[behind - 1].end
    return bool(near & _MONTHS) or _OF_DATES.search(sentence[max(0, end - 8) : end + 2]) is not None


def _same_number(one: str, other: str, mine: Sequence[_Token], theirs: Sequence[_Token]) -> bool:
    values = [[_number(token) for token in tokens] for tokens in (mine, theirs)]
    if len(values[0]) != len(values[1]):
        return False
    pairs = [(x, y) for x, y in zip(*values, strict=True) if x is not None and y is not None]
    near = all(abs(x - y) <= _ROUNDED * max(abs(x), abs(y)) for x, y in pairs)
    return all(x == y for x, y in pairs) or (near and any(_HEDGE.search(text.casefold()) for text in (one, other)))


def _number(token: _Token) -> float | None:
    if not _NUMBER.fullmatch(token.term):
        return None
    plain = re.sub(r",(?=\d{3}\b)", "", token.term)
    try:
        return float(plain.replace(",", "."))
    except ValueError:  # A time or a date.
        return float("".join(re.findall(r"\d", plain)))


def _told(sentence: str) -> tuple[list[_Token], str]:
    """The tokens of a sentence without those that deny it, and what denies it."""
    denied = ""
    text = sentence
    if _HAN.search(sentence) and (found := _NOT_HAN.search(sentence)):
        denied = found.group()
        left = "　有" if denied in ("没有", "沒有") else "　" * len(denied)
        text = f"{sentence[: found.start()]}{left}{sentence[found.end() :]}"
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(text):
        written = match.group()
        if match["date"]:
            tokens.append(_Token(written, _date(written), match.end(), 0.5))
            continue
        folded = fold(written).replace("’", "'")
        if folded.endswith("n't") or folded in _NOT:
            denied = denied or written
            folded = _WITHOUT_NOT.get(folded, folded.removesuffix("n't") if folded.endswith("n't") else "")
        folded = _NUMERALS.get(folded, folded)
        if not folded:
            continue
        if _NUMBER.fullmatch(folded) or _HAN.match(folded) or folded in _MONTHS or folded in _WEEKDAYS:
            term = folded
        else:
            term = (terms(folded) or [folded])[0]
        counts = 0.0 if folded in _WEAK or folded in _WEAK_HAN else 0.5 if _HAN.fullmatch(folded) else 1.0
        tokens.append(_Token(written, term, match.end(), counts))
    return tokens, denied


def _date(written: str) -> str:
    """ "@m5 d3 y2026": parts, because a date may lack its year."""
    found = _DATE.fullmatch(written)
    assert found is not None
    given = {name.rstrip("234"): text for name, text in found.groupdict().items() if text}
    month = _MONTH_NAMES.index(given["named"][:3].lower()) + 1 if "named" in given else int(given["month"])
    year = f" y{given['year']}" if "year" in given else ""
    return f"@m{month} d{int(given['day'])}{year}"


def _written(sentence: str, tokens: Sequence[_Token], start: int, end: int) -> str:
    """The words from one token to another, as they stand; a date as a whole."""
    while start and (tokens[start - 1].term in _MONTHS or tokens[start - 1].written in "星期周曜"):
        start -= 1
    while end < len(tokens) and (tokens[end].term in _MONTHS or tokens[end].written in "年月日時时点曜%"):
        end += 1
    first = tokens[start]
    return sentence[first.end - len(first.written) : tokens[end - 1].end].strip()
