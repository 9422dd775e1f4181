"""What a link that goes astray may have meant, as it could be written. Every offer was resolved and leads there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import unquote

from vaultbot.index.graph import Edge, Graph
from vaultbot.links.nearest import NearNames, Patience
from vaultbot.types import Link
from vaultbot.vault.documents import is_document
from vaultbot.vault.linktext import LinkStyle, LinkWriter
from vaultbot.vault.listing import is_note
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.resolver import Resolver, basename_key, path_key, without_md

#: Of two names: some microseconds each where they are unlike, fifty where they are alike.
_COMPARISONS = 50_000
_ALIKE_NAMES = 0.85
_ALIKE_HEADINGS = 0.7  #: one note has few of them
#: The files besides notes that Obsidian opens. A link to one that is not there waits for nothing.
_FILES = re.compile(
    r"\.(?:avif|bmp|gif|jpe?g|png|svg|webp|flac|m4a|mp3|ogg|wav|3gp|mkv|mov|mp4|ogv|webm|pdf|canvas|base)$",
    re.IGNORECASE,
)

#: How the file was found: by its alias; its name, in another folder; a name almost alike; and of its places a heading
#: almost alike, or the block, which went to another note. "path": it is the same file, told from another one.
How = Literal["alias", "moved", "name", "heading", "block", "path"]


@dataclass(frozen=True, slots=True)
class Repair:
    """A link in place of one that goes astray."""

    link: str  #: as it could be written
    target: str
    how: How


class Repairs:
    """Offers for the links of one vault, within one snapshot of its graph.

    With `same_words` a reader of the note sees the words that stood there before, whatever the file is called.
    """

    def __init__(self, graph: Graph, settings: ObsidianSettings, *, same_words: bool = False) -> None:
        self._graph = graph
        self._settings = settings
        self._same_words = same_words
        self._names_patience = Patience(_COMPARISONS)
        self._headings_patience = Patience(_COMPARISONS)
        self._headings: dict[str, NearNames] = {}
        self._written: dict[tuple[object, ...], str | None] = {}

    def of_unresolved(self, edge: Edge, *, table: bool = False) -> Repair | None:
        """A link to the file that was moved, whose alias was written, or that is called almost so."""
        wanted = without_md(edge.link.linkpath)
        alias = self._aliases.get(path_key(wanted))
        if alias and len(alias) == 1:
            display = edge.link.display or edge.link.linkpath
            return self._repair("alias", alias[0], edge, display=display, table=table)
        meant = self._meant(wanted, edge)
        return self._repair(meant[1], meant[0], edge, display=edge.link.display, table=table) if meant else None

    def of_dangling(self, edge: Edge, *, table: bool = False) -> Repair | None:
        """A link to the heading that is called almost so, or to the note where the block is now."""
        subpath, target = edge.link.subpath, edge.target
        if target is None or target not in self._offered or subpath.startswith("#[^"):
            return None
        display = edge.link.display
        if subpath.startswith("#^"):
            homes = self._blocks.get(subpath[1:].strip().casefold(), [])
            if len(homes) != 1 or homes[0] not in self._offered:
                return None
            return self._repair("block", homes[0], edge, display=display, block=subpath[2:].strip(), table=table)
        if target not in self._headings:
            # The first of that name is the one that a link can reach.
            names = dict.fromkeys(path[-1] for path in self._graph.headings(target))
            self._headings[target] = NearNames(names, self._headings_patience, alike=_ALIKE_HEADINGS)
        nearest = self._headings[target].nearest(subpath.rpartition("#")[2])
        if nearest is None:
            return None
        return self._repair("heading", target, edge, display=display, heading_path=(nearest,), table=table)

    def of_ambiguous(self, edge: Edge) -> Repair | None:
        """A link to the same file that no other fits."""
        return self._repair("path", edge.target, edge, display=edge.link.display) if edge.target else None

    # ── what was meant ─────────────────────────────────────────────────────────────────────────────────────────

    def _meant(self, wanted: str, edge: Edge) -> tuple[str, How] | None:
        """The file that was moved to another folder, was written like a web address, or is called almost so."""
        for written in dict.fromkeys((wanted, unquote(wanted))):
            moved = self._files.get(basename_key(written), [])
            if len(moved) == 1:
                return moved[0], "moved"
            if moved:
                return None  # Which of them is not to be guessed.
        name = wanted.rpartition("/")[2]
        if edge.link.embed and (stems := self._stems.get(path_key(name))) and len(stems) == 1:
            return stems[0], "name"
        extension = path_key(name).rpartition(".")[2] if "." in name else "md"
        # "llama.cpp" may be a note; what is shown in place and has an extension is a picture.
        near_names = self._near.get(extension, None if edge.link.embed else self._near["md"])
        nearest = near_names.nearest(name) if near_names else None
        near = self._files.get(basename_key(nearest), []) if nearest else []
        return (near[0], "name") if len(near) == 1 else None

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """Every file by the key of its name."""
        found: dict[str, list[str]] = {}
        for path in self._offered:
            found.setdefault(basename_key(path), []).append(path)
        return found

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        """Attachments by their names without the extension, which a link must not leave out."""
        found: dict[str, list[str]] = {}
        for path in self._offered:
            if not is_note(path):
                found.setdefault(path_key(path.rpartition("/")[2].rpartition(".")[0]), []).append(path)
        return found

    @cached_property
    def _near(self) -> dict[str, NearNames]:
        """The names of files by their extension, of notes without it."""
        names: dict[str, list[str]] = {"md": []}
        for path in self._offered:
            name = path.rpartition("/")[2]
            if is_note(path):
                names["md"].append(without_md(name))
            else:
                names.setdefault(path_key(name).rpartition(".")[2], []).append(name)
        return {
            extension: NearNames(called, self._names_patience, alike=_ALIKE_NAMES)
            for extension, called in names.items()
        }

    @cached_property
    def _aliases(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for alias, path in self._graph.aliases():
            paths = found.setdefault(path_key(alias), [])
            if path in self._offered and path not in paths:
                paths.append(path)
        return found

    @cached_property
    def _blocks(self) -> dict[str, list[str]]:
        """The notes that have each block id."""
        found: dict[str, list[str]] = {}
        for name, path in self._graph.blocks():
            found.setdefault(name.casefold(), []).append(path)
        return found

    # ── how it is written ──────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _paths(self) -> list[str]:
        return self._graph.files()

    @cached_property
    def _offered(self) -> dict[str, None]:
        """The files that may be proposed: what is kept out of search is nowhere suggested."""
        searched = frozenset(self._graph.searched())
        return dict.fromkeys(path for path in self._paths if path in searched or not is_document(path))

    @cached_property
    def _resolver(self) -> Resolver:
        return Resolver(self._paths)

    def _writer(self, *, markdown: bool) -> LinkWriter:
        style = LinkStyle(new_link_format=self._settings.new_link_format, use_markdown_links=markdown)
        return LinkWriter(self._resolver, style)

    def _repair(
        self,
        how: How,
        target: str,
        edge: Edge,
        *,
        display: str | None,
        heading_path: tuple[str, ...] | None = None,
        block: str = "",
        table: bool = False,
    ) -> Repair | None:
        """The edge's link as it would lead to `target`, and to the same place in it."""
        link = edge.link
        if heading_path is None:
            if not block and link.subpath.startswith(("#^", "#[^")):
                return None  # Whether the other file has that block is not known.
            heading_path = () if block else tuple(part for part in link.subpath.split("#") if part.strip())
        if self._same_words and display is None and not link.embed:
            display = words_of(link)
        written = (target, edge.source, display, heading_path, block, link.embed, table, _is_markdown_link(link))
        if written not in self._written:
            self._written[written] = self._writer(markdown=_is_markdown_link(link)).link(
                target,
                edge.source,
                display=display,
                heading_path=heading_path,
                block=block,
                embed=link.embed,
                table=table,
            )
        text = self._written[written]
        return Repair(text, target, how) if text is not None else None


def words_of(link: Link) -> str:
    """What a reader sees of a link: "Note > Heading" where it says nothing else."""
    if link.display is not None:
        return link.display
    return " > ".join(part.strip() for part in (link.linkpath, *link.subpath.split("#")) if part.strip())


def names_a_file(linkpath: str) -> bool:
    """Whether a link names a picture, a PDF or another file that is no note."""
    return _FILES.search(linkpath) is not None


def _is_markdown_link(link: Link) -> bool:
    return not link.raw.removeprefix("!").startswith("[[")
