"""A note with everything known about it."""

from __future__ import annotations

from dataclasses import dataclass

from vaultbot.index.graph import Backlink, Edge, Graph, Named, Neighbour, Standing
from vaultbot.index.reader import CatalogReader, NoteRecord
from vaultbot.types import Note
from vaultbot.vault.tasks import Task, find_tasks


@dataclass(frozen=True, slots=True)
class Profile:
    """What the note says, and how it stands among the others."""

    record: NoteRecord
    named: Named
    standing: Standing
    text: str
    tasks: tuple[Task, ...]
    links: tuple[Edge, ...]
    backlinks: tuple[Backlink, ...]
    neighbours: tuple[Neighbour, ...]


def profile_of(named: Named, document: Note, *, reader: CatalogReader, graph: Graph) -> Profile:
    """The profile of a note that is in the index. To be used within one snapshot."""
    record, standing = reader.note(named.path), graph.standing(named.path)
    assert record is not None
    assert standing is not None
    return Profile(
        record,
        named,
        standing,
        document.text,
        find_tasks(document),
        tuple(graph.outgoing(named.path)),
        tuple(graph.backlinks(named.path)),
        tuple(graph.neighbours(named.path)),
    )
