"""Where a link to a related note goes: to the list of such links that a note has, or to a new one at its end.

Which heading such lists stand under is learned from the vault; names that are common in several languages are known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vaultbot.links.folding import fold_name
from vaultbot.suggestion import Replacement
from vaultbot.types import Heading, Note

#: What such lists are called, folded.
KNOWN = frozenset(
    map(
        fold_name,
        (
            "Related", "Related notes", "Related pages", "Related topics", "Related links", "See also", "See", "Links",
            "Further reading", "Connections", "Siehe auch", "Verwandt", "Verwandte Notizen", "Verwandte Themen",
            "Voir aussi", "Notes liées", "Ver también", "Relacionado", "Véase también", "Vedi anche", "Zie ook",
            "Veja também", "См. также", "Смотри также", "Связанное", "関連", "関連項目", "関連ノート", "関連リンク",
            "参照", "参考", "あわせて読む", "相关", "相关笔记", "相关链接", "参见", "另见", "参阅", "相關", "參見",
            "관련", "관련 노트", "관련 문서", "같이 보기",
        ),
    )
)  # fmt: skip
_ITEM = re.compile(r"(?P<indent>[ \t]*)(?P<bullet>[-*+]|\d{1,4}[.)])(?P<blank>[ \t]+)(?P<words>\S.*)")
_LABEL = re.compile(
    r"(?:[-*+][ \t]+)?[*_]{0,3}(?P<label>[^\n:：*_\[\]]{2,40})[*_]{0,3}[:：][*_]{0,3}[ \t]*(?P<links>\S.*)"
)
_ONLY_LINKS = re.compile(r"[\s,;·•|、，；/]*")
_KANA, _HAN, _HANGUL = (re.compile(f"[{span}]") for span in ("\u3041-\u30ff", "\u4e00-\u9fff", "\uac00-\ud7a3"))
_FEWEST = 3  #: notes with a heading over links, before it is the vault's own
_UNCLOSED = frozenset({"code", "comment", "html-comment", "math", "html", "query"})


@dataclass(frozen=True, slots=True)
class LinkSection:
    """A section of nothing but links, as a note has it."""

    heading: str
    level: int
    bullet: str
    spaced: bool  #: a blank line stands between heading and list


@dataclass(frozen=True, slots=True)
class Usage:
    """How the vault writes such sections."""

    headings: frozenset[str] = KNOWN  #: folded
    usual: LinkSection | None = None


def usage(sections: Iterable[LinkSection]) -> Usage:
    """What the sections of all notes come to."""
    by_name: Counter[str] = Counter()
    exact: Counter[LinkSection] = Counter()
    for section in sections:
        by_name[fold_name(section.heading)] += 1
        exact[section] += 1
    known = {name for name, count in by_name.items() if count >= _FEWEST} | KNOWN
    usual = [
        section
        for section, _ in exact.most_common()
        if fold_name(section.heading) in KNOWN or by_name[fold_name(section.heading)] >= _FEWEST
    ]
    usual.sort(key=lambda section: -by_name[fold_name(section.heading)])
    return Usage(frozenset(known), usual[0] if usual else None)


def link_sections(note: Note) -> Iterator[LinkSection]:
    """The note's sections of nothing but links, in lists."""
    for heading, start, end in _sections(note):
        spans = list(_spans(note.text, start, end))
        if spans and all(_only_links(note, one) for one in spans):
            first = _ITEM.match(note.text[slice(*spans[0])])
            assert first is not None
            spaced = note.text.count("\n", start, spans[0][0]) > 1
            yield LinkSection(heading.text, heading.level, first["bullet"], spaced)


def place_for(note: Note, link: str, usual: Usage) -> Replacement | None:
    """The edit that puts a link in its place; None where nothing can be added."""
    text = note.text
    newline = "\r\n" if "\r\n" in text else "\n"
    for heading, start, end in reversed(list(_sections(note))):
        if fold_name(heading.text) in usual.headings and not _masked(note, start, end):
            return _into_section(note, heading, start, end, link, newline, usual)
    if labelled := _into_label(note, link, usual):
        return labelled
    if any(mask.end >= len(text.rstrip()) and mask.kind in _UNCLOSED for mask in note.masks):
        # What is added behind a block that never ends is a part of it.
        last = max(mask.start for mask in note.masks if mask.end >= len(text.rstrip()) and mask.kind in _UNCLOSED)
        if not _closes(text[last:].rstrip()):
            return None
    return _new_section(note, link, newline, usual)


def _into_section(
    note: Note, heading: Heading, start: int, end: int, link: str, newline: str, usual: Usage
) -> Replacement:
    """Behind the last item of the section's list, or else below its heading."""
    last = None
    for a, b in _spans(note.text, start, end):
        match = _ITEM.match(note.text[a:b])
        if match and not match["indent"]:
            last = (b, match)
        elif last and note.text[a:b][:1] in (" ", "\t"):
            last = (b, last[1])
    if last:
        at, match = last
        bullet = match["bullet"]
        if bullet[:-1].isdigit():
            bullet = f"{int(bullet[:-1]) + 1}{bullet[-1]}"
        return Replacement(at, at, f"{newline}{bullet}{match['blank']}{link}")
    at = heading.end
    blank = newline if usual.usual is None or usual.usual.spaced else ""
    rest = note.text[at:end].strip()
    bullet = usual.usual.bullet if usual.usual and not usual.usual.bullet[:-1].isdigit() else "-"
    if rest:
        at = start + len(note.text[start:end].rstrip())
        return Replacement(at, at, f"{newline}{newline}{bullet} {link}")
    return Replacement(at, at, f"{newline}{blank}{bullet} {link}")


def _into_label(note: Note, link: str, usual: Usage) -> Replacement | None:
    """Behind the links of a line like "Related: [[A]], [[B]]"."""
    for a, b in _spans(note.text, note.body_start, len(note.text)):
        match = _LABEL.fullmatch(note.text[a:b].rstrip())
        if not match or fold_name(match["label"]) not in usual.headings or _masked(note, a, b):
            continue
        links = [one for one in note.links if a + match.start("links") <= one.start and one.end <= b]
        if links and not links[-1].embed and _bare(note, a + match.start("links"), a + match.end("links")):
            at = a + match.end("links")
            between = note.text[links[-2].end : links[-1].start] if len(links) > 1 else ", "
            return Replacement(at, at, f"{between}{link}")
    return None


def _new_section(note: Note, link: str, newline: str, usual: Usage) -> Replacement:
    section = usual.usual or LinkSection(_default_heading(note), 2, "-", spaced=True)
    bullet = "1." if section.bullet[:-1].isdigit() else section.bullet
    body = note.text.rstrip()
    at = len(body)
    lead = f"{newline}{newline}" if body[note.body_start :].strip() else ("" if at <= note.body_start else newline)
    if at < note.body_start:
        at = note.body_start
        lead = "" if note.text[:at].endswith("\n") or not at else newline
    blank = newline if section.spaced else ""
    return Replacement(at, at, f"{lead}{'#' * section.level} {section.heading}{newline}{blank}{bullet} {link}")


def _default_heading(note: Note) -> str:
    """In the note's script, where the vault has no such section yet."""
    sample = note.text[note.body_start : note.body_start + 2000] + note.title
    if _KANA.search(sample):
        return "関連項目"
    if _HANGUL.search(sample):
        return "관련 문서"
    return "相关" if len(_HAN.findall(sample)) > len(sample) / 10 else "Related"


def _sections(note: Note) -> Iterator[tuple[Heading, int, int]]:
    """Each heading with where its own text begins and ends."""
    for number, heading in enumerate(note.headings):
        after = note.headings[number + 1].start if number + 1 < len(note.headings) else len(note.text)
        yield heading, heading.end, after


def _spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The lines with words from `start` to `end`, without their ends."""
    position = start
    for line in text[start:end].splitlines(keepends=True):
        bare = line.rstrip()
        if bare:
            yield position, position + len(bare)
        position += len(line)


def _only_links(note: Note, span: tuple[int, int]) -> bool:
    match = _ITEM.match(note.text[span[0] : span[1]])
    return match is not None and _bare(note, span[0] + match.start("words"), span[1])


def _bare(note: Note, start: int, end: int) -> bool:
    """Whether nothing but links stands there."""
    position = start
    links = [link for link in note.links if start <= link.start and link.end <= end and link.kind != "property"]
    for link in links:
        if not _ONLY_LINKS.fullmatch(note.text[position : link.start]):
            return False
        position = link.end
    return bool(links) and _ONLY_LINKS.fullmatch(note.text[position:end]) is not None


def _masked(note: Note, start: int, end: int) -> bool:
    return any(mask.start < end and start < mask.end for mask in note.masks if mask.kind in _UNCLOSED)


def _closes(block: str) -> bool:
    """Whether a code block, comment or formula at the end of a note has its end."""
    if block.startswith(("```", "~~~")):
        return block.count("\n") > 0 and block.splitlines()[-1].strip().startswith(block[:3])
    for opening, closing in (("%%", "%%"), ("<!--", "-->"), ("$$", "$$")):
        if block.startswith(opening):
            return len(block) >= len(opening) + len(closing) and block.endswith(closing)
    return True
