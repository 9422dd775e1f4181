"""Which embedding model serves when vaultbot starts, and which one is to follow it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from vaultbot.errors import VaultbotError, kind_and_place
from vaultbot.index.catalog import Catalog
from vaultbot.index.changeover import Changeover
from vaultbot.index.indexer import Indexer
from vaultbot.index.outbox import OpenVectors
from vaultbot.index.reader import CatalogReader
from vaultbot.index.vectorizer import BuiltWith
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot.index")


@dataclass(frozen=True, slots=True)
class Engine:
    """An embedder, and the way to the index of its vectors. Without, words alone are searched."""

    embedder: Embedder | None
    open_vectors: OpenVectors | None


@dataclass(frozen=True, slots=True)
class Predecessor:
    """How to go on with the embedding model of the last start when the settings name another one."""

    make: Callable[[str], Engine]  #: by the recipe that was kept; may raise anything
    open_next: OpenVectors  #: the index of the new one's vectors, in a place of its own
    retired: Callable[[], None]  #: called when the earlier one is needed no more


@dataclass(frozen=True, slots=True)
class Succession:
    """The engine that serves at first, its indexer, and the change to the wanted one, if that is another."""

    engine: Engine
    indexer: Indexer
    changeover: Changeover | None = None
    notice: str | None = None  #: for people, until every note was read

    @property
    def indexers(self) -> tuple[Indexer, ...]:
        """The one that serves at first, and the one that takes over."""
        return (self.indexer, self.changeover.after) if self.changeover else (self.indexer,)


def succession(
    vault: Vault,
    catalog: Catalog,
    reader: CatalogReader,
    *,
    wanted: Engine,
    chunk_tokens: int,
    recipe: str,
    predecessor: Predecessor | None,
    on_switched: Callable[[VectorIndex], None],
) -> Succession:
    """The wanted engine; or the one that the index was built with, if it can still be had, and the change to it."""
    after = Indexer(vault, catalog, embedder=wanted.embedder, chunk_tokens=chunk_tokens, recipe=recipe)
    built = _changed(catalog, after.vectorizer.built_with)
    if built is None or predecessor is None or wanted.embedder is None:
        return Succession(wanted, after)
    kept = catalog.meta("recipe") or ""
    try:
        engine = _made(predecessor, kept, built.fingerprint)
    except Exception as error:
        log.info("the embedding model before cannot be used: %s", kind_and_place(error))
        reason = str(error) if isinstance(error, VaultbotError) else type(error).__name__
        notice = (
            f"the embedding model was changed, and the one before cannot be used any more ({reason}): notes that the "
            "new one has not read yet are found by their words alone"
        )
        return Succession(wanted, after, notice=notice)
    before = Indexer(
        vault, catalog, embedder=engine.embedder, chunk_tokens=built.chunk_tokens, recipe=kept, interim=True
    )
    changeover = Changeover(
        vault,
        catalog,
        reader,
        after=after,
        name=wanted.embedder.name,
        open_vectors=predecessor.open_next,
        on_switched=on_switched,
        on_retired=predecessor.retired,
    )
    return Succession(engine, before, changeover)


def _changed(catalog: Catalog, wanted: BuiltWith) -> BuiltWith | None:
    """What the index was built with where another embedding model is wanted, and notes are cut by the same rules."""
    built = BuiltWith.parse(catalog.meta("built_with"))
    if built is None or "none" in (built.fingerprint, wanted.fingerprint):
        return None
    return built if built.fingerprint != wanted.fingerprint and built.chunker == wanted.chunker else None


def _made(predecessor: Predecessor, recipe: str, fingerprint: str) -> Engine:
    engine = predecessor.make(recipe)
    if engine.embedder is None or engine.embedder.fingerprint != fingerprint:
        raise VaultbotError("its files are not what they were")
    return engine
