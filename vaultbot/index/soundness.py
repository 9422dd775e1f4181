"""Is a catalog whole? What SQLite finds wrong with it, and what it holds that cannot be read back.

SQLite tells when its pages, its keys and the full-text tables do not fit together, and nothing of a letter of a note
that has become another. No message quotes what was found.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator

import numpy as np

from vaultbot.index.damage import in_words, says_damaged
from vaultbot.protocols import FloatArray

_WORDS = ("note_terms", "passage_terms")
_AT_ONCE = 1000
_MORE_OR_LESS = 0.05  #: what the square of a vector's length may lack of 1: some models reckon with 16 bits
_STAMP = re.compile(r"-?\d+ -?\d+ -?\d+ -?\d+", re.ASCII)
_HASH = re.compile(r"(?:[0-9a-f]{64})?")
_PROBLEM = {"slug", "message", "line"}
#: Where JSON stands, and of what kind it is.
_JSON = (
    ("note", "properties", "object"),
    ("heading", "path", "array"),
    ("heading", "written", "array"),
    ("chunk", "heading_path", "array"),
)
#: Keys of values that are no JSON, whatever they begin with.
_FREE = {"recipe", "dated_with", "built_with", "identity", "made_by"}
#: All but what has a check of its own.
_TABLES = "file heading anchor alias tag property link synonym chunk outbox skipped".split()


def file_damage(db: sqlite3.Connection) -> str | None:
    """What SQLite finds wrong with a database. Raises sqlite3.Error."""
    found = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
    return None if found == ["ok"] else "; ".join(" ".join(line.split()) for line in found)


def words_damage(db: sqlite3.Connection) -> str | None:
    """The same of the full-text tables. The connection must be one that may write, though nothing is written."""
    for table in _WORDS:
        try:
            db.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            if not says_damaged(error):
                raise
            return f"{table}: {in_words(error)}"
    notes, passages = (_count(db, f"{table}_docsize") for table in _WORDS)
    searched, cut = _count(db, "note WHERE searched"), _count(db, "chunk WHERE view = 'passage'")
    if (notes, passages) != (searched, cut):
        return f"it holds the words of {notes} notes and {passages} passages, and not of {searched} and {cut}"
    return None


def _count(db: sqlite3.Connection, what: str) -> int:
    count: int = db.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
    return count


def are_unit(vectors: FloatArray) -> bool:
    """Whether each line is a vector of length 1, as every embedder's is."""
    exact = vectors.astype(np.float64)
    # This way round, for what is no number is wrong, too.
    return bool(np.all(np.abs(np.einsum("ij,ij->i", exact, exact) - 1) < _MORE_OR_LESS))


def tables_of(db: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """What tables and indexes there are, each with its columns. Not those that SQLite makes for itself."""
    columns = "SELECT group_concat(name) FROM pragma_{}_xinfo(made.name)"
    sql = " UNION ALL ".join(
        f"SELECT type, name, ({columns.format(kind)}) FROM sqlite_master AS made"
        f" WHERE type = '{kind}' AND name NOT LIKE 'sqlite_%'"
        for kind in ("table", "index")
    )
    return {(kind, name, held or "") for kind, name, held in db.execute(sql)}


def values_damage(db: sqlite3.Connection) -> str | None:
    """What cannot be read back, in a catalog of this version. Raises sqlite3.Error, as for text that is none."""
    for table in _TABLES:
        for _ in db.execute(f"SELECT * FROM {table}"):
            pass
    for table, column, kind in _JSON:
        # In the order of the conditions: of what is no JSON there is no type.
        sql = f"{table} WHERE CASE WHEN json_valid({column}) THEN json_type({column}) ELSE '' END <> '{kind}'"
        if _count(db, sql):
            return f"{table}: {column} that cannot be read back"
    if _count(db, "chunk WHERE typeof(text_hash) <> 'blob' OR length(text_hash) <> 32"):
        return "chunk: a hash that is none"
    for what, is_wrong in (("note", _notes_are_wrong), ("meta", _meta_is_wrong), ("vector", _vectors_are_wrong)):
        try:
            wrong = is_wrong(db)
        except (ValueError, TypeError, AttributeError):
            wrong = True
        if wrong:
            return f"{what}: a value that cannot be read back"
    return None


def _notes_are_wrong(db: sqlite3.Connection) -> bool:
    return not all(
        _STAMP.fullmatch(stamp) and _HASH.fullmatch(digest) and _are_problems(problems)
        for stamp, digest, problems, *_ in db.execute("SELECT stamp, hash, problems, * FROM note")
    )


def _are_problems(text: str) -> bool:
    return text == "[]" or all(one.keys() == _PROBLEM for one in json.loads(text))


def _meta_is_wrong(db: sqlite3.Connection) -> bool:
    kept = db.execute("SELECT key, value FROM meta").fetchall()
    return any(value[:1] in ("{", "[") and json.loads(value) is None for key, value in kept if key not in _FREE)


def _vectors_are_wrong(db: sqlite3.Connection) -> bool:
    lengths: dict[str, int] = {}
    for rows in _batches(db, "SELECT fingerprint, text_hash, vector FROM vector"):
        for fingerprint, text_hash, vector in rows:
            if len(text_hash) != 32 or lengths.setdefault(fingerprint, len(vector)) != len(vector):
                return True
        for one in {row[0] for row in rows}:
            matrix = np.frombuffer(b"".join(row[2] for row in rows if row[0] == one), "<f4")
            if not are_unit(matrix.reshape(-1, lengths[one] // 4)):
                return True
    return False


def _batches(db: sqlite3.Connection, sql: str) -> Iterator[list[tuple[str, bytes, bytes]]]:
    cursor = db.execute(sql)
    while rows := cursor.fetchmany(_AT_ONCE):
        yield rows
