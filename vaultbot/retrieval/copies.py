"""Copies of a note: a sync conflict, a backup, the same clipping saved twice. One of them is enough to read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from vaultbot.index.reader import Passage
from vaultbot.vault.conflicts import original_of
from vaultbot.vault.resolver import path_key

_T = TypeVar("_T")

_SHARED = 0.9  #: of the text of both
_LONG_ENOUGH = 200  #: characters that two notes do not share by chance


def copies_among(notes: Sequence[int], passages: Iterable[Passage]) -> dict[int, int]:
    """The notes that are copies of one before them, each with that one.

    `passages` are all of theirs. Two notes are copies when nine tenths of the text of both stand in the other, passage
    by passage. Short ones must have the same name as well: "done" says nothing about what is.
    """
    texts: dict[int, set[str]] = {}
    names: dict[int, str] = {}
    for passage in passages:
        texts.setdefault(passage.note, set()).add(" ".join(passage.text.split()))
        names[passage.note] = passage.path.rpartition("/")[2].casefold()
    alike: dict[tuple[str, str], list[int]] = {}  # By what no two notes share that are no copies.
    found: dict[int, int] = {}
    for note in notes:
        shared = [(names[note] if len(text) < _LONG_ENOUGH else "", text) for text in texts.get(note, ())]
        original = next(
            (one for key in shared for one in alike.get(key, ()) if _are_copies(note, one, texts, names)), None
        )
        if original is None:
            for key in shared:
                alike.setdefault(key, []).append(note)
        else:
            found[note] = original
    return found


def below_originals(found: Sequence[_T], *, path: Callable[[_T], str]) -> list[_T]:
    """The same in this order, but what stands in a sync program's copy comes behind the note that it was made of."""
    first: dict[str, int] = {}
    for place, one in enumerate(found):
        first.setdefault(path_key(path(one)), place)
    behind = {
        place: first[path_key(original)]
        for place, one in enumerate(found)
        if (original := original_of(path(one), is_there=lambda other: path_key(other) in first))
        and first.get(path_key(original), -1) > place
    }
    return [found[place] for place in sorted(range(len(found)), key=lambda n: (behind.get(n, n), n in behind, n))]


def _are_copies(one: int, other: int, texts: Mapping[int, set[str]], names: Mapping[int, str]) -> bool:
    shared = sum(map(len, texts[one] & texts[other]))
    if shared < _LONG_ENOUGH and names[one] != names[other]:
        return False
    return 0 < shared >= _SHARED * max(sum(map(len, texts[one])), sum(map(len, texts[other])))
