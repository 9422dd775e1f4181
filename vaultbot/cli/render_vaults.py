"""The words that people read about their vaults."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from vaultbot.cli.render import bold, dim, plain
from vaultbot.cli.render_models import size
from vaultbot.known_vaults import KnownVault


def print_vaults(vaults: Sequence[KnownVault]) -> None:
    """Each with its name and folder, and below it how vaultbot is with it."""
    for one in vaults:
        mark = "* " if one.default else "  "
        place = plain(one.folder) if one.folder else "an index of an earlier version, which does not say of what"
        print(f"{mark}{bold(plain(one.name))}  {place}" if one.name else f"{mark}{place}")
        print(dim(f"    {', '.join(_how(one))}"))
    if not vaults:
        print("no vault is known; choose one with: vaultbot init")
        return
    if any(one.default for one in vaults):
        print(dim("\n* is meant where no vault is named"))
    if any(one.name is None and one.folder and one.there for one in vaults):
        print(dim("give a vault a name: vaultbot vaults add NAME FOLDER"))
    if any(one.state == "missing" and one.notes for one in vaults):
        print(dim("a vault that was moved keeps its index with: vaultbot vaults relink FOLDER"))


def _how(one: KnownVault) -> list[str]:
    words = {
        "running": f"runs: pid {one.pid}, port {one.port}",
        "starting": "is starting",
        "missing": "the folder is not there" if one.folder else f"in {one.state_folder}",
        "stopped": "no daemon runs",
        "not indexed": "not indexed",
    }[one.state]
    parts = [words]
    if one.state == "running" and not one.there:
        parts.append("the folder is not there")
    if one.notes is not None:
        parts.append("1 note" if one.notes == 1 else f"{one.notes:,} notes")
    if one.indexed_at is not None:
        parts.append(f"indexed {time.strftime('%Y-%m-%d %H:%M', time.localtime(one.indexed_at))}")
    if one.bytes:
        parts.append(f"{size(one.bytes)} in {Path(one.state_folder or '').name}")
    return parts
