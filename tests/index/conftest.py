"""The fixture `desk`: an indexer over a small vault, run by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex
from vaultbot.index import indexer
from vaultbot.index.analyzer import query_terms
from vaultbot.index.catalog import Catalog
from vaultbot.index.indexer import Indexer
from vaultbot.index.reader import CatalogReader
from vaultbot.types import IndexProgress, IndexReport
from vaultbot.vault.vault import Vault


@pytest.fixture(autouse=True)
def usual_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever crash_child.py, which campaigns import into this process, makes small for itself."""
    monkeypatch.setattr(indexer, "_NOTES_A_BATCH", 64)


@dataclass
class Desk:
    """A vault with its catalog, a fake embedder and a fake vector index."""

    root: Path
    catalog_file: Path
    embedder: HashEmbedder | None = field(default_factory=HashEmbedder)
    vectors: ListVectorIndex = field(default_factory=ListVectorIndex)
    exclude: tuple[str, ...] = ()
    _indexer: Indexer | None = None

    @property
    def indexer(self) -> Indexer:
        if self._indexer is None:
            self._indexer = Indexer(
                Vault(self.root, exclude=self.exclude),
                Catalog(self.catalog_file),
                embedder=self.embedder,
                chunk_tokens=230,
            )
        return self._indexer

    @property
    def reader(self) -> CatalogReader:
        return CatalogReader(self.catalog_file)

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(file, (1_700_000_000, 1_700_000_000))
        return file

    def run(self, *, settle: bool = True, on_progress: Callable[[IndexProgress], None] = lambda _: None) -> IndexReport:
        return self.indexer.run(settle=settle, on_progress=on_progress)

    def reopen(self) -> None:
        """As a new start of vaultbot would find it."""
        if self._indexer is not None:
            self._indexer.close()
        self._indexer = None

    def find(self, words: str) -> list[str]:
        """Paths of the notes that full-text search finds."""
        reader = self.reader
        with reader.snapshot():
            keys = [key for key, _ in reader.match_notes(query_terms(words), limit=20)]
            titles = reader.titles(keys)
        return [titles[key][0] for key in keys]

    @property
    def embedded(self) -> int:
        assert self.embedder is not None
        return len(self.embedder.embedded)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr("vaultbot.index.removals.SETTLE_S", 0.06)
    root = tmp_path / "vault"
    root.mkdir()
    desk = Desk(root, tmp_path / "catalog.db")
    yield desk
    desk.reopen()


@pytest.fixture
def garden(desk: Desk) -> Desk:
    """Three notes in two folders, indexed."""
    desk.write("Home.md", "# Home\nWhere it starts. [[Roses]]\n")
    desk.write("Plants/Roses.md", "# Roses\nPrune them in March.\n")
    desk.write("Plants/Tulips.md", "# Tulips\nPlant the bulbs in autumn.\n")
    assert counts(desk.run()) == (3, 0, 0, 0, 0)
    return desk


def counts(report: IndexReport) -> tuple[int, int, int, int, int]:
    """(added, changed, renamed, removed, unchanged)"""
    return report.added, report.changed, report.renamed, report.removed, report.unchanged


def tree_hash(root: Path) -> str:
    """Of every name, byte, mode and time in the vault."""
    digest = blake2b()
    for entry in sorted(root.rglob("*")):
        info = entry.lstat()
        digest.update(
            f"{entry.relative_to(root)}\0{info.st_mode}\0{info.st_mtime_ns}\0".encode(errors="surrogateescape")
        )
        if entry.is_file() and not entry.is_symlink():
            digest.update(entry.read_bytes())
    return digest.hexdigest()
