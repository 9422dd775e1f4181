"""Notes that many links wait for: a name that notes link to and no file has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from vaultbot.index.graph import Edge
from vaultbot.links.repairs import Repairs, names_a_file
from vaultbot.links.view import Page, VaultView, suggestion_id
from vaultbot.suggestion import NewNote, Suggestion
from vaultbot.vault.dates import is_daily_name
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.resolver import path_key, without_md
from vaultbot.vault.titles import title_of

_FEWEST = 2  #: notes that link to it
_NAMED = 3  #: notes that a reason names
_LONGEST_NAME = 120
#: What no file may be called, here or on another system, and what no link could name.
_NOT_IN_A_NAME = re.compile(r'[\\:*?"<>|#^\[\]\x00-\x1f]|^[. ]|[. ]$|%%')


@dataclass(frozen=True, slots=True)
class Wanted:
    """A note that is linked to and not there."""

    name: str  #: as most links write it
    path: str  #: where Obsidian would make it
    notes: tuple[str, ...]  #: paths of the notes that link to it


class CreateKind:
    """Suggests notes to be made. Made once per state of the vault."""

    def __init__(self, view: VaultView) -> None:
        self._wanted = {path_key(without_md(one.name)): one for one in wanted_notes(view) if len(one.notes) >= _FEWEST}

    def suggest(self, page: Page) -> list[Suggestion]:
        """The missing notes that this one links to and others too, the most wanted first."""
        found: dict[str, Suggestion] = {}
        for link in page.note.links:
            one = self._wanted.get(path_key(without_md(link.linkpath)))
            if one is None or one.path in found or link.in_comment or link.nested:
                continue
            line, col, context = page.place(link.start, link.end)
            score = round(len(one.notes) / (len(one.notes) + 3), 4)
            found[one.path] = Suggestion(
                suggestion_id("create", one.path, one.path, one.name), "create", one.path, one.path, one.name,
                NewNote(), score, (_reason(one.notes),), line, col, context, "",
            )  # fmt: skip
        return sorted(found.values(), key=lambda one: (-one.score, one.note))


def wanted_notes(view: VaultView) -> list[Wanted]:
    """The notes that are linked to and not there, those that most notes link to first.

    Days without a note wait for nobody, a picture is not made by writing, and a link that only strayed is mended.
    """
    repairs = Repairs(view.graph, view.settings)
    found = []
    for name in view.graph.unresolved():
        edges = [
            edge
            for edge in name.edges
            if edge.source in view.targets and not edge.link.in_comment and not names_a_file(edge.link.linkpath)
        ]
        notes = tuple(dict.fromkeys(edge.source for edge in edges))
        if not notes or is_daily_name(name.linkpath, view.settings):
            continue
        written = Counter(without_md(edge.link.linkpath.strip()) for edge in edges).most_common(1)[0][0]
        path = _place(written, edges, view.settings)
        if path is not None and repairs.of_unresolved(edges[0]) is None:
            found.append(Wanted(written, path, notes))
    return sorted(found, key=lambda one: (-len(one.notes), one.path))


def _place(name: str, edges: list[Edge], settings: ObsidianSettings) -> str | None:
    """The path that Obsidian would give it; None for what no file may be called."""
    *folders, last = name.strip("/").split("/")
    if len(last) > _LONGEST_NAME or any(_NOT_IN_A_NAME.search(part) or not part for part in (*folders, last)):
        return None
    if not folders and not name.startswith("/"):
        places: Mapping[str, str] = {
            "root": "",
            # Of several notes that link to it, the folder of most.
            "current": Counter(edge.source.rpartition("/")[0] for edge in edges).most_common(1)[0][0],
            "folder": settings.new_file_folder,
        }
        folders = [part for part in places[settings.new_file_location].split("/") if part]
    return "/".join((*folders, last)) + ".md"


def _reason(notes: tuple[str, ...]) -> str:
    more = len(notes) - _NAMED
    named = ", ".join(title_of(path) for path in notes[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{len(notes)} notes link to it: {named}"
