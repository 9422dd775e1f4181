"""How long a search takes: in the daemon, over HTTP, and as a whole `vaultbot search` command.

    python -m bench.search --notes 500
    python -m bench.search --vault ~/Notes

The command runs in turns with `python -c "import typer"`, the least that any command line of this kind can cost. Each
figure is for a daemon that runs already and has its model in memory.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from bench.daemon import running_daemon, vaultbot
from bench.machine import machine
from bench.vaults import measured_vault, note_files, vault_arguments
from vaultbot.client import Client

_WORD = re.compile(r"[A-Za-z]{4,}")
#: Japanese and Chinese words; kana alone would be particles.
_CJK_WORD = re.compile(r"[\u4e00-\u9fff]{2,6}")
_ABSENT_CJK = ("量子化とは何ですか", "機械学習", "図書館の歴史", "知识管理", "什么是量化")
_QUESTIONS = (
    "what is {title}?",
    "how does {word} relate to {title}?",
    "why {word} and not {other}?",
    "when did I write about {word} {other}?",
)
_WARM_UP = 5
#: From one note in a made vault to nearly all of them.
_FILTERS = ("on:2000-01-01", "path:Daily/", "tag:garden", '"the slow harbour"', "-rough", "-tag:garden")


def main() -> None:
    parser = vault_arguments(__doc__)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--commands", type=int, default=20, help="times the whole command runs (default 20)")
    given = parser.parse_args()
    print(machine())
    with measured_vault(given.vault, notes=given.notes) as root:
        queries = varied_queries(root, given.queries)
        with running_daemon(root) as client:
            status = client.get("/api/status")
            print(
                f"vault: {given.vault or 'made by bench.vaults'}, {status['notes']} notes, {status['chunks']} passages"
            )
            print(f"found by: {status['embedder'] or 'words alone'}")
            print(f"{len(queries)} queries: {', '.join(queries[:6])}, …\n")
            _print_searches(client, queries)
            _print_filtered(client, queries, notes=status["notes"])
            _print_commands(root, queries[: given.commands])


def varied_queries(root: Path, count: int) -> list[str]:
    """In turns: a title, some words, a question, and Japanese or Chinese, all from the vault and always the same."""
    rng = random.Random(1)
    files = note_files(root)
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    titles = [file.stem for file in files]
    words = sorted({word.lower() for text in texts for word in _WORD.findall(text)}) or ["note"]
    cjk = sorted({word for text in texts for word in _CJK_WORD.findall(text)}) or list(_ABSENT_CJK)

    def question() -> str:
        pattern = rng.choice(_QUESTIONS)
        return pattern.format(title=rng.choice(titles), word=rng.choice(words), other=rng.choice(words))

    kinds = (
        lambda: rng.choice(titles),
        lambda: " ".join(rng.choice(words) for _ in range(rng.randint(1, 4))),
        question,
        lambda: rng.choice(cjk),
    )
    return [kinds[number % len(kinds)]() for number in range(count)]


def _print_searches(client: Client, queries: Sequence[str]) -> None:
    for query in queries[:_WARM_UP]:
        client.get("/api/search", {"q": query})
    inside: list[float] = []
    over_http: list[float] = []
    for query in queries:
        began = time.perf_counter()
        result = client.get("/api/search", {"q": query})
        over_http.append((time.perf_counter() - began) * 1000)
        inside.append(result["took_ms"])
    print(f"{'ms':24}{'p50':>8}{'p95':>8}{'most':>8}")
    for name, times in (("in the daemon", inside), ("over HTTP", over_http)):
        print(f"{name:24}{median(times):8.1f}{quantiles(times, n=20)[-1]:8.1f}{max(times):8.1f}")


def _print_filtered(client: Client, queries: Sequence[str], *, notes: int) -> None:
    """Searches within a filter, each in turns with the same search of all notes. Times in the daemon."""
    print(f"\n{'within a filter, ms':24}{'notes':>8}{'p50':>8}{'p95':>8}{'all p50':>8}{'ratio':>8}")
    for wanted in _FILTERS:
        within: list[float] = []
        everywhere: list[float] = []
        for query in queries:
            within.append(client.get("/api/search", {"q": f"{wanted} {query}"})["took_ms"])
            everywhere.append(client.get("/api/search", {"q": query})["took_ms"])
        left = _share(client, wanted, notes)
        ratio = median(within) / median(everywhere)
        print(
            f"{wanted:24}{left:>8}{median(within):8.1f}{quantiles(within, n=20)[-1]:8.1f}{median(everywhere):8.1f}"
            f"{ratio:8.2f}"
        )
    print()


def _share(client: Client, wanted: str, notes: int) -> str:
    """How many notes a filter leaves, as far as a listing tells."""
    left = len(client.get("/api/search", {"q": wanted, "limit": 50})["hits"])
    return f"{'> ' * (left == 50)}{left}" if left < notes else "all"


def _print_commands(root: Path, queries: Sequence[str]) -> None:
    whole: list[float] = []
    beside: list[float] = []  #: what the command costs beside the daemon's search
    bare: list[float] = []
    for query in queries:
        took, output = _ran([*vaultbot("search", "--json", "--vault", str(root), "--"), query])
        whole.append(took)
        beside.append(took - json.loads(output)["took_ms"])
        bare.append(_ran([sys.executable, "-c", "import typer"])[0])
    for name, times in (("vaultbot search", whole), ("  without the search", beside), ("import typer", bare)):
        print(f"{name:24}{median(times):8.1f}{quantiles(times, n=20)[-1]:8.1f}{max(times):8.1f}")
    print(f"ratio of the command without its search to `import typer`: {median(beside) / median(bare):.2f}")


def _ran(command: Sequence[str]) -> tuple[float, bytes]:
    """Milliseconds and output of a command."""
    began = time.perf_counter()
    # Compiled before, as an installed program is.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout
    return (time.perf_counter() - began) * 1000, output


if __name__ == "__main__":
    main()
