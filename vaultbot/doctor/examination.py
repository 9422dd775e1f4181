"""All checks together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaultbot.adapters.llama_cpp.devices import look_at_build
from vaultbot.config import Config
from vaultbot.doctor.check import Check, failed
from vaultbot.doctor.graphics import graphics
from vaultbot.doctor.models import daemon, embedder, language_model
from vaultbot.doctor.versions import versions
from vaultbot.errors import ConfigError
from vaultbot.models.graphics import graphics_cards


def examine(config: Config | None, problem: ConfigError | None, status: Mapping[str, Any] | None) -> list[Check]:
    """Look at everything. Without settings, for they have a `problem`, at what does not depend on them.

    `status` is what the daemon says; None when none runs.
    """
    build = look_at_build()
    checks = list(versions(build))
    if config is None:
        return [*checks, failed("settings", problem)] if problem else checks
    model, info = language_model(config, loaded=bool(status and status["model_loaded"]))
    card = graphics(build, graphics_cards(), config.model.gpu_layers, info, context_tokens=config.model.context_tokens)
    return [*checks, embedder(config), model, card, *daemon(status)]
