"""PDFs in a vault: read through the port, so that nothing here knows the engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes import PlainPageReader
from vaultbot.vault.vault import Vault


@pytest.fixture
def reader() -> PlainPageReader:
    return PlainPageReader()


@pytest.fixture
def vault(tmp_path: Path, reader: PlainPageReader) -> Vault:
    return Vault(tmp_path, page_reader=reader, max_pdf_bytes=1024**2)


def write(vault: Vault, path: str, data: bytes) -> None:
    file = vault.root / path
    file.write_bytes(data)
    os.utime(file, (1_700_000_000, 1_700_000_000))


def test_the_pages_of_a_pdf_end_in_form_feeds(vault: Vault) -> None:
    write(vault, "doc.PDF", b"%PDF plain\nOne\fTwo")

    file = vault.read("doc.PDF")

    assert list(vault.scan().notes) == ["doc.PDF"]
    assert (file.text, file.problems, file.skip_reason) == ("One\fTwo\f", (), None)


def test_a_pdf_that_is_known_already_is_not_read_again(vault: Vault, reader: PlainPageReader) -> None:
    write(vault, "doc.pdf", b"%PDF plain\nOne")
    first = vault.read("doc.pdf")

    again = vault.read("doc.pdf", known_hash=first.content_hash)
    other = vault.read("doc.pdf", known_hash="another")

    assert (again.content_hash, again.text) == (first.content_hash, "")
    assert other == first
    assert reader.reads == 2


def test_a_pdf_that_cannot_be_read_says_why(vault: Vault) -> None:
    write(vault, "doc.pdf", b"garbage")

    file = vault.read("doc.pdf")

    assert file.text == ""
    assert file.skip_reason is None  # It is recorded, so that it is not tried again before it changes.
    assert [(problem.slug, problem.message) for problem in file.problems] == [
        ("pdf", "is no plain PDF; write it as the tests do")
    ]


def test_a_pdf_that_is_too_large_is_left_out_unread(vault: Vault, reader: PlainPageReader) -> None:
    write(vault, "large.pdf", b"%PDF plain\n" + b"x" * 1024**2)

    file = vault.read("large.pdf")

    assert file.skip_reason == "is larger than 1 MB; raise [index] max_pdf_mb to have it searched"
    assert (file.text, reader.reads) == ("", 0)


def test_a_pdf_just_small_enough_is_read(vault: Vault) -> None:
    head = b"%PDF plain\n"
    write(vault, "doc.pdf", head + b"x" * (1024**2 - len(head)))

    assert len(vault.read("doc.pdf").text) == 1024**2 - len(head) + 1


def test_without_a_reader_pdfs_are_attachments(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    write(vault, "doc.pdf", b"%PDF plain\nOne")

    assert (vault.scan().notes, vault.scan().files) == ({}, ("doc.pdf",))
