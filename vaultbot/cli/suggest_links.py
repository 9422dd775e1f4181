"""`vaultbot suggest-links`: show, review, write."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

import typer

from vaultbot.cli.render import plain, print_json
from vaultbot.cli.render_suggestions import count, print_history, print_suggestions, print_written
from vaultbot.cli.session import NoStart, Session
from vaultbot.client import Client
from vaultbot.errors import ChangedMeanwhile, EditRefused, InvalidRequest, NoteNotFound, VaultbotError
from vaultbot.suggestion import SuggestionKind

_KINDS = get_args(SuggestionKind)
_LINKS = ("mention", "semantic")  #: which compare with each other: their targets are notes
_A_NOTE = 10  #: suggestions
_WORTH_SHOWING = 0.1  #: what is less likely only programs are told, unless a person asks for it


def suggest_links(
    session: Session,
    notes: Annotated[
        list[str] | None, typer.Argument(metavar="[NOTE]...", help="Paths within the vault, or names.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every note of the vault.")] = False,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", "-k", metavar="KIND", help=f"One of {', '.join(_KINDS)}; may be repeated."),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score", min=0, max=1, help="Only what is at least so likely, from 0 to 1. Default: 0.1, for JSON 0."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="Suggestions a note.")] = _A_NOTE,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="A line of JSON for each link, or --kind.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes as a diff; write nothing.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write; asks for each one, unless --yes is given.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --apply and --min-score: do not ask.")] = False,
    history: Annotated[bool, typer.Option("--history", help="What was written before, the last first.")] = False,
    check: Annotated[bool, typer.Option("--check", help="End with exit code 1 when there is a suggestion.")] = False,
    no_start: NoStart = False,
) -> None:
    """Suggest links and more, and write what you accept.

    Links, tags, properties, aliases and new notes. In a terminal each is shown and asked about. Elsewhere they are
    listed, and nothing is written without --apply --yes. Everything can be undone: vaultbot undo.
    """
    asks = _asks(session, jsonl=jsonl, apply=apply, yes=yes, listed=dry_run or check)
    if apply and yes and min_score is None:
        raise InvalidRequest("--yes writes without asking, so say how sure it has to be: --min-score 0.8")
    if unknown := [one for one in kind or () if one not in _KINDS]:
        raise InvalidRequest(f"there is no kind {unknown[0][:40]!r}; choose from: {', '.join(_KINDS)}")
    if not history and bool(notes) == everything:
        raise InvalidRequest("name notes, or give --all for every note of the vault")
    client = session.client(start=not no_start, until_indexed=not history)
    if history:
        page = client.get("/api/edits")
        if session.json:
            print_json(page)
        else:
            print_history(page["runs"])
        return
    least = min_score if min_score is not None else 0.0 if session.json or jsonl else _WORTH_SHOWING
    kinds = kind or (_LINKS if jsonl else ())
    wanted = [("kind", one) for one in kinds] + [("limit", str(limit)), ("min_score", str(least))]
    pages = _every_page(client, wanted, tells=not asks) if everything else _pages_of(client, notes or [], wanted)
    if asks:
        from vaultbot.cli.review import TerminalReview

        TerminalReview(session, start=not no_start).run(pages)
    elif apply and yes:
        if _write(session, client, pages):
            raise typer.Exit(1)
    elif dry_run:
        _show_changes(client, pages)
    elif _show(session, pages, jsonl=jsonl, single=len(notes or ()) == 1) and check:
        raise typer.Exit(1)


def _asks(session: Session, *, jsonl: bool, apply: bool, yes: bool, listed: bool) -> bool:
    """Whether a person is asked about each suggestion. Raises InvalidRequest for words that contradict each other."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    for_programs = session.json or jsonl
    if yes and not apply:
        raise InvalidRequest("--yes goes with --apply")
    if apply and listed:
        raise InvalidRequest("--apply writes, and --dry-run and --check only look; leave one of them out")
    if apply and not yes and (for_programs or not terminal):
        raise InvalidRequest("there is no terminal to ask at; to write without asking: --apply --yes --min-score 0.8")
    return terminal and not (for_programs or listed or yes)


# ── asking the daemon ───────────────────────────────────────────────────────────────────────────────────────


def _pages_of(client: Client, notes: Sequence[str], wanted: Sequence[tuple[str, str]]) -> Iterator[Mapping[str, Any]]:
    """The suggestions of these notes."""
    for note in notes:
        yield client.get(f"/api/suggestions?{urlencode([('note', note), *wanted], errors='replace')}")


def _every_page(client: Client, wanted: Sequence[tuple[str, str]], *, tells: bool) -> Iterator[Mapping[str, Any]]:
    """Those of every note that has any; a line on standard error may tell how far it is."""
    tells = tells and sys.stderr.isatty()
    with closing(client.events("GET", f"/api/suggestions/all?{urlencode(wanted)}")) as events:
        for name, page in events:
            if name == "note" and tells:
                far = f"{page['done']:,} of {page['total']:,} notes"
                print(f"\r{far}" if page["done"] < page["total"] else f"\r{' ' * len(far)}\r", end="", file=sys.stderr)
                sys.stderr.flush()
            if name == "note" and page["suggestions"]:
                yield page


def _accept(client: Client, page: Mapping[str, Any], *, run: str | None, dry_run: bool) -> Mapping[str, Any]:
    """Accept all that a page suggests. Raises ChangedMeanwhile, EditRefused, NoteNotFound."""
    body = {
        "note": page["note"],
        "ids": [one["id"] for one in page["suggestions"]],
        "sha256": next((one["sha256"] for one in page["suggestions"] if one["sha256"]), "0" * 64),
        "run": run,
        "dry_run": dry_run,
    }
    accepted: Mapping[str, Any] = client.post("/api/suggestions/apply", body)
    return accepted


# ── without asking ──────────────────────────────────────────────────────────────────────────────────────────


def _show(session: Session, pages: Iterator[Mapping[str, Any]], *, jsonl: bool, single: bool) -> bool:
    """Print them; whether there were any."""
    if jsonl:
        found = False
        for page in pages:
            for one in page["suggestions"]:
                found = True
                line = {**one, "text": None} if one["kind"] == "semantic" else one  # No words of the note name it.
                print(json.dumps(line, ensure_ascii=sys.stdout.encoding.lower() != "utf-8"), flush=True)
        return found
    listed = list(pages)
    if session.json:
        print_json(listed[0] if single else {"notes": listed})
    else:
        print_suggestions(listed, verbose=session.verbose)
    return any(page["suggestions"] for page in listed)


def _write(session: Session, client: Client, pages: Iterator[Mapping[str, Any]]) -> bool:
    """Write all of them as one run; whether any was refused."""
    run: str | None = None
    results: list[Mapping[str, Any]] = []
    names: dict[str, Mapping[str, Any]] = {}
    refused: list[str] = []
    for page in pages:
        if not page["suggestions"]:
            continue
        names.update({one["id"]: one for one in page["suggestions"]})
        try:
            result = _accept(client, page, run=run, dry_run=False)
        except (ChangedMeanwhile, EditRefused, NoteNotFound) as error:
            refused.append(_about(page["note"], error))
            continue
        run = result["run"] or run
        results.append(result)
        refused += [f"{page['note']}: {names[one['id']]['text']}: {one['reason']}" for one in result["refused"]]
    written = sum(len(result["accepted"]) for result in results)
    if session.json:
        print_json({"run": run, "written": written, "notes": results, "refused": refused})
    else:
        print_written(results, names)
        told = sum(bool(result["accepted"]) for result in results)
        print(f"{count(written, 'suggestion')} written in {count(told, 'note')}" if written else "nothing was written")
        if run:
            print(f"to undo it: vaultbot undo {run}")
    for line in refused:
        print(f"not written: {plain(line)}", file=sys.stderr)
    return bool(refused)


def _about(note: str, error: VaultbotError) -> str:
    """What was refused; some reasons name the note themselves."""
    return str(error) if str(error).startswith(note) else f"{note}: {error}"


def _show_changes(client: Client, pages: Iterator[Mapping[str, Any]]) -> None:
    for page in pages:
        if not page["suggestions"]:
            continue
        try:
            shown = _accept(client, page, run=None, dry_run=True)
        except (ChangedMeanwhile, EditRefused, NoteNotFound) as error:
            print(f"not written: {plain(_about(page['note'], error))}", file=sys.stderr)
            continue
        diff = shown["diff"]  # To the letter where a program reads it.
        print("\n".join(map(plain, diff.split("\n"))) if sys.stdout.isatty() else diff, end="")
        for one in shown["refused"]:
            print(f"not written: {page['note']}: {plain(one['reason'])}", file=sys.stderr)
