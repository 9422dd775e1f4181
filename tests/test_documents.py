"""Canvases, bases, drawings and PDFs through the whole product: found, cited and shown like notes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex, PlainPageReader
from tests.pdf_files import make_pdf
from vaultbot.adapters.pdf import PdfiumReader
from vaultbot.assistant import Assistant
from vaultbot.bootstrap import assemble_with
from vaultbot.config import Config
from vaultbot.errors import InvalidRequest
from vaultbot.paths import StatePaths
from vaultbot.protocols import PageReader
from vaultbot.vault.vault import Vault

BOARD = json.dumps(
    {
        "nodes": [
            {"id": "1", "type": "text", "text": "**Bed 1**: legumes\n\nBlauhilde climbing beans, five to a pole."},
            {"id": "2", "type": "text", "text": "The rain barrel holds 300 litres, see [[Soil pH]]."},
            {"id": "3", "type": "file", "file": "Soil pH.md"},
        ],
        "edges": [{"fromNode": "2", "toNode": "1", "label": "waters"}],
    }
)
BOOK = (
    "Growing beans\nA book about beans.",
    "Climbing beans need a pole of two metres, which is set be-\nfore sowing.",
    "The seeds of runner beans are poisonous when raw.",
)


def assistant_of(root: Path, state: Path, reader: PageReader | None) -> Assistant:
    assistant = assemble_with(
        Config(),
        Vault(root, page_reader=reader),
        StatePaths(state),
        embedder=HashEmbedder(),
        open_vectors=lambda: (ListVectorIndex(), None),
    )
    assistant.worker.start()
    return assistant


def write(root: Path, path: str, data: str | bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(data if isinstance(data, bytes) else data.encode())
    os.utime(root / path, (1_700_000_000, 1_700_000_000))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "vault"
    write(root, "Soil pH.md", "The soil of the plot is sour. Beans and the Board like lime.")
    write(root, "maps/Board.canvas", BOARD)
    write(root, "Plants.base", "views: [{type: table, name: Perennial plants}]\nformulas: {yield: kilos / metres}")
    write(root, "Plan.excalidraw", '{"elements": [{"type": "text", "text": "A cold frame beside [[Soil pH]]"}]}')
    write(root, "files/Beans.pdf", make_pdf(*BOOK))
    return root


@pytest.fixture
def assistant(root: Path, tmp_path: Path) -> Iterator[Assistant]:
    assistant = assistant_of(root, tmp_path / "state", PdfiumReader())
    assistant.index(timeout=60)
    yield assistant
    assistant.close()


def test_a_fact_in_a_pdf_is_quoted_whole_with_its_page(assistant: Assistant) -> None:
    answer = assistant.ask("How long is the pole that climbing beans need before sowing?")

    (first, *_) = answer.citations
    assert first.quote == "Climbing beans need a pole of two metres, which is set before sowing."
    assert first.wikilink == "[[files/Beans.pdf#page=2|Beans › Page 2]]"
    assert first.uri == "obsidian://open?vault=vault&file=files%2FBeans.pdf%23page%3D2"


def test_a_page_is_found(assistant: Assistant) -> None:
    hit = assistant.search("poisonous raw seeds").hits[0]

    assert (hit.path, hit.heading_path) == ("files/Beans.pdf", ("Page 3",))


def test_a_card_of_a_canvas_is_found_quoted_and_named(assistant: Assistant) -> None:
    hit = assistant.search("Blauhilde").hits[0]
    answer = assistant.ask("How many litres does the rain barrel hold?")

    assert (hit.path, hit.heading_path) == ("maps/Board.canvas", ("Bed 1: legumes",))
    assert hit.wikilink == "[[maps/Board.canvas|Board › Bed 1: legumes]]"
    assert answer.citations[0].quote == "The rain barrel holds 300 litres, see Soil pH."


def test_a_base_is_found_by_its_views_and_never_quoted(assistant: Assistant) -> None:
    hit = assistant.search("perennial plants").hits[0]
    answer = assistant.ask("What are perennial plants?")

    assert (hit.path, hit.wikilink) == ("Plants.base", "[[Plants.base#Perennial plants|Plants › Perennial plants]]")
    assert [citation.path for citation in answer.citations if citation.path == "Plants.base"] == []


def test_the_words_of_a_drawing_are_found(assistant: Assistant) -> None:
    assert assistant.search("cold frame").hits[0].path == "Plan.excalidraw"


def test_links_in_documents_are_backlinks(assistant: Assistant) -> None:
    backlinks = {backlink.edge.source for backlink in assistant.note("Soil pH").backlinks}

    assert backlinks == {"maps/Board.canvas", "Plan.excalidraw"}


def test_a_document_is_shown_in_words(assistant: Assistant) -> None:
    assert '"nodes"' not in assistant.note("maps/Board.canvas").text
    assert "five to a pole" in assistant.note("maps/Board.canvas").text
    assert "which is set before sowing." in assistant.note("files/Beans.pdf").text


def test_links_are_suggested_for_notes_and_lead_to_notes(assistant: Assistant) -> None:
    assert assistant.suggest("Soil pH") == []
    for path in ("maps/Board.canvas", "files/Beans.pdf"):
        with pytest.raises(InvalidRequest, match="is no Markdown note"):
            assistant.suggest(path)


def test_what_cannot_be_read_of_a_document_is_told(root: Path, tmp_path: Path) -> None:
    write(root, "Secret report.pdf", make_pdf("x", protected=True))
    write(root, "Old scan.pdf", make_pdf("", ""))
    write(root, "Half board.canvas", '{"nodes": [')
    assistant = assistant_of(root, tmp_path / "state", PdfiumReader())
    try:
        report = assistant.index(timeout=60)
        told = {damaged.path: damaged.reason for damaged in assistant.damaged()}
    finally:
        assistant.close()

    assert told.keys() == {"Secret report.pdf", "Old scan.pdf", "Half board.canvas"}
    assert told["Secret report.pdf"].startswith("is protected by a password; ")
    assert told["Old scan.pdf"].startswith("has no text layer")
    assert report.failed == report.skipped == ()


def test_a_pdf_is_not_read_again_before_its_bytes_change(root: Path, tmp_path: Path) -> None:
    reader = PlainPageReader()
    write(root, "Notes.pdf", b"%PDF plain\nOne page.")
    write(root, "Broken.pdf", b"garbage")
    assistant = assistant_of(root, tmp_path / "state", reader)
    try:
        assistant.index(timeout=60)
        before = reader.reads
        for name in ("Notes.pdf", "Broken.pdf"):
            os.utime(root / name, (1_800_000_000, 1_800_000_000))
        assistant.index(timeout=60)
        touched = reader.reads
        write(root, "Notes.pdf", b"%PDF plain\nAnother page.")
        assistant.index(timeout=60)
        changed = reader.reads
    finally:
        assistant.close()

    assert (before, touched, changed) == (3, 3, 4)


def test_when_pdfs_are_no_longer_wanted_they_are_forgotten(root: Path, tmp_path: Path) -> None:
    for reader in (PdfiumReader(), None):
        assistant = assistant_of(root, tmp_path / "state", reader)
        try:
            assistant.index(timeout=60)
            hits = assistant.search("poisonous raw seeds").hits
        finally:
            assistant.close()
        assert any(hit.path == "files/Beans.pdf" for hit in hits) == (reader is not None)
