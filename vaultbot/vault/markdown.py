"""Text in, note out: a Markdown file as Obsidian reads it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vaultbot.types import Heading, JsonValue, Link, Mask, Note, Problem, Tag
from vaultbot.vault.excalidraw import drawing_start
from vaultbot.vault.fields import with_field_keys
from vaultbot.vault.frontmatter import Frontmatter, PropertyText, read_frontmatter
from vaultbot.vault.inline import InlineScanner, clean_tag, whole_link
from vaultbot.vault.kanban import complete_marks
from vaultbot.vault.reading import named_rows, visible_lines
from vaultbot.vault.scanner import Title, scan_blocks

#: Names that Obsidian stopped reading in 1.9, and what to write instead.
LEGACY_PROPERTIES: Mapping[str, str] = {"alias": "aliases", "tag": "tags", "cssclass": "cssclasses"}


def parse_note(path: str, text: str) -> Note:
    """Read a note; never raises on any text. What is broken in it stands in `problems`.

    `path` is relative to the vault, with "/". `text` is decoded; a BOM is removed.
    """
    text = text.removeprefix("\ufeff")
    front = read_frontmatter(text)
    words_end = drawing_start(path, text, front.properties)
    blocks = scan_blocks(text[:words_end], front.body_start)
    inline = InlineScanner(text, blocks.line_starts, blocks.quoted, blocks.footnotes)
    for start, end, kind in blocks.regions:
        inline.scan(start, end, in_comment=kind == "comment", in_table=kind == "table")
    masks = [*blocks.masks, *inline.masks]
    if front.end:
        masks.append(Mask("frontmatter", 0, front.end))
    if words_end is not None:
        masks.append(Mask("query", words_end, len(text), "excalidraw"))
    masks.sort(key=lambda mask: mask.start)
    marks = [*blocks.marks, *inline.marks, *complete_marks(text, front.properties)]
    visible = visible_lines(text, masks, marks, tables=blocks.tables)

    title = _title(path)
    aliases, alias_problems = _aliases(front, title)
    tags, tag_problems = _property_tags(front, text)
    body_links = sorted(inline.links, key=lambda link: link.start)
    if "::" in text:
        body_links = list(with_field_keys(body_links, text, blocks.line_starts, masks))
    links = (*_property_links(front, text, blocks.line_starts), *body_links)
    return Note(
        path=path,
        title=title,
        text=text,
        body_start=front.body_start,
        body_line=front.body_line,
        properties=front.properties,
        aliases=aliases,
        tags=(*tags, *sorted(inline.tags, key=lambda tag: tag.start)),
        headings=_headings(blocks.titles, text, visible),
        links=links,
        blocks=tuple(blocks.blocks),
        masks=tuple(masks),
        visible=visible,
        rows=named_rows(visible, blocks.tables),
        footnotes=_footnotes(inline.footnotes, blocks.footnotes),
        problems=(*front.problems, *_legacy_problems(front), *alias_problems, *tag_problems),
    )


def _title(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[:-3] if name.lower().endswith(".md") else name


def _headings(titles: Sequence[Title], text: str, visible: Sequence[str]) -> tuple[Heading, ...]:
    """The headings as the reader sees them, each below its parents."""
    placed: list[Heading] = []
    parents: list[Heading] = []
    for level, written, line, start, end in titles:
        while parents and parents[-1].level >= level:
            parents.pop()
        seen = [row.strip() for row in visible[line - 1 : line + text.count("\n", start, end)]]
        words = " ".join(seen).strip() or written  # one that shows only a picture keeps what was written
        above, above_written = (parents[-1].path, parents[-1].written) if parents else ((), ())
        parents.append(Heading(level, words, (*above, words), line, start, end, (*above_written, written)))
        placed.append(parents[-1])
    return tuple(placed)


def _footnotes(
    references: Mapping[str, int], definitions: Mapping[str, tuple[int, int]]
) -> dict[int, tuple[tuple[int, int], ...]]:
    by_line: dict[int, list[tuple[int, int]]] = {}
    for name, line in references.items():
        by_line.setdefault(line, []).append(definitions[name])
    return {line: tuple(found) for line, found in by_line.items()}


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────


def _values(front: Frontmatter, name: str) -> Iterator[tuple[str, JsonValue]]:
    """(key as written, value) of each item of a list property, current name first, then the legacy one."""
    legacy = next(old for old, new in LEGACY_PROPERTIES.items() if new == name)
    for wanted in (name, legacy):
        for key, value in front.properties.items():
            if key.lower() == wanted:
                yield from ((key, item) for item in (value if isinstance(value, list) else [value]))


def _aliases(front: Frontmatter, title: str) -> tuple[tuple[str, ...], list[Problem]]:
    problems: list[Problem] = []
    names: dict[str, str] = {}
    for key, value in _values(front, "aliases"):
        if isinstance(value, int | float) and not isinstance(value, bool):
            message = f'The alias {value} is a number. Put quotes around it: "{value}".'
            problems.append(Problem("alias", message, front.key_lines.get(key)))
        elif not isinstance(value, str):
            continue
        if name := str(value).strip():
            names.setdefault(name.casefold(), name)
    names.pop(title.casefold(), None)
    return tuple(names.values()), problems


def _property_tags(front: Frontmatter, text: str) -> tuple[list[Tag], list[Problem]]:
    tags: list[Tag] = []
    problems: list[Problem] = []
    for wanted in ("tags", "tag"):
        for written in front.texts:
            if written.nested or written.key.lower() != wanted:
                continue
            name = clean_tag(written.value.strip().removeprefix("#"))
            if not name:
                message = f'"{written.value}" is not a tag: it needs a letter and no spaces. Write a list of tags.'
                problems.append(Problem("tag", message, written.line))
                continue
            start = text.find(name, written.start, written.end)
            end = start + len(name)
            if start < 0:
                start, end = written.start, written.end
            tags.append(Tag(name, written.line, start, end, in_frontmatter=True))
    return tags, problems


def _property_links(front: Frontmatter, text: str, line_starts: Sequence[int]) -> Iterator[Link]:
    for written in front.texts:
        link = whole_link(written.value)
        if link is None:
            continue
        start, end = _written_link(link, written, text)
        line = bisect_right(line_starts, start)
        yield replace(
            link,
            kind="property",
            raw=text[start:end],
            start=start,
            end=end,
            line=line,
            col=start - line_starts[line - 1] + 1,
            key=written.key,
            key_path=written.key_path,
            nested=written.nested,
        )


def _written_link(link: Link, written: PropertyText, text: str) -> tuple[int, int]:
    """Where a property's link stands in the file; quoting may have changed its letters."""
    start = text.find(link.raw, written.start, written.end)
    if start >= 0:
        return start, start + len(link.raw)
    start = text.find("[", written.start, written.end)
    end = max(text.rfind("]", written.start, written.end), text.rfind(")", written.start, written.end)) + 1
    return (start, end) if 0 <= start < end else (written.start, written.end)


def _legacy_problems(front: Frontmatter) -> Iterator[Problem]:
    for key in front.properties:
        if new := LEGACY_PROPERTIES.get(key.lower()):
            message = f'Obsidian no longer reads the property "{key}". Rename it to "{new}" and make it a list.'
            yield Problem("legacy-property", message, front.key_lines.get(key))
