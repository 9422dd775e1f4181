"""What an assistant may write where the owner has allowed it: suggestions, after a look at the diff."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any, cast

import pytest
from fastapi import FastAPI
from mcp import Client

from tests.api.test_app import app_of
from tests.conftest import VaultBuilder
from vaultbot.mcp.door import AppDoor
from vaultbot.mcp.server import make_server

pytest.importorskip("vaultbot.api.suggestions", reason="needs the routes that write")

NOTE = "Kimchi is a ferment. So is sourdough.\n"


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Sourdough.md", "Flour and water.")
    file = vault.write("Kimchi.md", NOTE)
    os.utime(file, (file.stat().st_mtime - 60,) * 2)  # Nobody is typing in it any more.
    vault.index()
    return vault


def called(vault: VaultBuilder, tool: str, *, allow_write: bool = True, **arguments: Any) -> tuple[bool, str]:
    """Whether a tool failed, and what it said."""

    async def run() -> tuple[bool, str]:
        server = make_server(AppDoor(cast(FastAPI, app_of(vault)._app)), vault="vault", allow_write=allow_write)
        async with Client(server) as client:
            result = await client.call_tool(tool, arguments)
            return bool(result.is_error), result.content[0].text  # type: ignore[union-attr]

    return asyncio.run(run())


def suggested(vault: VaultBuilder) -> dict[str, Any]:
    """The suggestion for Kimchi, as an assistant reads it."""
    failed, text = called(vault, "suggest_links", note="Kimchi")
    assert not failed, text
    (found,) = re.findall(r"mention: “sourdough” → .*\(id (\S+)\)", text)
    (version,) = re.findall(r"The note's version: ([0-9a-f]{64})", text)
    return {"note": "Kimchi.md", "ids": [found], "sha256": version}


def test_nothing_is_written_before_the_diff_was_seen_and_all_of_it_can_be_undone(bakery: VaultBuilder) -> None:
    asked, file = suggested(bakery), bakery.root / "Kimchi.md"

    failed, shown = called(bakery, "apply_suggestions", **asked)
    assert not failed, shown
    assert "Nothing is written yet." in shown
    assert "+Kimchi is a ferment. So is [[Sourdough|sourdough]]." in shown
    assert file.read_text() == NOTE

    failed, written = called(bakery, "apply_suggestions", **asked, confirmed=True)
    assert not failed, written
    assert file.read_text() == "Kimchi is a ferment. So is [[Sourdough|sourdough]].\n"

    (run,) = re.findall(r"undo with run (\S+)\.", written)
    failed, undone = called(bakery, "undo", run=run)
    assert not failed, undone
    assert "As before: Kimchi.md" in undone
    assert file.read_text() == NOTE


def test_a_note_that_was_changed_meanwhile_is_left_alone(bakery: VaultBuilder) -> None:
    asked = suggested(bakery)
    bakery.write("Kimchi.md", f"{NOTE}More.\n")
    bakery.index()

    failed, told = called(bakery, "apply_suggestions", **asked, confirmed=True)

    assert failed, told
    assert (bakery.root / "Kimchi.md").read_text() == f"{NOTE}More.\n"


def test_without_the_owners_word_there_are_no_such_tools(bakery: VaultBuilder) -> None:
    asked = suggested(bakery)

    for tool, arguments in (("apply_suggestions", {**asked, "confirmed": True}), ("undo", {"run": "x"})):
        failed, told = called(bakery, tool, allow_write=False, **arguments)
        assert failed
        assert told.startswith("there is no such tool")
    assert (bakery.root / "Kimchi.md").read_text() == NOTE
