"""Links that a note's properties could hold: `up`, `is`, `parent`, whatever the vault links with.

Which property a note lacks is told by the notes like it, its value by what such notes have, by what the note says and
by what it is linked with. How much each counts is learned from the properties that are there, beginning with weights
from another vault.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

from vaultbot.links.learning import Weights, chances, fitted
from vaultbot.links.property_evidence import Figures, LinkKey, PropertyEvidence
from vaultbot.links.view import Page, VaultView, suggestion_id
from vaultbot.suggestion import PropertyValue, Suggestion
from vaultbot.types import Note
from vaultbot.vault.linktext import LinkStyle, LinkWriter
from vaultbot.vault.resolver import path_key

_FEWEST = 3  #: notes that have a property before it is one that the vault links with
_MOST_KEYS = 20
_OFTEN_SEVERAL = 0.25  #: of the notes with a property have several values, where another may be added
_MORE = 4  #: other values that are told
_MOST_OF_ONE = 3  #: values that are proposed for a property that often has several
_LEAST = 0.02  #: what is less likely is nobody's to see
_LEARNED_FROM = 1_000  #: notes with a property, and notes with and without it
_RESERVED = frozenset({"tags", "tag", "aliases", "alias", "cssclasses", "cssclass"})

#: In the order of `Figures`, and the constant: learned from a vault of 1,186 notes, 813 of them with a parent. There,
#: parents list their children and children do not link to them, so what links count is set nearer to nothing.
WEIGHTS = np.array([0.8, 2.4, 0.6, 0.3, 1.3, 0.9, 0.0, 3.0, 3.5, -0.5, 1.2, 0.6, 0.3, 2.2, -1.5, -7.5])
#: Whether a note has a property at all: the share of notes near it, in its folder and anywhere; and the constant.
SPREAD_WEIGHTS = np.array([4.9, 2.2, 0.3, -4.2])


class PropertyKind:
    """Suggests links for properties. Made once per state of the vault.

    Learning takes most of the time; with the `weights` of an earlier state, of values and of who has a property,
    nothing is learned.
    """

    def __init__(self, view: VaultView, *, weights: tuple[Weights, Weights] | None = None) -> None:
        self._space = view.space
        self._keys, outgoing, markdown = _keys_in_use(view)
        self._writer = LinkWriter(view.resolver, LinkStyle(view.settings.new_link_format, markdown))
        self._evidence = PropertyEvidence(self._space, self._keys, view.linked, outgoing)
        self.weights = (self._learned(), self._spread_learned()) if weights is None else weights

    def suggest(self, page: Page) -> list[Suggestion]:
        """A value for each property that the note could have, the likeliest first."""
        row = self._space.row_of.get(page.path)
        if row is None or any(problem.slug == "frontmatter" for problem in page.note.problems):
            return []
        found = [one for key in self._keys for one in self._values(page, row, key)]
        return sorted(found, key=lambda one: (-one.score, one.key or "", one.target))

    def _values(self, page: Page, row: int, key: LinkKey) -> list[Suggestion]:
        name, filled = _as_written(page.note, key)
        has_it = 1.0 if filled else float(chances(self.weights[1], self._spread(row, key))[0])
        if (filled and not key.several) or has_it < _LEAST:
            return []
        figures = self._evidence.figures(row, key)
        there = set(key.values.get(row, ()))
        offered = [target for target in figures if target not in there]
        if not offered:
            return []
        likely = chances(self.weights[0], np.array([figures[target] for target in offered])) * has_it
        ranked = sorted(zip(likely.tolist(), offered, strict=True), key=lambda one: (-one[0], one[1]))
        if filled:  # Of what speaks for one more value, the values that are there have their share.
            ranked = [(chance / (1 + len(there)), target) for chance, target in ranked]
        best = [(chance, target) for chance, target in ranked if chance >= _LEAST]
        return [
            suggestion
            for place, (chance, target) in enumerate(best[: _MOST_OF_ONE if key.several else 1])
            if (suggestion := self._suggestion(page, row, key, name, target, chance, figures, ranked, place))
        ]

    def _suggestion(
        self,
        page: Page,
        row: int,
        key: LinkKey,
        name: str,
        target: int,
        chance: float,
        figures: Mapping[int, Figures],
        ranked: list[tuple[float, int]],
        place: int,
    ) -> Suggestion | None:
        path = self._space.paths[target]
        link = self._writer.link(path, page.path)
        if link is None:
            return None
        others = tuple(self._space.paths[other] for _, other in ranked[place + 1 : place + 1 + _MORE])
        reasons = self._evidence.reasons(row, target, key, figures[target], self.weights[0])
        line, col, context = page.place(0, 0)
        return Suggestion(
            suggestion_id("property", page.path, path, key.key), "property", page.path, path, link,
            PropertyValue(name, link), round(chance, 4), reasons, line, col, context, page.sha256, name, others,
        )  # fmt: skip

    def _spread(self, row: int, key: LinkKey) -> Weights:
        return np.array([self._evidence.spread(row, key)])

    def _learned(self) -> Weights:
        """The weights after the vault's own properties were seen, each as if it were missing."""
        lines: list[Figures] = []
        right: list[bool] = []
        for key in self._keys:
            rows = sorted(key.values)
            for row in rows[:: max(1, len(rows) // (_LEARNED_FROM // len(self._keys)))]:
                for target, figures in self._evidence.figures(row, key).items():
                    lines.append(figures)
                    right.append(target in key.values[row])
        return fitted(WEIGHTS, np.array(lines), np.array(right, np.float64)) if any(right) else WEIGHTS

    def _spread_learned(self) -> Weights:
        lines: list[tuple[float, float, float]] = []
        right: list[bool] = []
        for key in self._keys:
            for row in range(0, len(self._space), max(1, len(self._space) * len(self._keys) // _LEARNED_FROM)):
                lines.append(self._evidence.spread(row, key))
                right.append(row in key.values)
        return fitted(SPREAD_WEIGHTS, np.array(lines), np.array(right, np.float64)) if any(right) else SPREAD_WEIGHTS


def _as_written(note: Note, key: LinkKey) -> tuple[str, bool]:
    """The property's name as the note has it, or as the vault has it, and whether it holds anything."""
    for name, value in note.properties.items():
        if path_key(name.strip()) == key.key:
            return name, value not in (None, "", [], [None])
    return key.name, False


def _keys_in_use(view: VaultView) -> tuple[list[LinkKey], dict[int, dict[int, frozenset[str]]], bool]:
    """The properties that link, the most used first; what links to what by which; and whether by Markdown links."""
    rows = view.space.row_of
    values: dict[str, dict[int, list[int]]] = defaultdict(dict)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    outgoing: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    elsewhere: Counter[str] = Counter()  # links of a property to pictures and the like
    written: Counter[bool] = Counter()
    for source, target, kind, key, raw in view.reader.connection.execute(
        "SELECT note.path, target, kind, key, raw FROM link JOIN note ON note.id = link.note"
        " WHERE target NOTNULL AND target <> note.path AND NOT nested ORDER BY note.path, ordinal"
    ):
        if source not in rows:
            continue
        name = path_key(key.strip()) if kind == "property" else ""
        if target not in rows:
            elsewhere[name] += 1
            continue
        outgoing[rows[source]][rows[target]].add(name)
        if name and name not in _RESERVED:
            own = values[name].setdefault(rows[source], [])
            if rows[target] not in own:
                own.append(rows[target])
            names[name][key.strip()] += 1
            written[raw.lstrip("'\"").startswith("[[")] += 1
    keys = [
        LinkKey(
            key,
            names[key].most_common(1)[0][0],
            {row: tuple(targets) for row, targets in held.items()},
            sum(len(targets) > 1 for targets in held.values()) >= _OFTEN_SEVERAL * len(held),
        )
        for key, held in values.items()
        if len(held) >= _FEWEST and elsewhere[key] <= names[key].total()
    ]
    keys.sort(key=lambda key: (-len(key.values), key.key))
    linked = {source: {target: frozenset(by) for target, by in targets.items()} for source, targets in outgoing.items()}
    return keys[:_MOST_KEYS], linked, written[False] > written[True]
