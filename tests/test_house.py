"""The house's own rules: what a reader of the code may rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.machine import Machine, machine_in
from vaultbot.answering.templates import PLACEHOLDERS, load_refusal, load_template
from vaultbot.cli.reference import reference

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "vaultbot").rglob("*.py"))

HEAVY = (
    "torch",
    "chromadb",
    "llama_cpp",
    "sentence_transformers",
    "transformers",
    "fastapi",
    "pydantic",
    "rich",
    "numpy",
)

#: Runs the command line and then tells which of the heavy modules it has loaded.
_SPY = (
    "import atexit, sys\n"
    f"atexit.register(lambda: print('loaded:', *[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))\n"
    "from vaultbot.cli.main import main\nmain()\n"
)


def test_no_file_is_longer_than_a_reader_can_hold_in_mind() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}

    assert {path: lines for path, lines in lengths.items() if lines > 400} == {}


def test_every_module_is_named_after_an_idea() -> None:
    assert [path for path in SOURCES if path.stem in {"utils", "util", "helpers", "helper", "common", "misc"}] == []


def loaded_by(machine: Machine, *words: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-P", "-c", _SPY, *words], env=machine.env(), capture_output=True, text=True, check=True
    )
    return ran.stderr


def test_help_and_search_wait_for_no_heavy_import(tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and time.")
        assert loaded_by(machine, "--help") == "loaded:\n"
        with machine.serve():
            for words in (["search", "cabbage"], ["status"], ["ask", "What is in kimchi?"], ["index"]):
                assert loaded_by(machine, "--vault", str(machine.vault), *words) == "loaded:\n"


@pytest.mark.parametrize("prompt", sorted((ROOT / "prompts").glob("*.md")), ids=lambda path: path.stem)
def test_every_prompt_is_known_and_all_its_placeholders_are_filled(prompt: Path) -> None:
    values = {name: f"<{name}>" for name in PLACEHOLDERS[prompt.stem]}
    told = prompt.read_text(encoding="utf-8").split('placeholders: "', 1)[1].split('"', 1)[0]
    assert set(told.split(", ")) == values.keys()
    if prompt.stem == "refuse":
        assert load_refusal().text(**values) == "Not in your notes."
        return

    filled = "\n".join(message.content for message in load_template(prompt.stem).messages(**values))
    assert "{{" not in filled
    assert "<question>" in filled


def test_every_prompt_that_is_known_is_there() -> None:
    assert {path.stem for path in (ROOT / "prompts").glob("*.md")} == set(PLACEHOLDERS)


def test_the_documented_commands_are_the_programs_own() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference(), (
        "write it again: python -m vaultbot.cli.reference > docs/cli.md"
    )
