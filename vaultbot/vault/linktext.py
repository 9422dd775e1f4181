"""Writing links: the text that leads from a note to a file, in the vault's own style.

No form is trusted. Each is written, read by the parser and resolved from its place, and when it leads elsewhere the
next one is tried: the name, the full path, the path from the vault's root.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from vaultbot.vault.headings import link_heading
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.reading import visible_lines
from vaultbot.vault.resolver import Resolution, Resolver, without_md

LinkFormat = Literal["shortest", "relative", "absolute"]

# Obsidian warns of these in names: they end a wikilink, split it elsewhere or hide it.
_NOT_IN_A_WIKILINK = re.compile(r"[#|^:\\\x00-\x1f\x7f]|\[\[|\]\]|%%")
_NOT_IN_A_DISPLAY = re.compile(r"[\x00-\x1f\x7f]|%%")
# What ends a destination, and what would pair with a mark elsewhere in the paragraph. Letters stay as they are.
_ENCODED = re.compile(r"[\s\x00-\x1f\x7f#%()<>\[\]\\^|`$]|\{\{|&(?=#?\w{1,32};)")
_ESCAPED = re.compile(r"[\\`*_\[\]<#$&~=^]")
_COMMENT_MARKS = re.compile(r"%{2,}")

_LINE = ("a ", " z")
_ROW = ("| a | b |\n| - | - |\n| ", " | z |")


@dataclass(frozen=True, slots=True)
class LinkStyle:
    """How a vault writes its links: two of Obsidian's settings, by their names and with their defaults."""

    new_link_format: LinkFormat = "shortest"
    use_markdown_links: bool = False


class LinkWriter:
    """Writes links between the files of a vault, as they are when the link is written."""

    def __init__(self, resolver: Resolver, style: LinkStyle | None = None) -> None:
        self._resolver = resolver
        self._style = style or LinkStyle()

    def link(
        self,
        target: str,
        source: str,
        *,
        display: str | None = None,
        heading_path: Sequence[str] = (),
        block: str = "",
        embed: bool = False,
        table: bool = False,
    ) -> str | None:
        """The link to the file `target` for the note `source`; None where none leads there and nowhere else.

        `display` is what a reader sees, to the letter; None leaves it to Obsidian. `heading_path` is as the file has
        it (`Heading.written`); `block` is the id of a block, without "^", and takes its place. `table` is for a row of
        a table, where the pipe of a wikilink parts no cells.

        A name or display that the style's kind of link cannot hold gets the other kind. The link is proved in a line of
        its own: whether a mark of the paragraph around it reaches into it (an open `$`, a `!` right before it) shows
        when the whole note is read again.
        """
        headings = ["^" + block] if block else [link_heading(text) for text in heading_path]
        if headings and not headings[-1]:
            return None
        if display is not None and (not display.strip() or _NOT_IN_A_DISPLAY.search(display)):
            return None
        wanted = _Wanted(target, source, display, tuple(filter(None, headings)), embed, table)
        for markdown in (True, False) if self._style.use_markdown_links else (False, True):
            spell = wanted.as_markdown if markdown else wanted.as_wikilink
            for linkpath in self._linkpaths(wanted, extension=markdown):
                for written, shown in spell(linkpath):
                    if self._reads_back(written, shown, wanted):
                        return written
        return None

    def _linkpaths(self, wanted: _Wanted, *, extension: bool) -> Iterator[str]:
        """What may lead to the target, beginning with what the style asks for."""
        if wanted.target == wanted.source and wanted.headings:
            yield ""
        # As a keyboard writes it; as the file spells itself where that is the name of another file.
        for path in dict.fromkeys((unicodedata.normalize("NFC", wanted.target), wanted.target)):
            written = path if extension else without_md(path)
            if self._style.new_link_format == "shortest":
                yield written.rpartition("/")[2]
            elif self._style.new_link_format == "relative":
                relative = _relative(written, unicodedata.normalize("NFC", wanted.source))
                # Obsidian writes no "./", and so misses a file that a path from the root hides.
                yield from (relative, "./" + relative)
            yield from (written, "/" + written, "/" + path)

    def _reads_back(self, written: str, shown: str, wanted: _Wanted) -> bool:
        """Whether a reader and the parser find just this link in the text."""
        before, after = _ROW if wanted.table else _LINE
        note = parse_note(wanted.source, before + written + after)
        if len(note.links) != 1 or note.masks or note.tags:
            return False
        (link,) = note.links
        return (
            (link.start, link.raw, link.embed, link.subpath) == (len(before), written, wanted.embed, wanted.subpath)
            and self._resolver.resolve(link.linkpath, wanted.source) == Resolution(wanted.target)
            and (link.display == wanted.display if wanted.embed else note.visible[-1] == wanted.seen(shown))
        )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a link is to say."""

    target: str
    source: str
    display: str | None
    headings: tuple[str, ...]
    embed: bool
    table: bool

    @property
    def subpath(self) -> str:
        return "".join("#" + heading for heading in self.headings)

    def as_wikilink(self, linkpath: str) -> Iterator[tuple[str, str]]:
        """The link, and what a reader is to see of it."""
        if _NOT_IN_A_WIKILINK.search(linkpath):
            return
        mark, text = "!" if self.embed else "", linkpath + self.subpath
        if self.display is None or (self.display == text == linkpath and not self.embed):
            yield f"{mark}[[{text}]]", " > ".join(filter(None, (linkpath, *self.headings)))
        else:
            pipe, shown = ("\\|", self.display.replace("|", "\\|")) if self.table else ("|", self.display)
            yield f"{mark}[[{text}{pipe}{shown}]]", self.display

    def as_markdown(self, linkpath: str) -> Iterator[tuple[str, str]]:
        """The same as a Markdown link: its words as they are and, where they would be read as marks, escaped."""
        path, *headings = (_ENCODED.sub(_percent, part) for part in (linkpath, *self.headings))
        destination = "#".join((path.replace(":", "%3A"), *headings))  # "a:" would be a protocol, like "mailto:"
        if self.display is not None:
            shown = self.display
        elif self.embed:
            shown = ""
        else:
            title = without_md(linkpath).rpartition("/")[2]
            shown = _COMMENT_MARKS.sub("%", " > ".join(filter(None, (title, *self.headings))))
        for words in dict.fromkeys((shown, _ESCAPED.sub(r"\\\g<0>", shown))):
            label = words.replace("|", "\\|") if self.table else words
            yield f"{'!' if self.embed else ''}[{label}]({destination})", shown

    def seen(self, shown: str) -> str:
        """The line of the proof as a reader is to see it."""
        before, after = ("", " | z") if self.table else _LINE
        return visible_lines(f"{before}{shown}{after}", (), ())[0]


def _percent(found: re.Match[str]) -> str:
    return quote(found.group(), safe="")


def _relative(path: str, source: str) -> str:
    """`path` as seen from the folder of `source`."""
    return posixpath.relpath("/" + path, "/" + source.rpartition("/")[0])
