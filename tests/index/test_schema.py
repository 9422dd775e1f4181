from __future__ import annotations

import gzip
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.index.conftest import Desk
from vaultbot import __version__, faults
from vaultbot.errors import DataDamaged, DiskFull
from vaultbot.index import earlier, schema
from vaultbot.index.damage import CatalogDamaged
from vaultbot.index.schema import SCHEMA_VERSION, open_reader, open_writer
from vaultbot.paths import LEAST_ROOM


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A catalog with a few hundred rows, closed."""
    file = tmp_path / "catalog.db"
    with closing(open_writer(file)) as db:
        db.execute("BEGIN")
        db.executemany("INSERT INTO meta VALUES (?, ?)", [(str(n), "x" * 500) for n in range(300)])
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def test_a_catalog_opens_again(file: Path) -> None:
    with closing(open_writer(file)) as db:
        assert db.execute("SELECT count(*) FROM meta").fetchone() == (301,)  # and who made it
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_a_newer_catalog_is_refused_and_left_as_it_is(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA user_version = 99")
    before = file.read_bytes()

    with pytest.raises(DataDamaged, match="made by a newer vaultbot") as caught:
        open_writer(file)

    assert not isinstance(caught.value, CatalogDamaged)
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("made_by", "told"),
    [
        ("0.9.1", f"was made by vaultbot 0.9.1, you run {__version__} \\(schema 99"),
        (__version__, r"was made by a newer vaultbot \(schema 99"),
        ("\x1b[31m0.9", r"was made by a newer vaultbot \(schema 99"),
        (None, r"was made by a newer vaultbot \(schema 99"),
    ],
)
def test_of_a_newer_catalog_both_versions_are_named(file: Path, made_by: str | None, told: str) -> None:
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'made_by'").fetchone() == (__version__,)
        if made_by is None:  # as by a version that did not write it down
            db.execute("DROP TABLE meta")
        else:
            db.execute("UPDATE meta SET value = ? WHERE key = 'made_by'", (made_by,))
        db.execute("PRAGMA user_version = 99")
        db.commit()

    with pytest.raises(DataDamaged, match=told):
        open_writer(file)


def test_an_older_catalog_is_read_anew_and_keeps_its_vectors(tmp_path: Path) -> None:
    file = tmp_path / "catalog.db"
    with closing(open_writer(file)) as db:
        db.execute("INSERT INTO vector VALUES ('model', x'01', x'02', NULL)")
        db.execute("INSERT INTO meta VALUES ('identity', '1:2')")
        db.execute("INSERT INTO note_terms (rowid, title) VALUES (1, 'old')")
        db.execute("DROP TABLE file")
        db.execute("PRAGMA user_version = 2")

    with closing(open_writer(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert db.execute("SELECT fingerprint FROM vector").fetchall() == [("model",)]
        assert db.execute("SELECT key FROM meta").fetchall() == [("made_by",)]
        assert [db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("note_terms", "file")] == [
            (0,)
        ] * 2
        assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_database_of_another_program_is_not_written_to(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE note (text)")

    with pytest.raises(CatalogDamaged):
        open_writer(file)

    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("note",)]


@pytest.mark.parametrize("damage", ["header", "page", "truncated", "text", "stub"])
def test_a_damaged_file_is_told_from_a_catalog(file: Path, damage: str) -> None:
    data = bytearray(file.read_bytes())
    if damage == "header":
        data[:100] = b"\xa5" * 100
    elif damage == "page":
        for start in range(4096 * 12, len(data) - 4096, 4096):
            data[start : start + 64] = b"\xa5" * 64
    elif damage == "truncated":
        data = data[: len(data) // 2 + 100]
    elif damage == "text":
        data = bytearray(b"# A note\n" * 500)
    else:
        data = data[:50]
    file.write_bytes(data)

    with pytest.raises(CatalogDamaged, match="move it away"):
        open_writer(file)


def test_an_empty_file_becomes_a_catalog(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").touch()

    with closing(open_writer(tmp_path / "catalog.db")) as db:
        assert db.execute("SELECT count(*) FROM note").fetchone() == (0,)


def test_a_half_made_catalog_is_made_anew(tmp_path: Path) -> None:
    """The tables are made in one transaction: a kill leaves none of them."""
    file = tmp_path / "catalog.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode = WAL")

    with closing(open_writer(file)) as db:
        assert db.execute("SELECT count(*) FROM note").fetchone() == (0,)


def test_a_reader_cannot_write(file: Path) -> None:
    with closing(open_reader(file)) as db, pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM meta")


def test_a_reader_sees_the_state_before_a_transaction_that_is_going_on(file: Path) -> None:
    with closing(open_writer(file)) as writer, closing(open_reader(file)) as reader:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM meta")
        assert reader.execute("SELECT count(*) FROM meta").fetchone() == (301,)
        writer.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM meta").fetchone() == (0,)


def test_no_file_stays_open_after_a_refusal(file: Path) -> None:
    file.write_bytes(b"no database, and longer than a header" * 100)
    before = _open_files()

    for _ in range(5):
        with pytest.raises(CatalogDamaged):
            open_writer(file)

    assert _open_files() <= before


def _open_files() -> int:
    listing = Path("/proc/self/fd")
    return sum(1 for _ in listing.iterdir()) if listing.exists() else 0


# ── catalogs of every version there was ─────────────────────────────────────────────────────────────────────

#: Made by the vaultbot of that time from the notes of `old_vault`: see CONTRIBUTING.md, "a table".
STORED = sorted((Path(__file__).parent / "catalogs").glob("schema-*.db.gz"))
VERSIONS = [int(file.name.split("-")[1].split(".")[0]) for file in STORED]


@pytest.fixture
def old_vault(desk: Desk) -> Desk:
    desk.write("Home.md", "---\naliases: [Start]\ntags: [home]\n---\n# Home\nWhere it starts. [[Roses]]\n")
    desk.write("Plants/Roses.md", "# Roses\nPrune them in March.\n\n## Water\nEvery week.\n")
    desk.write("Plants/Tulips.md", "# Tulips\nPlant the bulbs in autumn. #plant\n")
    return desk


def put_there(desk: Desk, version: int) -> set[tuple[str, bytes]]:
    """Put the stored catalog in the place of the desk's; what it has vectors of."""
    stored = STORED[VERSIONS.index(version)]
    desk.catalog_file.write_bytes(gzip.decompress(stored.read_bytes()))
    return vectors_in(desk.catalog_file, version)


def vectors_in(file: Path, version: int) -> set[tuple[str, bytes]]:
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return set(db.execute("SELECT fingerprint, text_hash FROM vector"))


def test_a_catalog_of_every_version_is_stored() -> None:
    assert sorted(VERSIONS) == list(range(1, SCHEMA_VERSION + 1))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_catalog_of_any_version_becomes_one_of_this_and_keeps_its_vectors(old_vault: Desk, version: int) -> None:
    before = put_there(old_vault, version)
    assert len(before) == 6

    report = old_vault.run()

    assert report.added + report.changed + report.unchanged == 3
    assert old_vault.find("prune") == ["Plants/Roses.md"]
    assert before <= vectors_in(old_vault.catalog_file, SCHEMA_VERSION)
    if version >= 2:
        assert report.embedded == 0


@pytest.mark.parametrize("version", [version for version in VERSIONS if version < SCHEMA_VERSION])
@pytest.mark.parametrize("point", faults.POINTS["migrate"])
def test_a_kill_in_the_middle_leaves_the_older_catalog_to_the_older_version(
    old_vault: Desk, version: int, point: str
) -> None:
    before = put_there(old_vault, version)
    child = os.fork()
    if child == 0:
        os.environ["VAULTBOT_FAULT"] = f"{point}:kill:1"
        open_writer(old_vault.catalog_file)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9

    assert vectors_in(old_vault.catalog_file, version) == before
    assert old_vault.run().added == 3


@pytest.mark.parametrize("kind", ["enospc", "eio", "eacces", "raise"])
def test_an_error_in_the_middle_leaves_the_older_catalog_to_the_older_version(
    old_vault: Desk, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    before = put_there(old_vault, 3)
    monkeypatch.setattr(faults, "_passed", {})
    monkeypatch.setenv("VAULTBOT_FAULT", f"schema.before-commit:{kind}:1")
    with pytest.raises(
        (OSError, RuntimeError, DiskFull), match=r"fault injected|is full: .*; free some space, and start it"
    ):
        open_writer(old_vault.catalog_file)

    assert vectors_in(old_vault.catalog_file, 3) == before
    assert old_vault.run().added == 3


# ── the copy of an older one ─────────────────────────────────────────────────────────────────────────────────


def copies(desk: Desk) -> list[str]:
    """What lies beside the catalog and is no part of it."""
    parts = {desk.catalog_file.name + end for end in ("", "-wal", "-shm")}
    return sorted(file.name for file in desk.catalog_file.parent.glob("catalog*") if file.name not in parts)


@pytest.mark.parametrize("version", [version for version in VERSIONS if version < SCHEMA_VERSION])
def test_a_copy_of_an_older_catalog_is_kept_for_a_week(old_vault: Desk, version: int) -> None:
    before = put_there(old_vault, version)
    old_vault.run()
    copy = old_vault.catalog_file.with_name(f"catalog.db.before-v{SCHEMA_VERSION}")

    assert copies(old_vault) == [copy.name]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert vectors_in(copy, version) == before
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT count(*) FROM note").fetchone() == (3,)

    for days, kept in ((6, [copy.name]), (8, [])):
        then = time.time() - days * 24 * 3600
        os.utime(copy, (then, then))
        old_vault.reopen()
        old_vault.run()
        assert copies(old_vault) == kept


def test_who_goes_back_to_the_older_version_is_told_of_the_copy_and_need_not_embed_anew(
    old_vault: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_vault.run()
    old_vault.reopen()
    monkeypatch.setattr(schema, "SCHEMA_VERSION", SCHEMA_VERSION + 1)  # The newer one.
    open_writer(old_vault.catalog_file).close()
    monkeypatch.undo()
    copy = old_vault.catalog_file.with_name(f"catalog.db.before-v{SCHEMA_VERSION + 1}")

    with pytest.raises(DataDamaged, match=rf"install that version again, or put {copy.name}, which is the one of befo"):
        old_vault.run()
    copy.replace(old_vault.catalog_file)
    report = old_vault.run()

    assert (report.unchanged, report.embedded) == (3, 0)
    assert old_vault.find("prune") == ["Plants/Roses.md"]


def test_the_copy_holds_what_was_written_last(old_vault: Desk) -> None:
    """A daemon that was killed left it in the log file."""
    put_there(old_vault, 3)
    with closing(sqlite3.connect(old_vault.catalog_file)) as killed:
        killed.execute("PRAGMA journal_mode = WAL")
        killed.execute("INSERT INTO meta VALUES ('last', 'word')")
        killed.commit()
        old_vault.run()

    with closing(sqlite3.connect(old_vault.catalog_file.with_name(f"catalog.db.before-v{SCHEMA_VERSION}"))) as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'last'").fetchone() == ("word",)


def test_without_room_for_a_copy_it_is_made_over_all_the_same(
    old_vault: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put_there(old_vault, 3)
    monkeypatch.setattr(earlier, "room", lambda _: LEAST_ROOM + old_vault.catalog_file.stat().st_size)

    assert old_vault.run().added == 3
    assert copies(old_vault) == []
    assert "no copy of the older catalog.db is kept: the disk has no room for 1 MB" in caplog.text


@pytest.mark.parametrize("kind", ["enospc", "eio", "eacces"])
def test_a_copy_that_fails_leaves_nothing_and_is_no_reason_not_to_start(
    old_vault: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    put_there(old_vault, 3)
    monkeypatch.setattr(faults, "_passed", {})
    monkeypatch.setenv("VAULTBOT_FAULT", f"schema.copying:{kind}:1")

    assert old_vault.run().added == 3
    assert copies(old_vault) == []
    assert "no copy of the older catalog.db is kept: " in caplog.text


def test_of_a_copy_that_a_kill_cut_off_nothing_is_left(old_vault: Desk) -> None:
    put_there(old_vault, SCHEMA_VERSION)
    old_vault.catalog_file.with_name(f"catalog.db.before-v{SCHEMA_VERSION}.part").write_bytes(b"SQLite format 3")

    old_vault.run()

    assert copies(old_vault) == []
