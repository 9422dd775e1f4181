"""One line of the log for each record, whatever a note is called."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.machine import machine_in
from vaultbot.log_form import JsonLine, LogForm, TerminalHandler, TextLine, set_up_log

#: Names in the manner of S-21 in the list of attacks: what moves a cursor, ends a line, turns the direction of reading.
HOSTILE = (
    "two\nlines.md",
    "2026-01-01 00:00:00,000 ERROR vaultbot forged\r\n.md",
    "\x1b[2J\x1b]0;title\x07.md",
    "\u202egnp.md",
    "a\u2028b\u2029c\x85d.md",
    "half \ud800 of a pair.md",
    '"}, {"level": "error.md',
    "<script>alert(1)</script>.md",
    "n" * 255,
)
_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) [\w.]+ .*")


@pytest.fixture
def root_log() -> Iterator[None]:
    """What is changed of the root logger is put back."""
    root = logging.getLogger()
    before, level, own = list(root.handlers), root.level, logging.getLogger("vaultbot").level
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:], root.level = before, level
    logging.getLogger("vaultbot").setLevel(own)


def record(message: str, *words: object) -> logging.LogRecord:
    return logging.LogRecord("vaultbot.index", logging.ERROR, "here.py", 1, message, words, None)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_hostile_name_stays_on_its_line(form: LogForm, tmp_path: Path, root_log: None) -> None:
    file = tmp_path / "daemon.log"
    set_up_log(file, form, to_terminal=False, verbose=False)
    for name in HOSTILE:
        logging.getLogger("vaultbot.index").warning("%s could not be indexed: %s", name, "ValueError")

    lines = file.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(HOSTILE)
    for line, name in zip(lines, HOSTILE, strict=True):
        assert line.isprintable()
        if form == "json":
            told = json.loads(line)
            assert told.keys() == {"time", "level", "logger", "message"}
            assert (told["level"], told["logger"]) == ("warning", "vaultbot.index")
            assert told["message"] == f"{name} could not be indexed: ValueError"
        else:
            assert _LINE.fullmatch(line)


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_no_text_makes_two_lines_or_moves_a_cursor(text: str) -> None:
    line = TextLine().format(record("%s", text))

    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert json.loads(JsonLine().format(record("%s", text)))["message"] == text
    line.encode()
    JsonLine().format(record("%s", text)).encode()


@pytest.mark.parametrize("form", [TextLine(), JsonLine()])
def test_of_an_error_only_kind_and_place_are_told_for_its_words_may_quote_a_note(form: logging.Formatter) -> None:
    try:
        raise ValueError("the secret words\nof a note")
    except ValueError:
        failed = record("a library failed")
        failed.exc_info = sys.exc_info()

    line = form.format(failed)

    assert "secret" not in line
    assert "a library failed: ValueError in test_log_form.test_of_an_error" in line


def test_the_log_is_kept_in_five_files_of_two_megabytes(tmp_path: Path, root_log: None) -> None:
    set_up_log(tmp_path / "daemon.log", "text", to_terminal=False, verbose=False)
    log, words = logging.getLogger("vaultbot"), "x" * 100_000
    for _ in range(150):  # 15 MB
        log.info("%s", words)

    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["daemon.log", *(f"daemon.log.{number}" for number in range(1, 5))]
    assert all(file.stat().st_size <= 2_000_000 for file in files)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_daemon_logs_in_the_form_of_the_settings(form: LogForm, tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and a whispered secret.")
        (machine.vault / "two\nlines.md").write_text("---\nsecret: [\n---\nBroken.")
        with machine.serve(VAULTBOT_SERVER_LOG_FORMAT=form):
            machine.vaultbot("search", "whispered secret")

        lines = machine.state.log.read_text(encoding="utf-8").splitlines()

    assert lines
    assert not any("secret" in line for line in lines)
    for line in lines:
        if form == "json":
            assert json.loads(line)["logger"]
        else:
            assert _LINE.fullmatch(line)


class StandingStill(io.StringIO):
    """A terminal after Ctrl-S, until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def write(self, text: str) -> int:
        assert self.goes_on.wait(60)
        return super().write(text)


def test_a_terminal_that_stands_still_holds_nobody_up(root_log: None) -> None:
    terminal = StandingStill()
    handler = TerminalHandler(terminal)
    handler.setFormatter(TextLine())
    for number in range(5_000):
        handler.emit(logging.makeLogRecord({"msg": f"line {number}", "levelname": "INFO", "name": "a"}))

    terminal.goes_on.set()
    handler.flush()
    numbers = [int(line.split()[5]) for line in terminal.getvalue().splitlines()]

    assert 1_000 <= len(numbers) <= 1_001  # One may be on its way while others wait.
    assert numbers[:1_000] == list(range(1_000))


def test_a_record_that_cannot_be_put_into_words_is_no_error_of_the_caller(capsys: pytest.CaptureFixture[str]) -> None:
    handler = TerminalHandler(io.StringIO())
    handler.setFormatter(TextLine())

    handler.emit(logging.makeLogRecord({"msg": "%d things", "args": ("three",), "levelname": "INFO", "name": "a"}))

    assert "--- Logging error ---" in capsys.readouterr().err


def test_the_last_lines_reach_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path, root_log: None) -> None:
    set_up_log(tmp_path / "log", "text", to_terminal=True, verbose=False)
    for number in range(200):
        logging.getLogger("vaultbot").info("line %d", number)

    logging.getLogger().handlers[1].flush()

    assert capsys.readouterr().err.splitlines()[-1].endswith("line 199")


_NOISY = """
import logging, os, sys
from pathlib import Path
import vaultbot.log_form as log_form
file = Path(sys.argv[1])
log_form._MOST_BYTES = 2_000
log_form.set_up_log(file, "text", to_terminal=False, verbose=False)
with file.open("ab") as opened:
    os.dup2(opened.fileno(), 1)
    os.dup2(opened.fileno(), 2)
for number in range(100):
    os.write(1 + number % 2, b"native code complains: " + b"x" * 400 + b"\\n")
    logging.getLogger("vaultbot").warning("%s", number)
os.write(2, b"last words\\n")
"""


def test_what_native_code_writes_goes_into_the_newest_file_and_has_an_end(tmp_path: Path) -> None:
    file = tmp_path / "daemon.log"

    subprocess.run([sys.executable, "-c", _NOISY, str(file)], check=True, capture_output=True)

    assert file.read_text().endswith("last words\n")
    sizes = {one.name: one.stat().st_size for one in tmp_path.iterdir()}
    assert set(sizes) == {"daemon.log", *(f"daemon.log.{number}" for number in range(1, 5))}
    assert max(sizes.values()) < 3_000
