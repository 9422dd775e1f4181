"""The words that people read in a terminal about vaultbot itself: how it is, and what doctor found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vaultbot.cli.progress import duration
from vaultbot.cli.render import bold, dim, plain, red
from vaultbot.doctor.check import counted

_SHOWN = 5  #: files of a list without --verbose
_BAR = 24  #: characters
_COUNTS = ("added", "changed", "renamed", "removed")
_WORK = {
    "scan": "looking through the vault",
    "words": "reading notes",
    "index": "indexing notes",
    "vectors": "filing vectors",
    "prepare": "preparing the new embedding model",
}


# ── status ─────────────────────────────────────────────────────────────────────────────────────────────────────


def print_status(status: Mapping[str, Any], *, verbose: bool) -> None:
    """One screen: how vaultbot is."""
    print("\n".join(status_lines(status, verbose=verbose, now=time.time())))


def status_lines(status: Mapping[str, Any], *, verbose: bool, now: float) -> Iterator[str]:
    """The lines of that screen; `now` is the time of day in seconds since 1970.

    What an older daemon does not tell is left out.
    """
    state, message = status["state"], plain(status["message"])
    stale = status.get("stale")
    loud = red if stale else bold
    yield loud(message) if message.startswith(state) else f"{loud(state)}: {message}"
    if stale:
        yield f"  {red('stale')}     {plain(stale)}"
    for name, value in _rows(status, now):
        yield f"  {name:<9} {value}"
    for label, files in (("left out", status["skipped"]), ("damaged", status["damaged"])):
        shown = files if verbose else files[:_SHOWN]
        for one in shown:
            yield f"  {label:<9} {plain(one['path'])}: {plain(one['reason'])}"
        if len(files) > len(shown):
            yield f"  {label:<9} {len(files) - len(shown)} more of {len(files)}; --verbose lists them"
    for warning in status["warnings"]:
        yield f"  note      {plain(warning)}"


def _rows(status: Mapping[str, Any], now: float) -> Iterator[tuple[str, str]]:
    yield "vault", plain(status["vault"])
    waiting = status.get("waiting_vectors")
    filed = f"; the vectors of {waiting} are still to be filed" if waiting else ""
    yield "index", f"{counted(status['notes'], 'note')} in {counted(status['chunks'], 'passage')}{filed}"
    if progress := status.get("progress"):
        yield "work", _work(progress)
    if "changed_at" in status:
        yield "changes", _changes(status, now)
    if status.get("looked_at") is not None:
        yield "last look", _look(status, now)
    yield "embedder", status["embedder"] or "none: words alone are searched; pip install 'vaultbot[starter]'"
    yield "model", _model(status)
    if processes := status.get("processes"):
        yield "memory", ", ".join(f"{one['name']} {size(one['memory'])}" for one in processes)
    yield (
        "daemon",
        f"pid {status['pid']} on http://127.0.0.1:{status['port']}, up {duration(status['uptime_s'])}",
    )
    if status.get("state_folder"):
        yield "state", f"{status['state_folder']}, {size(status['state_bytes'])}"
    yield "token", status["token_file"]


def _work(progress: Mapping[str, Any]) -> str:
    """A bar, and how much longer."""
    words = [_WORK[progress["stage"]]]
    done, total = progress["done"], progress["total"]
    if total:
        filled = min(_BAR, _BAR * done // total)
        words = [f"[{'#' * filled}{'.' * (_BAR - filled)}] {words[0]} {done}/{total}"]
    if progress["notes_per_s"]:
        words.append(f"{progress['notes_per_s']:.0f} notes/s")
    if progress["left_s"]:
        words.append(f"{duration(progress['left_s'])} left")
    return ", ".join(words)


def _changes(status: Mapping[str, Any], now: float) -> str:
    changed = status["changed_at"]
    seen = "none seen since the start" if changed is None else f"last seen {_ago(changed, now)}"
    lag = status["lag_s"]
    behind = f", and for {duration(lag)} something is not in the index yet" if lag else ""
    return (
        seen
        + (behind or ("" if changed is None else ", all in the index"))
        + ("; looked for from time to time" if status["watching"] == "polling" else "")
    )


def _look(status: Mapping[str, Any], now: float) -> str:
    looked, found_at, report = status["looked_at"], status["indexed_at"], status["last_index"]
    if report is None:
        return _ago(looked, now)
    found = [f"{report[name]} {name}" for name in _COUNTS if report[name]]
    found += [f"{len(report['failed'])} failed"] if report["failed"] else []
    if not found:
        return f"{_ago(looked, now)}: nothing new"
    if found_at is None or looked - found_at < 1:
        return f"{_ago(looked, now)}: {', '.join(found)}"
    return f"{_ago(looked, now)}: nothing new; {_ago(found_at, now)}: {', '.join(found)}"


def _ago(then: float, now: float) -> str:
    return f"{duration(max(0.0, now - then))} ago"


def size(count: int) -> str:
    """Bytes in words: "12 kB", "340 MB", "1.2 GB"."""
    if count < 1_000_000:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def _model(status: Mapping[str, Any]) -> str:
    if not status["model"]:
        return "none: answers are quotes; pip install 'vaultbot[starter]' or set [model] path"
    if " at http" in status["model"]:  # On a server, which has it in memory or not.
        return str(status["model"])
    return f"{status['model']}, {'in memory' if status['model_loaded'] else 'to be loaded by the next question'}"


# ── doctor ─────────────────────────────────────────────────────────────────────────────────────────────────────


def print_checks(checks: Sequence[Mapping[str, Any]]) -> None:
    """What was looked at, a line each, and what to do below it where there is something to do."""
    width = max(len(check["name"]) for check in checks)
    for check in checks:
        label = {"ok": dim, "advice": bold, "problem": red}[check["state"]](f"{check['state']:7}")
        print(f"{label}  {check['name']:{width}}  {plain(check['says'])}")
        if check["do"]:
            print(f"{'':7}  {'':{width}}  → {plain(check['do'])}")
    count = Counter(check["state"] for check in checks)
    problems = f"{count['problem'] or 'no'} problem{'' if count['problem'] == 1 else 's'}"
    print(f"\n{problems}, {count['advice']} with advice" if count["advice"] else f"\n{problems}")
