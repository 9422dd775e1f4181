"""A disk that is full at every size

The state folder lies on a disk of its own (tmpfs, in a mount namespace). In half of the trials the disk has so few
kilobytes from the beginning; in the other half an index is there, and the disk has only so many kilobytes
more before a busy day is followed. Some runs are tried, words are searched, and then the disk gets larger.

Proves: at these sizes the process lived, said that the disk is full or went on, found with words what it had read
before, and, when there was room, got to the index of a clean build: by itself, or where Chroma had failed with one more
start.

Does not prove: the same for disks that return other errors, or run full under the vault itself, which vaultbot only
writes to for an accepted suggestion (G-3 has full disks there).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.campaigns.busy_vault import change, make_vault
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import in_a_fork
from tests.campaigns.mounts import mount_disk, own_mounts, permitted, resize_disk
from tests.campaigns.upkeep import assistant, brought_up_to_date, clean_build, differences, follow, unchanged
from vaultbot.assistant import Assistant
from vaultbot.errors import VaultbotError

_ENOUGH = 512 * 1024
_STEP = 40  # kilobytes
_RUNS = 3


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    if not permitted():
        raise SystemExit("G-4 needs a mount namespace: as root, or where users may have namespaces")
    vault, busy, state, disk = folder / "vault", folder / "busy", folder / "state", folder / "disk"
    rng = random.Random("the vault of all full disks")
    make_vault(vault, rng)
    in_a_fork(lambda: follow(vault, state)).result()
    shutil.copytree(vault, busy, symlinks=True)
    for _ in range(14):
        change(busy, rng)
    expected = clean_build(busy, folder / "clean")
    disk.mkdir()

    def attempt(number: int, rng: random.Random) -> Outcome:
        kilobytes = number // 2 * _STEP + rng.randrange(_STEP) + 4
        before = state if number % 2 else None
        with unchanged(busy) as wrong:
            ended = in_a_fork(lambda: _on_a_small_disk(busy, disk, before, kilobytes))
        if ended.exit:
            wrong.append(f"with {kilobytes} KB: {ended.failure or ended.exit}")
            return Outcome("broke off", tuple(wrong))
        how, said, told = ended.result()
        wrong += told + differences(said, expected)
        what = "little room left" if before else "small from the beginning"
        return Outcome(what, tuple(f"with {kilobytes} KB: {one}" for one in wrong), {how: 1})

    yield attempt


def _on_a_small_disk(
    vault: Path, disk: Path, before: Path | None, kilobytes: int
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """How it went; what the index says in the end; what was wrong on the way."""
    own_mounts()
    state = disk / "state"
    if before:
        mount_disk(disk, kilobytes=_ENOUGH)
        shutil.copytree(before, state)
        room = os.statvfs(disk)
        used = (room.f_blocks - room.f_bfree) * room.f_bsize // 1024
        resize_disk(disk, kilobytes=used + kilobytes)
    else:
        mount_disk(disk, kilobytes=kilobytes)
        state.mkdir()
    told: list[str] = []
    try:
        with assistant(vault, state) as (product, _):
            full = _try(product, told, had_notes=before is not None)
            resize_disk(disk, kilobytes=_ENOUGH)
            brought_up_to_date(product)
            by_itself = product.state().state == "ready"
    except (VaultbotError, OSError) as error:  # It could not even start, which a person sees at once.
        full, by_itself = True, False
        _must_be_about_room(error, told)
        resize_disk(disk, kilobytes=_ENOUGH)
    said = follow(vault, state, dumped=True).dumped
    if not full:
        return "there was room enough", said, tuple(told)
    return ("got there by itself" if by_itself else "got there with the next start"), said, tuple(told)


def _try(product: Assistant, told: list[str], *, had_notes: bool) -> bool:
    """Run some times; whether there was too little room."""
    full = False
    for _ in range(_RUNS):
        try:
            product.index(timeout=60)
        except (VaultbotError, OSError) as error:
            full = True
            _must_be_about_room(error, told)
    if had_notes and not product.search("harbour", mode="lexical").hits:
        told.append("words are not found while the disk is full")
    return full or any("vector index" in notice for notice in product.state().notices)


def _must_be_about_room(error: Exception, told: list[str]) -> None:
    words = str(error)
    if "full" not in words and "No space" not in words and "room" not in words:
        told.append(f"what was said does not tell that the disk is full: {words:.300}")


CAMPAIGN = Campaign("G-4", __doc__, whole=120, sample=2, start=start)
