"""The vault as suggestions see it, over the fake engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from tests.conftest import VaultBuilder
from vaultbot.index.graph import Graph
from vaultbot.index.reader import CatalogReader
from vaultbot.links.view import Page, VaultView
from vaultbot.suggestion import PropertyValue, Replacement, Suggestion
from vaultbot.vault.documents import parse_document


@contextmanager
def view_of(vault: VaultBuilder, *, meaning: bool = True) -> Iterator[VaultView]:
    """The vault as it is now, indexed; without `meaning` as if there were no embedding model."""
    vault.index()
    reader = CatalogReader(vault.state.catalog)
    embedder = vault.embedder if meaning else None

    def read(path: str) -> Page:
        text = vault.assistant.vault.read(path).text
        return Page(parse_document(path, text), sha256((vault.root / path).read_bytes()).hexdigest())

    with reader.snapshot():
        yield VaultView(
            reader,
            Graph(reader),
            vault.assistant.vault.settings(),
            read=read,
            fingerprint=embedder.fingerprint if embedder else None,
        )


def mended(vault: VaultBuilder, suggestion: Suggestion) -> str:
    """The note's text after a replacement."""
    assert isinstance(suggestion.edit, Replacement)
    text = vault.assistant.vault.read(suggestion.note).text
    return text[: suggestion.edit.start] + suggestion.edit.text + text[suggestion.edit.end :]


def added(suggestion: Suggestion) -> tuple[str, str]:
    """The property and the value that would be added to it."""
    assert isinstance(suggestion.edit, PropertyValue)
    return suggestion.edit.key, suggestion.edit.value
