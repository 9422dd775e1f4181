"""What is read as a document, and how."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.documents import is_document, is_pdf, parse_document


@pytest.mark.parametrize("path", ["a.md", "b/A.MD", "x.canvas", "x.Base", "x.excalidraw", "x.excalidraw.md", "x y.PDF"])
def test_files_with_words_are_documents(path: str) -> None:
    assert is_document(path)


@pytest.mark.parametrize("path", ["pic.png", "md", "a.md/pic", "a.mdx", "pdf", "a.canvas.bak", "", "a."])
def test_other_files_are_attachments(path: str) -> None:
    assert not is_document(path)


def test_a_pdf_is_known_by_its_name_in_any_case() -> None:
    assert is_pdf("files/Doc.Pdf")
    assert not is_pdf("pdf.md")


@pytest.mark.parametrize(
    ("path", "text", "title", "words"),
    [
        ("a/Note.MD", "**Salt**", "Note", "Salt"),
        ("Board.Canvas", '{"nodes": [{"type": "text", "text": "**Salt**"}]}', "Board", "Salt"),
        ("All.base", "views: [{name: Salt}]", "All", "Salt"),
        ("Plan.excalidraw", '{"elements": [{"type": "text", "text": "**Salt**"}]}', "Plan", "Salt"),
        ("Plan.excalidraw.md", "**Salt**", "Plan.excalidraw", "Salt"),
        ("Book.PDF", "**Salt**\f", "Book", "**Salt**"),
    ],
)
def test_each_document_is_read_in_its_own_way(path: str, text: str, title: str, words: str) -> None:
    note = parse_document(path, text)

    assert (note.path, note.title, "".join(note.visible)) == (path, title, words)


@given(st.sampled_from(["md", "canvas", "base", "excalidraw", "pdf"]), st.text())
def test_any_text_is_a_document(extension: str, text: str) -> None:
    note = parse_document(f"x.{extension}", text)

    assert all(1 <= heading.line <= len(note.visible) for heading in note.headings)
