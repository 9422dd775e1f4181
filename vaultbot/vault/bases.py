"""A base read like a note: the names of its views, formulas and properties. The rest is settings, and no prose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vaultbot.types import Heading, JsonValue, Note, Problem
from vaultbot.vault.frontmatter import ObsidianHandler, RefusedYamlError
from vaultbot.vault.reading import visible_lines
from vaultbot.vault.titles import title_of


def parse_base(path: str, text: str) -> Note:
    """Read a `.base` file; never raises. Broken YAML is a problem "base".

    Every name is a line and a heading, so that it is found and never quoted. A view's is what a link names:
    `[[All.base#View]]`. Links in filters and formulas lead nowhere in Obsidian either, so there are none.
    """
    problems: tuple[Problem, ...] = ()
    settings: Mapping[str, JsonValue] = {}
    try:
        settings = ObsidianHandler().load(text.removeprefix("\ufeff"))
    except RefusedYamlError as refused:
        # It counts from the `---` line that a note's properties have above them.
        line = refused.line - 1 if refused.line else None
        message = f"The settings of the base cannot be read: {refused}. Open the base in Obsidian, or mend its text."
        problems = (Problem("base", message, line),)
    lines: list[str] = []
    headings: list[Heading] = []
    offset = 0
    for name, link in _distinct(settings):
        headings.append(Heading(1, name, (name,), len(lines) + 1, offset, offset + len(name), link))
        lines.append(name)
        offset += len(name) + 1
    return Note(
        path,
        title_of(path),
        "\n".join(lines),
        body_start=0,
        body_line=1,
        headings=tuple(headings),
        visible=tuple(lines) or ("",),
        problems=problems,
    )


def _distinct(settings: Mapping[str, JsonValue]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each name once, and how a link names it."""
    seen: set[str] = set()
    for written, is_view in _names(settings):
        name = " ".join(" ".join(visible_lines(written, (), ())).split())
        if name and name not in seen:
            seen.add(name)
            yield name, (name,) if is_view else ()


def _names(settings: Mapping[str, JsonValue]) -> Iterator[tuple[str, bool]]:
    """(name as written, whether it is a view's)"""
    views = [view for view in _list(settings, "views") if isinstance(view, dict)]
    yield from ((str(view.get("name") or ""), True) for view in views)
    yield from ((name, False) for key in ("formulas", "summaries") for name in _map(settings, key))
    for key, shown in _map(settings, "properties").items():
        yield _own_name(key), False
        yield str(_map({"": shown}, "").get("displayName") or ""), False
    yield from ((_own_name(item), False) for view in views for item in _list(view, "order") if isinstance(item, str))


def _own_name(key: str) -> str:
    """ "status" of "note.status"; nothing of "file.name", which every file has."""
    kind, dot, name = key.partition(".")
    if not dot or kind not in ("note", "formula", "file"):
        return key
    return "" if kind == "file" else name


def _list(holder: Mapping[str, JsonValue], key: str) -> list[JsonValue]:
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _map(holder: Mapping[str, JsonValue], key: str) -> dict[str, JsonValue]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}
