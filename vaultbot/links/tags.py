"""Tags that a note could have, of those that the vault uses already.

How much each kind of evidence counts is learned from the vault's own tagged notes, beginning with weights from another
vault: each note is looked at as if it had no tags, and as if it lacked one of those it has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

import numpy as np

from vaultbot.links.learning import Weights, chances, fitted
from vaultbot.links.tag_evidence import Figures, TagEvidence, VaultTag
from vaultbot.links.view import Page, VaultView, suggestion_id
from vaultbot.suggestion import Edit, PropertyValue, Replacement, Suggestion
from vaultbot.types import Note
from vaultbot.vault.resolver import path_key
from vaultbot.vault.tags import tag_key

_MOST_SHOWN = 10
_LEAST = 0.01  #: what is less likely is nobody's to see
_LEARNED_FROM = 1_000  #: tagged notes
_INLINE_HABIT = 0.8  #: of the tagged notes have tags in their text alone, where the vault tags so

#: In the order of `Figures`, and the constant: learned from a vault of 1,186 notes with 411 tags. Its folders are few
#: and large, so what a folder counts is set lower.
WEIGHTS = np.array([1.7, 2.9, 0.8, 5.9, 4.9, 2.0, 1.6, 0.5, 1.6, 0.1, -2.0, -5.8])


class TagKind:
    """Suggests tags. Made once per state of the vault.

    Learning takes most of the time; with the `weights` of an earlier state nothing is learned.
    """

    def __init__(self, view: VaultView, *, weights: Weights | None = None) -> None:
        self._space = view.space
        held, tags, self._writes_inline = _tags_in_use(view)
        self._counts = Counter(len(keys) for keys in held)
        self._evidence = TagEvidence(self._space, tags, held, view.linked)
        self.weights = self._learned() if weights is None else weights

    def suggest(self, page: Page) -> list[Suggestion]:
        """The tags that the note could have, the likeliest first."""
        row = self._space.row_of.get(page.path)
        if row is None:
            return []
        evidence = self._evidence
        has = {evidence.place[key] for key in _keys(page.note) if key in evidence.place}
        figures = evidence.figures(row, has)
        if not figures:
            return []
        open_to_more = self._open_to_more(len(has))
        likely = chances(self.weights, np.array(list(figures.values()))) * open_to_more
        ranked = sorted(zip(likely.tolist(), figures, strict=True), key=lambda one: (-one[0], one[1]))
        found: list[Suggestion] = []
        for chance, tag in ranked:
            if chance < _LEAST or len(found) == _MOST_SHOWN:
                break
            name = evidence.tags[tag].name
            edit, at = self._edit(page.note, name)
            if edit is None:
                break
            line, col, context = page.place(at, at)
            reasons = evidence.reasons(row, tag, has, figures[tag], self.weights)
            found.append(
                Suggestion(
                    suggestion_id("tag", page.path, name, name), "tag", page.path, name, name, edit, round(chance, 4),
                    reasons, line, col, context, page.sha256,
                )
            )  # fmt: skip
        return found

    def _open_to_more(self, tags: int) -> float:
        """How likely a note with that many tags has another one, by the notes of the vault."""
        at_least = sum(notes for count, notes in self._counts.items() if count >= tags)
        more = sum(notes for count, notes in self._counts.items() if count > tags)
        return (more + 0.5) / (at_least + 1)

    def _learned(self) -> Weights:
        """The weights after the vault's own tagged notes were seen, without what each of them says of itself."""
        evidence = self._evidence
        lines: list[Figures] = []
        right: list[bool] = []
        step = max(1, len(evidence.tagged) // _LEARNED_FROM)
        for number, row in enumerate(evidence.tagged[::step]):
            own = evidence.held[row]
            cases = [(set(own), ())] if len(own) == 1 else [(set(own), ()), _one_missing(own, number)]
            for missing, left in cases:
                for tag, figures in evidence.figures(row, left).items():
                    lines.append(figures)
                    right.append(tag in missing)
        if not any(right):
            return WEIGHTS
        return fitted(WEIGHTS, np.array(lines), np.array(right, np.float64))

    def _edit(self, note: Note, name: str) -> tuple[Edit | None, int]:
        """The edit that adds the tag, and where: a property, or where the vault tags so, a line of tags."""
        if self._writes_inline and (end := _end_of_tag_line(note)) is not None:
            return Replacement(end, end, f" #{name}"), end
        if any(problem.slug == "frontmatter" for problem in note.problems):
            return None, 0
        key = next((one for one in note.properties if path_key(one.strip()) == "tags"), "tags")
        return PropertyValue(key, name), 0


def _one_missing(own: list[int], number: int) -> tuple[set[int], tuple[int, ...]]:
    missing = own[number % len(own)]
    return {missing}, tuple(one for one in own if one != missing)


def _keys(note: Note) -> set[str]:
    return {tag_key(tag.name) for tag in note.tags}


def _tags_in_use(view: VaultView) -> tuple[list[Collection[str]], list[VaultTag], bool]:
    """The keys of each note's tags, the tags, the most used first, and whether the vault writes them in the text."""
    row_of = {key: row for row, key in enumerate(view.space.keys)}
    held: list[set[str]] = [set() for _ in row_of]
    names: dict[str, Counter[str]] = defaultdict(Counter)
    in_properties: set[int] = set()
    for note, name, key, in_frontmatter in view.reader.connection.execute(
        "SELECT note, tag.name, key, in_frontmatter FROM tag JOIN note ON note.id = tag.note ORDER BY path, ordinal"
    ):
        if note in row_of:
            held[row_of[note]].add(key)
            names[key][name] += 1
            if in_frontmatter:
                in_properties.add(row_of[note])
    spread = Counter(key for keys in held for key in keys)
    tags = [VaultTag(key, names[key].most_common(1)[0][0], notes) for key, notes in spread.most_common()]
    tagged = sum(bool(keys) for keys in held)
    return list(held), tags, tagged > 0 and 1 - len(in_properties) / tagged >= _INLINE_HABIT


def _end_of_tag_line(note: Note) -> int | None:
    """Where the first line that holds nothing but tags ends."""
    for tag in note.tags:
        if tag.in_frontmatter or tag.in_comment:
            continue
        start = note.text.rfind("\n", 0, tag.start) + 1
        end = note.text.find("\n", tag.end)
        line = note.text[start : end if end >= 0 else len(note.text)].rstrip()
        if all(word.startswith("#") and len(word) > 1 for word in line.split()):
            return start + len(line)
    return None
