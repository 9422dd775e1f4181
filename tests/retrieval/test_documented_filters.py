"""The examples of docs/filters.md, run over the example vault."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.conftest import VaultBuilder

ROOT = Path(__file__).parent.parent.parent
_EXAMPLE = re.compile(r"\| `([^`]+)` \| (\d+) \|$", re.MULTILINE)
_IN_PROSE = re.compile(r"`([^`]+)` leaves (\d+)")


def test_every_example_leaves_as_many_notes_as_it_says(vault: VaultBuilder) -> None:
    text = " ".join((page := (ROOT / "docs" / "filters.md").read_text(encoding="utf-8")).split())
    examples = [*_EXAMPLE.findall(page), *_IN_PROSE.findall(text)]
    shutil.copytree(ROOT / "examples" / "garden", vault.root, dirs_exist_ok=True)
    vault.embedder = None

    counted = [(example, len(vault.search(example, limit=50))) for example, _ in examples]

    assert len(counted) > 12
    assert counted == [(example, int(left)) for example, left in examples]
    assert f"of the {vault.assistant.counts()[0]} notes of" in text
