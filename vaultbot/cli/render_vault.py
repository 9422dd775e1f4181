"""The words that people read in a terminal about their vault: a note with its links, and what is wrong."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from vaultbot.cli.render import bold, dim, linked, plain, warn

_BACKLINKS = 20  #: shown without --verbose
_GROUPS = 20  #: of one kind of finding
_PLACES = 4  #: of one finding
_VALUE = 200  #: characters of a property's value
_LABEL = 9

#: Kinds of which a list of paths says it all.
_PATHS = frozenset({"isolated", "orphan", "dead-end", "unlinked-attachment"})

#: What each kind of finding is called above its list.
KINDS: Mapping[str, str] = {
    "frontmatter": "Properties that cannot be read",
    "unquoted-link": "Links in properties that need quotes",
    "tag": "Tags that are none",
    "encoding": "Notes with unreadable characters",
    "truncated": "Notes that are too long to be read as a whole",
    "canvas": "Canvases that cannot be read",
    "base": "Bases that cannot be read",
    "excalidraw": "Drawings that cannot be read",
    "name-collision": "File names that are one and the same elsewhere",
    "dangling": "Links to a place that is not in the note",
    "ambiguous": "Links that several files fit",
    "alias": "Aliases that need quotes",
    "legacy-property": "Properties that Obsidian no longer reads",
    "unlinkable-name": "File names that no link can hold",
    "conflict-copy": "Copies that a sync program left",
    "skipped": "Files that were left out",
    "unresolved": "Links that lead nowhere",
    "pdf": "PDFs without text",
    "duplicate-title": "Names that several notes have",
    "missing-day": "Links to days without a note",
    "isolated": "Notes without any link",
    "orphan": "Notes that nothing links to",
    "dead-end": "Notes that link to nothing",
    "unlinked-attachment": "Attachments that nothing links to",
}


# ── a note ─────────────────────────────────────────────────────────────────────────────────────────────────────


def print_note(page: Mapping[str, Any], *, verbose: bool) -> None:
    """One screen: what the note says of itself, what it links to, and what links to it."""
    place = linked(dim(plain(page["path"])), page["uri"])
    print("  ".join((bold(plain(page["title"])), place, *([dim(page["date"])] if page["date"] else []))))
    if page["found_by"] == "alias":
        print(dim("found by an alias"))
    if not page["searched"]:
        print(f"not searched: {page['unsearched_because']}")
    _row("aliases", map(plain, page["aliases"]))
    _row("tags", ("#" + plain(tag) for tag in page["tags"]))
    _row("tasks", [f"{page['open_tasks']} open, {page['done_tasks']} done"] if _has_tasks(page) else [])
    for name, value in _properties(page).items():
        _row(plain(name), [value])
    for problem in page["problems"]:
        line = f":{problem['line']}" if problem["line"] else ""
        print(f"{bold('problem')}   {plain(page['path'])}{line}  {plain(problem['message'])}")
    _print_links(page["links"])
    _print_backlinks(page["backlinks"], verbose=verbose)
    count = len(page["neighbours"])
    both = sum(one["direction"] == "both" for one in page["neighbours"])
    print()
    print(dim(f"{count} neighbour{'' if count == 1 else 's'}{f', {both} linked both ways' if both else ''}"))


def _has_tasks(page: Mapping[str, Any]) -> bool:
    return bool(page["open_tasks"] or page["done_tasks"])


def _properties(page: Mapping[str, Any]) -> dict[str, str]:
    """Those that are not told elsewhere, as aliases, tags, links and the day are."""
    told = {"aliases", "alias", "tags", "tag"} | {link["key"] for link in page["links"] if link["kind"] == "property"}
    shown = {}
    for name, value in page["properties"].items():
        if name.lower() not in told and name not in told and value != page["date"]:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text = " ".join(plain(text).split())
            shown[name] = text if len(text) <= _VALUE else text[:_VALUE] + " …"
    return shown


def _print_links(links: Sequence[Mapping[str, Any]]) -> None:
    """By type: properties by their names, then what stands in the text, then inline fields."""
    groups: dict[str, Counter[tuple[str, str | None]]] = {}
    for link in sorted(links, key=_kind_order):
        groups.setdefault(_type(link), Counter())[_named(link), link["uri"]] += 1
    if groups:
        print(f"\n{bold('Links')}")
    for name, targets in groups.items():
        many = {target: f"{target[0]} ×{count}" if count > 1 else target[0] for target, count in targets.items()}
        _row(plain(name), [(text, uri) for (_, uri), text in many.items()], arrow=True)


def _kind_order(link: Mapping[str, Any]) -> int:
    if link["kind"] == "property":
        return 0
    return 3 if link["key"] else 2 if link["embed"] else 1


def _type(link: Mapping[str, Any]) -> str:
    if link["kind"] == "property":
        return str(link["key_path"] if link["nested"] else link["key"])
    return f"{link['key']}::" if link["key"] else "embeds" if link["embed"] else "links"


def _named(link: Mapping[str, Any]) -> str:
    """The target's name with the place in it, and what is odd about it."""
    target = link["target"]
    place = link["subpath"].lstrip("#").replace("#", " › ")
    if target is None:
        name, odd = link["linkpath"], "missing"
    else:
        name = target if link["ambiguous"] else target.rpartition("/")[2]
        name = name[:-3] if name.lower().endswith(".md") else name
        odd = "ambiguous" if link["ambiguous"] else ""
    if not link["linkpath"]:
        name = "this note"
    if link["subpath_ok"] is False:
        odd = ", ".join(filter(None, (odd, "no such place in it")))
    notes = ", ".join(filter(None, (odd, "in a comment" if link["in_comment"] else "")))
    return plain(" › ".join(filter(None, (name, place)))) + (f" ({notes})" if notes else "")


def _print_backlinks(backlinks: Sequence[Mapping[str, Any]], *, verbose: bool) -> None:
    if backlinks:
        print(f"\n{bold('Backlinks')} {dim(str(len(backlinks)))}")
    for one in backlinks if verbose else backlinks[:_BACKLINKS]:
        line = f":{one['line']}" if one["path"].lower().endswith(".md") else ""  # A canvas has cards and no lines.
        place = linked(dim(plain(one["path"]) + line), one["uri"])
        above = plain(" › ".join(one["heading_path"]))
        typed = f"{plain(one['key'])}{'' if one['kind'] == 'property' else '::'} → this note" if one["key"] else ""
        odd = f"{plain(one['subpath'])} is not in this note" if one["subpath_ok"] is False else ""
        hidden = "in a comment" if one["in_comment"] else ""
        print("  " + "  ".join(filter(None, (place, above, typed, odd, hidden))))
        if one["context"]:
            print(f"    {_emphasized(plain(one['context']), plain(one['shown']))}")
    if not verbose and len(backlinks) > _BACKLINKS:
        print(dim(f"  {len(backlinks) - _BACKLINKS} more; --verbose lists them"))


def _emphasized(context: str, shown: str) -> str:
    before, found, after = context.partition(shown)
    return f"{before}{bold(found)}{after}" if found else context


def _row(label: str, values: Iterable[str | tuple[str, str | None]], *, arrow: bool = False) -> None:
    """A label and its values, side by side and as many on a line as there is room for."""
    width = max(40, min(100, shutil.get_terminal_size().columns))
    start = f"{label} → " if arrow else f"{label:<{_LABEL}} "
    indent = "  " if arrow else ""
    lines: list[str] = []
    used = 0
    for value in values:
        text, uri = value if isinstance(value, tuple) else (value, None)
        shown = linked(text, uri) if uri else text
        if lines and used + len(text) + 3 <= width:
            lines[-1] += dim(" · ") + shown
            used += len(text) + 3
        else:
            lines.append(indent + (" " * len(start) if lines else dim(start)) + shown)
            used = len(indent) + len(start) + len(text)
    for line in lines:
        print(line)


# ── what is close to a note ────────────────────────────────────────────────────────────────────────────────────


def print_related(page: Mapping[str, Any]) -> None:
    """Notes with their scores, the closest lines of both, and what else the two share."""
    for one in page["notes"]:
        there = one["there"]
        place = f"{plain(one['path'])}:{there['line']}" if there else plain(one["path"])
        place = linked(dim(place), there["uri"] if there else one["uri"])
        print(f"{bold(_under(one['title'], there))}  {place}  {dim(format(one['score'], '.2f'))}")
        if one["near_copy"]:
            print("  says the same in the same words")
        else:
            _print_line("there", there, "")
            _print_line("here", one["here"], _under("", one["here"]))
        _row("  tags", ("#" + plain(tag) for tag in one["tags"]))
        _row("  links", (_without_md(plain(path)) for path in one["links"]))
        _row("  words", map(plain, one["words"]))
        print()
    for warning in page["warnings"]:
        warn(warning)
    count = len(page["notes"])
    if count:
        print(dim(f"{count} note{'' if count == 1 else 's'} that {plain(page['note'])} is not linked with"))
    elif not page["warnings"]:
        print("nothing found that it is not linked with already")


def _under(title: str, spot: Mapping[str, Any] | None) -> str:
    headings = spot["heading_path"] if spot else ()
    return plain(" › ".join(filter(None, (title, *(heading for heading in headings if heading != title)))))


def _print_line(label: str, spot: Mapping[str, Any] | None, place: str) -> None:
    if spot:
        before = f"{'  ' + label:<{_LABEL}} "
        text = (f"{place}, line {spot['line']}: " if place else "") + plain(spot["text"])
        width = max(40, min(100, shutil.get_terminal_size().columns))
        print(textwrap.fill(text, width, initial_indent=before, subsequent_indent=" " * len(before)))


def _without_md(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[:-3] if name.lower().endswith(".md") else name


# ── what is wrong ──────────────────────────────────────────────────────────────────────────────────────────────


def print_lint(page: Mapping[str, Any], *, verbose: bool) -> None:
    """Findings by kind: errors and warnings with their places, the rest as a number unless `verbose`."""
    kinds = [(slug, list(found)) for slug, found in groupby(page["findings"], key=lambda one: one["slug"])]
    for slug, findings in kinds:
        if verbose or _is_listed(slug, findings):
            _print_kind(slug, findings, verbose=verbose)
    for_information = [(slug, found) for slug, found in kinds if not _is_listed(slug, found)]
    if for_information and not verbose:
        print(bold("For information"))
        for slug, found in for_information:
            print(f"  {slug:<19} {len(found):>6,}  {dim(_called(slug))}")
        print(dim("  --verbose lists them, or --kind with one of these words\n"))
    print(dim(_summary(page)))


def _is_listed(slug: str, findings: Sequence[Mapping[str, Any]]) -> bool:
    return slug == "unresolved" or any(one["severity"] != "info" for one in findings)


def _called(slug: str) -> str:
    return KINDS.get(slug, slug)


def _print_kind(slug: str, findings: Sequence[Mapping[str, Any]], *, verbose: bool) -> None:
    """What is wrong in the same way in several places is told once, what can be mended first."""
    count = f"{slug}, {len(findings):,}"
    print(f"{bold(_called(slug))}  {dim(count)}")
    if slug in _PATHS:
        for one in findings:
            print(f"  {plain(one['path'])}")
        print()
        return
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in findings:
        groups.setdefault(one["message"], []).append(one)
    told = sorted(groups.values(), key=lambda group: (group[0]["fix"] is None, -len(group)))
    for group in told if verbose else told[:_GROUPS]:
        _print_group(group, verbose=verbose)
    if not verbose and len(told) > _GROUPS:
        left = sum(map(len, told[_GROUPS:]))
        print(dim(f"  {left:,} more; --verbose lists them"))
    print()


def _print_group(group: Sequence[Mapping[str, Any]], *, verbose: bool) -> None:
    first = group[0]
    places = [f"{plain(one['path'])}{':' + str(one['line']) if one['line'] else ''}" for one in group]
    if len(group) == 1:
        print(f"  {dim(places[0])}  {plain(first['message'])}")
    else:
        print(f"  {plain(first['message'])}")
        for place in places if verbose else places[:_PLACES]:
            print(f"    {dim(place)}")
        if not verbose and len(places) > _PLACES:
            print(dim(f"    and {len(places) - _PLACES:,} more"))
    if first["fix"]:
        print(f"    → {plain(first['fix'])}")


def _summary(page: Mapping[str, Any]) -> str:
    parts = [
        f"{page[key]:,} {word}{'' if page[key] == 1 else 's'}"
        for key, word in (("errors", "error"), ("warnings", "warning"))
        if page[key]
    ]
    parts += [f"{page['infos']:,} for information"] if page["infos"] else []
    return f"{', '.join(parts)}; nothing was changed" if parts else "nothing is wrong"
