"""A whole daemon in a process of its own, with all its own waits and sizes; only its embedder makes vectors by a rule.

python -m tests.campaigns.cheap_daemon VAULT STATE
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fakes import HashEmbedder
from vaultbot import bootstrap, daemon
from vaultbot.config import Config, EmbeddingSettings, ModelSettings, ServerSettings
from vaultbot.paths import StatePaths
from vaultbot.protocols import FloatArray

CONFIG = Config(
    embedding=EmbeddingSettings(model="model 1"), model=ModelSettings(path="none"), server=ServerSettings(port=0)
)


class CheapEmbedder(HashEmbedder):
    """With what a daemon asks of an embedder besides."""

    notice: str | None = None

    def load(self) -> None:
        """There is nothing to load."""


class _Forgetful(CheapEmbedder):
    """Keeps no texts: the process's memory is to be the daemon's."""

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        vectors = super().embed_documents(texts)
        self.embedded.clear()
        return vectors


def main() -> None:
    vault, state = map(Path, sys.argv[1:])
    vars(bootstrap)["make_embedder"] = lambda *_, **__: _Forgetful()
    daemon.serve(CONFIG, vault, StatePaths(state), background=True)


if __name__ == "__main__":
    main()
