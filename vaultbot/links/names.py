"""What notes may be called in a text: their names, and the ways in which names are bent, cut and shortened.

How a name was come by is kept, for it says much about whether the words mean the note.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
from ahocorasick_rs import AhoCorasick

from vaultbot.index.analyzer import STOP_WORDS, terms
from vaultbot.links.characters import IntArray, is_unspaced
from vaultbot.links.folding import case_matters, fold_name
from vaultbot.protocols import FloatArray


class By(IntEnum):
    """How words name a note, the plainest first."""

    TITLE = 0
    ALIAS = 1
    HEADLINE = 2  #: the note's first heading or its `title` property
    LINK_TEXT = 3  #: links elsewhere lead there with these words
    INFLECTED = 4  #: "gardens" for Garden
    SHORT = 5  #: the name without what is in brackets or behind a colon; its initials
    HEADING = 6  #: a heading within the note
    PART = 7  #: some words of the name
    NOTHING = 8


@dataclass(frozen=True, slots=True)
class Called:
    """A note and what it is called."""

    title: str
    aliases: tuple[str, ...] = ()
    headlines: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()


_SHORTEST = 3
_SHORTEST_CASED = 2
_LONGEST = 120
#: Numbers and dates are names of notes often, and mentions of them hardly ever.
_NUMERIC = re.compile(r"[\W\d_]+")
_BRACKETS = re.compile(r"\s*[(（\[【「][^()（）\[\]【】「」]*[)）\]】」]\s*")
_CUT = re.compile(r"\s+[-–—|·]\s+|[:：]\s*")
_WORD = re.compile(r"\w+(?:'\w+)*")
#: Runs of one script, in which Japanese and Chinese names are cut: ローカル保管庫 is ローカル and 保管庫.
_RUN = re.compile(r"[\u30a1-\u30fc]+|[\u3400-\u9fff々]+|[\uac00-\ud7a3]+")
_MOST_WORDS = 7  #: of a name that is cut into parts
_LONGEST_RUN = 8
_SHARED = {
    By.HEADLINE: 3,
    By.HEADING: 3,
    By.PART: 8,
    By.SHORT: 8,
}  #: by how many notes a name may be shared before it is none
_SHARED_WORD = 5  #: the same of a part of one word
_MOST_BENT = 6  #: forms of one name
#: Weekdays and months say when, and name no note by a part.
_CALENDAR = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december today tomorrow yesterday montag dienstag mittwoch donnerstag freitag samstag sonntag
    januar februar märz mai juni juli oktober dezember lundi mardi mercredi jeudi vendredi samedi dimanche janvier
    février mars avril juin juillet août septembre octobre novembre décembre""".split()
)


class Vocabulary:
    """The words that the notes use, by their stems: how a name is bent in this vault, in whatever language."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = {}
        for word in words:
            self._by_stem.setdefault(_stem(word), []).append(word)

    def bent(self, name: str) -> Iterator[str]:
        """The name with its last word as the notes have it besides."""
        head, blank, word = name.rpartition(" ")
        if len(word) < _SHORTEST or is_unspaced(word):
            return
        known = self._by_stem.get(_stem(word), ())
        for other in known[:_MOST_BENT]:
            if other != word:
                yield f"{head}{blank}{other}"


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    found = terms(word)
    return found[0] if len(found) == 1 else word


def words_of(folded: str) -> list[str]:
    """The words of a folded text, for a vocabulary."""
    return _WORD.findall(folded)


class Names:
    """Every form of every name, ready to be looked for. A form has entries: the notes that it may mean.

    `link_texts` counts the links by (their words, the number of the note they lead to). `known` is whether a form is in
    use although nobody's name it is: the words of links to files that are no notes, or to nothing.
    """

    def __init__(
        self, notes: Sequence[Called], link_texts: Mapping[tuple[str, int], int], vocabulary: Vocabulary
    ) -> None:
        self._entries: dict[str, dict[int, tuple[By, str | None, float]]] = {}
        for number, note in enumerate(notes):
            self._add_note(number, note, vocabulary)
        for text, number in link_texts:
            if number not in self._entries.get(text, ()):
                self._add(text, number, By.LINK_TEXT)
        self._prune(link_texts)
        self.forms = list(self._entries)
        self.numbers = {form: number for number, form in enumerate(self.forms)}
        self.pointers = np.zeros(len(self.forms) + 1, np.int32)
        flat = [(note, *entry) for form in self.forms for note, entry in self._entries[form].items()]
        self.pointers[1:] = np.cumsum([len(self._entries[form]) for form in self.forms])
        self.notes: IntArray = np.array([one[0] for one in flat], np.int32)
        self.by: IntArray = np.array([one[1] for one in flat], np.int32)
        self.cased: list[str | None] = [one[2] for one in flat]  #: how it must be written, where letter case matters
        self.share: FloatArray = np.array([one[3] for one in flat], np.float32)  #: of the name that the words are
        capitals = [_capitals(note) for note in notes]
        self.capitals: IntArray = np.array([capitals[one[0]] for one in flat], np.int32)  #: of the title, as in matches
        self.any_cased = np.array([any(e[1] for e in self._entries[form].values()) for form in self.forms], bool)
        self.lengths: IntArray = np.array([len(form) for form in self.forms], np.int32)
        self.words: IntArray = np.array([form.count(" ") + 1 for form in self.forms], np.int32)
        self._entries = {}
        self._matcher = AhoCorasick(self.forms) if self.forms else None

    def find(self, folded: str) -> IntArray:
        """(matches, 3): form, start and end of all that is there, overlapping ones too."""
        found = self._matcher.find_matches_as_indexes(folded, overlapping=True) if self._matcher else []
        return np.array(found, np.int32).reshape(-1, 3)

    # ── how names are come by ──────────────────────────────────────────────────────────────────────────────────

    def _add_note(self, number: int, note: Called, vocabulary: Vocabulary) -> None:
        named = [(note.title, By.TITLE), *((alias, By.ALIAS) for alias in note.aliases)]
        named += [(headline, By.HEADLINE) for headline in note.headlines]
        for name, by in named:
            self._add(name, number, by)
        for heading in note.headings:
            self._add(heading, number, By.HEADING)
        for name, _ in named:
            folded = fold_name(name)
            self._bend(folded, number, By.INFLECTED, 1.0, vocabulary, written=name)
            for short in _shortened(name):
                self._add(short, number, By.SHORT, share=0.9)
                self._bend(fold_name(short), number, By.SHORT, 0.9, vocabulary, written=short)
            initials = _initials(name)
            if initials:
                self._add(initials, number, By.SHORT, share=0.5)
            for part, share in _parts(fold_name(_BRACKETS.sub(" ", name))):
                self._add(part, number, By.PART, share=share)
                self._bend(part, number, By.PART, share, vocabulary, written=part)

    def _bend(self, folded: str, number: int, by: By, share: float, vocabulary: Vocabulary, *, written: str) -> None:
        if case_matters(written):
            self._add(written + "s", number, by, share=share)
            return
        for bent in vocabulary.bent(folded):
            self._add(bent, number, by, share=share)

    def _add(self, name: str, number: int, by: By, *, share: float = 1.0) -> None:
        folded = fold_name(name)
        just_so = case_matters(name) or name.removesuffix("s").isupper()  # "LLMs" as "LLM", "Peas" not as "Pea"
        cased = name.strip() if just_so and by != By.PART else None
        if len(folded) > _LONGEST or _NUMERIC.fullmatch(folded):
            return
        least = _SHORTEST_CASED if cased or is_unspaced(folded) else _SHORTEST
        if len(folded) < least or (folded in STOP_WORDS and not cased):
            return
        entries = self._entries.setdefault(folded, {})
        if number not in entries or by < entries[number][0]:
            entries[number] = (by, cased, share)

    def _prune(self, link_texts: Mapping[tuple[str, int], int]) -> None:
        """Drop what names too many notes to name one."""
        for form, entries in list(self._entries.items()):
            counted = Counter(by for by, _, _ in entries.values())
            for by, most in _SHARED.items():
                if counted[by] > (_SHARED_WORD if by == By.PART and " " not in form else most):
                    for number in [n for n, entry in entries.items() if entry[0] == by]:
                        if (form, number) in link_texts:
                            entries[number] = (By.LINK_TEXT, *entries[number][1:])
                        else:
                            del entries[number]
            if not entries:
                del self._entries[form]


def _capitals(note: Called) -> int:
    high = [letter.isupper() for letter in note.title]
    return 2 * min(sum(high), 20) + (high[0] if high else 0)


def _shortened(name: str) -> Iterator[str]:
    """ "ball" for "ball (topology)", "Sync" for "Sync: how it works"."""
    bare = _BRACKETS.sub(" ", name).strip()
    if bare != name.strip() and bare:
        yield bare
    if (cut := _CUT.search(bare)) and cut.start():
        yield bare[: cut.start()]


def _initials(name: str) -> str:
    """ "RAG" for "Retrieval-augmented generation"; "" for a name of fewer than three words."""
    words = [word for word in re.split(r"[\s\-/]+", name) if word[:1].isalpha() and word.lower() not in STOP_WORDS]
    return "".join(word[0] for word in words).upper() if 3 <= len(words) <= 6 and name.isascii() else ""


def _parts(folded: str) -> Iterator[tuple[str, float]]:
    """Some neighbouring words of a name, with the share of its letters that they are."""
    if is_unspaced(folded):
        yield from _runs(folded)
        return
    words = _WORD.findall(folded)
    if not 2 <= len(words) <= _MOST_WORDS:
        return
    letters = sum(len(word) for word in words if word not in STOP_WORDS) or 1
    for first in range(len(words)):
        if words[first] in STOP_WORDS:
            continue
        for last in range(first, len(words)):
            part = words[first : last + 1]
            if words[last] in STOP_WORDS or len(part) == len(words):
                continue
            if len(part) == 1 and (part[0] in _CALENDAR or part[0].isdigit()):
                continue
            yield " ".join(part), sum(len(word) for word in part if word not in STOP_WORDS) / letters


def _runs(folded: str) -> Iterator[tuple[str, float]]:
    for run in _RUN.findall(folded):
        if 2 <= len(run) < len(folded):
            yield run, len(run) / len(folded)
        if len(run) <= _LONGEST_RUN:
            for length in range(2, len(run)):
                for part in {run[:length], run[-length:]}:
                    yield part, length / len(folded)
