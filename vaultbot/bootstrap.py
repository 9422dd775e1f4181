"""Puts the parts together: the only file that names concrete adapters."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TypeAlias

from vaultbot.adapters.chroma import FolderVectors
from vaultbot.adapters.chroma_server import VECTORS, ServerVectors
from vaultbot.adapters.cross_encoder import CrossEncoderReranker
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.adapters.llama_cpp.embedder import LlamaCppEmbedder
from vaultbot.adapters.onnx import OnnxEmbedder
from vaultbot.adapters.openai_chat import OpenAiChatModel
from vaultbot.adapters.openai_embedder import Known, OpenAiEmbedder
from vaultbot.adapters.openai_endpoint import ANSWERING, EMBEDDING
from vaultbot.adapters.pdf import PdfiumReader
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.adapters.server import Server
from vaultbot.adapters.server_key import server_key
from vaultbot.answering.answerer import Answerer
from vaultbot.answering.evidence import Weigher
from vaultbot.answering.restater import Restater
from vaultbot.answering.rewriter import Rewriter
from vaultbot.answering.templates import check_templates
from vaultbot.assistant import Assistant
from vaultbot.config import Config, EmbeddingSettings, IndexSettings, ModelSettings, is_address
from vaultbot.errors import ConfigError
from vaultbot.index.chunker import estimate_tokens
from vaultbot.index.known_texts import KnownTexts
from vaultbot.index.outbox import OpenVectors
from vaultbot.index.reader import CatalogReader
from vaultbot.index.salvage import open_catalog
from vaultbot.index.succession import Engine, Predecessor, succession
from vaultbot.index.worker import IndexWorker
from vaultbot.links.decisions import Decisions
from vaultbot.links.suggestions import LinkSuggestions
from vaultbot.models.starter import starter_chat_model, starter_embedding_model
from vaultbot.paths import StatePaths, embedder_cache, measurements, telling_full_disk
from vaultbot.protocols import ChatModel, Embedder, Reranker, VectorIndex
from vaultbot.retrieval.calibration import Calibrator
from vaultbot.retrieval.reranking import Reranking
from vaultbot.retrieval.retriever import Retriever
from vaultbot.vault.editor import Editor
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot")

VectorStore: TypeAlias = FolderVectors | ServerVectors
AnyEmbedder: TypeAlias = LlamaCppEmbedder | OnnxEmbedder | OpenAiEmbedder | SentenceTransformersEmbedder


def assemble(config: Config, root: Path, state: StatePaths) -> Assistant:
    """The assistant for the vault at `root`, its state in `state`. Nothing heavy is loaded yet, and nothing runs.

    Raises ModelMissing or ModelInvalid for a wrong embedding model or reranker, ConfigError for a wrong setting of a
    server, DataDamaged for a catalog of a newer version, DiskFull.
    """
    vault = Vault(
        root,
        exclude=config.vault.exclude,
        max_bytes=config.index.max_note_mb * 1024 * 1024,
        page_reader=PdfiumReader() if config.index.pdf else None,
        max_pdf_bytes=config.index.max_pdf_mb * 1024 * 1024,
    )
    if config.model.base_url:
        _remote_chat_model(config.model)  # A wrong setting is told now, and not in the middle of an answer.
    known = KnownTexts(CatalogReader(state.catalog))
    embedder = make_embedder(config, vault=root, known=known)

    def lost(why: str) -> None:
        assistant.worker.lost(why)

    store = _make_store(config.index, state, known, on_lost=lost)
    with telling_full_disk(state.root):
        assistant = assemble_with(
            config,
            vault,
            state,
            embedder=embedder,
            open_vectors=_vector_opener(store, embedder),
            reranker=make_reranker(config),
            predecessor=_predecessor(config, root, store, embedder, known),
        )
    return assistant


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
    catalog, damage = open_catalog(state.catalog)
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

    def away(why: str | None) -> None:
        retriever.away = why

    calibrator = Calibrator(catalog, reader, retriever)

    def at_rest(stopping: threading.Event) -> None:
        retriever.read_words()
        calibrator.calibrate(stopping)
        suggestions.refresh(stopping)

    def learn_soon() -> None:
        assistant.worker.wake()

    editor, decisions = Editor(vault, state.edits), Decisions(state.decisions)
    suggestions = LinkSuggestions(
        vault,
        reader,
        embedder=lambda: retriever.meaning[0],
        decisions=decisions,
        file=state.ranking,
        wake=learn_soon,
    )
    assistant = Assistant(
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
            notice="; ".join(told for told in (damage, first.notice) if told) or None,
            at_rest=at_rest,
            on_away=away,
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
        load_model=(lambda _: load_model)
        if load_model
        else lambda path: make_chat_model(config, path, state, vault=vault.root),
        editor=editor,
        decisions=decisions,
        suggestions=suggestions,
    )
    for indexer in first.indexers:
        indexer.on_renamed = assistant.review.renamed
    return assistant


def make_embedder(config: Config, *, vault: Path | None = None, known: Known = lambda _: None) -> AnyEmbedder | None:
    """The embedder of the settings; None means that words alone are searched. By `known` a server is checked.

    Raises ModelMissing or ModelInvalid, and ConfigError when its cache would be inside `vault` or a server's settings
    are wrong.
    """
    wanted, batch_size = config.embedding.model, config.embedding.batch_size
    if wanted == "none":
        return None
    if config.embedding.base_url:
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


def server_of(settings: EmbeddingSettings | ModelSettings) -> Server:
    """The server that `base_url` names. Raises ConfigError for an address or a key that will not do."""
    purpose, section = (EMBEDDING, "embedding") if isinstance(settings, EmbeddingSettings) else (ANSWERING, "model")
    key = server_key(variable=settings.key_variable, entry=settings.key_keyring, section=section)
    return Server.at(settings.base_url, purpose, key=key, allow_remote=settings.allow_remote)


def _remote_embedder(settings: EmbeddingSettings, known: Known) -> OpenAiEmbedder:
    return OpenAiEmbedder(
        server_of(settings),
        model=settings.remote_model,
        count_tokens=estimate_tokens,
        known=known,
        batch_size=settings.batch_size,
    )


def make_reranker(config: Config) -> Reranker | None:
    """The reranker of the settings; None when they want none. Raises ModelMissing or ModelInvalid."""
    wanted = config.retrieval.reranker
    return None if wanted == "none" else CrossEncoderReranker(Path(wanted).expanduser())


def chat_model_path(config: Config) -> Path | None:
    """The file of the settings' language model; None when they want none, or none is installed."""
    wanted = config.model.path
    if wanted == "none" or config.model.base_url:
        return None
    return starter_chat_model() if wanted == "auto" else Path(wanted).expanduser()


def make_chat_model(
    config: Config, path: Path | None, state: StatePaths | None = None, *, vault: Path | None = None
) -> ChatModel | None:
    """The language model at `path`, or the settings' file or server; None when there is none.

    What one in a file has read is kept in `state`, if there is one.

    Raises ModelMissing or ModelInvalid when a named file is not there or is no model, ConfigError when the cache would
    be inside `vault`.
    """
    if path is None and config.model.base_url and config.model.path != "none":
        return _remote_chat_model(config.model)
    path = path or chat_model_path(config)
    if path is None:
        return None
    settings = config.model
    if state and not settings.keep_prompt:
        state.prompt.unlink(missing_ok=True)
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
        measured=measurements(vault),
        state=state.prompt if state and settings.keep_prompt else None,
    )


def _remote_chat_model(settings: ModelSettings) -> OpenAiChatModel:
    return OpenAiChatModel(
        server_of(settings),
        model=settings.remote_model,
        count_tokens=estimate_tokens,
        context_tokens=settings.context_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
        billions=settings.remote_billions,
    )


def _predecessor(
    config: Config, root: Path, store: VectorStore, embedder: AnyEmbedder | None, known: Known
) -> Predecessor | None:
    open_next = _vector_opener(store, embedder, beside=True)
    if open_next is None:
        return None

    def make(recipe: str) -> Engine:
        settings = _settings_of(recipe)
        # What was allowed then may be forbidden now.
        settings = replace(settings, allow_remote=config.embedding.allow_remote)
        before = make_embedder(replace(config, embedding=settings), vault=root, known=known)
        if (address := _sends_to(before)) and address != _sends_to(embedder):
            raise ConfigError(f"your settings do not name {address} any more, so nothing is sent there")
        if isinstance(before, LlamaCppEmbedder):
            processes.append(before)
        return Engine(before, _vector_opener(store, before))

    def retired() -> None:
        for process in processes:
            process.close()
        store.retire()

    processes: list[LlamaCppEmbedder] = []
    return Predecessor(make, open_next, retired)


def _settings_of(recipe: str) -> EmbeddingSettings:
    """The settings that were kept as JSON, by this version or an earlier one. Raises for what is no recipe."""
    kept = json.loads(recipe)
    if is_address(kept["model"]):  # As it was written before there was a base_url.
        kept = {**kept, "model": "auto", "base_url": kept["model"]}
    known = {item.name for item in fields(EmbeddingSettings)}
    return EmbeddingSettings(**{name: value for name, value in kept.items() if name in known})


def _sends_to(embedder: AnyEmbedder | None) -> str | None:
    return embedder.sends_to if isinstance(embedder, OpenAiEmbedder) else None


def _make_store(
    settings: IndexSettings, state: StatePaths, known: KnownTexts, *, on_lost: Callable[[str], None]
) -> VectorStore:
    """Where vectors are kept to be searched. Raises ConfigError for a wrong setting of a server."""
    if not settings.chroma_url:
        return FolderVectors(state.vectors, state.next_vectors, on_lost=on_lost)
    key = server_key(
        variable=settings.chroma_key_variable, entry=settings.chroma_key_keyring, section="index", prefix="chroma_"
    )
    server = Server.at(settings.chroma_url, VECTORS, key=key, allow_remote=settings.chroma_allow_remote)
    return ServerVectors(server, owner=state.vector_owner, sample=known.vectors, on_lost=on_lost)


def _vector_opener(store: VectorStore, embedder: AnyEmbedder | None, *, beside: bool = False) -> OpenVectors | None:
    """The way to the index of this embedder's vectors; `beside` the one that another embedder serves with."""
    if embedder is None:
        return None

    def open_vectors() -> tuple[VectorIndex, str | None]:
        # First, for until there are vectors, words alone are searched and nobody waits.
        embedder.load()
        vectors, news = store.open(embedder.fingerprint, beside=beside)
        return vectors, "; ".join(notice for notice in (embedder.notice, news) if notice) or None

    return open_vectors
