"""The vault's folder: can it be read and watched, and what in it keeps notes from being found as they should be?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaultbot.doctor.check import Check, counted, failed, some
from vaultbot.errors import VaultMissing
from vaultbot.types import FileStamp, Skipped
from vaultbot.vault.listing import Listing
from vaultbot.vault.vault import Vault
from vaultbot.vault.watcher import VaultWatcher

_VAULT, _WATCHING, _TIMES = "vault", "watching", "file times"
_PROPERTIES, _COPIES, _CLOUD = "properties", "conflict copies", "cloud"
#: Two machines' clocks may differ by so much and nobody minds.
_AHEAD_S = 120.0
_NEARLY = 0.8
_LIMITS = ("/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches")
#: Kinds of findings of `vaultbot lint` that are doctor's business, too.
FINDINGS = ("frontmatter", "conflict-copy")


def looked_through(vault: Vault) -> tuple[Check, Listing | None]:
    """Whether the vault can be listed, and what is in it."""
    try:
        vault.check()
        listing = vault.scan()
    except VaultMissing as error:
        return failed(_VAULT, error), None
    if listing.unreadable:
        says = f"{counted(len(listing.unreadable), 'folder')} cannot be listed: {some(sorted(listing.unreadable))}"
        return Check(_VAULT, "problem", says, "give yourself the right to read them; their notes are kept meanwhile"), (
            listing
        )
    return Check(_VAULT, "ok", f"{vault.root}, with {counted(len(listing.notes), 'note')} and documents"), listing


def in_vault(listing: Listing, findings: Sequence[Mapping[str, Any]], *, now: float) -> Iterator[Check]:
    """What is odd about its files; `findings` are those of `vaultbot lint`, of the kinds FINDINGS."""
    yield times(listing.notes, now=now)
    yield cloud(listing.skipped)
    yield properties([one for one in findings if one["slug"] == "frontmatter"])
    yield copies([one["path"] for one in findings if one["slug"] == "conflict-copy"])


# ── watching ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class WatchFacts:
    """How the vault's folders are watched."""

    folders: int
    limit: int | None  #: folders that the system lets this user watch; None where there is no such limit
    notice: str | None  #: why changes may be noticed late, as the watcher says


def try_to_watch(root: Path) -> WatchFacts:
    """Watch the vault for a moment, as the daemon would."""
    watcher = VaultWatcher(root, lambda: None)
    watcher.start()
    notice = watcher.notice
    watcher.stop()
    return WatchFacts(folders_in(root), watch_limit(), notice)


def folders_in(root: Path) -> int:
    """Each takes one of the system's watches."""
    return sum(1 for _ in os.walk(root))


def watch_limit(files: Iterable[str] = _LIMITS) -> int | None:
    """Of Linux, which has it twice."""
    found = []
    for file in files:
        try:
            found.append(int(Path(file).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return min(found, default=None)


def watching(facts: WatchFacts) -> Check:
    """Whether changes are noticed at once."""
    if facts.notice:
        fact, _, step = facts.notice.partition(". ")
        return Check(_WATCHING, "advice", fact, step)
    limit = f", and the system allows {facts.limit:,}" if facts.limit is not None else ""
    says = f"{counted(facts.folders, 'folder')} can be watched{limit}"
    if facts.limit is not None and facts.folders > _NEARLY * facts.limit:
        step = "raise the limit before the vault grows: sudo sysctl fs.inotify.max_user_watches=524288"
        return Check(_WATCHING, "advice", says, step)
    return Check(_WATCHING, "ok", says)


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def times(stamps: Mapping[str, FileStamp], *, now: float) -> Check:
    """Files that say they were changed in the future; `now` is seconds since 1970."""
    ahead = sorted(path for path, stamp in stamps.items() if stamp.mtime_ns / 1e9 > now + _AHEAD_S)
    if not ahead:
        return Check(_TIMES, "ok", "none is in the future")
    says = f"{counted(len(ahead), 'note')} will have been changed in the future: {some(ahead)}"
    return Check(
        _TIMES, "advice", says, "look at the clock of the machine that wrote them; they are indexed all the same"
    )


def clock(now: float) -> Check:
    """The time of day, seconds since 1970, and whether the other clock may be set by anybody."""
    kept = time.get_clock_info("monotonic")
    if now < 1_700_000_000 or now > 4_000_000_000:
        says = f"it says {time.strftime('%Y-%m-%d', time.gmtime(now))}"
        return Check("clock", "problem", says, "set the machine's clock: dates in questions are reckoned from it")
    if kept.adjustable or not kept.monotonic:
        return Check("clock", "advice", "time can run backwards here", "use a Python with a monotonic clock")
    return Check(
        "clock", "ok", f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(now))}; what lasts is timed by another"
    )


def cloud(skipped: Sequence[Skipped]) -> Check:
    """Notes that are in the cloud and not on this machine."""
    away = [one.path for one in skipped if one.reason.startswith("in the cloud")]
    if not away:
        return Check(_CLOUD, "ok", "every note is on this machine")
    says = (
        f"{counted(len(away), 'note')} are not on this machine, and answers come from their last version: {some(away)}"
    )
    return Check(_CLOUD, "advice", says, "open them once, or have their folder kept downloaded")


def properties(findings: Sequence[Mapping[str, Any]]) -> Check:
    """Frontmatter that cannot be read as YAML."""
    if not findings:
        return Check(_PROPERTIES, "ok", "all can be read")
    first = findings[0]
    line = f":{first['line']}" if first["line"] else ""
    says = f"those of {counted(len(findings), 'note')} cannot be read: {first['path']}{line}: {first['message']}"
    return Check(_PROPERTIES, "advice", says, "mend them; all with their lines: vaultbot lint --kind frontmatter")


def copies(paths: Sequence[str]) -> Check:
    """Copies that a sync program left, since two machines changed the same note."""
    if not paths:
        return Check(_COPIES, "ok", "none")
    says = f"{counted(len(paths), 'copy').replace('copys', 'copies')} of a sync program: {some(paths)}"
    return Check(_COPIES, "advice", says, "merge each with its note; all of them: vaultbot lint --kind conflict-copy")
