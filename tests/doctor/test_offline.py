"""The index as it is found when no daemon runs: with real Chroma, in a folder that is whole, damaged, or gone."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.cli.machine import fingerprint
from tests.conftest import VaultBuilder
from tests.fakes import HashEmbedder
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.bootstrap import assemble_with
from vaultbot.doctor.check import Check
from vaultbot.doctor.offline import Found, look, look_at_edits
from vaultbot.doctor.repair import repairs
from vaultbot.vault.editor import Editor
from vaultbot.vault.vault import Vault

HASH = "hash-1"


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    """Ten notes, their vectors in Chroma, all closed in order."""
    for number in range(10):
        vault.write(f"Bread {number}.md", f"Flour number {number}, water and {'salt ' * number}.\n")
    vault.write("Broken.md", "---\nkind: [bread\n---\nNothing is baked without heat.")
    vault.write("Bread 1.sync-conflict-20260101-101010-ABCDEFG.md", "Flour of another machine.")
    assistant = assemble_with(
        vault.config,
        Vault(vault.root),
        vault.state,
        embedder=HashEmbedder(),
        open_vectors=lambda: open_vector_index(vault.state.vectors, fingerprint=HASH),
    )
    assistant.worker.start()
    assistant.index(timeout=60)
    assistant.close(timeout=30)
    return vault


def found_in(vault: VaultBuilder) -> Found:
    return look(vault.config, Vault(vault.root), vault.state)


def check(vault: VaultBuilder, name: str) -> Check:
    return {one.name: one for one in found_in(vault).checks}[name]


def test_a_whole_index_is_told_with_what_lint_says_and_not_a_byte_of_it_is_changed(bakery: VaultBuilder) -> None:
    before = fingerprint(bakery.state.root)

    found = found_in(bakery)

    assert [(one.name, one.state) for one in found.checks] == [
        ("catalog", "ok"), ("full text", "ok"), ("vectors", "ok"), ("outbox", "ok"),
    ]  # fmt: skip
    assert found.checks[2].says.endswith("find themselves")
    assert sorted(one["slug"] for one in found.findings) == ["conflict-copy", "frontmatter"]
    assert [one["line"] for one in found.findings if one["slug"] == "frontmatter"] == [3]
    assert fingerprint(bakery.state.root) == before


def changed(folder: Path) -> None:
    file = next(path for path in sorted(folder.rglob("*.bin")) if path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def unsealed(folder: Path) -> None:
    (folder / "seal").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed, "its files were changed"),
        (unsealed, "it was not closed properly"),
        (shutil.rmtree, "there are none"),
    ],
)
def test_a_folder_that_will_be_rebuilt_is_said_to_be_and_is_not_opened(
    bakery: VaultBuilder, damage: Callable[[Path], None], said: str
) -> None:
    damage(bakery.state.vectors)

    vectors = check(bakery, "vectors")

    assert (vectors.state, vectors.repair) == ("advice", "vectors")
    assert said in vectors.says


def test_vectors_that_are_sealed_and_wrong_are_found_out_by_asking_them(bakery: VaultBuilder) -> None:
    held, _ = open_vector_index(bakery.state.vectors, fingerprint=HASH)
    wrong = np.zeros(64, np.float32)
    wrong[63] = 1
    held.upsert(dict.fromkeys(held.ids(), wrong))
    held.close()

    vectors = check(bakery, "vectors")

    assert vectors.state == "problem"
    assert "do not find themselves" in vectors.says


def test_the_repair_of_vectors_deletes_them_alone(bakery: VaultBuilder) -> None:
    unsealed(bakery.state.vectors)
    catalog = bakery.state.catalog.read_bytes()

    (one,) = repairs(found_in(bakery).checks, bakery.state)
    one.do()

    assert (one.alone, one.reindexes) == (True, True)
    assert "without the embedding model" in one.says
    assert not bakery.state.vectors.exists()
    assert bakery.state.catalog.read_bytes() == catalog


def test_a_damaged_full_text_has_the_catalog_made_anew_without_the_embedding_model(
    bakery: VaultBuilder,
) -> None:
    (one,) = repairs([Check("full text", "problem", "damaged", repair="words")], bakery.state)
    one.do()
    assert found_in(bakery).checks[0].state == "problem"  # Until the next start.
    assert bakery.embedder is not None
    embedded = len(bakery.embedder.embedded)

    assert bakery.index().notes == 12

    assert len(bakery.embedder.embedded) == embedded
    assert list(bakery.state.root.glob("catalog.db.damaged-*"))
    assert not bakery.state.suspect.exists()


def test_there_is_nothing_to_look_at_before_the_first_start(vault: VaultBuilder) -> None:
    vault.state.create()

    assert [(one.name, one.state) for one in found_in(vault).checks] == [("catalog", "ok")]


def test_edits_are_told_from_the_journal_which_is_only_read(vault: VaultBuilder) -> None:
    vault.state.create()
    assert look_at_edits(vault.state) is None

    Editor(Vault(vault.root), vault.state.edits).close()
    found = look_at_edits(vault.state)
    assert found is not None
    assert found.state == "ok"

    with closing(sqlite3.connect(vault.state.edits / "journal.db")) as db, db:
        db.execute("INSERT INTO run VALUES ('r', 0)")
        for note, state in (("A.md", "planned"), ("B.md", "done"), ("C.md", "unclear")):
            db.execute("INSERT INTO entry VALUES (NULL, 'r', ?, ?, '', '', 0, 0, '', '[]', '[]', 0, 1)", (note, state))

    found = look_at_edits(vault.state)
    assert found is not None
    assert (found.state, found.repair) == ("problem", "index")
    assert "1 edit: A.md" in found.says


def test_a_journal_that_cannot_be_read_is_a_problem(vault: VaultBuilder) -> None:
    vault.state.create()
    vault.state.edits.mkdir()
    (vault.state.edits / "journal.db").write_bytes(b"no database" * 1000)

    found = look_at_edits(vault.state)

    assert found is not None
    assert found.state == "problem"
