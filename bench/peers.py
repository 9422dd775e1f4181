"""The usual ways to search notes, on the same notes with the same embedding model.

LangChain and LlamaIndex cut the notes with their own packages; what is nearest is exact in all of them.
"""

from __future__ import annotations

import logging
import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.vaults import note_files
from vaultbot.index.analyzer import query_terms, terms
from vaultbot.protocols import Embedder

_BATCH = 256
_RRF = 60
_RRF_LOOKED_AT = 100


class PeerMissing(Exception):
    """Its package is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a note."""

    path: str
    text: str  #: as it is handed on
    embedded: str


class NearestPieces:
    """Pieces of notes, ranked by the cosine of their vectors and the question's."""

    def __init__(self, pieces: Sequence[Piece], embedder: Embedder) -> None:
        self.pieces = pieces
        self._embedder = embedder
        batches = range(0, len(pieces), _BATCH)
        self._matrix = np.vstack(
            [
                embedder.embed_documents([piece.embedded for piece in pieces[start : start + _BATCH]])
                for start in batches
            ]
        )

    def rank(self, query: str) -> list[Piece]:
        """The pieces, nearest first."""
        cosines = self._matrix @ self._embedder.embed_query(query)
        return [self.pieces[place] for place in np.argsort(-cosines, kind="stable")]


class BodyWords:
    """Notes ranked by BM25 over their text, without fields, titles, or pairs of words.

    The words are those of vaultbot's index: without them Japanese and Chinese would find nothing, as nearly everywhere.
    """

    def __init__(self, vault: Path) -> None:
        self._paths = [path.relative_to(vault).as_posix() for path in note_files(vault)]
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE VIRTUAL TABLE body USING fts5 (text, tokenize='ascii')")
        self._db.executemany(
            "INSERT INTO body (rowid, text) VALUES (?, ?)",
            (
                (row, " ".join(terms((vault / path).read_text(encoding="utf-8", errors="replace"))))
                for row, path in enumerate(self._paths)
            ),
        )

    def rank(self, query: str) -> list[str]:
        """The paths of the notes with any of the words, best first."""
        wanted = " OR ".join(f'"{term}"' for term in query_terms(query))
        if not wanted:
            return []
        rows = self._db.execute(
            "SELECT rowid FROM body WHERE body MATCH ? ORDER BY bm25(body), rowid LIMIT ?", (wanted, _RRF_LOOKED_AT)
        )
        return [self._paths[row] for (row,) in rows]


def by_ranks(*rankings: Sequence[str]) -> list[str]:
    """Reciprocal rank fusion: each ranking gives 1 / (60 + place) to a note."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for place, path in enumerate(list(dict.fromkeys(ranking))[:_RRF_LOOKED_AT], 1):
            scores[path] = scores.get(path, 0.0) + 1 / (_RRF + place)
    return sorted(scores, key=lambda path: -scores[path])


def langchain_pieces(vault: Path) -> list[Piece]:
    """`ObsidianLoader` and 1,000 characters with 200 of overlap, as in a first tutorial. Raises PeerMissing."""
    _ask_for("langchain_community", "langchain_text_splitters")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("langchain_community").setLevel(logging.ERROR)  # It complains of templates in frontmatter.
    from langchain_community.document_loaders import ObsidianLoader
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    notes = ObsidianLoader(str(vault)).load()
    pieces = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(notes)
    return [
        Piece(Path(piece.metadata["path"]).relative_to(vault).as_posix(), piece.page_content, piece.page_content)
        for piece in pieces
    ]


def llama_index_pieces(vault: Path) -> list[Piece]:
    """`SentenceSplitter` with its 1,024 tokens and 20 of overlap, the path embedded with each. Raises PeerMissing."""
    _ask_for("llama_index.core")
    from llama_index.core import Document  # type: ignore[import-not-found]
    from llama_index.core.node_parser import SentenceSplitter  # type: ignore[import-not-found]
    from llama_index.core.schema import MetadataMode  # type: ignore[import-not-found]

    notes = [
        Document(
            text=file.read_text(encoding="utf-8", errors="replace"),
            metadata={"file_path": file.relative_to(vault).as_posix()},
        )
        for file in note_files(vault)
    ]
    nodes = SentenceSplitter(chunk_size=1024, chunk_overlap=20).get_nodes_from_documents(notes)
    return [
        Piece(node.metadata["file_path"], node.get_content(), node.get_content(MetadataMode.EMBED)) for node in nodes
    ]


def _ask_for(*packages: str) -> None:
    for package in packages:
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise PeerMissing(f"{package} is not installed: pip install -r bench/requirements.txt")


def paths_of(pieces: Sequence[Piece]) -> list[str]:
    """The notes of the pieces, each at its first place."""
    return list(dict.fromkeys(piece.path for piece in pieces))


def texts_of(ranked: Sequence[Piece], *, exclude: Sequence[str], characters: int) -> str:
    """The texts of the best pieces, as much of them as is handed on."""
    held, used = [], 0
    for piece in ranked:
        if used >= characters:
            break
        if piece.path not in exclude:
            held.append(piece.text[: characters - used])
            used += len(held[-1])
    return "\n".join(held)


Ranked = Mapping[str, Sequence[str]]  #: paths by question, made elsewhere
