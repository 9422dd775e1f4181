"""The process that dies in the crash tests. Run with the interpreter; it answers requests on its standard input.

Each request is run in a fork, so that the engines are imported once. A request is a line of JSON::

    {"vault": …, "state": …, "dump": true or false, "fault": "point:kill:n" or null, "kill_after_s": number or null,
     "model": 1 or 2}

Model 2 cuts notes into shorter passages than model 1; an index of model 1 is changed over to it. The answer is a line
with `{"exit": code, "took_s": seconds, "said": file with a pickle, or null}`.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
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
from vaultbot.adapters.chroma import open_vector_index, take_over
from vaultbot.index import changeover, indexer, outbox, removals, vectorizer
from vaultbot.index.catalog import Catalog
from vaultbot.index.outbox import OpenVectors
from vaultbot.index.reader import CatalogReader
from vaultbot.index.succession import Engine, Predecessor, Succession, succession
from vaultbot.paths import StatePaths
from vaultbot.protocols import VectorIndex
from vaultbot.vault.vault import Vault

# Small batches, so that every point is passed several times.
vars(indexer).update(_NOTES_A_BATCH=3)
vars(removals).update(SETTLE_S=0.06)
vars(vectorizer).update(_TEXTS_AT_ONCE=4)
vars(changeover).update(_TEXTS_A_BATCH=4)
vars(outbox).update(_AT_ONCE=5)

GO_ON = threading.Event()


def index(vault: Path, state: Path, model: int) -> dict[str, Any]:
    """Bring the index up to date as the daemon would, from opening to closing."""
    passes: Counter[str] = Counter()
    point = faults.point

    def counted(name: str) -> None:
        passes[name] += 1
        point(name)

    faults.point = counted
    embedders = [HashEmbedder(), HashEmbedder(fingerprint="hash-2", tokens_a_word=3)]
    start = _start(Vault(vault), StatePaths(state), embedders[:model])
    assert start.engine.open_vectors is not None
    vectors, _ = start.engine.open_vectors()
    start.indexer.attach(vectors, stopping=GO_ON)
    start.indexer.run(settle=True)
    assert start.indexer.vectors_failure is None
    work = start.indexer
    if change := start.changeover:
        while not change.prepare(on_progress=lambda _: None, stopping=GO_ON, paused=lambda: True):
            work.run(settle=False)
        change.switch(on_progress=lambda _: None, stopping=GO_ON)
        work.close_vectors()
        change.on_retired()
        work = change.after
        work.run(settle=True)
    work.close()
    return {"passes": dict(passes), "embedded": embedders[model - 1].embedded}


def _start(vault: Vault, state: StatePaths, embedders: list[HashEmbedder]) -> Succession:
    """As the product starts, with the last of these models in its settings."""

    def opener(embedder: HashEmbedder, *, beside: bool = False) -> OpenVectors:
        def open_vectors() -> tuple[VectorIndex, str | None]:
            if not beside:
                take_over(state.vectors, state.next_vectors, fingerprint=embedder.fingerprint)
            return open_vector_index(state.next_vectors if beside else state.vectors, fingerprint=embedder.fingerprint)

        return open_vectors

    wanted = embedders[-1]
    return succession(
        vault,
        Catalog(state.catalog),
        CatalogReader(state.catalog),
        wanted=Engine(wanted, opener(wanted)),
        chunk_tokens=230,
        recipe=str(len(embedders)),
        predecessor=Predecessor(
            make=lambda recipe: Engine(embedders[int(recipe) - 1], opener(embedders[int(recipe) - 1])),
            open_next=opener(wanted, beside=True),
            retired=lambda: shutil.rmtree(state.vectors),
        ),
        on_switched=lambda _: None,
    )


def dump(state: Path, model: int) -> dict[str, Any]:
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
        kept = db.execute(
            "SELECT id, vector FROM chunk JOIN vector USING (text_hash) WHERE fingerprint = ?", (f"hash-{model}",)
        )
        said["vectors"] = dict(kept)
        said["built with"] = db.execute("SELECT * FROM meta WHERE key IN ('built_with', 'recipe')").fetchall()
        said["skipped"] = db.execute("SELECT * FROM skipped ORDER BY path").fetchall()
    take_over(state / "vectors", state / "vectors.next", fingerprint=f"hash-{model}")
    vectors, said["notice"] = open_vector_index(state / "vectors", fingerprint=f"hash-{model}")
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
            model = request.get("model", 1)
            said = index(Path(request["vault"]), state, model)
            if request["dump"]:
                said["dump"] = dump(state, model)
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
