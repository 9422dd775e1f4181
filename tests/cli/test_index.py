"""How long `vaultbot index` waits, by the states that the daemon tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from vaultbot.cli.index import _until_settled


def events(*states: tuple[str, str]) -> Iterator[tuple[str, Any]]:
    for state, message in states:
        yield "status", {"state": state, "message": message}
    pytest.fail("it waits for more")


def test_it_waits_until_another_embedding_model_is_prepared(capsys: pytest.CaptureFixture[str]) -> None:
    states = events(
        ("indexing", "being prepared"), ("indexing", "looking"), ("indexing", "being prepared"), ("ready", "")
    )

    assert len(list(_until_settled(states))) == 4
    assert capsys.readouterr().err == ""


def test_it_says_why_another_embedding_model_cannot_be_prepared(capsys: pytest.CaptureFixture[str]) -> None:
    states = events(("indexing", "being prepared"), ("degraded", "the weights are damaged"))

    assert len(list(_until_settled(states))) == 2
    assert capsys.readouterr().err == "note: the weights are damaged\n"
