"""The small databases: what of them is opened, and what is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from vaultbot.database import open_database
from vaultbot.errors import DataDamaged

TABLES = "CREATE TABLE said (words TEXT)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One of version 2, with a row."""
    file = tmp_path / "small.db"
    with closing(open_database(file, TABLES, version=2)) as database:
        database.execute("INSERT INTO said VALUES ('kept')")
    return file


def test_a_file_opens_again(file: Path) -> None:
    with closing(open_database(file, TABLES, version=2)) as database:
        assert database.execute("SELECT * FROM said").fetchall() == [("kept",)]


def test_an_empty_file_gets_the_tables(tmp_path: Path) -> None:
    (tmp_path / "small.db").touch()

    with closing(open_database(tmp_path / "small.db", TABLES, version=2)) as database:
        assert database.execute("SELECT * FROM said").fetchall() == []


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (3, "was made by a newer vaultbot; install that version again, or move the file away"),
        (1, r"of a version that this vaultbot does not know \(1\); install the one that made it, or move"),
        (0, r"of a version that this vaultbot does not know \(0\)"),
        (-1, r"of a version that this vaultbot does not know \(-1\)"),
    ],
)
def test_a_file_of_another_version_is_refused_and_left_as_it_is(file: Path, version: int, told: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    before = file.read_bytes()

    with pytest.raises(DataDamaged, match=told):
        open_database(file, TABLES, version=2)

    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
