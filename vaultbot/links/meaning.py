"""How near notes are to each other, by the vectors in the catalog and by the words of their titles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vaultbot.index.analyzer import STOP_WORDS, terms
from vaultbot.links.characters import IntArray
from vaultbot.links.cosines import Cosines
from vaultbot.protocols import FloatArray

NEAREST = 20  #: notes whose links are looked at


@dataclass(frozen=True, slots=True)
class NoteVectors:
    """The vectors of one note: of its card, and of its passages with their lines."""

    card: FloatArray | None
    passages: FloatArray  #: (p, dimensions)
    lines: IntArray  #: (p, 2): first and last line, from 1


class Meaning:
    """The cards of all notes. `cards` is (notes, dimensions), a row of zeros for a note without; None without any."""

    def __init__(self, cards: FloatArray | None) -> None:
        self.cards = cards
        self._cosines = Cosines(cards if cards is not None else np.zeros((0, 0), np.float32))

    def near(self, card: FloatArray | None, number: int) -> FloatArray | None:
        """(notes,) cosines with every note's card; the note itself has none."""
        if self.cards is None or card is None:
            return None
        if not 0 <= number < len(self.cards):
            return self.cards @ card
        is_known = np.array_equal(card, self.cards[number])
        cosines: FloatArray = self._cosines.of(number).copy() if is_known else self.cards @ card
        cosines[number] = 0.0
        return cosines


class TitleWords:
    """The stems of the notes' titles and aliases, each as heavy as it is rare among them."""

    def __init__(self, names: Sequence[Sequence[str]]) -> None:
        self._numbers: dict[str, int] = {}
        lists = []
        for called in names:
            stems = dict.fromkeys(stem for name in called for stem in terms(name) if stem not in STOP_WORDS)
            lists.append([self._numbers.setdefault(stem, len(self._numbers)) for stem in stems])
        words = np.array([word for one in lists for word in one], np.int32)
        owners = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
        counts = np.bincount(words, minlength=len(self._numbers))
        self._rarity = np.log((1 + len(lists)) / (1 + counts)).astype(np.float32) + np.float32(0.1)
        self._whole = np.bincount(owners, self._rarity[words], minlength=len(lists)).astype(np.float32)
        self._owners = owners[np.argsort(words, kind="stable")]  #: the notes of each stem, one stem behind the other
        self._at = np.concatenate(([0], np.cumsum(counts)))
        self._most = math.log(2 + len(lists))

    def stems(self, text_terms: Sequence[str]) -> IntArray:
        """The numbers of those terms that stand in any title."""
        found = {self._numbers[term] for term in text_terms if term in self._numbers}
        return np.array(sorted(found), np.int32)

    def covered(self, stems: IntArray) -> tuple[FloatArray, FloatArray]:
        """Of every note the share of its title that these stems are, and how much is said by that, about 0 to 2."""
        starts, ends = self._at[stems], self._at[stems + 1]
        sizes = ends - starts
        places = np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))
        weights = np.repeat(self._rarity[stems], sizes)
        hit = np.bincount(self._owners[places], weights, minlength=len(self._whole))
        share = hit / np.maximum(self._whole, 1e-6)
        return share.astype(np.float32), (share * hit / self._most).astype(np.float32)
