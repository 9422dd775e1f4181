"""How much processor time all suggestions of a vault take, once it is indexed: reading, learning, and every note.

    python -m bench.suggesting [--vault PATH | --notes 6500]

The limit: 60 CPU-seconds for 6,500 notes. A stand-in makes the vectors, of which only the number counts here.
"""

from __future__ import annotations

import vaultbot  # isort: skip  # noqa: F401  # As in the daemon before numpy: it says how numpy's threads wait.

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.indexed import indexed
from bench.machine import machine
from bench.vaults import measured_vault, vault_arguments
from tests.fakes import HashEmbedder
from vaultbot.links.decisions import Decisions
from vaultbot.links.suggestions import LinkSuggestions
from vaultbot.vault.vault import Vault

_DIMENSIONS = 384


def main() -> None:
    """Measure and print."""
    given = vault_arguments(__doc__ or "").parse_args()
    print(machine())
    embedder = HashEmbedder(dimensions=_DIMENSIONS)
    with (
        measured_vault(given.vault, notes=given.notes) as root,
        TemporaryDirectory(prefix="vaultbot-bench-") as folder,
        indexed(root, Path(folder) / "state", embedder) as index,
    ):
        suggestions = LinkSuggestions(
            Vault(root),
            index.reader,
            embedder=lambda: embedder,
            decisions=Decisions(Path(folder) / "decisions.jsonl"),
            file=Path(folder) / "ranking.json",
            wake=lambda: None,
        )
        began, cpu = time.perf_counter(), time.process_time()
        counts = [len(found) for _, found in suggestions.of_all()]
        print(
            f"{sum(counts):,} suggestions for {len(counts):,} notes in {time.process_time() - cpu:.1f} CPU-seconds, "
            f"{time.perf_counter() - began:.1f} s on the wall"
        )


if __name__ == "__main__":
    main()
