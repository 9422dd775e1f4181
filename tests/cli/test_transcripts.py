"""What is typed and what is shown, as in `tests/transcripts/`: over the example vault, with words alone.

A line `[2]` is the exit code. Times, process ids, ports and this machine's folders are made the same everywhere. When
the output is meant to change: UPDATE_TRANSCRIPTS=1 python -m pytest tests/cli/test_transcripts.py
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import NO_MODELS, Machine, machine_in

ROOT = Path(__file__).parent.parent.parent
TRANSCRIPTS = sorted((ROOT / "tests" / "transcripts").glob("*.txt"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("garden")
    # Another HOME, for Obsidian there knows other vaults.
    own = {"VAULTBOT_VAULT_PATH": str(folder / "Notes"), "HOME": str(folder)}
    with machine_in(folder, environment={**NO_MODELS, **own}) as machine:
        shutil.copytree(ROOT / "examples" / "garden", machine.vault, dirs_exist_ok=True)
        (folder / "日本 メモ").mkdir()
        (folder / "日本 メモ" / "キムチ.md").write_text("キムチ (kimchi) は白菜と塩です。", encoding="utf-8")
        machine.vaultbot("index")
        yield machine


def replayed(machine: Machine, transcript: str) -> str:
    """The transcript with the output that its commands have now."""
    lines: list[str] = []
    for line in transcript.splitlines():
        if line.startswith("#"):
            lines += [line, ""]
        elif line.startswith("$ vaultbot"):
            ran = machine.run(*shlex.split(line)[2:])
            shown = normal(machine, ran.out + ran.err).rstrip().splitlines()
            lines += [line, *shown, *([f"[{ran.code}]"] if ran.code else []), ""]
    return "\n".join(lines).rstrip() + "\n"


def normal(machine: Machine, text: str) -> str:
    for folder, name in (
        (machine.vault, "NOTES"),
        (machine.state.root, "STATE"),
        (machine.home, "HOME"),
        (machine.folder, "FOLDER"),
    ):
        text = text.replace(str(folder), name)
    text = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "2026-05-03 09:00", text)
    text = re.sub(r"\b\d+(\.\d+)? [kMG]B in (\S+)-[0-9a-f]{10}\b", r"1 MB in \2-0123456789", text)
    text = re.sub(r"(vaults/\S+)-[0-9a-f]{10}\b", r"\1-0123456789", text)
    text = re.sub(r"\b\d+(\.\d+)? (ms|s)\b", r"0 \2", text)
    text = re.sub(r"\b\d+ min\b", "0 s", text)  # On a slow machine.
    text = re.sub(r"\b\d+(\.\d+)? [kMG]B\b", "1 MB", text)
    text = re.sub(r"pid \d+", "pid 1", text)
    return re.sub(r"127\.0\.0\.1:\d+|port \d+", lambda m: re.sub(r"\d+$", "8765", m[0]), text)


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: file.stem)
def test_a_transcript_is_what_happens(machine: Machine, file: Path) -> None:
    now = replayed(machine, file.read_text(encoding="utf-8"))
    if "UPDATE_TRANSCRIPTS" in os.environ:
        file.write_text(now, encoding="utf-8")

    assert file.read_text(encoding="utf-8").splitlines() == now.splitlines()
