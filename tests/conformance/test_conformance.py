"""vaultbot reads a vault as Obsidian does: every case of `cases/`, one test each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.cases import MARKS, Case, as_vault_files, fixture, load_cases, write_vault
from vaultbot.types import Link, Note
from vaultbot.vault.canvas import parse_canvas
from vaultbot.vault.dates import is_daily_name, note_date
from vaultbot.vault.headings import find_heading
from vaultbot.vault.linktext import LinkWriter
from vaultbot.vault.listing import Listing
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.resolver import Resolver
from vaultbot.vault.subpaths import block_lines, find_block, section_lines, subpath_exists
from vaultbot.vault.tags import tag_covers, tag_key
from vaultbot.vault.uris import open_uri
from vaultbot.vault.vault import Vault

CASES = load_cases()
ROWS = 85


class World:
    """The vault of one case, as vaultbot lists it."""

    def __init__(self, case: Case, listing: Listing, settings: ObsidianSettings) -> None:
        self.case = case
        self.listing = listing
        self.settings = settings
        self.texts = dict(as_vault_files(case))
        self.resolver = Resolver((*listing.notes, *listing.files))

    def read(self, path: str) -> Note:
        return (parse_canvas if path.endswith(".canvas") else parse_note)(path, self.texts[path])

    def link(self, link: Link) -> dict[str, Any]:
        """A link with all that a case may say of it."""
        found = self.resolver.resolve(link.linkpath, self.case.source)
        seen: dict[str, Any] = {name: getattr(link, name) for name in LINK_FIELDS}
        seen |= {"to": found.path, "ambiguous": found.ambiguous, "subpath_ok": None, "lands": None}
        if link.subpath and found.path and found.path[-3:].lower() == ".md":
            target = self.read(found.path)
            heading, block = find_heading(target.headings, link.subpath), find_block(target.blocks, link.subpath)
            seen["subpath_ok"] = subpath_exists(target, link.subpath)
            seen["lands"] = heading.line if heading else block.line if block else None
        return seen


LINK_FIELDS = (
    *("raw", "kind", "linkpath", "subpath", "display", "embed", "line", "col"),
    *("key", "key_path", "in_comment", "nested"),
)


@pytest.fixture(scope="session")
def plain_listing(tmp_path_factory: pytest.TempPathFactory) -> Listing:
    root = tmp_path_factory.mktemp("fixture")
    write_vault(root, fixture())
    return Vault(root).scan()


@pytest.fixture
def world(case: Case, plain_listing: Listing, tmp_path: Path) -> World:
    if not case.files:
        return World(case, plain_listing, ObsidianSettings())
    write_vault(tmp_path, fixture() | dict(case.files))
    return World(case, Vault(tmp_path).scan(), Vault(tmp_path).settings())


def parameters() -> list[Any]:
    """Every case under its name. One that waits for its feature must fail: once it passes, it is to be told so."""
    return [
        pytest.param(
            case, id=case.name, marks=[pytest.mark.xfail(reason=case.pending, strict=True)] if case.pending else []
        )
        for case in CASES
    ]


@pytest.mark.parametrize("case", parameters())
def test_vaultbot_reads_as_obsidian_does(case: Case, world: World) -> None:
    expected = {name: getattr(case, name) for name in OBSERVED if getattr(case, name) is not None}
    assert expected, "the case expects nothing"

    assert {name: OBSERVED[name](world) for name in expected} == expected | _explicit_links(case, world)


def _explicit_links(case: Case, world: World) -> dict[str, Any]:
    """The expected links with what the case leaves open filled in from what was read."""
    if case.links is None:
        return {}
    seen = _links(world)
    expected = [link if isinstance(link, dict) else {"to": link} for link in case.links]
    if len(seen) != len(expected):
        return {"links": expected}
    return {"links": [{**have, "ambiguous": False, **want} for have, want in zip(seen, expected, strict=True)]}


# ── what vaultbot makes of it ──────────────────────────────────────────────────────────────────────────────────


def _note(world: World) -> Note:
    note = world.read(world.case.source)
    assert all(note.text[link.start : link.end] == link.raw for link in note.links)
    return note


def _links(world: World) -> list[dict[str, Any]]:
    return [world.link(link) for link in _note(world).links]


def _tag_counts(world: World) -> dict[str, int]:
    names = [tag.name for tag in _note(world).tags]
    first = {tag_key(name): name for name in reversed(names)}
    return {first[key]: count for key, count in Counter(map(tag_key, names)).items()}


def _covered_by(world: World) -> dict[str, bool]:
    names = [tag.name for tag in _note(world).tags]
    return {wanted: any(tag_covers(wanted, name) for name in names) for wanted in world.case.covered_by or ()}


def _sections(world: World) -> dict[str, list[int]]:
    note = _note(world)
    return {heading.text: list(section_lines(note, heading)) for heading in note.headings}


def _block_lines(world: World) -> dict[str, list[int]]:
    note = _note(world)
    return {block.name: list(block_lines(note, block)) for block in note.blocks}


def _masks(world: World) -> list[str]:
    note = _note(world)
    return [f"{mask.kind}: {note.text[mask.start : mask.end]}" for mask in note.masks]


def _visible(world: World) -> str:
    return "\n".join(_note(world).visible).rstrip()


def _searched(world: World) -> list[str]:
    listing = world.listing
    return [path for path in world.case.notes or () if path in listing.notes and path not in listing.unsearched]


def _left_out(world: World) -> list[str]:
    listing = world.listing
    return [path for path in world.case.left_out or () if path in listing.files or path in listing.unsearched]


def _date(world: World) -> str:
    found = note_date(world.case.source, _note(world).properties, world.settings)
    return found.isoformat() if found else ""


def _daily_names(world: World) -> dict[str, bool]:
    return {linkpath: is_daily_name(linkpath, world.settings) for linkpath in world.case.daily_names or ()}


def _uri(world: World) -> str:
    asked = world.case.open or {}
    return open_uri(asked["vault"], asked["path"], asked.get("headings", ()))


def _write(world: World) -> dict[str, str]:
    target = (world.case.write or {})["target"]
    link = LinkWriter(world.resolver).link(target, world.case.source) or ""
    return {"target": target, "link": link.removeprefix("[[").removesuffix("]]")}


OBSERVED: dict[str, Callable[[World], Any]] = {
    "links": _links,
    "tags": lambda world: [tag.name for tag in _note(world).tags],
    "tag_counts": _tag_counts,
    "covered_by": _covered_by,
    "aliases": lambda world: list(_note(world).aliases),
    "properties": lambda world: dict(_note(world).properties),
    "title": lambda world: _note(world).title,
    "headings": lambda world: ["#" * heading.level + " " + heading.text for heading in _note(world).headings],
    "sections": _sections,
    "blocks": lambda world: [block.name for block in _note(world).blocks],
    "block_lines": _block_lines,
    "problems": lambda world: [problem.slug for problem in _note(world).problems],
    "visible": _visible,
    "hides": lambda world: [words for words in world.case.hides or () if words not in _visible(world)],
    "masks": _masks,
    "notes": _searched,
    "left_out": _left_out,
    "unsearched": lambda world: dict(world.listing.unsearched),
    "attachments": lambda world: [path for path in world.case.attachments or () if path in world.listing.files],
    "absent": lambda world: [
        path
        for path in world.case.absent or ()
        if path in world.texts and path not in world.listing.notes and path not in world.listing.files
    ],
    "date": _date,
    "daily_names": _daily_names,
    "uri": _uri,
    "write": _write,
}


# ── the suite itself ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_row_of_the_table_of_edge_cases_has_a_case() -> None:
    assert {case.row for case in CASES if case.row} == set(range(1, ROWS + 1))


def test_there_are_many_cases_and_each_has_a_name_a_sentence_and_a_mark() -> None:
    assert len(CASES) >= 180
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    assert [case.name for case in CASES if case.mark not in MARKS or not case.shows.endswith(".")] == []


def test_few_cases_wait_for_a_feature() -> None:
    assert len([case for case in CASES if case.pending]) <= 6
