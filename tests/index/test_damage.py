"""Damage that SQLite does not tell of by itself, or that is met while vaultbot runs: the next start heals it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import VaultBuilder
from tests.contracts.vector_index import unit_vectors
from vaultbot.errors import DataDamaged
from vaultbot.index import schema
from vaultbot.index.catalog import Catalog
from vaultbot.index.damage import CatalogDamaged
from vaultbot.index.health import copied, look_at_catalog
from vaultbot.index.schema import open_writer
from vaultbot.types import Skipped


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    """Thirty notes, indexed; the catalog is closed."""
    for number in range(30):
        vault.write(f"Bread {number}.md", f"# Loaf {number}\n\nFlour number {number}, water, {'salt ' * number}.\n")
    vault.index()
    vault.close()
    return vault


Damage = Callable[[sqlite3.Connection], object]


def stamp(db: sqlite3.Connection) -> None:
    db.execute("UPDATE note SET stamp = 'c' || substr(stamp, 2) WHERE id = 7")


def digest(db: sqlite3.Connection) -> None:
    db.execute("UPDATE note SET hash = substr(hash, 2) WHERE id = 7")


def properties(db: sqlite3.Connection) -> None:
    db.execute("UPDATE note SET properties = '{\"a: 1}' WHERE id = 7")


def problems(db: sqlite3.Connection) -> None:
    db.execute("UPDATE note SET problems = '[{\"slvg\": 1}]' WHERE id = 7")


def headings(db: sqlite3.Connection) -> None:
    db.execute("UPDATE heading SET path = '\"x' WHERE note = 7")


def text(db: sqlite3.Connection) -> None:
    db.execute("UPDATE chunk SET text = CAST(x'46ff6f7572' AS TEXT) WHERE note = 7")


def key_of_a_text(db: sqlite3.Connection) -> None:
    db.execute("UPDATE chunk SET text_hash = x'00' WHERE note = 7")


def vector(db: sqlite3.Connection) -> None:
    db.execute("UPDATE vector SET vector = substr(vector, 1, 40) || x'7f7f7f7f' || substr(vector, 45) WHERE rowid = 7")


def length(db: sqlite3.Connection) -> None:
    db.execute("UPDATE vector SET vector = substr(vector, 1, 40) WHERE rowid = 7")


def kept(db: sqlite3.Connection) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES ('refused', '[\"x')")


def recipe(db: sqlite3.Connection) -> None:
    db.execute("UPDATE meta SET value = CAST(x'ff' AS TEXT) WHERE key = 'recipe'")


def words(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM passage_terms_data WHERE id > 10")


def columns(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE note RENAME COLUMN stamp TO stbmp")


def table(db: sqlite3.Connection) -> None:
    db.execute("DROP TABLE synonym")


ALL = (
    stamp,
    digest,
    properties,
    problems,
    headings,
    text,
    key_of_a_text,
    vector,
    length,
    kept,
    recipe,
    words,
    columns,
    table,
)


def done_to(file: Path, damage: Damage) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        damage(db)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("damage", ALL)
def test_what_cannot_be_read_back_is_found_by_the_next_start_and_embeds_little_anew(
    bakery: VaultBuilder, damage: Damage
) -> None:
    done_to(bakery.state.catalog, damage)
    assert bakery.embedder is not None
    before = len(bakery.embedder.embedded)

    assert bakery.search("flour number 7")[0].path == "Bread 7.md"

    assert list(bakery.state.root.glob("catalog.db.damaged-*"))
    bakery.write("New.md", "Rye is new.")
    assert bakery.search("rye")[0].path == "New.md"
    assert len(bakery.embedder.embedded) - before <= 4  # The one vector, if it was that, and the new note's.


@pytest.mark.parametrize("damage", ALL)
def test_doctor_finds_it_too(bakery: VaultBuilder, damage: Damage) -> None:
    done_to(bakery.state.catalog, damage)

    with copied(bakery.state.catalog) as copy:
        facts = look_at_catalog(copy, suspect=False)

    assert facts.damage or facts.words_damage


def test_a_large_catalog_is_looked_through_once_a_day_or_after_an_end_that_was_none(
    bakery: VaultBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_SMALL", 1000)
    file = bakery.state.catalog
    Catalog(file).close()
    done_to(file, stamp)

    Catalog(file).close()
    file.with_name("catalog.db-wal").write_bytes(b"something was not written into the file")
    with pytest.raises(CatalogDamaged):
        open_writer(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("UPDATE meta SET value = value - 86401 WHERE key = 'looked_through'")
    with pytest.raises(CatalogDamaged):
        open_writer(file)


# ── while it runs ──────────────────────────────────────────────────────────────────────────────────────────────


def test_damage_that_a_question_meets_is_healed_by_the_next_start(bakery: VaultBuilder) -> None:
    bakery.index()
    done_to(bakery.state.catalog, text)

    with pytest.raises(DataDamaged, match="run: vaultbot stop, vaultbot start") as met:
        bakery.assistant.search("flour number 7", limit=30)

    assert "our" not in str(met.value)  # No word of the note.
    assert bakery.state.suspect.exists()
    bakery.close()
    assert bakery.search("flour number 7")[0].path == "Bread 7.md"
    assert not bakery.state.suspect.exists()


def undecodable(db: sqlite3.Connection) -> None:
    db.execute("UPDATE note SET hash = CAST(x'ff' AS TEXT) WHERE id = 7")


@pytest.mark.parametrize("damage", [stamp, undecodable])
def test_damage_that_the_indexer_meets_is_told_and_healed_by_the_next_start(
    bakery: VaultBuilder, damage: Damage
) -> None:
    bakery.index()
    done_to(bakery.state.catalog, damage)

    with pytest.raises(DataDamaged, match="run: vaultbot stop, vaultbot start"):
        bakery.index()

    assert bakery.assistant.state().state == "degraded"
    assert "damaged" in bakery.assistant.state().message
    bakery.close()
    assert bakery.index().notes == 30
    assert bakery.assistant.state().state == "ready"
    assert list(bakery.state.root.glob("catalog.db.damaged-*"))


def test_a_catalog_of_another_file_is_not_suspect(bakery: VaultBuilder) -> None:
    """As after a kill between the two steps of setting one aside."""
    bakery.state.suspect.touch()
    bakery.state.catalog.unlink()

    bakery.index()
    bakery.close()
    bakery.index()

    assert not list(bakery.state.root.glob("catalog.db.damaged-*"))
    assert bakery.assistant.skipped() == list[Skipped]()


def test_a_folder_of_daily_notes_may_be_called_as_json_begins(bakery: VaultBuilder) -> None:
    done_to(
        bakery.state.catalog,
        lambda db: db.execute("UPDATE meta SET value = '[Journal]' || char(10) || 'YYYY' WHERE key = 'dated_with'"),
    )

    open_writer(bakery.state.catalog).close()


def test_vectors_that_were_made_with_sixteen_bits_are_none_the_worse(bakery: VaultBuilder) -> None:
    with closing(Catalog(bakery.state.catalog)) as catalog:
        catalog.add_vectors("rounded", {"a text": unit_vectors(1)["0"] * np.float32(1.004)})

    open_writer(bakery.state.catalog).close()


def test_a_schema_that_cannot_be_decoded_is_damage(bakery: VaultBuilder) -> None:
    file = bakery.state.catalog
    content = file.read_bytes()
    for changed in (b"CREATE TABLE n\xacte", b"CREATE T\xacBLE note"):
        file.write_bytes(content.replace(b"CREATE TABLE note", changed))

        with pytest.raises(CatalogDamaged):
            open_writer(file)
        with copied(file) as copy:
            assert look_at_catalog(copy, suspect=False).damage

    assert bakery.search("flour number 7")[0].path == "Bread 7.md"
    assert list(bakery.state.root.glob("catalog.db.damaged-*"))
