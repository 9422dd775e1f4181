"""The fixture `shelf`: notes in the index, and a connection that asks about their words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shelf import Shelf, a_shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with a_shelf(tmp_path) as shelf:
        yield shelf
