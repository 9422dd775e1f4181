"""What speaks for a link from one note to another: every signal of the ranking, in one place.

`Candidates` are the notes that a note might link to, with a row of signals for each. All are worked out from what the
note has when some of its links are hidden, and from what the other notes have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from vaultbot.links.characters import BoolArray, IntArray
from vaultbot.links.meaning import NEAREST, Meaning, NoteVectors, TitleWords
from vaultbot.links.names import By, Names
from vaultbot.links.reading import Reading, Stands, written_so
from vaultbot.links.survey import Habits, Own, Standing, Survey, are_among, entries_of, standing
from vaultbot.protocols import FloatArray

#: The signals of a candidate, in the order of the columns.
SIGNALS = (
    # the words
    "by_title", "by_alias", "by_headline", "by_link_text", "by_inflected", "by_short", "by_heading", "by_part",
    "unnamed", "share", "words", "letters", "phrase_linked", "phrase_links", "phrase_plain", "means_it", "meant_it",
    "ambiguous", "nested", "occurs",
    # where they stand
    "capital", "all_capitals", "opens_item", "in_item", "whole", "in_table", "in_quote", "emphasised", "in_heading",
    "protected", "opens_sentence", "links_around", "place", "written_so", "before", "after", "in_longer_name",
    # the note they name
    "target_linked", "linked_from", "links_to", "named_only",
    # how near the two are
    "cosine", "cosine_rank", "cosine_above", "nearest_passage", "this_passage", "title_covered", "title_said",
    "title_shared", "title_shared_said",
    # who else links
    "neighbours", "neighbour_share", "two_steps", "three_steps", "links_back", "same_folder", "folder_rate",
    # the note and its vault
    "own_links", "own_density", "vault_links", "named_here", "has_meaning",
    # some of the above together
    "likely", "likely_rank", "likely_here", "target_odds", "part_odds", "unnamed_near", "part_near", "part_shared",
    "part_occurs", "likely_occurs", "likely_capital",
)  # fmt: skip
COLUMN = {name: column for column, name in enumerate(SIGNALS)}

_WAYS = np.array([int(way) for way in By if way != By.NOTHING])
_WAY_COLUMNS = [COLUMN[f"by_{way.name.lower()}"] for way in By if way != By.NOTHING]
_PLACES = np.array([int(where) for where in Stands])
_PLACE_COLUMNS = [COLUMN[str(where.name).lower()] for where in Stands]
_TRUST = np.array([1.0, 0.95, 0.8, 0.85, 0.8, 0.6, 0.4, 0.35, 0.0], np.float32)  #: by how the words name a note
_PRIOR_LINKED = np.array([0.35, 0.35, 0.3, 0.3, 0.25, 0.2, 0.1, 0.03, 0.01], np.float32)
_VOTED, _TWO_STEPS, _COVERED, _BY_PART = 20, 15, 12, 60
_Put: TypeAlias = Callable[[str, Any], None]  #: writes a column of signals
_STRANGERS = 3.0  #: how many notes the first guess of a share counts for


@dataclass(frozen=True, slots=True)
class Candidates:
    """The notes that one note might link to, with their signals."""

    note: int
    targets: IntArray  #: (c,)
    signals: FloatArray  #: (c, len(SIGNALS))
    form: IntArray  #: (c,) the form that names it best; -1 without
    start: IntArray  #: (c,) where that stands in the reading; -1 without
    end: IntArray
    open: BoolArray  #: (c,) whether it may be linked there


class Signals:
    """Works out the candidates of notes. `offered` says which notes may be linked to."""

    def __init__(
        self, survey: Survey, habits: Habits, meaning: Meaning, titles: TitleWords, offered: BoolArray
    ) -> None:
        self.survey = survey
        self.habits = habits
        self.meaning = meaning
        self.titles = titles
        self.offered = offered

    def of(
        self,
        reading: Reading,
        hidden: BoolArray,
        vectors: NoteVectors | None,
        *,
        stems: IntArray,
        title_stems: IntArray,
        surveyed: bool = True,
    ) -> Candidates:
        """The candidates of a note when these of its links are hidden.

        `surveyed`: it is one of those that the habits were counted in.
        """
        habits, notes = self.habits, self.survey.notes
        stand = standing(reading, hidden)
        own = habits.own(reading.note) if surveyed else None
        best = _Best(self.survey.names, habits, reading, stand, own)
        cosines = self.meaning.near(vectors.card if vectors else None, reading.note)
        nearest = _top(cosines, NEAREST) if cosines is not None else np.zeros(0, np.int32)
        votes, voters = self._votes(nearest, cosines)
        two, three = self._steps(reading.note, stand.linked)
        covered, said = self.titles.covered(stems)
        shared, shared_said = self.titles.covered(title_stems)
        allowed = self.offered.copy()
        allowed[stand.linked] = False
        if 0 <= reading.note < notes:
            allowed[reading.note] = False
        back = habits.into.of(reading.note) if surveyed else np.zeros(0, np.int32)
        named = best.named(allowed)
        wanted = [named, back, _top(two, _TWO_STEPS), _top(votes, _VOTED), _top(said, _COVERED)]
        wanted += [_top(shared_said, _COVERED), nearest]
        targets = np.unique(np.concatenate(wanted)).astype(np.int32)
        targets = targets[allowed[targets]]
        rows = np.zeros((len(targets), len(SIGNALS)), np.float32)
        if not len(targets):
            empty = np.zeros(0, np.int32)
            return Candidates(reading.note, targets, rows, empty, empty, empty, np.zeros(0, bool))

        def put(name: str, values: Any) -> None:
            rows[:, COLUMN[name]] = values

        form, start, end, free = best.put(targets, rows)
        # What the note itself adds to the counts is taken out, as is a link of its own that is hidden.
        own_link = are_among(targets, own.linked) if own else np.zeros(len(targets), bool)
        own_name = are_among(targets, best.strongly_named) & ~own_link & surveyed
        linked_from = habits.linked_from[targets] - own_link
        named_only = np.maximum(habits.named_only[targets] - own_name, 0)
        put("target_linked", (linked_from + 1) / (linked_from + named_only + 4))
        put("linked_from", np.log1p(linked_from))
        put("links_to", np.log1p(habits.links_to[targets]))
        put("named_only", np.log1p(named_only))
        if cosines is not None and vectors is not None:
            mine = cosines[targets]
            put("cosine", mine)
            nearer = len(cosines) - np.searchsorted(np.sort(cosines), mine, side="right")
            put("cosine_rank", np.log1p(nearer))
            put("cosine_above", (mine - mine.mean()) / (mine.std() + 0.02))
            assert self.meaning.cards is not None
            if len(vectors.passages):
                near = vectors.passages @ self.meaning.cards[targets].T
                most = near.max(axis=0)
                put("nearest_passage", most)
                line = np.where(start >= 0, reading.lines_of(start), 0)
                within = (vectors.lines[:, :1] <= line) & (line <= vectors.lines[:, 1:])
                here = np.where(within, near, -1).max(axis=0)
                put("this_passage", np.where(here > -1, here, most))
            put("has_meaning", 1.0)
        put("title_covered", covered[targets])
        put("title_said", said[targets])
        put("title_shared", shared[targets])
        put("title_shared_said", shared_said[targets])
        put("neighbours", votes[targets])
        put("neighbour_share", voters[targets] / NEAREST)
        put("two_steps", np.log1p(two[targets]))
        put("three_steps", np.log1p(three[targets]))
        put("links_back", are_among(targets, back))
        folder = self.survey.folders.get(reading.folder, -1)
        if folder >= 0:
            put("same_folder", self.survey.folder[targets] == folder)
            in_folder = habits.folder_links.of(np.full(len(targets), folder, np.int32), targets) - own_link
            put("folder_rate", np.log1p(in_folder) - np.log1p(habits.folder_size[folder]))
        put("own_links", np.log1p(len(stand.linked)))
        put("own_density", 1000 * len(stand.linked) / (300 + reading.length))
        put("vault_links", np.log1p(habits.count / max(1, notes)))
        self._put_together(rows, put)
        put("named_here", np.log1p((rows[:, COLUMN["unnamed"]] + rows[:, COLUMN["by_part"]] == 0).sum()))
        return Candidates(reading.note, targets, rows, form, start, end, free)

    @staticmethod
    def _put_together(rows: FloatArray, put: _Put) -> None:
        """What two signals say together and neither says alone."""

        def signal(name: str) -> FloatArray:
            return rows[:, COLUMN[name]]

        unnamed, part = signal("unnamed"), signal("by_part") + signal("by_heading")
        likely = np.log(0.01 + signal("phrase_linked") * (0.1 + signal("means_it")) * (0.1 + signal("share")))
        likely = np.where(unnamed > 0, np.log(0.001), likely)
        put("likely", likely)
        put("likely_rank", np.log1p((likely[None, :] > likely[:, None] + 1e-6).sum(axis=1)))
        put("likely_here", likely * signal("this_passage"))
        linked = signal("target_linked")
        odds = np.log(linked / (1.0001 - linked))
        put("target_odds", odds * (1 - unnamed))
        put("part_odds", part * odds)
        near = signal("nearest_passage")
        put("unnamed_near", unnamed * near)
        put("part_near", part * near)
        put("part_shared", part * signal("title_shared"))
        put("part_occurs", part * signal("occurs"))
        put("likely_occurs", likely * signal("occurs"))
        put("likely_capital", likely * signal("capital"))

    def _votes(self, near: IntArray, cosines: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """What the nearest notes link to: by their nearness, and how many they are."""
        notes = self.survey.notes
        if cosines is None:
            return np.zeros(notes, np.float32), np.zeros(notes, np.float32)
        linked, weights = self.habits.out.of_all(near, cosines[near] ** 2)
        votes = np.bincount(linked, weights, minlength=notes).astype(np.float32)
        return votes, np.bincount(linked, minlength=notes).astype(np.float32)

    def _steps(self, number: int, linked: IntArray) -> tuple[FloatArray, FloatArray]:
        """How many ways lead to each note over one note and over two, those over few-linked notes counting more."""
        habits, notes = self.habits, self.survey.notes
        around = np.unique(np.concatenate((linked, habits.into.of(number) if number >= 0 else linked)))
        degree = habits.links_to + habits.linked_from
        weights = (1 / np.log(2 + degree[around])).astype(np.float32)
        out, out_weights = habits.out.of_all(around, weights)
        into, into_weights = habits.into.of_all(around, weights)
        two = np.bincount(np.concatenate((out, into)), np.concatenate((out_weights, into_weights)), minlength=notes)
        siblings, sibling_weights = habits.into.of_all(linked, (1 / np.log(2 + degree[linked])).astype(np.float32))
        alike = np.bincount(siblings, sibling_weights, minlength=notes).astype(np.float32)
        if 0 <= number < notes:
            alike[number] = 0
        most = _top(alike, 2 * NEAREST)
        their, their_weights = habits.out.of_all(
            most, (alike[most] / np.log(2 + habits.links_to[most])).astype(np.float32)
        )
        three = np.bincount(their, their_weights, minlength=notes)
        return two.astype(np.float32), three.astype(np.float32)


class _Best:
    """Of each note that is named, the words that name it best."""

    def __init__(self, names: Names, habits: Habits, reading: Reading, stand: Standing, own: Own | None) -> None:
        self._names = names
        self._reading = reading
        rows = stand.matches
        entries, owners = entries_of(names, rows[:, 0])
        matches = rows[owners]
        forms, targets = matches[:, 0], names.notes[entries]
        links, plain = habits.form_links[forms], habits.form_plain[forms]
        meant = habits.form_targets.of(forms, targets)
        if own:
            own_link = are_among(forms, own.link_forms)
            links, plain = links - own_link, plain - (are_among(forms, own.plain_forms) & ~own_link)
            notes = np.int64(len(habits.linked_from))
            meant = meant - are_among(forms * notes + targets, own.meant)
        by = names.by[entries]
        unknown = (by == int(By.LINK_TEXT)) & (meant == 0)
        keep = ~unknown & self._right_case(entries, matches)
        entries, matches, forms, targets = entries[keep], matches[keep], forms[keep], targets[keep]
        links, plain, meant, by = links[keep], plain[keep], meant[keep], by[keep]
        linked = (links + _STRANGERS * _PRIOR_LINKED[by]) / (links + plain + _STRANGERS)
        others = (names.pointers[forms + 1] - names.pointers[forms]).astype(np.float32)
        means = (meant + 0.5) / (links + 0.5 * others)
        free = (matches[:, 3] & int(Stands.PROTECTED)) == 0
        self.strongly_named = np.unique(targets[free & (by <= int(By.INFLECTED))])
        trust = np.maximum(_TRUST[by] * names.share[entries], np.where(meant > 0, 0.85, 0))
        written = (names.capitals[entries] == matches[:, 11]) & (by <= int(By.TITLE))
        before, after = habits.around(matches, own)
        around = np.clip(before + after, -4, 4)
        worth = trust * (0.2 + linked) * (0.2 + np.minimum(means, 1)) * np.where(free, 1.0, 0.3)
        worth = worth * np.exp(0.2 * around) * (1 + 0.3 * written)
        order = np.lexsort((matches[:, 1], -worth, targets))
        _, first = np.unique(targets[order], return_index=True)
        chosen = order[first]
        self.entries, self.matches, self.targets = entries[chosen], matches[chosen], targets[chosen]
        self._values = {
            "share": names.share[self.entries],
            "words": names.words[self.matches[:, 0]],
            "letters": np.log(names.lengths[self.matches[:, 0]]),
            "phrase_linked": linked[chosen],
            "phrase_links": np.log1p(links[chosen]),
            "phrase_plain": np.log1p(plain[chosen]),
            "means_it": np.minimum(means[chosen], 1),
            "meant_it": np.log1p(meant[chosen]),
            "ambiguous": np.log(others[chosen]),
            "occurs": np.log(self.matches[:, 8]),
            "nested": self._nested(rows[np.unique(owners[keep])]),
            "links_around": stand.density[owners[keep][chosen]],
            "written_so": written[chosen],
            "before": before[chosen],
            "after": after[chosen],
            "place": self.matches[:, 1] / max(1, reading.length),
        }
        self._worth = worth[chosen]
        # What speaks for a link is looked for wherever the words stand; it is made at the first place.
        ours = np.flatnonzero(free)
        ours = ours[np.lexsort((matches[ours, 1], entries[ours]))]
        at = np.minimum(np.searchsorted(entries[ours], self.entries), max(0, len(ours) - 1))
        same = entries[ours][at] == self.entries if len(ours) else np.zeros(len(chosen), bool)
        self._first = np.where(same[:, None], matches[ours][at, :3], self.matches[:, :3]) if len(ours) else self.matches
        self._free = same

    def named(self, allowed: BoolArray) -> IntArray:
        """The notes that are named; of those by a part of their names only the likeliest."""
        by_part = self._names.by[self.entries] == int(By.PART)
        parts = np.flatnonzero(by_part & allowed[self.targets])
        parts = parts[np.argsort(-self._worth[parts], kind="stable")][:_BY_PART]
        found: IntArray = np.concatenate((self.targets[~by_part], self.targets[parts]))
        return found

    def put(self, targets: IntArray, rows: FloatArray) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
        """Write the signals of the words; form, start, end of the best words, and whether they may be linked."""
        nowhere = np.full(len(targets), -1, np.int32)
        if not len(self.targets):
            rows[:, COLUMN["unnamed"]] = 1.0
            return nowhere, nowhere, nowhere, np.zeros(len(targets), bool)
        at = np.minimum(np.searchsorted(self.targets, targets), len(self.targets) - 1)
        has = self.targets[at] == targets

        rows[:, COLUMN["unnamed"]] = ~has
        by = self._names.by[self.entries, None] == _WAYS
        stands = (self.matches[:, 3, None] & _PLACES) > 0
        named = np.concatenate((by, stands, np.stack(list(self._values.values()), axis=1)), axis=1)
        columns = [*_WAY_COLUMNS, *_PLACE_COLUMNS, *(COLUMN[name] for name in self._values)]
        rows[:, columns] = np.where(has[:, None], named[at], 0)
        form, start, end = (np.where(has, self._first[at, column], -1).astype(np.int32) for column in range(3))
        return form, start, end, has & self._free[at]

    def _right_case(self, entries: IntArray, matches: IntArray) -> BoolArray:
        right = np.ones(len(entries), bool)
        for row in np.flatnonzero(self._names.any_cased[matches[:, 0]]).tolist():
            written = self._reading.text[matches[row, 1] : matches[row, 2]]
            right[row] = written_so(written, self._names.cased[entries[row]])
        return right

    def _nested(self, rows: IntArray) -> BoolArray:
        """Whether the words are a part of longer ones that are a name too."""
        if not len(rows):
            return np.zeros(0, bool)
        order = np.lexsort((-rows[:, 2], rows[:, 1]))
        starts, ends = rows[order, 1], np.maximum.accumulate(rows[order, 2])
        # Of all that begin here or before, the one that reaches farthest.
        at = np.searchsorted(starts, self.matches[:, 1], side="right") - 1
        before = np.searchsorted(starts, self.matches[:, 1], side="left") - 1
        longer = ends[at] > self.matches[:, 2]
        found: BoolArray = longer | ((before >= 0) & (ends[np.maximum(before, 0)] >= self.matches[:, 2]))
        return found


def _top(values: FloatArray, most: int) -> IntArray:
    """The places of the largest values above 0."""
    places = np.flatnonzero(values > 0)
    if len(places) > most:
        places = places[np.argpartition(-values[places], most)[:most]]
    return places.astype(np.int32)
