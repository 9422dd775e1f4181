"""`vaultbot doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_status import print_checks
from vaultbot.cli.session import Session
from vaultbot.errors import ConfigError, InvalidRequest, NoteNotFound, VaultbotError, VaultMissing
from vaultbot.paths import absolute, config_folder
from vaultbot.runtime import hold_lock, read_runtime

if TYPE_CHECKING:
    from vaultbot.doctor.check import Check
    from vaultbot.doctor.examination import Place, Told
    from vaultbot.doctor.repair import Repair


def doctor(
    session: Session,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended, after saying what that will be.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before that.")] = False,
) -> None:
    """Look for what is wrong here, and say what to do about it.

    It changes nothing without --repair, and nothing in the vault at all. A daemon that runs is asked, and none is
    started. The exit code is 1 when there is a problem.
    """
    checks = _examine(session)
    tried: set[str] = set()
    # A token that others may read keeps the daemon from being asked, so what else there is shows only after that.
    while repair and (kinds := {check.repair for check in checks if check.repair} - tried):
        if not _repair(session, [check for check in checks if check.repair in kinds], yes=yes):
            break
        tried |= kinds
        checks = _examine(session)
    _show(session, checks)
    if any(check.state == "problem" for check in checks):
        raise typer.Exit(1)


def _examine(session: Session) -> list[Check]:
    from vaultbot.doctor.examination import examine

    config, problem, place, told = None, None, None, None
    try:
        config = session.config
    except ConfigError as error:
        problem = error
    if config is not None:
        place = _place(session)
        told = _told(session) if place else None
    file = absolute(session.config_file) if session.config_file else config_folder() / "config.toml"
    return examine(config, problem, place, told, settings_file=file)


def _place(session: Session) -> Place | None:
    from vaultbot.doctor.examination import Place

    try:
        return Place(session.root, session.state)
    except VaultMissing:  # None is named, and the machine alone is looked at.
        return None


def _told(session: Session) -> Told | VaultbotError | None:
    from vaultbot.client import find
    from vaultbot.doctor.examination import Told

    try:
        client = find(session.state)
        if client is None:
            return None
        status = client.get("/api/status")
        findings = client.get("/api/lint?kind=frontmatter&kind=conflict-copy")["findings"]
        try:
            facts = client.get("/api/integrity")
        except NoteNotFound:
            facts = None
        return Told(status, facts, findings)
    except VaultbotError as error:
        return error


def _show(session: Session, checks: Sequence[Check]) -> None:
    from vaultbot.doctor.check import worst

    shown = [asdict(check) for check in checks]
    if session.json:
        print_json({"state": worst(checks), "checks": shown})
    else:
        print_checks(shown)


# ── repairing ──────────────────────────────────────────────────────────────────────────────────────────────────


def _repair(session: Session, checks: Sequence[Check], *, yes: bool) -> bool:
    """Mend what was found; False when that was not wanted."""
    from vaultbot.doctor.repair import repairs

    todo = repairs(checks, session.state)
    if session.json and not yes:
        raise InvalidRequest("--json cannot ask; add --yes")
    for one in todo:
        session.tell(f"this will {one.says}")
    if not yes and not typer.confirm("Do it?", err=True):
        return False
    _do(session, todo)
    return True


def _do(session: Session, todo: Sequence[Repair]) -> None:
    from vaultbot import launcher

    for one in todo:
        if not one.alone:  # First of all, for a token that others may read keeps us from finding the daemon.
            one.do()
    alone = [one for one in todo if one.alone]
    if not alone:
        return
    before = read_runtime(session.state)
    launcher.stop(session.state)
    with hold_lock(session.state):
        for one in alone:
            one.do()
    if any(one.reindexes for one in alone):
        arguments = session.daemon_arguments(*(["--until-idle"] if before is None or before.ends_when_idle else []))
        client = launcher.find_or_start(session.state, arguments=arguments, start=True)
        session.wait_for_index(client)
        client.post("/api/index", {"wait": True})
