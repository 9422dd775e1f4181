"""`vaultbot doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_status import print_checks
from vaultbot.cli.session import Session
from vaultbot.errors import ConfigError, VaultbotError


def doctor(session: Session) -> None:
    """Look for what is wrong here, and say what to do about it."""
    from vaultbot.doctor.check import worst
    from vaultbot.doctor.examination import examine

    problem, config = None, None
    try:
        config = session.config
    except ConfigError as error:
        problem = error
    checks = examine(config, problem, _status(session) if config else None)
    state = worst(checks)
    if session.json:
        print_json({"state": state, "checks": [asdict(check) for check in checks]})
    else:
        print_checks([asdict(check) for check in checks])
    if state == "problem":
        raise typer.Exit(1)


def _status(session: Session) -> Mapping[str, Any] | None:
    """What the daemon of this vault says; None when none runs, or when no vault is named."""
    from vaultbot.client import find

    try:
        client = find(session.state)
        status: Mapping[str, Any] | None = client.get("/api/status") if client else None
    except VaultbotError:
        return None
    return status
