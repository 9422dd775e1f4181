"""OpenAI's and Ollama's libraries for Node, which Obsidian plugins are built on, as clients.

Skipped where Node or the libraries are not there: npm ci --prefix tests/node
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.test_ollama import app_of
from tests.api.wire import TOKEN, served
from tests.conftest import VaultBuilder

FOLDER = Path(__file__).parent.parent / "node"
LIBRARIES = [FOLDER / "node_modules" / name for name in ("openai", "ollama")]


@pytest.mark.skipif(
    shutil.which("node") is None or not all(library.is_dir() for library in LIBRARIES),
    reason="needs Node and its libraries: npm ci --prefix tests/node",
)
def test_nodes_libraries_understand_every_answer(vault: VaultBuilder) -> None:
    vault.write("Grüße.md", "# Größe\n\nEin Käsebrötchen 🥐 kostet vier Euro.")
    vault.index()
    with served(lambda port: app_of(vault, port)) as port:
        ran = subprocess.run(
            ["node", str(FOLDER / "clients.mjs"), f"http://127.0.0.1:{port}", TOKEN],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)

    assert said["models"] == ["vaultbot", "vaultbot-raw", "vaultbot-embed"]
    assert said["whole"].startswith("Ein Käsebrötchen 🥐 kostet vier Euro. [1]")
    assert said["whole"].endswith("**Sources**\n1. [[Grüße#Größe|Grüße › Größe]]")
    assert said["streamed"] == said["ollama"] == said["whole"]
    assert (said["citations"], said["finish"], said["counted"]) == (1, "stop", [0])
    assert (said["sameVectors"], said["dimensions"], said["embeddings"]) == (True, 64, 64)
    assert (said["refused"]["status"], said["refused"]["code"]) == (400, "tools_not_supported")
    assert said["wrong"] == {"status": 401, "code": "invalid_api_key", "name": "AuthenticationError"}
    assert said["tags"] == ["vaultbot:latest", "vaultbot-raw:latest", "vaultbot-embed:latest"]
    assert said["capabilities"] == ["embedding"]
    assert said["done"] == [False] * (len(said["done"]) - 1) + [True]
