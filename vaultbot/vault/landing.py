"""Which of many links into one note land where they say: each heading and each subpath is looked at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vaultbot.vault.headings import heading_parts, heading_spellings


def landing(subpaths: Iterable[str], headings: Iterable[Sequence[str]], anchors: Iterable[str]) -> set[str]:
    """The subpaths that lead to a heading, a block or a footnote of the note.

    `headings` are heading paths as the file has them, `anchors` names such as "^block". One subpath is judged as
    `subpaths.lands` does.
    """
    root, landed = _Step(), set[str]()
    names = {name.casefold() for name in anchors}
    for subpath in subpaths:
        if subpath.startswith(("#^", "#[^")):
            if subpath[1:].strip().casefold() in names:
                landed.add(subpath)
        elif parts := heading_parts(subpath):
            root.last_of(parts).subpaths.append(subpath)
    spellings: dict[str, set[str]] = {}
    for path in headings:
        for text in path:
            if text not in spellings:
                spellings[text] = heading_spellings(text)
        landed.update(root.reached([spellings[text] for text in path]))
    return landed


class _Step:
    """A heading that subpaths name, below those that they name before it."""

    def __init__(self) -> None:
        self.next: dict[str, _Step] = {}
        self.subpaths: list[str] = []  # those that end here and have not landed

    def last_of(self, parts: Sequence[str]) -> _Step:
        step = self
        for part in parts:
            step = step.next.setdefault(part, _Step())
        return step

    def reached(self, path: Sequence[set[str]]) -> list[str]:
        """What lands on the heading of this path for the first time: between named parents others may stand."""
        *parents, own = path
        steps = [self]
        for parent in parents:
            steps += _below(steps, parent)
        found: list[str] = []
        for step in _below(steps, own):
            found += step.subpaths
            step.subpaths = []
        return found


def _below(steps: Sequence[_Step], spellings: set[str]) -> list[_Step]:
    return [step.next[name] for step in steps for name in spellings if name in step.next]
