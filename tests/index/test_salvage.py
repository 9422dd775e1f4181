"""A damaged catalog is replaced by a new one, and the vectors that can still be read are taken over."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.index.conftest import Desk
from vaultbot import faults
from vaultbot.index.damage import CatalogDamaged
from vaultbot.index.salvage import open_catalog
from vaultbot.index.schema import open_reader, open_writer

PAGE = 4096


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    """Sixty notes, indexed; the catalog is closed."""
    for number in range(60):
        desk.write(f"Note {number}.md", f"# Topic {number}\n" + f"Sentence {number} of some length. " * 20)
    assert desk.run().added == 60
    desk.reopen()
    return desk


def mended(desk: Desk) -> tuple[int, str]:
    """How many texts had to be embedded when the vault was read into a new catalog, and what was told."""
    with pytest.raises(CatalogDamaged):
        open_writer(desk.catalog_file)
    catalog, notice = open_catalog(desk.catalog_file)
    catalog.close()
    assert notice is not None
    report = desk.run()
    assert report.added == 60
    assert list(desk.catalog_file.parent.glob("catalog.db.damaged-*"))
    return report.embedded, notice


def zeros_in_the_middle(data: bytearray) -> None:
    middle = len(data) // PAGE // 2 * PAGE
    data[middle : middle + 2 * PAGE] = bytes(2 * PAGE)


def garbage_in_some_pages(data: bytearray) -> None:
    rng = random.Random(7)
    for page in rng.sample(range(40, len(data) // PAGE), 5):
        data[page * PAGE : page * PAGE + 64] = rng.randbytes(64)


def cut_at_the_end(data: bytearray) -> None:
    del data[-20 * PAGE :]


@pytest.mark.parametrize("damage", [zeros_in_the_middle, garbage_in_some_pages, cut_at_the_end])
def test_what_can_still_be_read_is_not_embedded_again(shelf: Desk, damage: Callable[[bytearray], None]) -> None:
    data = bytearray(shelf.catalog_file.read_bytes())
    damage(data)
    shelf.catalog_file.write_bytes(data)

    embedded, notice = mended(shelf)

    assert embedded < 60  # of 120
    assert f"{120 - embedded} texts need not be embedded again" in notice


@pytest.mark.parametrize("damage", ["header", "schema", "garbage"])
def test_a_file_that_says_nothing_any_more_costs_the_vectors_alone(shelf: Desk, damage: str) -> None:
    data = bytearray(shelf.catalog_file.read_bytes())
    if damage == "header":
        data[:16] = bytes(16)
    elif damage == "schema":
        data[100:PAGE] = bytes(PAGE - 100)
    else:
        data[:] = b"no database" * 100
    shelf.catalog_file.write_bytes(data)

    embedded, notice = mended(shelf)

    assert embedded == 120
    assert "and 0 texts need not be embedded again" in notice


def test_a_vector_that_was_bent_is_made_anew(shelf: Desk) -> None:
    data = shelf.catalog_file.read_bytes()
    with closing(open_reader(shelf.catalog_file)) as db:
        vector = db.execute("SELECT vector FROM vector LIMIT 1").fetchone()[0]
    at = data.index(vector[:32])
    bent = bytearray(data)
    bent[at : at + 8] = b"\x7f" * 8
    bent[-PAGE:] = bytes(PAGE)  # and what shows that the file is damaged
    shelf.catalog_file.write_bytes(bent)

    embedded, _ = mended(shelf)

    assert embedded >= 1


def test_what_was_written_last_is_in_the_log_file_and_is_read_there(shelf: Desk, tmp_path: Path) -> None:
    writer = open_writer(shelf.catalog_file)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE vector SET fingerprint = 'another'")
    writer.execute("COMMIT")
    kept = tmp_path / "kept"
    kept.mkdir()
    for file in shelf.catalog_file.parent.glob("catalog.db*"):
        (kept / file.name).write_bytes(file.read_bytes())
    writer.close()
    for file in kept.iterdir():
        shelf.catalog_file.with_name(file.name).write_bytes(file.read_bytes())
    shelf.catalog_file.with_name("catalog.db-shm").unlink()
    data = bytearray(shelf.catalog_file.read_bytes())
    data[-PAGE:] = b"\xff" * PAGE
    shelf.catalog_file.write_bytes(data)

    with pytest.raises(CatalogDamaged):
        open_writer(shelf.catalog_file)
    catalog, _ = open_catalog(shelf.catalog_file)
    held = catalog._db.execute("SELECT DISTINCT fingerprint FROM vector").fetchall()
    catalog.close()

    assert ("another",) in held


@pytest.mark.parametrize("point", ["schema.before-commit", "catalog.set-aside"])
def test_a_kill_while_it_is_replaced_costs_no_vector(shelf: Desk, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(shelf.catalog_file.read_bytes())
    zeros_in_the_middle(data)
    shelf.catalog_file.write_bytes(data)

    def killed(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(faults, "point", killed)
        with pytest.raises(KeyboardInterrupt):
            open_catalog(shelf.catalog_file)
    open_catalog(shelf.catalog_file)[0].close()

    assert shelf.run().embedded < 60  # of 120
    assert not shelf.catalog_file.with_name("catalog.suspect").exists()
    assert not shelf.catalog_file.with_name("catalog.db.new").exists()


def test_a_key_beyond_all_numbers_does_not_take_for_ever(shelf: Desk) -> None:
    with closing(sqlite3.connect(shelf.catalog_file, isolation_level=None)) as db:
        db.execute("UPDATE vector SET rowid = 9223372036854775000 WHERE rowid = 7")
        db.execute("UPDATE vector SET rowid = 900000000000000 WHERE rowid = 100")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shelf.catalog_file.with_name("catalog.suspect").touch()

    embedded, _ = mended(shelf)

    assert embedded == 0
