"""The index as the product keeps it, in forks: brought up to date through faults, and compared with a clean build.

The engines are the real ones but for the embedder, which makes vectors of words by a rule, at once and always the same.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.campaigns.busy_vault import make_vault
from tests.campaigns.cheap_daemon import CONFIG, CheapEmbedder
from tests.campaigns.forks import in_a_fork
from tests.index.conftest import tree_hash
from tests.index.crash_child import dump  # It also makes batches small, so that every fault point is passed often.
from vaultbot import bootstrap, daemon, faults
from vaultbot.assistant import Assistant
from vaultbot.client import Client, find
from vaultbot.config import Config, EmbeddingSettings
from vaultbot.errors import VaultbotError
from vaultbot.index import latecomers, removals, waking, worker
from vaultbot.paths import StatePaths
from vaultbot.runtime import make_token
from vaultbot.types import IndexReport

# A person waits a minute for the next try, and a note two seconds for the second look. Campaigns have thousands. A run
# that takes ten seconds looks again; here every run does.
vars(worker).update(SETTLE_S=vars(removals)["SETTLE_S"], _RETRY_S=0.05, _RETIRED_S=0.05)
vars(waking).update(_QUIET_S=0.02, _NOISY_S=0.2)
vars(latecomers).update(_EVERY_S=0.01, _SHARE=0)

#: The parts of a dump that are told of the vector index; one that failed is given up until the next start.
_OF_THE_VECTORS = {"notice", "chroma", "same vectors", "found", "outbox"}
_TRIES = 20
_RUN_S = 60.0


_EMBEDDERS: Mapping[str, Callable[[], CheapEmbedder]] = {
    "model 1": CheapEmbedder,
    "model 2": lambda: CheapEmbedder(fingerprint="hash-2", tokens_a_word=3),
}


@dataclass(frozen=True, slots=True)
class Followed:
    """How an index was brought up to date."""

    passes: dict[str, int] = field(default_factory=dict)  #: of the fault points
    embedded: list[str] = field(default_factory=list)  #: the texts
    tries: int = 1  #: runs that somebody asked for, until one went well
    dumped: dict[str, Any] = field(default_factory=dict)


def follow(vault: Path, state: Path, *, model: int = 1, dumped: bool = False) -> Followed:
    """Bring the index up to date, from opening to closing; a run that failed is asked for again in the same process.

    Model 2 cuts notes otherwise than model 1, and an index of model 1 is changed over to it. Raises what the last run
    raised when none goes well.
    """
    passes: Counter[str] = Counter()
    point = faults.point

    def counted(name: str) -> None:
        passes[name] += 1
        point(name)

    faults.point = counted
    with assistant(vault, state, model=model) as (product, embedder):
        tries = brought_up_to_date(product)
    return Followed(dict(passes), embedder.embedded, tries, dump(state, model) if dumped else {})


@contextmanager
def assistant(vault: Path, state: Path, *, model: int = 1) -> Iterator[tuple[Assistant, CheapEmbedder]]:
    """The product over this vault, with its thread at work, and the embedder that is wanted. To be used in a fork."""
    made: list[CheapEmbedder] = []

    def make_embedder(config: Config, **_: object) -> CheapEmbedder:
        made.append(_EMBEDDERS[config.embedding.model]())
        return made[-1]

    vars(bootstrap)["make_embedder"] = make_embedder
    paths = StatePaths(state)
    paths.create()
    make_token(paths)
    product = bootstrap.assemble(replace(CONFIG, embedding=EmbeddingSettings(model=f"model {model}")), vault, paths)
    product.worker.start()
    try:
        yield product, made[0]
    finally:
        product.close(timeout=_RUN_S)


def brought_up_to_date(product: Assistant) -> int:
    """Ask for runs until one goes well and nothing is left to do; how many it took. Raises what the last one raised.

    A note or a folder that could not be read is read by the next run, so there is always one more.
    """
    for tries in range(1, _TRIES + 1):
        try:
            product.index(timeout=_RUN_S)
            _await_rest(product)
            if _has_read_all(product.index(timeout=_RUN_S)):
                break
        except Exception:
            if tries == _TRIES:
                raise
            time.sleep(0.05)
    _await_rest(product)
    return tries


def _await_rest(product: Assistant) -> None:
    until = time.monotonic() + _RUN_S
    while product.state().state != "ready":  # a change of the model goes on
        assert time.monotonic() < until, f"it does not get done: {product.state().message}"
        time.sleep(0.01)


def _has_read_all(report: IndexReport) -> bool:
    return not report.failed and not any("cannot be read" in one.reason for one in report.skipped)


def clean_build(vault: Path, state: Path, *, model: int = 1) -> dict[str, Any]:
    """What an index of this vault says that was never harmed."""
    state.mkdir(parents=True, exist_ok=True)
    said = in_a_fork(lambda: follow(vault, state, model=model, dumped=True)).result().dumped
    assert said["checks"] == ["ok"]
    assert said["notice"] is None
    assert said["same vectors"]
    assert said["found"]
    assert not said["outbox"]
    return said


def to_be_damaged(folder: Path) -> tuple[Path, Path, Path, dict[str, Any]]:
    """A vault, its state, the state of another vault, and what a clean build of the first one says."""
    vault, state, other = folder / "vault", folder / "state", folder / "other"
    make_vault(vault, random.Random("the vault of all damages"), notes=40)
    expected = clean_build(vault, folder / "clean")
    in_a_fork(lambda: follow(vault, state)).result()
    make_vault(folder / "another vault", random.Random("another"), notes=9)
    in_a_fork(lambda: follow(folder / "another vault", other)).result()
    return vault, state, other, expected


def differences(said: Mapping[str, Any], expected: Mapping[str, Any], *, vectors: bool = True) -> tuple[str, ...]:
    """In what two dumps differ, the expected one the latter."""
    parts = (part for part in expected if vectors or part not in _OF_THE_VECTORS)
    return tuple(f"{part}: {_told(said[part], expected[part])}" for part in parts if said[part] != expected[part])


def healed(vault: Path, state: Path, expected: Mapping[str, Any], *, model: int = 1) -> tuple[str, ...]:
    """What is not as it must be after one more start, unharmed."""
    ended = in_a_fork(lambda: follow(vault, state, model=model, dumped=True))
    if ended.exit:
        return (f"the next start fails: {ended.failure or ended.exit}",)
    return differences(ended.result().dumped, expected)


@contextmanager
def unchanged(vault: Path) -> Iterator[list[str]]:
    """Gives a list that tells, after the block, whether anything in the vault was changed."""
    before, told = tree_hash(vault), list[str]()
    yield told
    if tree_hash(vault) != before:
        told.append("the vault was changed")


def _told(said: object, expected: object) -> str:
    if isinstance(said, (list, dict)) and isinstance(expected, (list, dict)):
        lacking = [one for one in expected if one not in said]
        too_many = [one for one in said if one not in expected]
        return f"{len(lacking)} missing {lacking[:2]!r:.300}, {len(too_many)} too many {too_many[:2]!r:.300}"
    return f"{said!r:.300}, not {expected!r:.300}"


# ── whole daemons ──────────────────────────────────────────────────────────────────────────────────────────────


class ForkedDaemon:
    """A daemon as `vaultbot serve` runs it, with HTTP and watcher, in a fork and with the cheap embedder."""

    def __init__(self, vault: Path, state: Path, *, config: Config = CONFIG, fault: str | None = None) -> None:
        self.state = StatePaths(state)
        state.mkdir(exist_ok=True, mode=0o700)
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                if fault:
                    os.environ["VAULTBOT_FAULT"] = fault
                _serve(vault, self.state, config)
                code = 0
            finally:
                os._exit(code)

    def client(self, *, within_s: float = _RUN_S) -> Client:
        """Once it is there. Raises AssertionError when it ends before."""
        until = time.monotonic() + within_s
        while True:
            # A dead one's file may name a port that somebody else has got since.
            with suppress(VaultbotError):
                client = find(self.state)
                if client is not None and client.runtime.pid == self.pid:
                    return client
            assert self.lives(), f"the daemon did not start; see {self.state.log}"
            assert time.monotonic() < until, "the daemon does not answer"
            time.sleep(0.01)

    def lives(self) -> bool:
        """Whether it has not ended."""
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] == 0
        except ChildProcessError:  # It was found to have ended before.
            return False

    def end(self, signal_number: int) -> int:
        """Send the signal; the exit code."""
        os.kill(self.pid, signal_number)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _serve(vault: Path, state: StatePaths, config: Config) -> None:
    quiet = os.open(os.devnull, os.O_RDWR)
    for standard in (1, 2):
        os.dup2(quiet, standard)
    vars(bootstrap)["make_embedder"] = lambda *_, **__: CheapEmbedder()
    daemon.serve(config, vault, state, background=True)


def settled(client: Client) -> dict[str, Any]:
    """The status of a daemon after a run that was asked for and went well."""
    for _ in range(_TRIES):
        with suppress(VaultbotError):
            client.post("/api/index", {"wait": True})
            break
    else:
        client.post("/api/index", {"wait": True})
    status: dict[str, Any] = client.get("/api/status")
    return status
