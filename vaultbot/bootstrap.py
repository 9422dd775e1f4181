"""Puts the parts together: the only file that names concrete adapters."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from vaultbot.adapters.chroma import open_vector_index
from vaultbot.adapters.llama_cpp import LlamaCppChatModel
from vaultbot.adapters.onnx import OnnxEmbedder
from vaultbot.adapters.pdf import PdfiumReader
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.answering.answerer import Answerer
from vaultbot.answering.evidence import Weigher
from vaultbot.answering.templates import PLACEHOLDERS, load_template
from vaultbot.assistant import Assistant
from vaultbot.config import Config
from vaultbot.index.catalog import Catalog
from vaultbot.index.indexer import Indexer
from vaultbot.index.reader import CatalogReader
from vaultbot.index.schema import CatalogDamaged
from vaultbot.index.worker import IndexWorker, OpenVectors
from vaultbot.models.starter import starter_chat_model, starter_embedding_model
from vaultbot.paths import StatePaths, embedder_cache
from vaultbot.protocols import ChatModel, Embedder, VectorIndex
from vaultbot.retrieval.retriever import Retriever
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot")


def assemble(config: Config, root: Path, state: StatePaths) -> Assistant:
    """The assistant for the vault at `root`, its state in `state`. Nothing heavy is loaded yet, and nothing runs.

    Raises ModelMissing or ModelInvalid for a wrong embedding model, DataDamaged for a catalog of a newer version.
    """
    vault = Vault(
        root,
        exclude=config.vault.exclude,
        max_bytes=config.index.max_note_mb * 1024 * 1024,
        page_reader=PdfiumReader() if config.index.pdf else None,
        max_pdf_bytes=config.index.max_pdf_mb * 1024 * 1024,
    )
    embedder = make_embedder(config, vault=root)
    return assemble_with(config, vault, state, embedder=embedder, open_vectors=_vector_opener(state, embedder))


def assemble_with(
    config: Config,
    vault: Vault,
    state: StatePaths,
    *,
    embedder: Embedder | None,
    open_vectors: OpenVectors | None,
    load_model: ChatModel | None = None,
) -> Assistant:
    """The same with engines of one's own: tests give fakes."""
    prompts = Path(config.prompts.folder).expanduser() if config.prompts.folder else None
    for template in PLACEHOLDERS:
        load_template(template, folder=prompts)  # A wrong one is told now, and not in the middle of an answer.
    state.create()
    catalog = _open_catalog(state.catalog)
    reader = CatalogReader(state.catalog)
    retriever = Retriever(reader, embedder=embedder, vault_name=vault.name)

    def vectors_changed(vectors: VectorIndex | None) -> None:
        retriever.vectors = vectors

    return Assistant(
        config,
        vault,
        reader=reader,
        worker=IndexWorker(
            Indexer(vault, catalog, embedder=embedder, chunk_tokens=config.index.chunk_tokens),
            reader,
            open_vectors=open_vectors,
            on_vectors=vectors_changed,
            rescan_s=config.index.rescan_minutes * 60.0,
        ),
        retriever=retriever,
        answerer=Answerer(
            retriever=retriever,
            weigher=Weigher(reader, embedder=embedder),
            vault_name=vault.name,
            retrieval=config.retrieval,
            generation=config.model,
            prompts=prompts,
        ),
        embedder=embedder,
        load_model=(lambda _: load_model) if load_model else lambda path: make_chat_model(config, path),
    )


def make_embedder(config: Config, *, vault: Path | None = None) -> OnnxEmbedder | SentenceTransformersEmbedder | None:
    """The embedder of the settings; None means that words alone are searched.

    Raises ModelMissing or ModelInvalid, and ConfigError when its cache would be inside `vault`.
    """
    wanted, batch_size = config.embedding.model, config.embedding.batch_size
    if wanted == "none":
        return None
    if wanted != "auto":
        original = SentenceTransformersEmbedder(Path(wanted).expanduser(), batch_size=batch_size)
    elif starter := starter_embedding_model():
        original = SentenceTransformersEmbedder(starter, name="all-MiniLM-L6-v2", batch_size=batch_size)
    else:
        return None
    if config.embedding.engine == "torch":
        return original
    precision = config.embedding.precision
    return OnnxEmbedder(original, cache=embedder_cache(vault), precision=precision, batch_size=batch_size)


def make_chat_model(config: Config, path: Path | None) -> ChatModel | None:
    """The language model at `path`, or of the settings; None when there is none.

    Raises ModelMissing or ModelInvalid when a named file is not there or is no model.
    """
    wanted = config.model.path
    if path is None:
        if wanted == "none":
            return None
        path = starter_chat_model() if wanted == "auto" else Path(wanted).expanduser()
    if path is None:
        return None
    settings = config.model
    return LlamaCppChatModel(
        path,
        context_tokens=settings.context_tokens,
        gpu_layers=settings.gpu_layers,
        threads=settings.threads,
        temperature=settings.temperature,
        seed=settings.seed,
    )


def _vector_opener(
    state: StatePaths, embedder: OnnxEmbedder | SentenceTransformersEmbedder | None
) -> OpenVectors | None:
    if embedder is None:
        return None

    def open_vectors() -> tuple[VectorIndex, str | None]:
        # First, for until there are vectors, words alone are searched and nobody waits.
        embedder.load()
        vectors, news = open_vector_index(state.vectors, fingerprint=embedder.fingerprint)
        slow = embedder.notice if isinstance(embedder, OnnxEmbedder) else None
        return vectors, "; ".join(notice for notice in (slow, news) if notice) or None

    return open_vectors


def _open_catalog(file: Path) -> Catalog:
    try:
        return Catalog(file)
    except CatalogDamaged as error:
        aside = file.with_name(f"{file.name}.damaged-{int(time.time())}")
        log.warning("%s; it is kept as %s", error, aside.name)
        file.rename(aside)
        for leftover in (f"{file.name}-wal", f"{file.name}-shm"):
            file.with_name(leftover).unlink(missing_ok=True)
        return Catalog(file)
