"""Threads come and go, and the catalog's files do not add up."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from tests.index.conftest import Desk
from vaultbot.index.connections import KEPT, Connections


def open_files(file: Path) -> int:
    """How often this process holds the catalog or its log open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += os.readlink(entry).startswith(str(file))  # noqa: PTH115
        except OSError:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="counts files in /proc")
def test_a_hundred_threads_that_read_leave_no_more_files_open_than_are_kept(desk: Desk) -> None:
    desk.write("Bread.md", "Flour and water.")
    desk.run()
    reader = desk.reader
    before = open_files(desk.catalog_file)

    def read() -> None:
        reader.counts()
        with reader.snapshot():
            reader.paths()

    for _ in range(10):
        threads = [threading.Thread(target=read) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert open_files(desk.catalog_file) <= before + 2 * KEPT


def test_a_connection_that_was_given_back_is_lent_again(desk: Desk) -> None:
    desk.run()
    connections = Connections(desk.catalog_file)

    with connections.lent() as first:
        pass
    with connections.lent() as again, connections.lent() as other:
        assert again is first
        assert other is not first


def test_who_finds_all_lent_for_long_gets_one_that_is_closed_after_use(desk: Desk) -> None:
    desk.run()
    connections = Connections(desk.catalog_file, kept=1, patience_s=0)

    with connections.lent() as kept, connections.lent() as besides:
        assert besides.execute("SELECT count(*) FROM note").fetchone() == (0,)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        besides.execute("SELECT 1")
    assert kept.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_that_failed_is_not_lent_again(desk: Desk) -> None:
    desk.run()
    connections = Connections(desk.catalog_file, kept=1, patience_s=0)

    with pytest.raises(sqlite3.OperationalError, match="syntax error"), connections.lent() as failed:
        failed.execute("SELECT * FROM nothing")

    with connections.lent() as another:
        assert another is not failed
