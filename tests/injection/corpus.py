"""The hostile notes of notes.json. The plugin's tests read the same file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

#: Stands for somebody elsewhere in the notes; a test in a browser puts a listener's address in its place.
CANARY = "http://canary.invalid"


@dataclass(frozen=True)
class Hostile:
    """A note that tries something."""

    id: str
    kind: str  #: "markdown", "html", "obsidian", "invisible", "control", "citation" or "name"
    path: str
    text: str  #: what is hostile in it, which a model may repeat

    def note(self, word: str) -> str:
        """The whole note; `word` finds it and no other."""
        return f"# Salt\n\nThe {word} of the kimchi needs salt.\n\n{self.text}\n"


def hostile_notes() -> tuple[Hostile, ...]:
    """All of them."""
    found = json.loads((Path(__file__).parent / "notes.json").read_text(encoding="utf-8"))["notes"]
    return tuple(Hostile(one["id"], one["kind"], one.get("path", f"{one['id']}.md"), one["text"]) for one in found)
