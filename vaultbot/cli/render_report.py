"""The report on a vault's links for people who read it in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vaultbot.cli.render import bold, dim, linked, plain

_SHOWN = 8  #: of each list, without --verbose
_NAMED = 3  #: notes of a cluster

Page = Mapping[str, Any]


def print_report(page: Page, *, verbose: bool) -> None:
    """Figures first, then what is worth a look, each with its first few."""
    pairs = _counted(page["links"], "pair")
    figures = f"{page['linked_notes']:,} of {_counted(page['notes'], 'note')} have links; {pairs} of notes are linked"
    print(f"{bold(plain(page['vault']))}  {dim(figures)}\n")
    most = None if verbose else _SHOWN
    _section("Hubs", page["hubs"], _hub, most, count=False)
    _section("Clusters", page["clusters"], _cluster, most)
    _section("Close, and not linked", page["apart"], _divide, most)
    _section("Most wanted, not there yet", page["wanted"], _wanted, most, count=False)
    _section("Nearly the same", page["near_copies"], lambda group: "  =  ".join(map(_path, group)), most)
    _section("Names of several notes", page["alias_collisions"], _collision, most)
    _section("Tags written in two ways?", page["similar_tags"], _two_tags, most)
    _section("Tags used once", page["tags_once"], lambda one: f"#{plain(one['tag'])}  {dim(_path(one['note']))}", most)
    _section("Notes without any link", page["isolated"], _path, most)
    _section("Notes that nothing links to", page["orphans"], _path, most)
    _section("Notes that link to nothing", page["dead_ends"], _path, most)
    print(dim("vaultbot report --html FILE draws a map of it; nothing was changed"))


def _section(
    title: str, found: Sequence[Any], shown: Callable[[Any], str], most: int | None, *, count: bool = True
) -> None:
    if not found:
        return
    print(f"{bold(title)}{dim(f'  {len(found):,}') if count else ''}")
    for one in found[:most]:
        print(f"  {shown(one)}")
    if most is not None and len(found) > most:
        print(dim(f"  {len(found) - most:,} more; --verbose lists them"))
    print()


def _path(note: Page) -> str:
    return linked(plain(note["path"]), note["uri"])


def _title(note: Page) -> str:
    return linked(plain(note["title"]), note["uri"])


def _hub(one: Page) -> str:
    links = f"{one['incoming']} in, {one['outgoing']} out"
    return f"{_path(one['note'])}  {dim(links)}"


def _cluster(one: Page) -> str:
    return f"{', '.join(map(_title, one['members'][:_NAMED]))}  {dim(_counted(one['notes'], 'note'))}"


def _divide(one: Page) -> str:
    here, there = one["one"], one["other"]
    links = _counted(one["links"], "link") if one["links"] else "no link"
    sizes = f"{here['notes']} and {there['notes']} notes, {links}; closest: {plain(one['here']['title'])} and "
    return (
        f"{_title(here['members'][0])} and {_title(there['members'][0])}  {dim(sizes + plain(one['there']['title']))}"
    )


def _wanted(one: Page) -> str:
    return f"{plain(one['name'])}  {dim(_counted(len(one['notes']), 'note'))}"


def _collision(one: Page) -> str:
    titled = [f"{_path(note)} is called so" for note in one["titled"]]
    aliased = [f"{_path(note)} has it as an alias" for note in one["aliased"]]
    return f"{plain(one['name'])}  {dim('; '.join(titled + aliased))}"


def _two_tags(pair: Sequence[Page]) -> str:
    return " and ".join(f"#{plain(one['tag'])} {dim(str(one['notes']))}" for one in pair)


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
