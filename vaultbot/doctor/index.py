"""The index: the catalog, its full-text tables, the vector index, and what is still to be carried from one to another.

What is wrong with them is told from facts, whoever found them: the daemon, or doctor itself when none runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from vaultbot.doctor.check import REPAIR, Check, counted, some
from vaultbot.index.health import CatalogFacts, IndexFacts, VectorFacts
from vaultbot.index.schema import SCHEMA_VERSION

_CATALOG, _WORDS, _VECTORS, _OUTBOX, _EDITS = "catalog", "full text", "vectors", "outbox", "edits"
_ANEW = f"{REPAIR}; the file is kept beside, the vault is read anew, and vectors that are whole are kept"
_REBUILT = f"{REPAIR}; they are rebuilt from the catalog, without the embedding model"


def index(facts: IndexFacts) -> Iterator[Check]:
    """Everything that the facts tell."""
    yield catalog(facts.catalog)
    if facts.catalog.damage is None and facts.catalog.schema == SCHEMA_VERSION:
        yield words(facts.catalog)
        if facts.vectors is not None:
            yield vectors(facts.vectors, facts.catalog)
        elif facts.catalog.fingerprint is None:
            yield Check(_VECTORS, "ok", "there are none, for words alone are searched")
        yield outbox(facts.catalog.waiting)


def catalog(facts: CatalogFacts) -> Check:
    """The file as SQLite sees it, and the version of its tables."""
    if facts.damage is not None:
        return Check(
            _CATALOG,
            "problem",
            f"it is damaged: {facts.damage}",
            _ANEW,
            "catalog",
        )
    if facts.schema > SCHEMA_VERSION:
        return Check(
            _CATALOG,
            "problem",
            f"a newer vaultbot made it (schema {facts.schema}, this one knows {SCHEMA_VERSION})",
            "install that version again, or move catalog.db away to index from scratch",
        )
    if facts.schema < SCHEMA_VERSION:
        says = f"an older vaultbot made it (schema {facts.schema}); the next start makes it new and keeps its vectors"
        return Check(_CATALOG, "ok", says)
    says = f"whole, schema {facts.schema}: {counted(facts.notes, 'note')} in {counted(facts.chunks, 'chunk')}"
    return Check(_CATALOG, "ok", says)


def words(facts: CatalogFacts) -> Check:
    """The full-text tables against what they were made from."""
    if facts.words_damage is None:
        return Check(_WORDS, "ok", "every note's words are where they should be")
    return Check(
        _WORDS,
        "problem",
        f"it is damaged: {facts.words_damage}",
        _ANEW,
        "words",
    )


def vectors(facts: VectorFacts, catalog_facts: CatalogFacts) -> Check:
    """The vector index against the catalog."""
    if facts.failure is not None:
        return Check(_VECTORS, "problem", facts.failure, _REBUILT, "vectors")
    if facts.lost:
        says = f"{facts.lost} of {facts.asked} vectors do not find themselves, so passages are missed"
        return Check(_VECTORS, "problem", says, _REBUILT, "vectors")
    if facts.lacking or facts.surplus:
        parts = [
            f"{count:,} {what}"
            for count, what in ((facts.lacking, "are missing"), (facts.surplus, "are too many"))
            if count
        ]
        says = f"of {catalog_facts.with_vectors:,} vectors {' and '.join(parts)}"
        return Check(_VECTORS, "problem", says, _REBUILT, "vectors")
    asked = f", and {facts.asked} of {facts.asked} find themselves" if facts.asked else ""
    return Check(_VECTORS, "ok", f"{facts.held:,} as in the catalog{asked}")


def unopened(reason: str) -> Check:
    """A folder of vectors that will not be opened again, for this reason."""
    return Check(_VECTORS, "advice", f"{reason}, so they are rebuilt at the next start", REPAIR, "vectors")


def outbox(waiting: int) -> Check:
    """What is still to be carried from the catalog to the vector index."""
    if not waiting:
        return Check(_OUTBOX, "ok", "empty")
    passages = counted(waiting, "chunk")
    says = f"{passages} are recorded and not yet carried over to the vector index, where words alone find them"
    return Check(_OUTBOX, "advice", says, REPAIR, "index")


def edits(unfinished: Sequence[str], unclear: Sequence[str], copies: Path) -> Check:
    """Edits of notes that a kill came into, and those of which it could not be told what became."""
    if unfinished:
        says = f"a kill came into {counted(len(unfinished), 'edit')}: {some(unfinished)}"
        return Check(_EDITS, "problem", says, f"{REPAIR}; each is finished or taken back", "index")
    if unclear:
        says = f"the notes were changed after a kill had come into their edits: {some(unclear)}"
        return Check(_EDITS, "advice", says, f"compare them with the copies of before, in {copies}")
    return Check(_EDITS, "ok", "none is unfinished")
