"""The index with real damage: bytes of the catalog, of the full-text tables, vectors that are gone or wrong."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import VaultBuilder
from tests.fakes import ListVectorIndex
from vaultbot.doctor.check import Check
from vaultbot.doctor.index import catalog, edits, index, outbox, vectors, words
from vaultbot.errors import DataDamaged
from vaultbot.index.health import (
    CatalogFacts,
    IndexFacts,
    VectorFacts,
    copied,
    look_at_catalog,
    look_at_vectors,
)
from vaultbot.index.schema import SCHEMA_VERSION

HASH = "hash-1"


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    """A catalog of 40 notes with vectors, closed."""
    for number in range(40):
        vault.write(f"Bread {number}.md", f"# Loaf {number}\n\nFlour number {number}, water and {'salt ' * number}.\n")
    vault.index()
    vault.close()
    return vault


def facts_of(vault: VaultBuilder) -> CatalogFacts:
    with copied(vault.state.catalog) as copy:
        return look_at_catalog(copy, suspect=False)


def vectors_of(vault: VaultBuilder, held: ListVectorIndex) -> VectorFacts:
    with closing(sqlite3.connect(vault.state.catalog)) as db:
        return look_at_vectors(db, held, HASH, chance=random.Random(1))


def by_name(facts: IndexFacts) -> dict[str, Check]:
    return {check.name: check for check in index(facts)}


def test_an_index_that_is_whole_is_said_to_be(bakery: VaultBuilder) -> None:
    before = bakery.state.catalog.read_bytes()
    facts = IndexFacts(facts_of(bakery), vectors_of(bakery, bakery.vectors))

    assert [(one.name, one.state) for one in index(facts)] == [
        ("catalog", "ok"), ("full text", "ok"), ("vectors", "ok"), ("outbox", "ok"),
    ]  # fmt: skip
    assert facts.catalog.notes == 40
    assert facts.vectors is not None
    assert (facts.vectors.asked, facts.vectors.lost) == (64, 0)
    assert bakery.state.catalog.read_bytes() == before
    assert not list(bakery.state.root.glob("doctor-*"))


def test_what_is_only_in_the_write_ahead_log_is_seen(bakery: VaultBuilder) -> None:
    with closing(sqlite3.connect(bakery.state.catalog, isolation_level=None)) as open_still:
        open_still.execute("DELETE FROM note WHERE path = 'Bread 3.md'")

        assert facts_of(bakery).notes == 39


Damage = Callable[[Path], None]


def head(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.write(b"no database at all")


def middle(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2 // 4096 * 4096)
        stream.write(random.Random(2).randbytes(40_960))


def half(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [head, middle, half])
def test_a_damaged_catalog_is_a_problem_that_is_repaired_by_reading_the_vault_anew(
    bakery: VaultBuilder, damage: Damage
) -> None:
    damage(bakery.state.catalog)
    facts = facts_of(bakery)

    assert facts.damage
    found = by_name(IndexFacts(facts))
    assert found.keys() == {"catalog"}
    assert (found["catalog"].state, found["catalog"].repair) == ("problem", "catalog")


def test_an_empty_file_is_a_catalog_that_is_still_to_be_made(bakery: VaultBuilder) -> None:
    emptied(bakery.state.catalog)

    assert catalog(facts_of(bakery)).state == "ok"


def test_words_that_were_lost_from_the_full_text_are_found_out_and_made_anew(bakery: VaultBuilder) -> None:
    with closing(sqlite3.connect(bakery.state.catalog, isolation_level=None)) as db:
        for table in ("passage_terms", "note_terms"):
            db.execute(f"DELETE FROM {table}_data WHERE id > 10")  # What SQLite's own quick_check does not look at.
    facts = facts_of(bakery)

    assert facts.damage is None
    assert facts.words_damage
    assert (words(facts).state, words(facts).repair) == ("problem", "words")

    assert bakery.embedder is not None
    embedded = bakery.embedder.calls

    assert bakery.search("flour number 7")[0].path == "Bread 7.md"
    assert bakery.embedder.calls == embedded  # Nothing was embedded again.
    bakery.close()
    assert facts_of(bakery).words_damage is None


def test_notes_that_the_full_text_never_had_are_found_out(bakery: VaultBuilder) -> None:
    with closing(sqlite3.connect(bakery.state.catalog, isolation_level=None)) as db:
        db.execute("DELETE FROM note_terms WHERE rowid = 5")

    assert "the words of 39 notes" in (facts_of(bakery).words_damage or "")


@pytest.mark.parametrize(("version", "state"), [(SCHEMA_VERSION + 1, "problem"), (SCHEMA_VERSION - 1, "ok")])
def test_the_schema_of_another_version_is_told(bakery: VaultBuilder, version: int, state: str) -> None:
    with closing(sqlite3.connect(bakery.state.catalog)) as db:
        db.execute(f"PRAGMA user_version = {version}")

    found = by_name(IndexFacts(facts_of(bakery)))
    assert found.keys() == {"catalog"}
    assert found["catalog"].state == state


# ── vectors ────────────────────────────────────────────────────────────────────────────────────────────────────


def gone(held: ListVectorIndex) -> None:
    for identity in sorted(held.vectors)[:3]:
        del held.vectors[identity]


def strange(held: ListVectorIndex) -> None:
    held.vectors["0" * 32] = next(iter(held.vectors.values()))


def zeroed(held: ListVectorIndex) -> None:
    """As Chroma's file of vectors full of zeros: every id is there, and nothing is found by its vector."""
    for identity, vector in held.vectors.items():
        held.vectors[identity] = np.zeros_like(vector)


def failing(held: ListVectorIndex) -> None:
    held.failure = DataDamaged("the vector index cannot be used")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (gone, "3 are missing"),
        (strange, "1 are too many"),
        (zeroed, "64 of 64 vectors do not find themselves"),
        (failing, "the vector index cannot be used"),
    ],
)
def test_vectors_that_are_not_the_catalogs_are_a_problem_with_a_repair(
    bakery: VaultBuilder, damage: Callable[[ListVectorIndex], None], said: str
) -> None:
    damage(bakery.vectors)

    found = vectors(vectors_of(bakery, bakery.vectors), facts_of(bakery))

    assert (found.state, found.repair) == ("problem", "vectors")
    assert said in found.says


def test_what_waits_to_be_carried_over_is_no_fault_of_the_vectors(bakery: VaultBuilder) -> None:
    lacking = sorted(bakery.vectors.vectors)[:2]
    with closing(sqlite3.connect(bakery.state.catalog, isolation_level=None)) as db:
        db.executemany("INSERT INTO outbox (chunk) VALUES (?)", [(one,) for one in [*lacking, *lacking]])
    for identity in lacking:
        del bakery.vectors.vectors[identity]

    facts = facts_of(bakery)

    assert vectors(vectors_of(bakery, bakery.vectors), facts).state == "ok"
    assert outbox(facts.waiting).says.startswith("2 chunks are recorded and not yet carried over")
    assert outbox(facts.waiting).repair == "index"


def test_notes_with_the_same_words_have_the_same_vector_and_either_will_do(vault: VaultBuilder) -> None:
    for number in range(30):
        vault.write(f"Copies/{number}/Same.md", "The very same words in all of them.")
    vault.index()
    vault.close()

    assert vectors_of(vault, vault.vectors).lost == 0


def test_the_daemons_own_index_is_looked_at_while_it_runs(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", "Cabbage, salt and time.")
    vault.index()

    facts = vault.assistant.integrity()

    assert [(one.name, one.state) for one in index(facts)] == [
        ("catalog", "ok"), ("full text", "ok"), ("vectors", "ok"), ("outbox", "ok"),
    ]  # fmt: skip
    assert facts.vectors is not None
    assert facts.vectors.held == len(vault.vectors.vectors) > 0


# ── edits ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_edits_that_a_kill_came_into_are_named(tmp_path: Path) -> None:
    assert edits([], [], tmp_path).state == "ok"
    assert edits(["A.md"], [], tmp_path).repair == "index"
    unclear = edits([], ["A.md"], tmp_path)
    assert (unclear.state, unclear.repair) == ("advice", None)
    assert str(tmp_path) in unclear.do
