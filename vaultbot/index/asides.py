"""What a line of a note says to the index besides what it shows.

The footnote that it refers to, which is quoted from where it stands, and the name of the note that it shows in place,
whose words belong to that note. The language of a block of code was tried and made retrieval worse.
"""

from __future__ import annotations

from collections.abc import Iterator

from vaultbot.types import Link, Note

_LONGEST = 600  # of a footnote, in characters
_MEDIA = frozenset("avif bmp gif jpeg jpg png svg webp flac m4a mp3 ogg wav webm 3gp mkv mov mp4 ogv".split())


def asides(note: Note) -> dict[int, list[str]]:
    """The asides of each line that has any, in order."""
    found: dict[int, list[str]] = {}
    for line, aside in _all(note):
        found.setdefault(line, []).append(aside)
    return found


def _all(note: Note) -> Iterator[tuple[int, str]]:
    for line, footnotes in note.footnotes.items():
        for first, last in footnotes:
            if words := " ".join(" ".join(note.visible[first - 1 : last]).split()):
                yield line, words[:_LONGEST]
    for link in note.links:
        if link.embed and link.kind == "wiki" and not link.in_comment and (name := _embedded(link)):
            yield link.line, f"embeds: {name}"


def _embedded(link: Link) -> str:
    """What a person would call the embedded file. A picture's name mostly says nothing; its caption does."""
    if link.display:
        return link.display
    name = link.linkpath.rpartition("/")[2]
    if name.rpartition(".")[2].lower() in _MEDIA:
        return ""
    section = "" if link.subpath.startswith("#^") else link.subpath.replace("#", " > ")
    return name.removesuffix(".md") + section
