"""Puts the parts together: the only file that names concrete adapters."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeAlias

from vaultbot.adapters.chroma import open_vector_index, take_over
from vaultbot.adapters.cross_encoder import CrossEncoderReranker
from vaultbot.adapters.llama_cpp import LlamaCppChatModel
from vaultbot.adapters.llama_cpp_embedder import LlamaCppEmbedder
from vaultbot.adapters.onnx import OnnxEmbedder
from vaultbot.adapters.openai_embedder import Known, OpenAiEmbedder
from vaultbot.adapters.openai_endpoint import Endpoint
from vaultbot.adapters.pdf import PdfiumReader
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.answering.answerer import Answerer
from vaultbot.answering.evidence import Weigher
from vaultbot.answering.restater import Restater
from vaultbot.answering.rewriter import Rewriter
from vaultbot.answering.templates import check_templates
from vaultbot.assistant import Assistant
from vaultbot.config import Config, EmbeddingSettings, is_address
from vaultbot.errors import ConfigError
from vaultbot.index.catalog import Catalog
from vaultbot.index.chunker import estimate_tokens
from vaultbot.index.known_texts import KnownTexts
from vaultbot.index.outbox import OpenVectors
from vaultbot.index.reader import CatalogReader
from vaultbot.index.schema import CatalogDamaged
from vaultbot.index.succession import Engine, Predecessor, succession
from vaultbot.index.worker import IndexWorker
from vaultbot.models.starter import starter_chat_model, starter_embedding_model
from vaultbot.paths import StatePaths, embedder_cache
from vaultbot.protocols import ChatModel, Embedder, Reranker, VectorIndex
from vaultbot.retrieval.calibration import Calibrator
from vaultbot.retrieval.reranking import Reranking
from vaultbot.retrieval.retriever import Retriever
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot")

AnyEmbedder: TypeAlias = LlamaCppEmbedder | OnnxEmbedder | OpenAiEmbedder | SentenceTransformersEmbedder


def assemble(config: Config, root: Path, state: StatePaths) -> Assistant:
    """The assistant for the vault at `root`, its state in `state`. Nothing heavy is loaded yet, and nothing runs.

    Raises ModelMissing or ModelInvalid for a wrong embedding model or reranker, DataDamaged for a catalog of a newer
    version.
    """
    vault = Vault(
        root,
        exclude=config.vault.exclude,
        max_bytes=config.index.max_note_mb * 1024 * 1024,
        page_reader=PdfiumReader() if config.index.pdf else None,
        max_pdf_bytes=config.index.max_pdf_mb * 1024 * 1024,
    )
    known = KnownTexts(CatalogReader(state.catalog))
    embedder = make_embedder(config, vault=root, known=known)
    return assemble_with(
        config,
        vault,
        state,
        embedder=embedder,
        open_vectors=_vector_opener(state, embedder),
        reranker=make_reranker(config),
        predecessor=_predecessor(config, root, state, embedder, known),
    )


def assemble_with(
    config: Config,
    vault: Vault,
    state: StatePaths,
    *,
    embedder: Embedder | None,
    open_vectors: OpenVectors | None,
    load_model: ChatModel | None = None,
    reranker: Reranker | None = None,
    predecessor: Predecessor | None = None,
) -> Assistant:
    """The same with engines of one's own: tests give fakes."""
    prompts = Path(config.prompts.folder).expanduser() if config.prompts.folder else None
    check_templates(prompts)
    state.create()
    catalog = _open_catalog(state.catalog)
    reader = CatalogReader(state.catalog)
    asked = config.retrieval

    def switched(vectors: VectorIndex) -> None:
        retriever.use(embedder, vectors)
        weigher.use(embedder)

    first = succession(
        vault,
        catalog,
        reader,
        wanted=Engine(embedder, open_vectors),
        chunk_tokens=config.index.chunk_tokens,
        recipe=json.dumps(asdict(config.embedding), sort_keys=True),
        predecessor=predecessor,
        on_switched=switched,
    )
    weigher = Weigher(reader, embedder=first.engine.embedder)
    retriever = Retriever(
        reader,
        embedder=first.engine.embedder,
        vault_name=vault.name,
        reranking=Reranking(reranker, limit_s=asked.rerank_ms / 1000, top=asked.rerank_top) if reranker else None,
    )

    def vectors_changed(vectors: VectorIndex | None) -> None:
        retriever.vectors = vectors

    calibrator = Calibrator(catalog, reader, retriever)

    def at_rest(stopping: threading.Event) -> None:
        retriever.read_words()
        calibrator.calibrate(stopping)

    return Assistant(
        config,
        vault,
        reader=reader,
        worker=IndexWorker(
            first.indexer,
            reader,
            open_vectors=first.engine.open_vectors,
            on_vectors=vectors_changed,
            rescan_s=config.index.rescan_minutes * 60.0,
            changeover=first.changeover,
            notice=first.notice,
            at_rest=at_rest,
        ),
        retriever=retriever,
        answerer=Answerer(
            retriever=retriever,
            weigher=weigher,
            vault_name=vault.name,
            retrieval=config.retrieval,
            generation=config.model,
            shown=config.answer,
            prompts=prompts,
            restater=Restater(prompts=prompts),
            rewriter=Rewriter(reader=reader, prompts=prompts) if asked.expand else None,
        ),
        load_model=(lambda _: load_model) if load_model else lambda path: make_chat_model(config, path),
    )


def make_embedder(config: Config, *, vault: Path | None = None, known: Known = lambda _: None) -> AnyEmbedder | None:
    """The embedder of the settings; None means that words alone are searched. By `known` a server is checked.

    Raises ModelMissing or ModelInvalid, and ConfigError when its cache would be inside `vault` or a server's settings
    are wrong.
    """
    wanted, batch_size = config.embedding.model, config.embedding.batch_size
    if wanted == "none":
        return None
    if is_address(wanted):
        return _remote_embedder(config.embedding, known)
    if wanted.lower().endswith(".gguf") or Path(wanted).expanduser().is_file():
        return LlamaCppEmbedder(Path(wanted).expanduser(), estimate=estimate_tokens, batch_size=batch_size)
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


def _remote_embedder(settings: EmbeddingSettings, known: Known) -> OpenAiEmbedder:
    key = os.environ.get(settings.key_variable, "") if settings.key_variable else None
    if key == "":
        raise ConfigError(
            f"[embedding] key_variable names the environment variable {settings.key_variable}, which is not set; set "
            "it where vaultbot is started, and then: vaultbot stop"
        )
    return OpenAiEmbedder(
        Endpoint(settings.model, key=key, allow_remote=settings.allow_remote),
        model=settings.remote_model,
        count_tokens=estimate_tokens,
        known=known,
        batch_size=settings.batch_size,
    )


def make_reranker(config: Config) -> Reranker | None:
    """The reranker of the settings; None when they want none. Raises ModelMissing or ModelInvalid."""
    wanted = config.retrieval.reranker
    return None if wanted == "none" else CrossEncoderReranker(Path(wanted).expanduser())


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
        top_k=settings.top_k,
        top_p=settings.top_p,
        min_p=settings.min_p,
        repeat_penalty=settings.repeat_penalty,
        seed=settings.seed,
    )


def _predecessor(
    config: Config, root: Path, state: StatePaths, embedder: AnyEmbedder | None, known: Known
) -> Predecessor | None:
    open_next = _vector_opener(state, embedder, beside=True)
    if open_next is None:
        return None

    def make(recipe: str) -> Engine:
        settings = EmbeddingSettings(**json.loads(recipe))
        # What was allowed then may be forbidden now.
        settings = replace(settings, allow_remote=config.embedding.allow_remote)
        before = make_embedder(replace(config, embedding=settings), vault=root, known=known)
        if (address := _sends_to(before)) and address != _sends_to(embedder):
            raise ConfigError(f"your settings do not name {address} any more, so nothing is sent there")
        if isinstance(before, LlamaCppEmbedder):
            processes.append(before)
        return Engine(before, _vector_opener(state, before))

    def retired() -> None:
        for process in processes:
            process.close()
        shutil.rmtree(state.vectors)

    processes: list[LlamaCppEmbedder] = []
    return Predecessor(make, open_next, retired)


def _sends_to(embedder: AnyEmbedder | None) -> str | None:
    return embedder.sends_to if isinstance(embedder, OpenAiEmbedder) else None


def _vector_opener(state: StatePaths, embedder: AnyEmbedder | None, *, beside: bool = False) -> OpenVectors | None:
    """The way to the index of this embedder's vectors; `beside` the one that another embedder serves with."""
    if embedder is None:
        return None

    def open_vectors() -> tuple[VectorIndex, str | None]:
        # First, for until there are vectors, words alone are searched and nobody waits.
        embedder.load()
        if not beside:
            take_over(state.vectors, state.next_vectors, fingerprint=embedder.fingerprint)
        folder = state.next_vectors if beside else state.vectors
        vectors, news = open_vector_index(folder, fingerprint=embedder.fingerprint)
        return vectors, "; ".join(notice for notice in (embedder.notice, news) if notice) or None

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
