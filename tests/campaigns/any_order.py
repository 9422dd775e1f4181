"""Anything in any order, next to a plain model

Hypothesis makes up runs of steps: notes are written, changed, moved and deleted, folders renamed, the index is brought
up to date, killed at a fault point while it is, the vault is taken away and brought back, and words are searched. The
model is a dictionary of notes and a search that looks for the word in each. Four runs a trial; whatever is done to the
index is done in a process of its own.

Proves: in these runs a search found exactly the notes that have the word, as they were when the index was last up to
date; after a kill each note as it was before or as it is now; and each run ended in the index of a clean build.

Does not prove: anything about ranking, which bench/retrieval.py measures.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import KILLED, in_a_fork
from tests.campaigns.upkeep import assistant, clean_build, differences
from tests.index.crash_child import dump
from vaultbot.errors import VaultMissing
from vaultbot.index.reader import CatalogReader
from vaultbot.retrieval.retriever import Retriever

_RUNS = 4
_STEPS = 14
_WORDS = ("harbour", "ledger", "orchard", "violin", "量子化")
_NAMES = tuple(f"{folder}{name}" for folder in ("", "A/", "A/B/", "庭/") for name in ("one", "two", "three"))
_POINTS = (
    "catalog.vectors-added", "catalog.in-transaction", "catalog.half-inserted", "catalog.before-commit",
    "catalog.recorded", "indexer.before-record", "indexer.before-removal", "indexer.half-drained",
    "indexer.before-outbox-cleared", "catalog.files-before-commit", "chroma.before-seal",
)  # fmt: skip

_did: Counter[str] = Counter()

_NAME, _WHICH = st.sampled_from(_NAMES), st.integers(0, 99)
_TEXT = st.lists(st.sampled_from(_WORDS), max_size=3, unique=True)


class AnyOrder(RuleBasedStateMachine):
    """A vault on disk, its index, and the model of both."""

    folder = Path()  #: where the vaults of all runs are

    def __init__(self) -> None:
        super().__init__()
        self._place = Path(mkdtemp(dir=self.folder))
        self._root, self._away, self._state = (self._place / name for name in ("vault", "away", "state"))
        self._root.mkdir()
        self._state.mkdir()
        self._here = True
        self._notes: dict[str, str] = {}  # as they are
        self._known: dict[str, str] = {}  # as they were when the index was last up to date
        self._killed_between: list[dict[str, str]] = []  # and as they were at each kill since
        self._serial = 0
        (self._root / "Anchor.md").write_text("Always here.")  # A vault without any note is refused as unmounted.

    # ── the vault ──────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self._here)
    @rule(name=_NAME, words=_TEXT)
    def write(self, name: str, words: list[str]) -> None:
        self._serial += 1
        text = f"Text {self._serial} of {' and '.join(words)}. [[one]]\n"
        file = self._root / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self._notes[f"{name}.md"] = text

    @precondition(lambda self: self._here and self._notes)
    @rule(which=_WHICH, name=_NAME)
    def move(self, which: int, name: str) -> None:
        old, new = sorted(self._notes)[which % len(self._notes)], f"{name}.md"
        (self._root / new).parent.mkdir(parents=True, exist_ok=True)
        (self._root / old).replace(self._root / new)
        self._notes[new] = self._notes.pop(old)

    @precondition(lambda self: self._here and self._notes)
    @rule(which=_WHICH)
    def delete(self, which: int) -> None:
        path = sorted(self._notes)[which % len(self._notes)]
        (self._root / path).unlink()
        del self._notes[path]

    @precondition(lambda self: self._here and (self._root / "A").is_dir() and not (self._root / "C").exists())
    @rule()
    def rename_a_folder(self) -> None:
        (self._root / "A").rename(self._root / "C")
        self._notes = {("C" + path[1:] if path.startswith("A/") else path): text for path, text in self._notes.items()}

    @precondition(lambda self: self._here)
    @rule()
    def unmount(self) -> None:
        self._root.rename(self._away)
        self._here = False

    @precondition(lambda self: not self._here)
    @rule()
    def mount(self) -> None:
        self._away.rename(self._root)
        self._here = True

    # ── the index ──────────────────────────────────────────────────────────────────────────────────────────────

    @rule()
    def index(self) -> None:
        ended = in_a_fork(lambda: _look(self._root, self._state))
        assert ended.result() == self._here
        if self._here:
            self._known, self._killed_between = dict(self._notes), []
        _did["brought up to date" if self._here else "looked for a vault that was away"] += 1

    @precondition(lambda self: self._here)
    @rule(point=st.sampled_from(_POINTS), nth=st.integers(1, 4))
    def kill(self, point: str, nth: int) -> None:
        ended = in_a_fork(lambda: _look(self._root, self._state), fault=f"{point}:kill:{nth}")
        if ended.exit == KILLED:
            self._killed_between.append(dict(self._notes))
            _did["killed"] += 1
        else:
            assert ended.result()
            self._known, self._killed_between = dict(self._notes), []

    @precondition(lambda self: (self._state / "catalog.db").exists())
    @rule(word=st.sampled_from(_WORDS))
    def search(self, word: str) -> None:
        found = in_a_fork(lambda: _found(self._state, word)).result()
        versions = [self._known, *self._killed_between]
        may = {path for notes in versions for path, text in notes.items() if word in text}
        must = {path for path in may if all(word in notes.get(path, "") for notes in versions)}
        assert must <= found <= may, f"{word}: {sorted(found)}, at least {sorted(must)}, at most {sorted(may)}"
        _did["searched"] += 1

    @invariant()
    def the_notes_are_as_they_were_written(self) -> None:
        root = self._root if self._here else self._away
        there = {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in root.rglob("*.md")}
        assert there.pop("Anchor.md") == "Always here."
        assert there == self._notes

    def teardown(self) -> None:
        try:
            if not self._here:
                self._away.rename(self._root)
            assert in_a_fork(lambda: _look(self._root, self._state)).result()
            said = in_a_fork(lambda: dump(self._state, 1)).result()
            assert not differences(said, clean_build(self._root, self._place / "clean"))
            _did["runs"] += 1
        finally:
            shutil.rmtree(self._place)


def _look(root: Path, state: Path) -> bool:
    """Bring the index up to date; False when the vault is away."""
    with assistant(root, state) as (product, _):
        try:
            product.index(timeout=60)
        except VaultMissing:
            return False
        return True


def _found(state: Path, word: str) -> set[str]:
    retriever = Retriever(CatalogReader(state / "catalog.db"), embedder=None, vault_name="vault")
    return {hit.path for hit in retriever.search(f'"{word}"', limit=50, mode="lexical").hits}


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    AnyOrder.folder = folder

    def attempt(_: int, rng: random.Random) -> Outcome:
        chosen = rng.randrange(2**32)
        _did.clear()
        try:
            _run(seed(chosen)(AnyOrder))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            notes = getattr(error, "__notes__", ())
            return Outcome("runs of steps", (f"hypothesis seed {chosen}: {error!r:.2000}", *notes), dict(_did))
        return Outcome("runs of steps", (), dict(_did))

    yield attempt


def _run(machine: type[RuleBasedStateMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=_RUNS,
            stateful_step_count=_STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


CAMPAIGN = Campaign("G-14", __doc__, whole=5000, sample=1, start=start)
