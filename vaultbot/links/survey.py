"""What the whole vault tells of its links: which words are linked and how often, what each note links to.

`Survey` holds what was read of every note, `Habits` are the counts. `Own` is a note's part in them, which is taken out
of the counts that it is judged by: what is said of its links is what all other notes say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vaultbot.links.characters import SURROUNDINGS, BoolArray, IntArray
from vaultbot.links.names import By, Names
from vaultbot.links.reading import Reading, Stands
from vaultbot.protocols import FloatArray

LongArray = npt.NDArray[np.int64]

_NONE = np.zeros(0, np.int32)


class Lists:
    """Lists of numbers, one for each note, in one array."""

    def __init__(self, owners: IntArray, values: IntArray, size: int) -> None:
        order = np.argsort(owners, kind="stable")
        self.values = values[order]
        self.pointers = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=size)))).astype(np.int64)

    def of(self, number: int) -> IntArray:
        """One note's list."""
        found: IntArray = self.values[self.pointers[number] : self.pointers[number + 1]]
        return found

    def of_all(self, numbers: IntArray, weights: FloatArray) -> tuple[IntArray, FloatArray]:
        """The lists of several, one behind the other, each value with its owner's weight."""
        parts = [self.of(number) for number in numbers.tolist()]
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        return np.concatenate(parts), np.repeat(weights, [len(part) for part in parts])


class Counts:
    """How often each pair of numbers was counted."""

    def __init__(self, first: IntArray, second: IntArray, *, seconds: int) -> None:
        self._seconds = seconds
        keys = first.astype(np.int64) * seconds + second
        self.keys, self.counts = np.unique(keys, return_counts=True)

    def of(self, first: IntArray, second: IntArray) -> FloatArray:
        """The counts of these pairs."""
        wanted = first.astype(np.int64) * self._seconds + second
        if not len(self.keys):
            return np.zeros(len(wanted), np.float32)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        found: FloatArray = np.where(self.keys[at] == wanted, self.counts[at], 0).astype(np.float32)
        return found


class Survey:
    """Every note's reading, and the notes' folders."""

    def __init__(self, names: Names, readings: Sequence[Reading], *, notes: int) -> None:
        self.names = names
        self.notes = notes
        self.readings = readings
        self.by_note = {reading.note: place for place, reading in enumerate(readings)}
        self.first_link = np.concatenate(([0], np.cumsum([len(one.links) for one in readings]))).astype(np.int64)
        links = [one.links for one in readings]
        self.links: IntArray = np.concatenate(links) if links else np.zeros((0, 8), np.int32)
        self.source: IntArray = np.repeat([one.note for one in readings], [len(one) for one in links]).astype(np.int32)
        self.folders = {name: n for n, name in enumerate(sorted({one.folder for one in readings}))}
        self.folder: IntArray = np.zeros(notes, np.int32)
        for one in readings:
            self.folder[one.note] = self.folders[one.folder]

    def hidable(self) -> tuple[IntArray, IntArray, LongArray]:
        """The pairs of notes whose links all stand in the text: sources, targets, and the pair of each link or -1."""
        target, body = self.links[:, 0], self.links[:, 5] > 0
        leads = (target >= 0) & (target != self.source)
        keys = self.source.astype(np.int64) * self.notes + target
        shut = np.unique(keys[leads & ~body])
        open_links = leads & body & ~np.isin(keys, shut)
        pairs, inverse = np.unique(keys[open_links], return_inverse=True)
        pair_of = np.full(len(keys), -1, np.int64)
        pair_of[open_links] = inverse
        return (pairs // self.notes).astype(np.int32), (pairs % self.notes).astype(np.int32), pair_of

    def hidden_in(self, reading: Reading, hidden: BoolArray | None) -> BoolArray:
        """Which of one note's links are hidden."""
        if hidden is None:
            return np.zeros(len(reading.links), bool)
        place = self.by_note[reading.note]
        found: BoolArray = hidden[self.first_link[place] : self.first_link[place + 1]]
        return found


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be linked in one note, with some of its links hidden."""

    matches: IntArray  #: as in a reading, without those that touch a link
    linked: IntArray  #: the notes that it links to, each once
    density: FloatArray  #: of each match: links by line in its block


def standing(reading: Reading, hidden: BoolArray) -> Standing:
    """What may be linked in the note when these of its links are hidden."""
    matches, links = reading.matches, reading.links
    open_link = np.concatenate((hidden, [True]))  # The last is for -1: no link.
    free = open_link[matches[:, 4]] & open_link[matches[:, 5]]
    shown = links[~hidden]
    rows = matches[free]
    blocks = np.bincount(shown[shown[:, 4] >= 0, 4], minlength=len(reading.blocks))
    density = blocks[rows[:, 6]] / np.maximum(reading.blocks[rows[:, 6]], 1) if len(rows) else np.zeros(0)
    # Of each form all places count, whether they touched a link or not.
    plain = rows[:, 4:6].max(axis=1) < 0
    forms, place = np.unique(rows[:, 0], return_inverse=True)
    occurs = np.zeros(len(forms), np.int32)
    occurs[place[plain]] = rows[plain, 8]
    rows[:, 8] = np.maximum(1, occurs + np.bincount(place[~plain], minlength=len(forms)))[place]
    return Standing(rows, np.unique(shown[shown[:, 0] >= 0, 0]), density.astype(np.float32))


class Own:
    """What one note adds to the counts of the vault; `links` are those of its links that were counted."""

    def __init__(self, note: int, links: IntArray, matches: IntArray, *, notes: int) -> None:
        leads = links[(links[:, 0] >= 0) & (links[:, 0] != note)]
        self.linked = np.unique(leads[:, 0])
        formed = leads[leads[:, 1] >= 0]
        self.link_forms = np.unique(formed[:, 1])
        self.meant = np.unique(formed[:, 1].astype(np.int64) * notes + formed[:, 0])  #: form and target in one number
        rows = matches[(matches[:, 3] & int(Stands.PROTECTED)) == 0]
        self.plain_forms, first = np.unique(rows[:, 0], return_index=True)
        self.plain_around = rows[first, 9:11]  #: (n, 2): the words around each of them
        self.link_around = links[(links[:, 5] > 0) & (links[:, 2] >= 0), 6:8]


class Habits:
    """How the vault links, with some links hidden; `hidden` is of all its links, None hides none."""

    def __init__(self, survey: Survey, hidden: BoolArray | None = None) -> None:
        notes, names = survey.notes, survey.names
        forms = len(names.forms)
        self._survey, self._hidden = survey, hidden
        self._is_strong = _strong_forms(names)
        plain_note: list[IntArray] = []
        plain_form: list[IntArray] = []
        around: list[IntArray] = []
        for reading in survey.readings:
            own = self.own(reading.note)
            plain_note.append(np.full(len(own.plain_forms), reading.note, np.int32))
            plain_form.append(own.plain_forms)
            around.append(own.plain_around)
        shown = ~hidden if hidden is not None else np.ones(len(survey.links), bool)
        links, source = survey.links[shown], survey.source[shown]
        leads = (links[:, 0] >= 0) & (links[:, 0] != source)
        self.out = _lists(source[leads], links[leads, 0], notes)
        self.into = _lists(links[leads, 0], source[leads], notes)
        self.linked_from: FloatArray = np.diff(self.into.pointers).astype(np.float32)
        self.links_to: FloatArray = np.diff(self.out.pointers).astype(np.float32)
        self.pairs = Counts(source[leads], links[leads, 0], seconds=notes)
        self.count = len(self.pairs.keys)
        # Forms are counted by notes: one that says the same word ten times says it once.
        with_form = (links[:, 1] >= 0) & leads
        form_note = np.unique(links[with_form, 1].astype(np.int64) * notes + source[with_form])
        self.form_links: FloatArray = np.bincount(form_note // notes, minlength=forms).astype(np.float32)
        triples = np.unique(
            np.stack([links[with_form, 1], links[with_form, 0], source[with_form]], axis=1), axis=0
        ).reshape(-1, 3)
        self.form_targets = Counts(triples[:, 0], triples[:, 1], seconds=notes)
        note, form = _joined(plain_note), _joined(plain_form)
        linked_too = np.isin(form.astype(np.int64) * notes + note, form_note)
        self.form_plain: FloatArray = np.bincount(form[~linked_too], minlength=forms).astype(np.float32)
        # A note that is named and not linked, by notes.
        entries, owners = entries_of(names, form)
        strong = names.by[entries] <= int(By.INFLECTED)
        named = np.unique(note[owners][strong].astype(np.int64) * notes + names.notes[entries[strong]])
        named = named[~np.isin(named, self.pairs.keys)]
        self.named_only: FloatArray = np.bincount(named % notes, minlength=notes).astype(np.float32)
        # What stands around links, and around names that are none.
        body = (links[:, 5] > 0) & (links[:, 2] >= 0)
        beside = np.concatenate(around) if around else np.zeros((0, 2), np.int32)
        beside = beside[self._is_strong[form]]
        self._around = [_Around(links[body, 6 + side], beside[:, side]) for side in (0, 1)]
        self.folder_links = Counts(survey.folder[source[leads]], links[leads, 0], seconds=notes)
        self.folder_size: FloatArray = np.bincount(survey.folder, minlength=len(survey.folders)).astype(np.float32)

    def own(self, note: int) -> Own:
        """What a note that was surveyed added to these counts."""
        reading = self._survey.readings[self._survey.by_note[note]]
        mine = self._survey.hidden_in(reading, self._hidden)
        return Own(reading.note, reading.links[~mine], standing(reading, mine).matches, notes=self._survey.notes)

    def around(self, matches: IntArray, own: Own | None) -> tuple[FloatArray, FloatArray]:
        """How much oftener the word before each match, and the one after, stands beside links than beside names that
        are none: logarithms.
        """
        before, after = (
            one.odds(
                matches[:, 9 + side],
                own.link_around[:, side] if own else _NONE,
                own.plain_around[self._is_strong[own.plain_forms], side] if own else _NONE,
            )
            for side, one in enumerate(self._around)
        )
        return before, after


class _Around:
    """How often each word stands beside links, and beside names that are none."""

    def __init__(self, linked: IntArray, plain: IntArray) -> None:
        self._linked = np.bincount(linked, minlength=SURROUNDINGS)
        self._plain = np.bincount(plain, minlength=SURROUNDINGS)
        self._share = (len(linked) + 1) / (len(linked) + len(plain) + 2)

    def odds(self, words: IntArray, own_linked: IntArray, own_plain: IntArray) -> FloatArray:
        """Of these words, without a note's own links and names."""
        linked = self._linked[words] - np.bincount(own_linked, minlength=SURROUNDINGS)[words]
        plain = self._plain[words] - np.bincount(own_plain, minlength=SURROUNDINGS)[words]
        share = self._share
        ratio = (np.maximum(linked, 0) + 4 * share) / (np.maximum(plain, 0) + 4 * (1 - share)) * (1 - share) / share
        found: FloatArray = np.log(ratio).astype(np.float32)
        return found


def _strong_forms(names: Names) -> BoolArray:
    """Which forms name a note wholly, and not by a part."""
    strong = np.zeros(len(names.forms), bool)
    owners = np.repeat(np.arange(len(names.forms)), np.diff(names.pointers))
    strong[owners[names.by <= int(By.INFLECTED)]] = True
    return strong


def are_among(values: npt.NDArray[np.integer[Any]], ordered: npt.NDArray[np.integer[Any]]) -> BoolArray:
    """Which of the values are among these; much sooner than numpy's isin where there are few."""
    if not len(ordered):
        return np.zeros(len(values), bool)
    found: BoolArray = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return found


def entries_of(names: Names, forms: IntArray) -> tuple[IntArray, IntArray]:
    """The entries of these forms, and for each the place of its form among them."""
    starts, ends = names.pointers[forms], names.pointers[forms + 1]
    sizes = ends - starts
    owners = np.repeat(np.arange(len(forms), dtype=np.int32), sizes)
    offsets = np.arange(int(sizes.sum()), dtype=np.int32) - np.repeat(np.cumsum(sizes) - sizes, sizes).astype(np.int32)
    return (np.repeat(starts, sizes) + offsets).astype(np.int32), owners


def _lists(owners: IntArray, values: IntArray, size: int) -> Lists:
    keys = np.unique(owners.astype(np.int64) * size + values)
    return Lists((keys // size).astype(np.int32), (keys % size).astype(np.int32), size)


def _joined(parts: Sequence[IntArray]) -> IntArray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)
