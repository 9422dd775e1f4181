"""How suggestions look in a terminal, and what became of them."""

from __future__ import annotations

import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vaultbot.cli.render import bold, dim, linked, marked, plain

_CONTEXT = 80  #: characters of the line that a context has at most before the words, and behind them
_WORD = 20  #: a longer run without a blank is shown although it is cut
_CHANGED = {"done": "", "undone": "  (undone)", "unclear": "  (interrupted; the note was changed since)"}

Page = Mapping[str, Any]


def count(number: int, what: str) -> str:
    """A number with its noun: "1 note", "3 notes"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def print_suggestions(pages: Sequence[Page], *, verbose: bool) -> None:
    """What notes could be given, with the lines around."""
    number = 0
    for page in pages:
        for one in page["suggestions"]:
            number += 1
            print(f"{_place(one)}  {headline(one)}")
            print_details(one, verbose=verbose)
    print(dim(f"{count(number, 'suggestion')}; nothing was changed") if number else "nothing to suggest")


def headline(one: Page) -> str:
    """What it is about, on one line: the words and where they would lead."""
    words, target, kind = plain(one["text"]), plain(one["target"]), one["kind"]
    if kind in ("tag", "alias"):
        return f"{kind} {marked(words)}"
    if kind == "property":
        return f"property {plain(one['key'] or '')}: {marked(words)} → {bold(target)}"
    if kind == "create":
        return f"new note {bold(target)}"
    if kind == "fix-link":
        return f"mend {marked(words)} → {bold(target)}"
    return f"{'related ' if kind == 'semantic' else ''}{marked(words)} → {bold(target)}"


def print_details(one: Page, *, verbose: bool = False) -> None:
    """The line around with the words marked, what would be written, and why."""
    if context := plain(one["context"]):
        print(f"  {_marked_in(context, plain(one['text']), one['col'])}")
    print(f"  {would_write(one)}  {dim(format(one['score'], '.2f') + ' · ' + plain('; '.join(one['reasons'])))}")
    for other in one["alternatives"] if verbose else one["alternatives"][:2]:
        print(dim(f"  or {plain(other)}"))


def would_write(one: Page) -> str:
    """What accepting it puts into the note."""
    edit = one["edit"]
    if edit["type"] == "property":
        return plain(f"{edit['key']}: + {edit['value']}")
    if edit["type"] == "new-note":
        return plain(one["note"])
    return plain(" ⏎ ".join(line for line in edit["text"].splitlines() if line.strip()))


def _place(one: Page) -> str:
    return f"{plain(one['note'])}:{one['line']}:{one['col']}"


def _marked_in(context: str, words: str, col: int) -> str:
    """The context with the words marked where they stand; the line may hold them several times."""
    places = [at for at in range(len(context)) if context.startswith(words, at)] if words else []
    if not places:
        return dim(context)
    at = min(places, key=lambda place: abs(place - min(col - 1, _CONTEXT)))
    before, behind = context[:at], context[at + len(words) :]
    begins = col - 1 <= _CONTEXT
    ends = len(behind) < _CONTEXT - 1 or behind.endswith((".", "!", "?"))
    # What is shorter than it could be was cut at a blank, which is gone.
    torn, torn_behind = not begins and len(before) >= _CONTEXT, not ends and len(behind) >= _CONTEXT
    room = shutil.get_terminal_size().columns - 6 if sys.stdout.isatty() else 10 * _CONTEXT
    while (before or behind) and _columns(before + words + behind) > room:
        if len(before) > len(behind):
            before, begins, torn = before[1:], False, True
        else:
            behind, ends, torn_behind = behind[:-1], False, True
    if torn:
        before = before[_part(before) :]
    if torn_behind:
        behind = behind[: len(behind) - _part(behind[::-1])]
    before = before if begins else f"… {before}"
    behind = behind if ends else f"{behind.rstrip()} …"
    return dim(before) + marked(words) + dim(behind)


def _columns(text: str) -> int:
    """How wide a terminal shows it: Japanese and Chinese characters take two columns."""
    return len(text) + sum(unicodedata.east_asian_width(one) in "WF" for one in text)


def _part(text: str) -> int:
    """How long the piece of a word is that the text begins with, with the blank behind it."""
    return text.find(" ", 0, _WORD) + 1


def print_written(results: Iterable[Page], names: Mapping[str, Page]) -> None:
    """What was accepted and written, note by note. `names` has the suggestions by id."""
    for result in results:
        for one in (names[id_] for id_ in result["accepted"]):
            print(f"{_place(one)}  {headline(one)}")


def print_history(runs: Sequence[Page]) -> None:
    """The last runs that wrote into the vault."""
    for run in runs:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run["at"]))
        print(f"{bold(run['run'])}  {dim(when)}")
        for note in run["notes"]:
            what = ", ".join(_change(change) for change in note["changes"])
            new = "new note" if note["new"] else ""
            print(f"  {plain(note['note'])}: {plain(new or what)}{dim(_CHANGED.get(note['state'], note['state']))}")
    if not runs:
        print("nothing was written into the vault yet")


def _change(change: Page) -> str:
    words, target = str(change.get("text", "")), str(change.get("target", ""))
    if change.get("key"):
        return f"{change['key']}: {words}"
    return f"{change['kind']} {words}" if change.get("kind") in ("tag", "alias") else f"{words} → {target}"


def print_undone(undone: Page) -> None:
    """What is as it was before, and what was left alone."""
    for note in undone["restored"]:
        print(f"{plain(note)}: as it was before")
    for note in undone["removed"]:
        print(f"{plain(note)}: removed again")
    for one in undone["refused"]:
        kept = f"; the note of before is kept in {one['copy']}" if one["copy"] else ""
        print(f"{plain(one['note'])}: {plain(one['reason'])}{kept}")
    if not any(undone[part] for part in ("restored", "removed", "refused")):
        print(f"nothing is left to undo of {undone['run']}")


def print_dismissals(dismissals: Sequence[Page]) -> None:
    """What was dismissed, by number."""
    for one in dismissals:
        reach = {
            "here": f"{one['text']} → {one['target']} in {one['note']}",
            "pair": f"{one['target']} for {one['note']}",
            "phrase": f"{one['text']} everywhere",
        }[one["scope"]]
        when = time.strftime("%Y-%m-%d", time.localtime(one["at"]))
        print(f"{one['number']:>4}  {one['kind']}: {plain(reach)}  {dim(when)}")
    print(
        dim("to have one suggested again: vaultbot dismissals clear NUMBER") if dismissals else "nothing was dismissed"
    )


def uri_of(one: Page) -> str:
    """The place of a suggestion, as a link that a terminal opens."""
    return linked(dim(_place(one)), one["uri"])
