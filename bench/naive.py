"""What a first RAG tutorial builds with LangChain.

Load the notes, split them at 1,000 characters, embed the pieces 32 at a time, and add all that to Chroma.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class NaiveIndex:
    """What was made."""

    notes: int
    texts: Sequence[str]  #: that were embedded


def load_model(folder: Path) -> Any:
    """The embedding model, used as the tutorials do. Exits when LangChain is missing."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("langchain_community").setLevel(logging.ERROR)  # It complains of templates in frontmatter.
    if not (find_spec("langchain_community") and find_spec("langchain_text_splitters")):
        raise SystemExit("LangChain, which this compares with, is missing: pip install -r bench/requirements.txt")
    import langchain_community.document_loaders  # noqa: F401
    import langchain_text_splitters  # noqa: F401
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()

    model = SentenceTransformer(str(folder), local_files_only=True)
    model.encode(["ready"])
    return model


def index(vault: Path, folder: Path, model: Any) -> NaiveIndex:
    """Index the vault into a new Chroma folder."""
    import chromadb
    from langchain_community.document_loaders import ObsidianLoader
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    notes = ObsidianLoader(str(vault)).load()
    pieces = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(notes)
    texts = [piece.page_content for piece in pieces]
    client = chromadb.PersistentClient(str(folder), chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection("notes", embedding_function=None, metadata={"hnsw:space": "cosine"})
    at_once = client.get_max_batch_size()
    for start in range(0, len(pieces), at_once):
        part = slice(start, start + at_once)
        collection.add(
            ids=[str(number) for number in range(*part.indices(len(pieces)))],
            embeddings=model.encode(texts[part], batch_size=32, show_progress_bar=False),
            documents=texts[part],
            metadatas=[{"source": str(piece.metadata["source"])} for piece in pieces[part]],
        )
    client.close()
    return NaiveIndex(len(notes), texts)
