"""The process that dies in the crash tests. Run with the interpreter; it answers requests on its standard input.

Each request is run in a fork, so that the engines are imported once. A request is a line of JSON::

    {"vault": …, "state": …, "dump": true or false, "fault": "point:kill:n" or null, "kill_after_s": number or null}

The answer is a line with `{"exit": code, "took_s": seconds, "said": file with a pickle, or null}`.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import chromadb  # noqa: F401  # imported before the forks, for their speed
import numpy as np

from tests.fakes import HashEmbedder
from vaultbot import faults
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.index import indexer, outbox
from vaultbot.index.catalog import Catalog
from vaultbot.index.indexer import Indexer
from vaultbot.vault.vault import Vault

# Small batches, so that every point is passed several times.
vars(indexer).update(SETTLE_S=0.06, _NOTES_A_BATCH=3, _TEXTS_AT_ONCE=4)
vars(outbox).update(_AT_ONCE=5)


def index(vault: Path, state: Path) -> dict[str, Any]:
    """Bring the index up to date as the daemon would, from opening to closing."""
    passes: Counter[str] = Counter()
    point = faults.point

    def counted(name: str) -> None:
        passes[name] += 1
        point(name)

    faults.point = counted
    embedder = HashEmbedder()
    work = Indexer(Vault(vault), Catalog(state / "catalog.db"), embedder=embedder, chunk_tokens=230)
    vectors, _ = open_vector_index(state / "vectors", fingerprint=embedder.fingerprint)
    work.attach(vectors, stopping=threading.Event())
    assert work.vectors_failure is None
    work.run(settle=True)
    assert work.vectors_failure is None
    work.close()
    return {"passes": dict(passes), "embedded": len(embedder.embedded)}


def dump(state: Path) -> dict[str, Any]:
    """Everything the index says, in an order and with keys that do not depend on how it came about."""
    said: dict[str, Any] = {}
    with closing(sqlite3.connect(state / "catalog.db")) as db:
        said["checks"] = [row[0] for row in db.execute("PRAGMA integrity_check")]
        for table in ("note_terms", "passage_terms"):
            db.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
        paths = dict(db.execute("SELECT id, path FROM note"))
        ids = dict(db.execute("SELECT rowid, id FROM chunk"))
        said["outbox"] = db.execute("SELECT * FROM outbox").fetchall()
        said["notes"] = sorted(row[1:] for row in db.execute("SELECT * FROM note"))
        said["files"] = db.execute("SELECT path FROM file ORDER BY path").fetchall()
        for table in ("heading", "anchor", "alias", "tag", "property", "link"):
            said[table] = sorted(((paths[n], *row) for n, *row in db.execute(f"SELECT * FROM {table}")), key=repr)
        said["chunks"] = sorted((i, paths[n], *row) for _, i, n, *row in db.execute("SELECT * FROM chunk"))
        said["note_terms"] = sorted((paths[n], *row) for n, *row in db.execute("SELECT rowid, * FROM note_terms"))
        said["passage_terms"] = sorted((ids[n], *row) for n, *row in db.execute("SELECT rowid, * FROM passage_terms"))
        kept = db.execute("SELECT id, vector FROM chunk JOIN vector USING (text_hash) WHERE fingerprint = 'hash-1'")
        said["vectors"] = dict(kept)
        said["skipped"] = db.execute("SELECT * FROM skipped ORDER BY path").fetchall()
    vectors, said["notice"] = open_vector_index(state / "vectors", fingerprint="hash-1")
    held = vectors._collection.get(include=["embeddings"])
    found = {i: np.asarray(v, np.float32) for i, v in zip(held["ids"], held["embeddings"], strict=True)}
    said["chroma"] = sorted(found)
    # Chroma scales every vector to unit length once more, which may move its last bit.
    said["same vectors"] = found.keys() == said["vectors"].keys() and all(
        np.allclose(vector, np.frombuffer(said["vectors"][identity], np.float32), atol=1e-6)
        for identity, vector in found.items()
    )
    said["found"] = all(vectors.query(vector, limit=1)[0][1] > 0.999 for vector in found.values())
    vectors.close()
    return said


def serve(request: dict[str, Any], answer_file: Path) -> dict[str, Any]:
    """Answer one request in a fork."""
    answer_file.unlink(missing_ok=True)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if request.get("fault"):
                os.environ["VAULTBOT_FAULT"] = request["fault"]
            state = Path(request["state"])
            said = index(Path(request["vault"]), state)
            if request["dump"]:
                said["dump"] = dump(state)
            answer_file.write_bytes(pickle.dumps(said))
            status = 0
        finally:
            os._exit(status)
    if request.get("kill_after_s") is not None:
        time.sleep(request["kill_after_s"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    took = time.monotonic() - began
    answer = str(answer_file) if answer_file.exists() else None
    return {"exit": os.waitstatus_to_exitcode(status), "took_s": took, "said": answer}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            print(json.dumps(serve(json.loads(line), Path(folder) / "answer")), flush=True)


if __name__ == "__main__":
    main()
