"""A million hostile notes, canvases, bases and drawings

Inputs by three makers: hypothesis, which puts together what opens, closes and nests in Markdown, YAML and JSON, with
any characters; splices, which cut files of the hostile corpus (tests/vault/hostile.py) and this project's own notes
into each other and change bytes; and, where atheris is installed, libFuzzer, which is guided by the code that an input
reaches. Each is decoded, parsed and cut into passages, a thousand a process.

Proves: no input of these ended the process or raised an error; every place that was told lies where it says; none
took longer than half a second of processor time for each 64 KB.

Does not prove: the same for all inputs, nor for PDFs, whose reader runs in a process of its own (docs/vault.md).
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import in_a_fork
from tests.vault.hostile import corpus
from tests.vault.spans import assert_chunks_hold, assert_places_hold
from vaultbot.index.chunker import chunk_note, estimate_tokens
from vaultbot.vault.decoding import decode
from vaultbot.vault.documents import parse_document

EXTENSIONS = ("md", "md", "md", "md", "canvas", "base", "excalidraw")
INPUTS = 1000  #: a trial
_S_PER_64_KB = 0.5
_MEMORY = 2 << 30
_ROOT = Path(__file__).parents[2]

_UNITS = (
    "[[", "]]", "![[", "[", "](", ")", "|", "\\|", "#", "# ", "## ", "^", "^a", "[^1]", "[^1]: ", "`", "```\n", "~~~\n",
    "$", "$$", "\\", "%%", "%%\n", "<!--", "-->", "<", "</a>", "<a href='", "<div>\n", "*", "**", "_", "==", "~~", "::",
    "a:: ", "(a:: ", "> ", "> [!note] ", "- ", "- [ ] ", "1. ", "\t", "    ", "\n", "\n\n", "\r\n", "\r", "---\n",
    "---\ntags: [a, ", "aliases:\n- ", "tags: ", "&a ", "*a", "<<: ", "!!python/object:x ", "{", "}", "{{", "? ", ": ",
    "- - - ", "| a | b |\n|-|-|\n", "https://a.b/", "#tag/sub", "Note.md", "Note#Heading", "word ", "量子化", "。",
    "🚀", "e\u0301", "\u200b", "\u202e", "\ufeff", "\ud800", "\0", "\u2028", "\x1b[31m",
    "excalidraw-plugin: parsed\n", "kanban-plugin: board\n", "## Drawing\n", '{"nodes":[', '{"type":"text","text":"',
    '"}', "views:\n  - ", "filters:\n",
)  # fmt: skip


def check(data: bytes, extension: str) -> None:
    """Read a file of these bytes as the indexer does. Raises AssertionError when something is not as it must be."""
    began = time.process_time()
    text = decode(data).text
    note = parse_document(f"Some note.{extension}", text)
    chunks = chunk_note(note, max_tokens=200, count_tokens=estimate_tokens)
    took_s = time.process_time() - began
    assert_places_hold(note)
    assert_chunks_hold(note, chunks)
    json.dumps(note.properties)
    limit_s = _S_PER_64_KB * max(1.0, len(data) / 65536)
    if took_s > limit_s:  # Other programs may be to blame, once.
        began = time.process_time()
        parse_document(f"Some note.{extension}", text)
        took_s = min(took_s, time.process_time() - began)
    assert took_s <= limit_s, f"{took_s:.2f} s for {len(data)} bytes"


@dataclass(frozen=True, slots=True)
class Failed:
    """An input that was not read as it must be."""

    data: bytes
    extension: str
    error: str

    def __str__(self) -> str:
        return f"{self.error} for a .{self.extension} of {self.data!r:.2000}"


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    seeds = [hostile.make(2_000) for hostile in corpus()]
    seeds += [file.read_bytes() for file in sorted((_ROOT / "examples").rglob("*.md"))]
    corpus_folder = folder / "corpus"
    makers: list[Callable[[int], Outcome]] = [_by_hypothesis, lambda chosen: _by_splicing(chosen, seeds)]
    if find_spec("atheris"):
        corpus_folder.mkdir()
        for number, data in enumerate(seeds):
            (corpus_folder / str(number)).write_bytes(bytes([number % len(EXTENSIONS)]) + data[:2000])
        makers.append(lambda chosen: _by_atheris(chosen, corpus_folder))

    def attempt(number: int, rng: random.Random) -> Outcome:
        return makers[number % len(makers)](rng.randrange(2**31))

    yield attempt


# ── hypothesis ─────────────────────────────────────────────────────────────────────────────────────────────────


def _texts() -> st.SearchStrategy[bytes]:
    pieces = st.lists(st.one_of(st.sampled_from(_UNITS), st.text(max_size=8)), max_size=40).map("".join)
    often = st.builds(lambda unit, times: unit * times, st.sampled_from(_UNITS), st.integers(1, 400))
    made = st.lists(st.one_of(pieces, often), min_size=1, max_size=4).map("".join)
    as_bytes = made.map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.one_of(
        as_bytes, as_bytes, as_bytes, st.binary(max_size=300), made.map(lambda t: t.encode("utf-16", "replace"))
    )


def _by_hypothesis(chosen: int) -> Outcome:
    def work() -> Failed | None:
        _limit()
        failed: list[Failed] = []

        @seed(chosen)
        @settings(
            max_examples=INPUTS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(_texts(), st.sampled_from(EXTENSIONS))
        def one(data: bytes, extension: str) -> None:
            try:
                check(data, extension)
            except BaseException as error:
                failed.append(Failed(data, extension, repr(error)))
                raise

        try:
            one()
        except Exception:
            return failed[-1]
        return None

    return _outcome("hypothesis", chosen, work)


# ── splices ────────────────────────────────────────────────────────────────────────────────────────────────────


def _by_splicing(chosen: int, seeds: Sequence[bytes]) -> Outcome:
    def work() -> Failed | None:
        _limit()
        rng = random.Random(chosen)
        for _ in range(INPUTS):
            data, extension = _spliced(rng, seeds), rng.choice(EXTENSIONS)
            try:
                check(data, extension)
            except Exception as error:
                return Failed(data, extension, repr(error))
        return None

    return _outcome("splices", chosen, work)


def _spliced(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    data = bytearray()
    for _ in range(rng.randint(1, 4)):
        part = rng.choice(seeds)
        begin = rng.randrange(len(part) + 1)
        data += part[begin : begin + rng.choice((10, 100, 1000))]
        if rng.random() < 0.5:
            data += rng.choice(_UNITS).encode("utf-8", "surrogatepass") * rng.choice((1, 2, 50))
    for _ in range(rng.choice((0, 0, 1, 5))):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


# ── atheris ────────────────────────────────────────────────────────────────────────────────────────────────────


def _by_atheris(chosen: int, folder: Path) -> Outcome:
    """libFuzzer keeps what reached new code in the folder, and goes on from there in the next trial."""
    runs = 5 * INPUTS
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaigns.guided", f"-runs={runs}", f"-seed={chosen % 2**31 or 1}",
         "-max_len=4096", "-timeout=20", "-rss_limit_mb=4096", "-verbosity=0", "-print_final_stats=1", str(folder)],
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        check=False,
    )  # fmt: skip
    said = done.stderr.decode("utf-8", "replace") + done.stdout.decode("utf-8", "replace")
    wrong = (f"libFuzzer seed {chosen}: {said[-3000:]}",) if done.returncode else ()
    return Outcome("atheris", wrong, {"inputs": runs, "inputs by atheris": runs})


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _outcome(maker: str, chosen: int, work: Callable[[], Failed | None]) -> Outcome:
    ended = in_a_fork(work, limit_s=900)
    wrong = f"seed {chosen}: "
    if ended.exit:
        return Outcome(maker, (f"{wrong}the process ended with {ended.exit}; {ended.failure}",))
    if ended.said:
        return Outcome(maker, (f"{wrong}{ended.said}",))
    return Outcome(
        maker, (), {"inputs": INPUTS, f"inputs by {maker}": INPUTS}, {"inputs a second": INPUTS / ended.took_s}
    )


CAMPAIGN = Campaign("G-6", __doc__, whole=1000, sample=2, start=start)
