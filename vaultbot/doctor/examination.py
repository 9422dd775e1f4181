"""All checks together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaultbot.adapters.llama_cpp.devices import look_at_build
from vaultbot.config import Config
from vaultbot.doctor.check import Check, failed
from vaultbot.doctor.graphics import graphics
from vaultbot.doctor.index import index
from vaultbot.doctor.models import daemon, embedder, language_model
from vaultbot.doctor.offline import Found, look, look_at_edits
from vaultbot.doctor.server import port, token, who_listens
from vaultbot.doctor.storage import lock, storage
from vaultbot.doctor.vault import (
    WatchFacts,
    clock,
    folders_in,
    in_vault,
    looked_through,
    try_to_watch,
    watch_limit,
    watching,
)
from vaultbot.doctor.versions import versions
from vaultbot.errors import ConfigError, VaultbotError
from vaultbot.index.health import CatalogFacts, IndexFacts, VectorFacts
from vaultbot.models.graphics import graphics_cards
from vaultbot.paths import StatePaths
from vaultbot.runtime import hold_file, is_locked, read_runtime
from vaultbot.vault.vault import Vault
from vaultbot.vault.watcher import LOOKED_FOR

_LOCK_S = 0.4
_LATE = f"the system does not tell of changes; they are {LOOKED_FOR} half a minute"
_BUSY = Found((Check("catalog", "ok", "another process holds it at the moment, so it was not looked at"),))


@dataclass(frozen=True, slots=True)
class Told:
    """What the daemon says when it is asked; it holds the index then, and doctor opens none of its files."""

    status: Mapping[str, Any]
    index: Mapping[str, Any] | None  #: None for a daemon of a version that cannot say
    findings: Sequence[Mapping[str, Any]]  #: of lint


@dataclass(frozen=True, slots=True)
class Place:
    """A vault, and where its state is."""

    root: Path
    state: StatePaths


def examine(
    config: Config | None,
    problem: ConfigError | None,
    place: Place | None,
    told: Told | VaultbotError | None,
    *,
    settings_file: Path,
) -> list[Check]:
    """Look at everything. Without settings, for they have a `problem`, at what does not depend on them.

    Without a `place`, for no vault is named, at this machine alone. `told` is what the daemon says, or why it cannot be
    asked; None when none runs.
    """
    build = look_at_build()
    checks = [*versions(build), clock(time.time())]
    if config is None:
        return [*checks, failed("settings", problem)] if problem else checks
    checks.append(settings(settings_file))
    status = told.status if isinstance(told, Told) else None
    if place is not None:
        checks += _of_vault(config, place, told)
    model, info = language_model(config, loaded=bool(status and status["model_loaded"]))
    card = graphics(build, graphics_cards(), config.model.gpu_layers, info, context_tokens=config.model.context_tokens)
    unreachable = [failed("daemon", told)] if isinstance(told, VaultbotError) else daemon(status)
    return [*checks, embedder(config), model, card, *unreachable]


def settings(file: Path) -> Check:
    """Where they come from."""
    says = str(file) if file.exists() else f"the defaults, for there is no {file}"
    return Check("settings", "ok", says)


def _of_vault(config: Config, place: Place, told: Told | VaultbotError | None) -> Iterator[Check]:
    state = place.state
    vault = Vault(place.root, exclude=config.vault.exclude)
    there, listing = looked_through(vault)
    yield there
    if listing is not None:
        yield watching(_watched(place.root, told))
    yield from storage(state)
    runtime = read_runtime(state)
    yield lock(is_locked(state), runtime, answers=isinstance(told, Told))
    yield token(state)
    wanted = config.server.port
    yield port(wanted, runtime.port if runtime and isinstance(told, Told) else None, who_listens(wanted))
    findings: Sequence[Mapping[str, Any]] = ()
    if isinstance(told, Told):
        yield from _as_told(told)
        findings = told.findings
    elif state.lock.exists():
        with hold_file(state.lock, at_most_s=_LOCK_S) as held:  # A killed daemon's runtime file stays.
            found = look(config, vault, state) if held else _BUSY
        yield from found.checks
        findings = found.findings
    else:
        yield Check("catalog", "ok", "there is none yet; the first start reads the vault")
    if (journal := look_at_edits(state)) is not None:
        yield journal
    if listing is not None:
        yield from in_vault(listing, findings, now=time.time())


def _watched(root: Path, told: Told | VaultbotError | None) -> WatchFacts:
    if not isinstance(told, Told):
        return try_to_watch(root)
    notice = None
    if told.status.get("watching") == "polling":
        notice = next((words for words in told.status["warnings"] if LOOKED_FOR in words), _LATE)
    return WatchFacts(folders_in(root), watch_limit(), notice)


def _as_told(told: Told) -> Iterator[Check]:
    if told.index is None:
        step = "vaultbot stop, vaultbot start"
        yield Check("catalog", "advice", "the daemon is of an earlier version and cannot say how its index is", step)
        return
    vectors = told.index["vectors"]
    yield from index(IndexFacts(CatalogFacts(**told.index["catalog"]), VectorFacts(**vectors) if vectors else None))
