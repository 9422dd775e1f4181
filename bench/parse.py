"""How fast a vault is read into a graph, next to other ways of doing it, on the same notes in the same run.

    pip install -r bench/requirements.txt
    python -m bench.parse [--vault PATH | --notes 6500] [--rounds 2]

They take turns, and their processor time is counted. They do not do the same work, so the second table says what each
of them found.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import frontmatter
import yaml

from bench.machine import machine
from bench.vaults import measured_vault, note_files, vault_arguments
from vaultbot.types import Note
from vaultbot.vault.decoding import decode
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.resolver import Resolver
from vaultbot.vault.subpaths import subpath_exists
from vaultbot.vault.vault import Vault

_WIKILINK = re.compile(r"\[\[([^\[\]|#]*)[^\[\]]*\]\]")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in the vault; None for what is not looked for."""

    notes: int
    links: int
    unresolved: int | None = None
    typed: int | None = None  #: links in properties, of which the property is the type
    dangling: int | None = None  #: links to a heading or block that the note they lead to has not
    tags: int | None = None
    aliases: int | None = None
    failed: int = 0  #: notes that raised an error


def main() -> None:
    parser = vault_arguments(__doc__, notes=6500)
    parser.add_argument("--rounds", type=int, default=2, help="times that each reads the vault (default 2)")
    given = parser.parse_args()
    if not find_spec("obsidiantools"):
        raise SystemExit("obsidiantools, which this compares with, is missing: pip install -r bench/requirements.txt")
    import_module("obsidiantools.api")  # It brings pandas, which is not what is measured.
    warnings.filterwarnings("ignore", module="obsidiantools")

    print(machine())
    # Nothing is changed, so a vault of one's own is read where it is, with its attachments.
    with nullcontext(given.vault) if given.vault else measured_vault(None, notes=given.notes) as root:
        files = note_files(root)
        characters = sum(len(decode(file.read_bytes()).text) for file in files)
        print(f"vault: {given.vault or 'made by bench.vaults'}, {len(files)} notes, {characters:,} characters\n")
        found: dict[str, Found] = {}
        took: dict[str, list[float]] = {name: [] for name in _WAYS}
        for number in range(given.rounds):
            for name in list(_WAYS)[:: 1 if number % 2 == 0 else -1]:
                began = time.process_time()
                found[name] = _WAYS[name](root)
                took[name].append(time.process_time() - began)
        _print_speed(took, len(files), characters)
        _print_found(found)


# ── the ways ───────────────────────────────────────────────────────────────────────────────────────────────────


def _parse(root: Path) -> Found:
    notes = [parse_note(file.relative_to(root).as_posix(), decode(file.read_bytes()).text) for file in note_files(root)]
    return _found_in(notes)


def _graph(root: Path) -> Found:
    """As the indexer reads a vault: every link is resolved, and the place in the note that it names looked up."""
    vault = Vault(root)
    listing = vault.scan()
    notes = {path: parse_note(path, vault.read(path).text) for path in listing.notes}
    resolver = Resolver((*listing.notes, *listing.files))
    unresolved = dangling = 0
    for path, note in notes.items():
        for link in note.links:
            target = resolver.resolve(link.linkpath, path).path
            if target is None:
                unresolved += 1
            elif link.subpath and target in notes and not subpath_exists(notes[target], link.subpath):
                dangling += 1
    return _found_in(list(notes.values()), unresolved=unresolved, dangling=dangling)


def _found_in(notes: Sequence[Note], *, unresolved: int | None = None, dangling: int | None = None) -> Found:
    return Found(
        notes=len(notes),
        links=sum(len(note.links) for note in notes),
        unresolved=unresolved,
        typed=sum(link.kind == "property" for note in notes for link in note.links),
        dangling=dangling,
        tags=sum(len(note.tags) for note in notes),
        aliases=sum(len(note.aliases) for note in notes),
    )


def _obsidiantools(root: Path) -> Found:
    vault: Any = import_module("obsidiantools.api").Vault(root).connect()
    return Found(
        notes=len(vault.md_file_index),
        links=vault.graph.number_of_edges(),
        unresolved=sum(vault.graph.in_degree(name) for name in vault.nonexistent_notes),
        tags=sum(map(len, vault.tags_index.values())),
    )


def _regex(root: Path) -> Found:
    """What a script of twenty lines does."""
    links: list[str] = []
    names: set[str] = set()
    tags = aliases = failed = 0
    for file in note_files(root):
        names.add(file.stem)
        try:
            post = frontmatter.load(str(file))
        except (yaml.YAMLError, ValueError):
            failed += 1
            continue
        tags += _count(post.get("tags"))
        aliases += _count(post.get("aliases"))
        links += (link.strip() for link in _WIKILINK.findall(post.content))
    unresolved = sum(link.rpartition("/")[2] not in names for link in links)
    return Found(len(names), len(links), unresolved, tags=tags, aliases=aliases, failed=failed)


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else int(bool(value))


_OURS: dict[str, Callable[[Path], Found]] = {"vaultbot, notes": _parse, "vaultbot, graph": _graph}
_THEIRS: dict[str, Callable[[Path], Found]] = {
    "obsidiantools, graph": _obsidiantools,
    "frontmatter and a regex": _regex,
}
_WAYS = _OURS | _THEIRS


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────


def _print_speed(took: dict[str, list[float]], notes: int, characters: int) -> None:
    print(f"{'':25}{'notes/s':>9}{'characters/s':>14}{'seconds':>9}   by round")
    for name, seconds in took.items():
        middle = median(seconds)
        rounds = ", ".join(f"{one:.2f}" for one in seconds)
        print(f"{name:25}{notes / middle:9.0f}{characters / middle:14,.0f}{middle:9.2f}   {rounds}")
    print()
    for ours, theirs in product(_OURS, _THEIRS):
        ratios = [their / our for our, their in zip(took[ours], took[theirs], strict=True)]
        print(f"{ours} against {theirs}: {median(ratios):.2f} times the notes/s")


def _print_found(found: dict[str, Found]) -> None:
    columns = ("notes", "links", "unresolved", "typed", "dangling", "tags", "aliases", "failed")
    print(f"\n{'':25}" + "".join(f"{column:>11}" for column in columns))
    for name, one in found.items():
        values = (getattr(one, column) for column in columns)
        print(f"{name:25}" + "".join(f"{'–' if value is None else value:>11}" for value in values))


if __name__ == "__main__":
    main()
