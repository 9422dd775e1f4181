"""What speaks for a property's link: in figures for the ranking, and in words for a person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from vaultbot.index.analyzer import terms
from vaultbot.links.learning import Weights
from vaultbot.links.space import Near, Neighbourhood, NoteSpace, by_rarest
from vaultbot.vault.titles import title_of

_NEIGHBOURS = 20
_SHARPNESS = 4  #: how much more a near note counts than a far one
_NEAREST_TARGETS = 5  #: notes near to the note that may be the value although no note has it
_MOST_USED = 5
_NAMED = 2  #: notes that a reason names


class Figures(NamedTuple):
    """What speaks for a value, each 0 to about 1. Their order is that of the weights."""

    meaning: float = 0.0  #: share of the notes nearest in meaning, of those with the property, that have it
    nearest: float = 0.0  #: cosine of the nearest note that has it
    words: float = 0.0  #: share of the notes that say most of the same words
    beside: float = 0.0  #: share of the notes it is linked with
    close: float = 0.0  #: cosine of the value itself
    alike: float = 0.0  #: the words that the value itself shares
    linked: float = 0.0  #: 1 when the note links to it elsewhere
    linking: float = 0.0  #: 1 when it links to the note
    alone: float = 0.0  #: one over the number of notes that link to the note, of which it is one
    hub: float = 0.0  #: how many notes it is linked with, as an eighth of a logarithm
    title: float = 0.0  #: 1 when its name stands in the note's title
    text: float = 0.0  #: 1 when its name stands in the note's text
    folder: float = 0.0  #: share of the notes in the same folder
    use: float = 0.0  #: how many notes have it, as a fifth of a logarithm
    below: float = 0.0  #: 1 when its own value is the note, which would make a circle


@dataclass(frozen=True, slots=True)
class LinkKey:
    """A property with which the vault links."""

    key: str
    name: str  #: in its most common casing
    values: Mapping[int, tuple[int, ...]]  #: by the row of the note, the rows of the notes it links to
    several: bool  #: whether many notes have more than one value


@dataclass(slots=True)
class _Key:
    """What is asked of a property again and again."""

    near: Neighbourhood
    uses: Counter[int] = field(default_factory=Counter)
    folders: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    folder_notes: Counter[str] = field(default_factory=Counter)


class PropertyEvidence:
    """What speaks for each value of a property, note by note, as if the note did not have the property.

    `outgoing` are the rows that each row links to by anything, with the properties' names; "" for what is no property.
    """

    def __init__(
        self,
        space: NoteSpace,
        keys: Sequence[LinkKey],
        linked: Mapping[int, Collection[int]],
        outgoing: Mapping[int, Mapping[int, frozenset[str]]],
    ) -> None:
        self._space = space
        self._linked = linked
        self._outgoing = outgoing
        self._everywhere = Neighbourhood(space, range(len(space)))
        self._folder_sizes = Counter(map(self._folder, range(len(space))))
        self._last: tuple[int, dict[str, tuple[Near, Near]]] = (-1, {})
        self._keys: dict[str, _Key] = {}
        for key in keys:
            held = self._keys[key.key] = _Key(Neighbourhood(space, sorted(key.values)))
            for row, values in key.values.items():
                held.uses.update(values)
                held.folder_notes[self._folder(row)] += 1
                held.folders[self._folder(row)].update(values)
        self._named = by_rarest([frozenset(terms(title_of(path))) for path in space.paths])

    def figures(self, row: int, key: LinkKey) -> dict[int, Figures]:
        """What speaks for each note that may be the value."""
        held, own = self._keys[key.key], key.values.get(row, ())
        parts: dict[str, Mapping[int, float]] = {}
        by_meaning, by_words = self._nearest(row, key)
        parts["meaning"] = _votes(by_meaning, key)
        parts["nearest"] = _first(by_meaning, key)
        parts["words"] = _votes(by_words, key)
        parts["beside"] = _votes([(other, 1.0) for other in self._with_key(row, key)], key, doubt=1.0)
        parts["folder"] = self._in_folder(row, key)
        parts["linked"] = {o: 1.0 for o, by in self._outgoing.get(row, {}).items() if by != {key.key}}
        linking = [other for other in self._linked.get(row, ()) if self._links(other, row, key)]
        parts["linking"] = dict.fromkeys(linking, 1.0)
        parts["alone"] = {other: 1 / len(linking) for other in linking}
        text, title = self._space.terms[row], self._space.title_terms[row]
        said = {t: words for term in text & self._named.keys() for t, words in self._named[term] if words <= text}
        parts["text"] = dict.fromkeys(said, 1.0)
        parts["title"] = {target: 1.0 for target, words in said.items() if words <= title}
        candidates = set().union(*parts.values())
        candidates.update(target for target, _ in held.uses.most_common(_MOST_USED))
        for near in self._nearest(row):
            candidates.update(target for target, _ in near[:_NEAREST_TARGETS])
        candidates.discard(row)
        ordered = sorted(candidates)
        close, alike = self._space.cosines(row)
        parts["close"] = {target: max(0.0, float(close[target])) for target in ordered}
        parts["alike"] = {target: float(alike[target]) for target in ordered}
        parts["below"] = {target: 1.0 for target in ordered if row in key.values.get(target, ())}
        parts["hub"] = {target: float(np.log1p(len(self._linked.get(target, ())))) / 8 for target in ordered}
        parts["use"] = {t: float(np.log1p(held.uses[t] - own.count(t))) / 5 for t in ordered}
        return {target: Figures(**{name: part.get(target, 0.0) for name, part in parts.items()}) for target in ordered}

    def spread(self, row: int, key: LinkKey) -> tuple[float, float, float]:
        """The share of the nearest notes, of its folder and of all notes that have the property at all."""
        by_meaning, by_words = self._nearest(row)
        near = by_meaning or by_words
        mine = row in key.values
        beside = sum(other in key.values for other, _ in near) / (len(near) or 1)
        folder = self._folder(row)
        of_folder = (self._keys[key.key].folder_notes[folder] - mine) / max(1, self._folder_sizes[folder] - 1)
        return beside, of_folder, (len(key.values) - mine) / max(1, len(self._space) - 1)

    def reasons(self, row: int, target: int, key: LinkKey, figures: Figures, weights: Weights) -> tuple[str, ...]:
        """Why this value, in plain words, the strongest reason first."""
        name = title_of(self._space.paths[target])
        told: dict[str, str] = {}
        by_meaning, by_words = self._nearest(row, key)
        beside = [(other, 1.0) for other in self._with_key(row, key)]
        for feature, near in (("meaning", by_meaning), ("words", by_words), ("beside", beside)):
            if having := [other for other, _ in near if target in key.values[other]]:
                how = {"meaning": "close in meaning", "words": "with the same words", "beside": "linked with it"}
                told[feature] = f"notes {how[feature]} have it: {self._listed(having)}"
        if figures.linked:
            told["linked"] = f"it links to {name}"
        if figures.linking:
            told["linking"] = f"{name} links to it"
        if figures.title or figures.text:
            told["title" if figures.title else "text"] = f"its {'title' if figures.title else 'text'} says “{name}”"
        if figures.close or figures.alike:
            told["close"] = f"{name} is about the same"
        if figures.use:
            notes = self._keys[key.key].uses[target] - key.values.get(row, ()).count(target)
            told["use"] = f"{notes} {'note has' if notes == 1 else 'notes have'} it as {key.name}"
        worth = {one: float(weights[place]) * figures[place] for place, one in enumerate(Figures._fields)}
        worth["meaning"] += worth["nearest"]
        worth["title"] += worth["text"]
        worth["close"] += worth["alike"]
        return tuple(told[one] for one in sorted(told, key=lambda one: -worth[one]))[:3]

    # ── the single figures ─────────────────────────────────────────────────────────────────────────────────────

    def _with_key(self, row: int, key: LinkKey) -> list[int]:
        return sorted(other for other in self._linked.get(row, ()) if other in key.values)

    def _links(self, source: int, target: int, key: LinkKey) -> bool:
        """Whether one links to the other by anything else than this property."""
        by = self._outgoing.get(source, {}).get(target)
        return by is not None and by != {key.key}

    def _in_folder(self, row: int, key: LinkKey) -> dict[int, float]:
        held, own, folder = self._keys[key.key], key.values.get(row, ()), self._folder(row)
        others = held.folder_notes[folder] - bool(own)
        counts = held.folders[folder].most_common(_NEIGHBOURS) if others else ()
        return {t: (n - own.count(t)) / (others + 1) for t, n in counts if n > own.count(t)}

    def _folder(self, row: int) -> str:
        return self._space.paths[row].rpartition("/")[0]

    def _nearest(self, row: int, key: LinkKey | None = None) -> tuple[Near, Near]:
        """The nearest notes by meaning and by words, with a key those that have it. Kept until another row is asked."""
        last = self._last
        if last[0] != row:
            self._last = last = (row, {})
        name = key.key if key else ""
        if name not in last[1]:
            among = self._keys[name].near if key else self._everywhere
            last[1][name] = among.by_meaning(row, limit=_NEIGHBOURS), among.by_words(row, limit=_NEIGHBOURS)
        return last[1][name]

    def _listed(self, rows: Sequence[int]) -> str:
        more = len(rows) - _NAMED
        names = ", ".join(title_of(self._space.paths[row]) for row in rows[:_NAMED])
        return names + (f" and {more} more" if more > 0 else "")


def _votes(near: Near, key: LinkKey, *, doubt: float = 0.0) -> dict[int, float]:
    """The share of the notes that have each value, the nearer ones counting more."""
    weighed = [(other, cosine**_SHARPNESS) for other, cosine in near]
    total = sum(weight for _, weight in weighed) + doubt
    votes: dict[int, float] = defaultdict(float)
    for other, weight in weighed:
        for target in key.values[other]:
            votes[target] += weight / total
    return votes


def _first(near: Near, key: LinkKey) -> dict[int, float]:
    found: dict[int, float] = {}
    for other, cosine in near:
        for target in key.values[other]:
            found.setdefault(target, cosine)
    return found
