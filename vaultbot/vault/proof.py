"""Whether an edit did what it says and nothing else: the note read before and after.

Whatever stands outside the edited place must be read as before: links, tags, headings, block ids, code, formulas and
what a reader sees. Within it there must be one link or tag more, or another link, and for words the same words to see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from vaultbot.errors import EditRefused
from vaultbot.suggestion import PropertyValue, Replacement
from vaultbot.types import JsonValue, Link, Note
from vaultbot.vault.scanner import scan_blocks
from vaultbot.vault.tags import tag_key

_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S{1,2000}|\bwww\.\S{1,2000}", re.IGNORECASE)
_HTML_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,2000}>")
_BRACKETS = re.compile(r"\[[^\[\]\n]{0,500}\]|\]\([^()\n]{0,2000}\)")
_FIELD_KEY = re.compile(r"[^\[\]()\n]{0,110}::")

_TAG = re.compile(r" #\S+")
_PIPE = re.compile(r"(?<!\\)\|")

_NOT_PLAIN = "the words are not plain text any more"
_ELSEWHERE = "it would change how the rest of the note is read"


class _Placed(Protocol):
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


_P = TypeVar("_P", bound=_Placed)


def check_place(note: Note, edit: Replacement) -> None:
    """Raises EditRefused unless the text may be changed there: plain words, one whole link, or between two lines."""
    if not 0 <= edit.start <= edit.end <= len(note.text):
        raise EditRefused("it lies outside the note")
    if edit.start == edit.end:
        _check_gap(note, edit)
        return
    mends = _is_one_link(note, edit) or _is_unquoted_link(note, edit)
    if not mends and any(start < edit.end and edit.start < end for start, end in _protected(note)):
        raise EditRefused(_NOT_PLAIN)


def prove_replacement(before: Note, after: Note, edit: Replacement) -> None:
    """Raises EditRefused unless `after` is `before` with a link or tag more at that place, or another link there."""
    end = edit.start + len(edit.text)
    grown = end - edit.end

    def inside(one: _Placed) -> bool:
        return edit.start <= one.start and one.end <= end

    def outside(one: _Placed) -> bool:
        return one.end <= edit.start or one.start >= edit.end

    def moved(at: int, *, closing: bool) -> int:
        return at + grown if at >= edit.end and (at > edit.start or not closing) else at

    new_links, new_tags = [one for one in after.links if inside(one)], [one for one in after.tags if inside(one)]
    if _TAG.fullmatch(edit.text):
        if new_links or [tag.end for tag in new_tags] != [end]:
            raise EditRefused("what would be written there is not read as one tag")
    elif len(new_links) != 1 or new_tags or new_links[0].embed != _was_embed(before, edit):
        raise EditRefused("what would be written there is not read as one link")
    for kept, found in (
        (_links(before.links, outside), _links(after.links, lambda one: not inside(one))),
        ([t for t in before.tags if outside(t)], [t for t in after.tags if not inside(t)]),
        ([b for b in before.blocks if outside(b)], [b for b in after.blocks if not inside(b)]),
    ):
        _compare(kept, found, moved)
    _compare(before.masks, after.masks, moved)
    if any(inside(block) for block in after.blocks):
        raise EditRefused(_ELSEWHERE)
    if "|" in edit.text and _parts_cells(before, edit):
        raise EditRefused("its pipe would part the cells of the table")
    _compare_headings(before, after, edit, inside)
    _compare_sight(before, after, edit)
    _compare_properties(before, after, edit)


def prove_property(before: Note, after: Note, edit: PropertyValue) -> None:
    """Raises EditRefused unless the property's list is the old one with the value, and all else is as before."""
    body = before.text[before.body_start :]
    if after.text[after.body_start :] != body or not after.body_start:
        raise EditRefused(_ELSEWHERE)
    keys = [key for key in before.properties if key == edit.key] or [
        key for key in before.properties if key.casefold() == edit.key.casefold()
    ]
    key = keys[0] if keys else edit.key
    wanted = {**before.properties, key: [*_as_list(before.properties.get(key)), edit.value]}
    if not _same(after.properties, wanted) or list(after.properties) != list(wanted):
        raise EditRefused("the properties would not say just that more")
    if any(problem.slug == "frontmatter" for problem in after.problems):
        raise EditRefused("the properties could not be read any more")
    moved = len(after.text) - len(before.text)
    for old, new in ((before.links, after.links), (before.masks, after.masks), (before.headings, after.headings)):
        _compare(_in_body(old, before), _in_body(new, after), lambda at, *, closing: at + moved)  # noqa: ARG005
    if edit.key.casefold() == "tags" and len(after.tags) != len(before.tags) + 1:
        raise EditRefused("it is not a tag: a tag has a letter and no blanks")


def refuse_repeated(note: Note, edit: PropertyValue) -> None:
    """Raises EditRefused when the property has the value already."""
    same: Callable[[str], str] = tag_key if edit.key.casefold() in ("tags", "aliases") else str
    values = [
        value
        for key, old in note.properties.items()
        if key.casefold() == edit.key.casefold()
        for value in _as_list(old)
    ]
    if any(isinstance(value, str) and same(_bare(value, edit)) == same(_bare(edit.value, edit)) for value in values):
        raise EditRefused(f'"{edit.key}" has this value already')


def _bare(value: str, edit: PropertyValue) -> str:
    value = value.strip()
    return value.removeprefix("#") if edit.key.casefold() == "tags" else value


# ── where the text may be changed ───────────────────────────────────────────────────────────────────────────


def _check_gap(note: Note, edit: Replacement) -> None:
    """Lines may be put between lines, and a tag behind others; never into a sentence, code or the properties."""
    text, at = note.text, edit.start
    if _TAG.fullmatch(edit.text):
        before, behind = text[text.rfind("\n", 0, at) + 1 : at].split(), text[at:].partition("\n")[0]
        if behind.strip() or not before or not all(word.startswith("#") and len(word) > 1 for word in before):
            raise EditRefused("a tag is put behind others, on a line that holds nothing but tags")
        return
    above = (at == 0 or text[at - 1] == "\n") and edit.text.endswith("\n")
    below = (at == len(text) or text[at] in "\r\n") and edit.text.startswith(("\n", "\r\n"))
    if not (above or below):
        raise EditRefused("a line can only be put between two lines")
    if at < note.body_start or any(mask.start < at < mask.end for mask in note.masks):
        raise EditRefused("a line cannot be put into code, a comment or the properties")


def _is_one_link(note: Note, edit: Replacement) -> bool:
    touched = [link for link in note.links if link.start < edit.end and edit.start < link.end]
    return len(touched) == 1 and (touched[0].start, touched[0].end) == (edit.start, edit.end)


def _is_unquoted_link(note: Note, edit: Replacement) -> bool:
    """`is: [[Note]]`, which YAML reads as a list in a list."""
    written = note.text[edit.start : edit.end]
    return edit.end <= note.body_start and bool(re.fullmatch(r"\[\[[^\[\]\n]{1,500}\]\]", written))


def _parts_cells(note: Note, edit: Replacement) -> bool:
    line = note.text.count("\n", 0, edit.start) + 1
    written, old = (len(_PIPE.findall(words)) for words in (edit.text, note.text[edit.start : edit.end]))
    return written != old and line in scan_blocks(note.text, note.body_start).tables


def _was_embed(note: Note, edit: Replacement) -> bool:
    return any(link.embed for link in note.links if (link.start, link.end) == (edit.start, edit.end))


def _protected(note: Note) -> Iterator[tuple[int, int]]:
    """Where words are not plain: no prose, or a link, heading, tag, block id, field name, HTML or brackets already."""
    yield 0, note.body_start
    for placed in (note.masks, note.links, note.headings, note.tags, note.blocks):
        yield from ((one.start, one.end) for one in placed)
    for pattern in (_URL, _HTML_TAG, _BRACKETS):
        yield from (found.span() for found in pattern.finditer(note.text, note.body_start))
    if "::" in note.text:
        yield from (found.span() for found in _FIELD_KEY.finditer(note.text, note.body_start))


# ── what must be as before ──────────────────────────────────────────────────────────────────────────────────


def _links(links: Iterable[Link], wanted: Callable[[Link], bool]) -> list[Link]:
    """Those links; what only says where they stand left out."""
    return [replace(link, line=0, col=0, key_path=None) for link in links if wanted(link)]


def _in_body(placed: Iterable[_P], note: Note) -> list[_P]:
    return [one for one in placed if one.start >= note.body_start]


class _Moved(Protocol):
    def __call__(self, at: int, *, closing: bool) -> int: ...


def _compare(before: Iterable[Any], after: Iterable[Any], moved: _Moved) -> None:
    wanted = [replace(one, start=moved(one.start, closing=False), end=moved(one.end, closing=True)) for one in before]
    if [_without_place(one) for one in wanted] != [_without_place(one) for one in after]:
        raise EditRefused(_ELSEWHERE)


def _without_place(one: Any) -> Any:
    """A span counts by its offsets alone; lines and columns follow from them."""
    changes = {name: 0 for name in ("line", "col") if hasattr(one, name)}
    return replace(one, **changes) if changes else one


def _compare_headings(before: Note, after: Note, edit: Replacement, inside: Callable[[_Placed], bool]) -> None:
    """Headings stay, with what stands below which; a link that is mended in one may change its words."""
    mended = {n for n, one in enumerate(before.headings) if one.start < edit.end and edit.start < one.end}
    found = [heading for heading in after.headings if not inside(heading)]
    if len(found) != len(before.headings):
        raise EditRefused(_ELSEWHERE)
    for n, (old, new) in enumerate(zip(before.headings, found, strict=True)):
        same = (old.level, old.text) == (new.level, new.text) or n in mended
        if old.level != new.level or not same or (not mended and old.path != new.path):
            raise EditRefused(_ELSEWHERE)


def _compare_sight(before: Note, after: Note, edit: Replacement) -> None:
    """Line by line, what a reader sees: the same, save lines put in, and the line of a link that is mended."""
    first = before.text.count("\n", 0, edit.start)
    removed = before.text.count("\n", edit.start, edit.end)
    added = edit.text.count("\n")
    seen, now = list(before.visible), list(after.visible)
    if _TAG.fullmatch(edit.text):
        words = seen[first].rstrip() + edit.text
        if now[first].rstrip() != words or [*seen[:first], *seen[first + 1 :]] != [*now[:first], *now[first + 1 :]]:
            raise EditRefused(_ELSEWHERE)
        return
    if edit.start == edit.end:
        if edit.text.startswith(("\n", "\r\n")):
            first += 1
        del now[first : first + added]
        # The line before the end of the note gets a line end, which is none of its words.
        if [line.rstrip("\r") for line in seen] != [line.rstrip("\r") for line in now]:
            raise EditRefused(_ELSEWHERE)
        if list(before.rows.values()) != list(after.rows.values()):
            raise EditRefused(_ELSEWHERE)
        return
    if removed or added:
        raise EditRefused("it reaches over the end of a line")
    if _is_one_link(before, edit) or _is_unquoted_link(before, edit):
        del seen[first : first + 1], now[first : first + 1]
    if seen != now:
        raise EditRefused("a reader would not see the same words")


def _compare_properties(before: Note, after: Note, edit: Replacement) -> None:
    old, new = before.properties, after.properties
    if edit.end <= before.body_start and edit.start < edit.end:
        changed = [key for key in old if key not in new or not _same(old[key], new[key])]
        if len(changed) > 1 or list(old) != list(new):
            raise EditRefused(_ELSEWHERE)
    elif not _same(old, new):
        raise EditRefused(_ELSEWHERE)
    if len([p for p in after.problems if p.slug == "frontmatter"]) > len(
        [p for p in before.problems if p.slug == "frontmatter"]
    ):
        raise EditRefused("the properties could not be read any more")


def _as_list(value: JsonValue) -> list[JsonValue]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one type all the way down: 1 is not true, nor 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
