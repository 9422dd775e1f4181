"""The tasks of a note: list items with a box, and the dates that the Tasks plugin or Dataview reads in them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from vaultbot.types import Note

Priority = Literal["highest", "high", "medium", "low", "lowest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A list item with a box: `- [ ] call Ann 📅 2024-01-02`."""

    line: int
    state: str  #: the one character in the box
    done: bool  #: as Obsidian has it: whatever is no blank; for the Tasks plugin only "x" and "X" are
    text: str  #: as a reader sees it, without the dates and signs below
    due: date | None = None
    scheduled: date | None = None
    start: date | None = None
    created: date | None = None
    done_on: date | None = None
    cancelled_on: date | None = None
    recurrence: str | None = None  #: in the plugin's words: "every week"
    priority: Priority | None = None


def find_tasks(note: Note) -> tuple[Task, ...]:
    """The tasks of a note in order, also those in quotes, callouts and other items; not those in code or comments."""
    return tuple(_tasks(note))


_BOX = re.compile(r"(?m)^[ \t]*(?:>[ \t]*)*(?:(?:[-+*]|[0-9]{1,9}[.)])[ \t]+)+\[(?P<state>[^\n\r])\](?=[ \t\r\n]|\Z)")
_SEEN_BOX = re.compile(r"\s*(?:(?:[-+*]|[0-9]{1,9}[.)])\s+)+\[.\]")

_DATED: Mapping[str, str] = {
    **dict.fromkeys(("📅", "📆", "🗓", "due"), "due"),
    **dict.fromkeys(("⏳", "⌛", "scheduled"), "scheduled"),
    **dict.fromkeys(("🛫", "start"), "start"),
    **dict.fromkeys(("➕", "created"), "created"),
    **dict.fromkeys(("✅", "completion"), "done_on"),
    **dict.fromkeys(("❌", "cancelled"), "cancelled_on"),
}
_PRIORITIES: Mapping[str, Priority] = {"🔺": "highest", "⏫": "high", "🔼": "medium", "🔽": "low", "⏬": "lowest"}
_SIGN = re.compile(
    r"(?P<dated>[📅📆🗓⏳⌛🛫➕✅❌])\ufe0f?[ \t]*(?P<date>\d{4}-\d{2}-\d{2})"
    r"|(?P<priority>[🔺⏫🔼🔽⏬])\ufe0f?"
    r"|🔁\ufe0f?[ \t]*(?P<recurrence>[A-Za-z0-9, !]+)"
    r"|(?:🆔|⛔|🏁)\ufe0f?[ \t]*[\w,-]+"  # what it is called, waits for, and what happens to it: no words of its own
    r"|[\[(](?P<key>due|scheduled|start|created|completion|cancelled|repeat|priority|id|dependsOn|onCompletion)"
    r"[ \t]*::(?P<value>[^\[\]()\n]*)[\])]"
)
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T[\d:.]*)?")


def _tasks(note: Note) -> Iterator[Task]:
    starts = [mask.start for mask in note.masks]
    line, seen = 1, 0
    for box in _BOX.finditer(note.text, note.body_start):
        line, seen = line + note.text.count("\n", seen, box.start()), box.start()
        at = box.start("state")
        index = bisect_right(starts, at) - 1
        shown = _SEEN_BOX.match(note.visible[line - 1])
        if shown and (index < 0 or at >= note.masks[index].end):
            yield _task(line, box["state"], note.visible[line - 1][shown.end() :])


def _task(line: int, state: str, text: str) -> Task:
    dates: dict[str, date | None] = {}
    recurrence: str | None = None
    priority: Priority | None = None
    for sign in _SIGN.finditer(text):
        key, value = sign["key"], (sign["value"] or "").strip()
        if name := _DATED.get(sign["dated"] or key):
            dates.setdefault(name, _date(sign["date"] or value))
        elif sign["priority"]:
            priority = priority or _PRIORITIES[sign["priority"]]
        elif key == "priority":
            priority = priority or next((known for known in _PRIORITIES.values() if known == value.lower()), None)
        elif written := sign["recurrence"] or (value if key == "repeat" else ""):
            recurrence = recurrence or written.strip() or None
    words = " ".join(_SIGN.sub(" ", text).split())
    return Task(
        line=line,
        state=state,
        done=not state.isspace(),
        text=words,
        **dates,
        recurrence=recurrence,
        priority=priority,
    )


def _date(written: str) -> date | None:
    """None for what is no day of the calendar."""
    found = _DATE.fullmatch(written)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
