"""Which name may have been meant: names that are written almost alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from vaultbot.vault.resolver import path_key

_END = 0.4  #: of the letters, at the beginning or at the end, must be right
_SHORTEST = 4  #: of shorter names every other one is a neighbour
_LONGEST = 200
_FEW = 100  #: names that are all looked at
_ALIKE = 0.75  #: two words of names with as many words
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w+")


class Patience:
    """How many more names may be compared: a vault of nothing but mistakes is not to take minutes."""

    def __init__(self, comparisons: int) -> None:
        self.left = comparisons


class NearNames:
    """Finds the name that is written most like another one.

    Among many names only those are looked at that begin or end alike and are about as long.
    """

    def __init__(self, names: Iterable[str], patience: Patience, *, alike: float) -> None:
        self._names = {path_key(name): name for name in names}
        self._patience = patience
        self._alike = alike
        self._by_end: dict[tuple[str, str, str, int], list[str]] = {}
        if len(self._names) > _FEW:
            for key in self._names:
                for end in _ends(key, len(key)):
                    self._by_end.setdefault(end, []).append(key)

    def nearest(self, name: str) -> str | None:
        """The name most like this one. None when none is, and of those with other numbers or another word in place of
        one: those are names of something else.
        """
        wanted = path_key(name)
        if not _SHORTEST <= len(wanted) <= _LONGEST:
            return None
        matcher = SequenceMatcher(None, "", wanted, autojunk=False)
        best, best_ratio = None, self._alike
        for key in self._candidates(wanted):
            if self._patience.left <= 0:
                break
            self._patience.left -= 1
            matcher.set_seq1(key)
            if matcher.real_quick_ratio() < best_ratio or matcher.quick_ratio() < best_ratio:
                continue
            ratio = matcher.ratio()
            if (ratio > best_ratio or best is None) and ratio >= best_ratio and _means_the_same(key, wanted):
                best, best_ratio = key, ratio
        return self._names[best] if best is not None else None

    def _candidates(self, wanted: str) -> Iterator[str]:
        if len(self._names) <= _FEW:
            yield from self._names
            return
        seen: set[str] = set()
        spread = max(2, len(wanted) // 4)
        for length in range(len(wanted) - spread, len(wanted) + spread + 1):
            for end in _ends(wanted, length):
                for key in self._by_end.get(end, ()):
                    if key not in seen:
                        seen.add(key)
                        yield key


def _ends(key: str, length: int) -> tuple[tuple[str, str, str, int], tuple[str, str, str, int]]:
    """What a name of that length and `key` have in common when one of them is a slip of the other."""
    letters, digits = max(1, int(length * _END)), _digits(key)
    return (key[:letters], "", digits, length), ("", key[-letters:], digits, length)


def _means_the_same(key: str, wanted: str) -> bool:
    """Whether one name may be a slip of the other: an injection is no bijection, nor is a garden plan a garden."""
    words, others = _WORD.findall(key), _WORD.findall(wanted)
    if _digits(key) != _digits(wanted):
        return False
    if len(words) != len(others):
        return "".join(words) == "".join(others)
    if len(words) == 1 and words[0][0] != others[0][0]:
        return False
    return all(
        word == other or SequenceMatcher(None, word, other, autojunk=False).ratio() >= _ALIKE
        for word, other in zip(words, others, strict=True)
    )


def _digits(text: str) -> str:
    return "".join(_DIGIT.findall(text))
