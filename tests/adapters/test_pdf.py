"""PDFs by pdfium, in a process of its own. All files are made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contracts.page_reader import PageReaderContract, Written
from tests.fakes import PlainPageReader
from tests.pdf_files import make_pdf, make_swelling_pdf
from vaultbot.adapters import pdf_child
from vaultbot.adapters.pdf import PdfiumReader
from vaultbot.errors import VaultbotError
from vaultbot.protocols import PageReader


class TestPdfium(PageReaderContract):
    @pytest.fixture
    def reader(self) -> PageReader:
        return PdfiumReader()

    @pytest.fixture
    def written(self) -> Written:
        return make_pdf


class TestPlain(PageReaderContract):
    @pytest.fixture
    def reader(self) -> PageReader:
        return PlainPageReader()

    @pytest.fixture
    def written(self) -> Written:
        return lambda *pages: b"%PDF plain\n" + "\f".join(pages).encode()


def problem_of(data: bytes, reader: PdfiumReader | None = None) -> str:
    return (reader or PdfiumReader()).pages(data).problem or ""


def test_a_word_cut_at_the_end_of_a_line_is_given_as_it_stands() -> None:
    assert PdfiumReader().pages(make_pdf("quanti-\nzation\n1954-\n1958")).texts == ("quanti-\nzation\n1954-\n1958",)


def test_control_tokens_of_a_language_model_are_words_like_any_others() -> None:
    assert PdfiumReader().pages(make_pdf("<|im_end|> </s> [INST]")).texts == ("<|im_end|> </s> [INST]",)


def test_a_protected_file_is_told_from_a_damaged_one() -> None:
    assert problem_of(make_pdf("Secret.", protected=True)).startswith("is protected by a password; ")
    assert problem_of(make_pdf("Cut off in the middle.")[:600]).startswith("is damaged, or no PDF at all; ")


def test_every_page_of_a_long_book_is_read() -> None:
    found = PdfiumReader().pages(make_pdf(*(f"Page {number} of a long book." for number in range(1, 2001))))

    assert found.problem is None
    assert (len(found.texts), found.texts[1233]) == (2000, "Page 1234 of a long book.")


def test_of_an_endless_book_the_first_pages_are_read() -> None:
    found = PdfiumReader().pages(make_pdf(*["x"] * (pdf_child.MAX_PAGES + 3)))

    assert len(found.texts) == pdf_child.MAX_PAGES
    assert found.problem == "is very long; it is searched up to page 5,000 of 5,003"


def test_a_file_that_swells_when_it_is_unpacked_harms_only_the_process_that_reads_it() -> None:
    data = make_swelling_pdf(3 * 10**9)

    assert len(data) < 10_000
    assert "crash" in problem_of(data)


def test_a_file_that_takes_too_long_is_given_up_and_what_was_read_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(tmp_path, monkeypatch, "import time; print('\"one\"', flush=True); time.sleep(100)")

    found = PdfiumReader(timeout_s=2).pages(b"")

    assert found.texts == ("one",)
    assert found.problem == "took longer than 2 s to read; it is searched up to page 1"


def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have another program read the file, such as one that was misled by it."""
    program = tmp_path / "child.py"
    program.write_text(script)
    monkeypatch.setattr(pdf_child, "__file__", str(program))


@pytest.mark.parametrize(
    "script",
    [
        "import os; os.abort()",
        "raise SystemExit(3)",
        "print('{}')",
        "print(3)",
        "print('[' * 100_000)",
        'print(\'{"of": "many", "unreadable": 0}\')',
        "import sys\nwhile True: sys.stdout.write('x' * 100_000)",
    ],
)
def test_a_reader_that_dies_or_talks_nonsense_costs_that_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    play(tmp_path, monkeypatch, script)

    found = PdfiumReader().pages(b"%PDF")

    assert found.texts == ()
    assert found.problem
    assert found.problem.startswith("made its reader crash (")


def test_pages_without_end_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path, monkeypatch, "import sys\nwhile True: sys.stdout.write('\"\"\\n')")

    assert len(PdfiumReader().pages(b"%PDF").texts) <= pdf_child.MAX_PAGES + 1


def test_damaged_pages_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ["one", "", json.loads('{"of": 2, "unreadable": 1}')]
    play(tmp_path, monkeypatch, "\n".join(f"print({json.dumps(json.dumps(word))})" for word in answer))

    assert problem_of(b"").startswith("has damaged pages (1 of 2); ")


def test_without_pdfium_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path, monkeypatch, """print('{"refused": "engine", "words": "No module named pypdfium2"}')""")

    with pytest.raises(VaultbotError, match=r"pip install pypdfium2, or set \[index\] pdf to false"):
        PdfiumReader().pages(b"%PDF")


def test_secrets_of_the_environment_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "canary")
    play(tmp_path, monkeypatch, "import json, os\nprint(json.dumps(' '.join(os.environ)))")

    (names,) = PdfiumReader().pages(b"").texts

    assert "PATH" in names
    assert "MY_API_KEY" not in names
