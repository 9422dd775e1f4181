"""The catalog's tables, and how its file is opened.

`file` is every file that a link may lead to; `note`, `heading`, `anchor`, `alias`, `tag`, `property` and `link` are
what the notes say, each link with the file it leads to; `synonym` is what they call the same thing; `chunk` and the two
full-text tables are what is searched, and `note_vocabulary` their words;
`vector` keeps every embedding by the hash of its text, so that moving a note or rebuilding the vector index costs no
embedding; `outbox` names the chunks whose vectors are still to be carried over to the vector index.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from vaultbot import faults
from vaultbot.errors import DataDamaged
from vaultbot.index.damage import CatalogDamaged, says_damaged
from vaultbot.index.earlier import copy_of, forget_earlier, keep_earlier
from vaultbot.index.maker import maker_of, remember_maker
from vaultbot.index.soundness import file_damage, tables_of, values_damage, words_damage
from vaultbot.paths import START_AGAIN, StatePaths, disk_full, says_full

SCHEMA_VERSION = 4
#: Bytes of a catalog that is looked through at every start, which takes half a second; a larger one once a day.
_SMALL = 100_000_000
_LOOKED_THROUGH_EVERY_S = 24 * 3600.0


_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE file (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE note (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    stamp TEXT NOT NULL,               -- size, mtime_ns, ctime_ns, ino: some are beyond SQLite's 64 signed bits
    hash TEXT NOT NULL,                -- of the bytes that were read; '' asks for another read
    lines INTEGER NOT NULL,
    properties TEXT NOT NULL,          -- JSON
    problems TEXT NOT NULL,            -- JSON
    date TEXT,                         -- YYYY-MM-DD: the day it is about, by its name or properties
    kept_out TEXT NOT NULL,            -- why the vault's settings keep it out of search: '', 'excluded', 'template'
    searched INTEGER NOT NULL          -- 0: read for its links alone
);
CREATE INDEX note_date ON note (date);
CREATE INDEX note_hash ON note (hash);
CREATE TABLE heading (
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE,
    ordinal INTEGER NOT NULL, level INTEGER NOT NULL, text TEXT NOT NULL, path TEXT NOT NULL, line INTEGER NOT NULL,
    written TEXT NOT NULL,             -- JSON, like path: as the file has it
    PRIMARY KEY (note, ordinal)
) WITHOUT ROWID;
CREATE TABLE anchor (                  -- what a link's subpath may name besides headings: '^block', '[^footnote]'
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE, ordinal INTEGER NOT NULL, name TEXT NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (note, ordinal)
) WITHOUT ROWID;
CREATE TABLE alias (
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE, ordinal INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (note, ordinal)
) WITHOUT ROWID;
CREATE TABLE tag (
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE, ordinal INTEGER NOT NULL, name TEXT NOT NULL,
    key TEXT NOT NULL,                 -- what tags are compared by
    line INTEGER NOT NULL, in_frontmatter INTEGER NOT NULL,
    PRIMARY KEY (note, ordinal)
) WITHOUT ROWID;
CREATE INDEX tag_key ON tag (key);
CREATE TABLE property (                -- a row for each value of a list
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    key TEXT NOT NULL,                 -- what names are compared by
    value TEXT,                        -- NULL when the property is empty
    inline INTEGER NOT NULL,           -- 1: "key:: value" in the text
    PRIMARY KEY (note, ordinal)
) WITHOUT ROWID;
CREATE INDEX property_key ON property (key);
CREATE TABLE link (
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL, raw TEXT NOT NULL, linkpath TEXT NOT NULL, subpath TEXT NOT NULL, display TEXT,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, line INTEGER NOT NULL, col INTEGER NOT NULL,
    embed INTEGER NOT NULL, key TEXT, key_path TEXT, in_comment INTEGER NOT NULL, nested INTEGER NOT NULL,
    name TEXT NOT NULL,                -- key of the linkpath's last part: a target has the same
    target TEXT,                       -- path of the file it leads to; NULL when there is none
    ambiguous INTEGER NOT NULL,
    PRIMARY KEY (note, ordinal)
) WITHOUT ROWID;
CREATE INDEX link_name ON link (name);
CREATE INDEX link_target ON link (target);
CREATE TABLE synonym (                 -- what a question may say, and what the note says for the same
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    said TEXT NOT NULL,                -- without what makes no difference: abbreviations.saying
    means TEXT NOT NULL,               -- as written
    PRIMARY KEY (note, ordinal)
) WITHOUT ROWID;
CREATE INDEX synonym_said ON synonym (said);
CREATE TABLE chunk (
    rowid INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    note INTEGER NOT NULL REFERENCES note ON DELETE CASCADE,
    view TEXT NOT NULL, ordinal INTEGER NOT NULL,
    heading_path TEXT NOT NULL, start_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
    text TEXT NOT NULL, context TEXT NOT NULL,
    text_hash BLOB NOT NULL            -- SHA-256 of the embedded text
);
-- All that is asked of many chunks at once, so that their texts need not be read.
CREATE INDEX chunk_note ON chunk (note, view, ordinal, text_hash);
CREATE INDEX chunk_text_hash ON chunk (text_hash);
CREATE TABLE IF NOT EXISTS vector (
    fingerprint TEXT NOT NULL, text_hash BLOB NOT NULL,
    vector BLOB NOT NULL,              -- float32, little endian, unit length
    unused_since REAL,                 -- seconds since 1970; NULL while a chunk uses it
    PRIMARY KEY (fingerprint, text_hash)
);
CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, chunk TEXT NOT NULL);
CREATE TABLE skipped (path TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
-- Both hold terms made by vaultbot's analyzer, so the tokenizer only has to cut at blanks.
CREATE VIRTUAL TABLE note_terms USING fts5 (title, aliases, description, headings, tags, body, tokenize='ascii');
CREATE VIRTUAL TABLE passage_terms USING fts5 (context, text, tokenize='ascii');
CREATE VIRTUAL TABLE note_vocabulary USING fts5vocab (note_terms, col);
"""


def open_writer(file: Path) -> sqlite3.Connection:
    """The one connection that writes; makes the tables in a new file.

    Raises CatalogDamaged when the file is no catalog, is damaged, or could not be read before; DataDamaged when a newer
    vaultbot made it; DiskFull.
    """
    connection: sqlite3.Connection | None = None
    written_last = file.with_name(f"{file.name}-wal")
    cut_off = written_last.exists() and written_last.stat().st_size > 0
    try:
        connection = sqlite3.connect(file, isolation_level=None, timeout=5, check_same_thread=False)
        _prepare(connection, file, cut_off=cut_off)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if says_full(error):
            raise disk_full(file.parent, then=START_AGAIN) from error
        # What SQLite says of a damaged schema quotes it, and Python's module cannot decode that.
        if says_damaged(error) or isinstance(error, UnicodeDecodeError):
            raise CatalogDamaged(_damaged(file)) from error
        raise
    return connection


def _prepare(connection: sqlite3.Connection, file: Path, *, cut_off: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        copy = copy_of(file, version=version)
        back = "move the file away to index from scratch"
        if copy.exists():
            back = f"put {copy.name}, which is the one of before, in its place"
        raise DataDamaged(
            f"{file} was made by {maker_of(connection)} (schema {version}, this one knows {SCHEMA_VERSION}); "
            f"install that version again, or {back}"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    _protect(connection)
    if version:
        if StatePaths(file.parent).suspect.exists() or _is_damaged(connection, file, version=version, cut_off=cut_off):
            raise CatalogDamaged(_damaged(file))
    elif connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise CatalogDamaged(_damaged(file))  # Tables without a version: not ours.
    forget_earlier(file)
    if version < SCHEMA_VERSION:
        if version:
            keep_earlier(connection, file, version=SCHEMA_VERSION)
        connection.execute("BEGIN IMMEDIATE")
        _drop_all_but_vectors(connection)
        faults.point("schema.dropped")
        for statement in _statements(_TABLES):
            connection.execute(statement)
        remember_maker(connection)
        faults.point("schema.half-made")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        faults.point("schema.before-commit")
        connection.execute("COMMIT")
    connection.execute("PRAGMA foreign_keys = ON")  # Last: dropping tables would look for what refers to them.


def why_damaged(connection: sqlite3.Connection) -> str | None:
    """What is wrong with a catalog, besides its words; None when nothing is. Raises sqlite3.Error."""
    if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
        return file_damage(connection)
    with closing(sqlite3.connect(":memory:")) as model:
        for statement in _statements(_TABLES):
            model.execute(statement)
        if tables_of(connection) != tables_of(model):
            return "its tables are not what they were"
    return file_damage(connection) or values_damage(connection)


def _is_damaged(connection: sqlite3.Connection, file: Path, *, version: int, cut_off: bool) -> bool:
    if version != SCHEMA_VERSION:
        return why_damaged(connection) is not None
    row = connection.execute("SELECT value FROM meta WHERE key = 'looked_through'").fetchone()
    if not cut_off and file.stat().st_size > _SMALL and _is_recent(row[0] if row else ""):
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    if why_damaged(connection) or words_damage(connection):
        return True
    if file.stat().st_size > _SMALL:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('looked_through', ?)", (str(time.time()),))
    return False


def _is_recent(looked_through: str) -> bool:
    try:
        return abs(time.time() - float(looked_through)) < _LOOKED_THROUGH_EVERY_S
    except ValueError:
        return False


def _drop_all_but_vectors(connection: sqlite3.Connection) -> None:
    """Make room for the tables of this version. The vault tells everything again; the vectors alone cost time."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('vector', 'sqlite_sequence')"
    # Dropping a virtual table drops the tables below it.
    for kind in ("CREATE VIRTUAL%", "%"):
        for (name,) in connection.execute(f"{tables} AND sql LIKE ?", (kind,)).fetchall():
            connection.execute(f"DROP TABLE {name}")


def open_reader(file: Path) -> sqlite3.Connection:
    """A connection that only reads; never waits for the writer."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=5, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    # Checkpoints belong to the writer alone: SQLite before 3.51.3 can lose pages when two connections run them at once.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    _protect(connection)
    return connection


def _protect(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")


def _statements(script: str) -> list[str]:
    lines = (line.split("--")[0] for line in script.splitlines())
    return [statement for statement in "\n".join(lines).split(";") if statement.strip()]


def _damaged(file: Path) -> str:
    return f"the catalog {file} is damaged; move it away, and vaultbot reads the vault again"
