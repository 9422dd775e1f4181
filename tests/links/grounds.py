"""Vaults in plain sight, read for the ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import VaultBuilder
from tests.links.views import view_of
from vaultbot.links.groundwork import Groundwork
from vaultbot.links.ranker import Ranker, shipped, untaught
from vaultbot.links.suggester import Suggester
from vaultbot.links.view import Page
from vaultbot.paths import StatePaths
from vaultbot.suggestion import Replacement, Suggestion
from vaultbot.vault.markdown import parse_note


@contextmanager
def ground_of(notes: Mapping[str, str], *, meaning: bool = True) -> Iterator[Groundwork]:
    """A vault of these notes; without `meaning` as if there were no embedding model."""
    with TemporaryDirectory() as temporary:
        root = Path(temporary) / "vault"
        root.mkdir()
        vault = VaultBuilder(root, StatePaths(Path(temporary) / "state"))
        for path, text in notes.items():
            vault.write(path, text)
        try:
            with view_of(vault, meaning=meaning) as view:
                yield Groundwork(view)
        finally:
            vault.close()


def suggest(ground: Groundwork, text: str, *, path: str = "Home.md", ranker: Ranker | None = None) -> list[Suggestion]:
    """What that note would be given if it said that."""
    ranker = ranker or untaught(shipped(), ground.habits.count)
    return Suggester(ground, ranker).suggest(Page(parse_note(path, text), "0" * 64))


def mentions(ground: Groundwork, text: str, *, path: str = "Home.md") -> list[Suggestion]:
    """The same of words that could link alone, in the order of the text."""
    found = [one for one in suggest(ground, text, path=path) if one.kind == "mention"]
    return sorted(found, key=lambda one: (one.line, one.col))


def edit(one: Suggestion) -> Replacement:
    """The stretch that it would replace, and with what."""
    assert isinstance(one.edit, Replacement)
    return one.edit
