"""What speaks for a tag: in figures for the ranking, and in words for a person."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from vaultbot.index.analyzer import terms
from vaultbot.links.learning import Weights
from vaultbot.links.space import Near, Neighbourhood, NoteSpace, by_rarest
from vaultbot.protocols import FloatArray
from vaultbot.vault.resolver import without_md

_NEIGHBOURS = 20
_SHARPNESS = 4  #: how much more a near note counts than a far one
_MOST_DIRECTIONS = 2_000  #: tags that have a direction of their own among the meanings
_RIDGE = 2.0
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMED = 2  #: notes that a reason names


class Figures(NamedTuple):
    """What speaks for a tag, each 0 to about 1. Their order is that of the weights."""

    meaning: float = 0.0  #: share of the notes nearest in meaning that have it
    nearest: float = 0.0  #: cosine of the nearest note that has it
    words: float = 0.0  #: share of the notes that say most of the same words
    direction: float = 0.0  #: how far the note lies where notes with the tag lie
    links: float = 0.0  #: share of the notes it is linked with
    folder: float = 0.0  #: share of the notes in its folder
    title: float = 0.0  #: 1 when its name stands in the title
    text: float = 0.0  #: 1 when its name stands in the text
    beside: float = 0.0  #: share of the notes with a tag of this note that have this one too
    family: float = 0.0  #: what speaks by nearness for the tags with the same first part
    use: float = 0.0  #: how much it is used, as a tenth of a logarithm


@dataclass(frozen=True, slots=True)
class VaultTag:
    """A tag as the vault writes it."""

    key: str
    name: str  #: in its most common casing, of several the first in the vault
    notes: int  #: that have it


class TagEvidence:
    """What speaks for each tag of the vault, note by note.

    `held` are the keys of each row's tags, `linked` the rows that it is linked with. A note's own tags never speak for
    it: every figure is as if it had none but those that it is said to have.
    """

    def __init__(
        self,
        space: NoteSpace,
        tags: Sequence[VaultTag],
        held: Sequence[Collection[str]],
        linked: Mapping[int, Collection[int]],
    ) -> None:
        self._space = space
        self.tags = tags
        self.place = {tag.key: number for number, tag in enumerate(tags)}
        self.held = [sorted(self.place[key] for key in keys) for keys in held]
        self.tagged = [row for row, own in enumerate(self.held) if own]
        self._linked = linked
        self._near = Neighbourhood(space, self.tagged)
        self._last: tuple[int, tuple[Near, Near]] | None = None
        self._folders: dict[str, Counter[int]] = defaultdict(Counter)
        self._folder_notes: Counter[str] = Counter()
        self._together: dict[int, Counter[int]] = defaultdict(Counter)
        for row in self.tagged:
            own, folder = self.held[row], _folder(space.paths[row])
            self._folder_notes[folder] += 1
            self._folders[folder].update(own)
            for one in own:
                self._together[one].update(other for other in own if other != one)
        self._family = [tag.key.partition("/")[0] for tag in tags]
        self._named = by_rarest([_name_terms(tag.name) for tag in tags])

    def figures(self, row: int, has: Collection[int]) -> dict[int, Figures]:
        """What speaks for each tag that may be proposed, if the note `has` these."""
        parts: dict[str, Mapping[int, float]] = {}
        by_meaning, by_words = self._nearest(row)
        parts["meaning"] = self._votes(by_meaning)
        parts["nearest"] = self._first(by_meaning)
        parts["words"] = self._votes(by_words)
        parts["direction"] = self._directed(row)
        # One note that it is linked with and that has the tag is no certainty.
        parts["links"] = self._votes([(other, 1.0) for other in self._tagged_beside(row)], doubt=1.0)
        parts["folder"] = self._in_folder(row)
        said = self._said(row)
        parts["text"] = dict.fromkeys(said, 1.0)
        parts["title"] = {tag: 1.0 for tag, words in said.items() if words <= self._space.title_terms[row]}
        parts["beside"] = self._beside(row, has)
        families: dict[str, float] = defaultdict(float)
        for votes in (parts["meaning"], parts["words"]):
            for tag, vote in votes.items():
                families[self._family[tag]] += vote / 2
        candidates = set().union(*parts.values())
        found = {}
        for tag in candidates:
            uses = self.tags[tag].notes - (tag in self.held[row])
            if uses > 0 and self._may_be_added(tag, has):
                own = {name: votes.get(tag, 0.0) for name, votes in parts.items()}
                found[tag] = Figures(**own, family=families[self._family[tag]], use=float(np.log1p(uses)) / 10)
        return found

    def reasons(self, row: int, tag: int, has: Collection[int], figures: Figures, weights: Weights) -> tuple[str, ...]:
        """Why this tag with these figures, in plain words, the strongest reason first."""
        told: dict[str, str] = {}
        for feature, near, one, several in zip(
            ("meaning", "words"),
            self._nearest(row),
            ("is close in meaning and has it", "uses the same words and has it"),
            ("are close in meaning and have it", "use the same words and have it"),
            strict=True,
        ):
            if having := [other for other, _ in near if tag in self.held[other]]:
                told[feature] = f"{self._listed(having)} {one if len(having) == 1 else several}"
        beside = self._tagged_beside(row)
        if having := [other for other in beside if tag in self.held[other]]:
            told["links"] = f"{len(having)} of {len(beside)} tagged notes that it is linked with have it"
        if figures.folder:
            folder = _folder(self._space.paths[row])
            mine = tag in self.held[row]
            told["folder"] = (
                f"{self._folders[folder][tag] - mine} of {self._folder_notes[folder] - bool(self.held[row])} "
                f"tagged notes in {folder + '/' if folder else 'its folder'} have it"
            )
        if figures.title or figures.text:
            told["title" if figures.title else "text"] = (
                f"the {'title' if figures.title else 'note'} says “{self.tags[tag].name.rpartition('/')[2]}”"
            )
        if figures.beside:
            other = max(has, key=lambda one: self._together[one][tag] / self.tags[one].notes)
            told["beside"] = f"it often stands beside #{self.tags[other].name}"
        worth = {name: float(weights[place]) * figures[place] for place, name in enumerate(Figures._fields)}
        worth["meaning"] += worth["nearest"] + worth["direction"]
        worth["title"] += worth["text"]
        ordered = sorted(told, key=lambda name: -worth[name])
        return tuple(told[name] for name in ordered)[:3] or ("notes like it have it",)

    def _nearest(self, row: int) -> tuple[Near, Near]:
        """The nearest tagged notes by meaning and by words. The last ones are kept, for the reasons ask again."""
        last = self._last
        if last is None or last[0] != row:
            by_meaning = self._near.by_meaning(row, limit=_NEIGHBOURS)
            self._last = last = row, (by_meaning, self._near.by_words(row, limit=_NEIGHBOURS))
        return last[1]

    # ── the single figures ─────────────────────────────────────────────────────────────────────────────────────

    def _votes(self, near: Near, *, doubt: float = 0.0) -> dict[int, float]:
        """The share of the notes that have each tag, the nearer ones counting more."""
        weighed = [(other, cosine**_SHARPNESS) for other, cosine in near]
        total = sum(weight for _, weight in weighed) + doubt
        votes: dict[int, float] = defaultdict(float)
        for other, weight in weighed:
            for tag in self.held[other]:
                votes[tag] += weight / total
        return votes

    def _first(self, near: Near) -> dict[int, float]:
        found: dict[int, float] = {}
        for other, cosine in near:
            for tag in self.held[other]:
                found.setdefault(tag, cosine)
        return found

    @cached_property
    def _directions(self) -> tuple[FloatArray, FloatArray]:
        """The ridge regression of the most used tags on the meanings, and the matrix of its leverages."""
        tagged = self._space.meaning[self.tagged]
        learned = min(len(self.tags), _MOST_DIRECTIONS)
        wanted = np.zeros((len(self.tagged), learned), np.float32)
        for line, row in enumerate(self.tagged):
            wanted[line, [one for one in self.held[row] if one < learned]] = 1
        inverse: FloatArray = np.linalg.inv(
            tagged.T @ tagged + _RIDGE * np.eye(tagged.shape[1], dtype=np.float32)
        ).astype(np.float32)
        return (inverse @ (tagged.T @ wanted)).astype(np.float32), inverse

    def _directed(self, row: int) -> dict[int, float]:
        if not self._space.has_meaning or not self.tagged:
            return {}
        weights, inverse = self._directions
        own = self._space.meaning[row]
        scores = own @ weights
        if self.held[row]:
            # What the regression would say had this note not been in it.
            leverage = min(0.99, float(own @ inverse @ own))
            scores[[one for one in self.held[row] if one < len(scores)]] -= leverage
            scores /= 1 - leverage
        best = np.argsort(-scores)[:_NEIGHBOURS]
        return {int(tag): float(scores[tag]) for tag in best if scores[tag] > 0}

    def _tagged_beside(self, row: int) -> list[int]:
        return sorted(other for other in self._linked.get(row, ()) if self.held[other])

    def _in_folder(self, row: int) -> dict[int, float]:
        folder, mine = _folder(self._space.paths[row]), set(self.held[row])
        others = self._folder_notes[folder] - bool(mine)
        counts = self._folders[folder].most_common(_NEIGHBOURS) if others else ()
        return {tag: (n - (tag in mine)) / (others + 1) for tag, n in counts if n > (tag in mine)}

    def _said(self, row: int) -> dict[int, frozenset[str]]:
        """The tags whose names the note says, with their words."""
        text = self._space.terms[row]
        found = sorted(text & self._named.keys())
        return {tag: words for term in found for tag, words in self._named[term] if words <= text}

    def _beside(self, row: int, has: Collection[int]) -> dict[int, float]:
        mine, found = set(self.held[row]), dict[int, float]()
        for one in has:
            uses = self.tags[one].notes - (one in mine)
            for tag, together in self._together[one].items():
                both = together - (tag in mine and one in mine)
                if both > 0:
                    found[tag] = max(found.get(tag, 0.0), both / (uses + 1))
        return found

    def _may_be_added(self, tag: int, has: Collection[int]) -> bool:
        """Whether the note has neither the tag nor one below it, which counts for it."""
        below = self.tags[tag].key + "/"
        return tag not in has and not any(self.tags[one].key.startswith(below) for one in has)

    def _listed(self, rows: Sequence[int]) -> str:
        names = [without_md(self._space.paths[row].rpartition("/")[2]) for row in rows]
        more = len(names) - _NAMED
        return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _name_terms(name: str) -> frozenset[str]:
    """The words of a tag's last part: "math/LinearAlgebra" says "linear algebra"."""
    return frozenset(terms(_CAMEL.sub(" ", name.rpartition("/")[2]).replace("_", " ")))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
