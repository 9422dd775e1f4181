"""What a note says, whatever program wrote its bytes."""

from __future__ import annotations

import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.decoding import decode

TEXT = "Käse 🧀\r\n量子\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
    ],
)
def test_unicode_of_any_kind_is_read_with_its_line_ends(data: bytes) -> None:
    decoded = decode(data)

    assert (decoded.text, decoded.problems, decoded.skip_reason) == (TEXT, (), None)


def test_an_empty_file_is_an_empty_note() -> None:
    assert decode(b"") == decode("".encode("utf-8-sig"))
    assert decode(b"").skip_reason is None


def test_a_latin_1_note_is_read_with_marks_for_its_umlauts() -> None:
    decoded = decode("Ein Käse für alle, die Käse mögen.\n".encode("cp1252"))

    assert decoded.text == "Ein K\ufffdse f\ufffdr alle, die K\ufffdse m\ufffdgen.\n"
    assert [problem.slug for problem in decoded.problems] == ["encoding"]
    assert "UTF-8" in decoded.problems[0].message


def test_broken_utf_16_is_named_as_such() -> None:
    decoded = decode(codecs.BOM_UTF16_LE + "ab".encode("utf-16-le") + b"\x00\xd8" + "c".encode("utf-16-le"))

    assert decoded.text == "ab\ufffdc"
    assert "UTF-16" in decoded.problems[0].message


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"text\0text", "no mark".encode("utf-16-le"), b"\0" * 100]
)
def test_a_picture_that_is_called_a_note_is_skipped(data: bytes) -> None:
    assert decode(data).skip_reason == "binary"
    assert decode(data).text == ""


@pytest.mark.parametrize(
    "data",
    [
        b"\x80" * 1_000_000,
        "これは日本語のメモです。".encode("shift-jis") * 100,
        random.Random(1).randbytes(20_000).replace(b"\0", b"x"),
    ],
)
def test_what_is_no_text_at_all_is_skipped(data: bytes) -> None:
    assert decode(data).skip_reason == "binary or unknown encoding"


def test_replacement_characters_that_somebody_typed_are_text() -> None:
    decoded = decode(("\ufffd" * 100).encode() + b"\xff")

    assert decoded.skip_reason is None
    assert decoded.text == "\ufffd" * 101


def test_a_truncated_note_ends_with_a_whole_line_and_says_so() -> None:
    decoded = decode("eins\nzwei\ndrei 🧀".encode()[:-2], truncated=True)

    assert decoded.text == "eins\nzwei\n"
    assert [problem.slug for problem in decoded.problems] == ["truncated"]


def test_a_truncated_note_of_one_line_is_cut_between_characters() -> None:
    decoded = decode("drei 🧀".encode()[:-2], truncated=True)

    assert decoded.text == "drei "
    assert [problem.slug for problem in decoded.problems] == ["truncated"]


@given(st.binary(), st.booleans())
def test_any_bytes_are_read_or_skipped(data: bytes, truncated: bool) -> None:
    decoded = decode(data, truncated=truncated)

    decoded.text.encode()  # no half characters, which neither SQLite nor JSON would take
    assert decoded.skip_reason is None or decoded.text == ""
