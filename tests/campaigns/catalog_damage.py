"""Damaged catalogs

A dozen shapes of damage to the closed catalog (emptied, cut, zeroed, of noise, of another vault or program, its log
of noise, or missing after a kill), then random ones: up to four bytes anywhere, some bytes of one page, up to 4 KB of
noise, a page of zeros, two pages in each other's place, a cut, bytes too many. Then two starts, each in a process that
could die.

Proves: after the second one the index is that of a clean build, to the row, or what is not is "unnoticed"; no process
died; the vault was not touched.

Does not prove: anything about bytes that SQLite does not watch over and that can still be read, as where a letter of a
passage has become another one. They are counted as "unnoticed", and stay until their note is read again. Nor about
files that are damaged while they are open, nor about catalogs above 100 MB, which are looked through once a day.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import Ended, in_a_fork
from tests.campaigns.upkeep import Followed, differences, follow, to_be_damaged, unchanged

_PAGE = 4096
_FILE = "catalog.db"
#: What a changed byte may alter without that anything else tells of it.
_CONTENTS = {
    "notes", "heading", "anchor", "alias", "tag", "property", "link", "chunks", "vectors", "built with", "skipped",
}  # fmt: skip


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    vault, state, other, expected = to_be_damaged(folder)
    shapes = list(_shapes((other / _FILE).read_bytes()))

    def attempt(number: int, rng: random.Random) -> Outcome:
        name, damage = shapes[number] if number < len(shapes) else rng.choice(_RANDOM)
        trial = folder / f"trial {number}"
        shutil.copytree(state, trial)
        with unchanged(vault) as wrong:
            damage(trial, rng)
            counts, figures, differ = _got_over(vault, trial, expected, wrong)
        if differ:
            told = {one.partition(":")[0] for one in differ}
            if "vectors" in told:  # Chroma holds the one of before.
                told.discard("same vectors")
            unseen = told <= _CONTENTS
            counts["unnoticed" if unseen else "wrong"] = 1
            counts |= {f"unnoticed in {one.partition(':')[0]}": 1 for one in differ if unseen}
            if not unseen:
                wrong.extend(differ)
        elif not wrong:
            counts["right"] = 1
        shutil.rmtree(trial)
        return Outcome(name, tuple(wrong), counts, figures)

    yield attempt


def _got_over(
    vault: Path, state: Path, expected: Mapping[str, Any], wrong: list[str]
) -> tuple[dict[str, int], dict[str, float], tuple[str, ...]]:
    """What happened, in counts and figures, and in what the index differs in the end."""
    counts: dict[str, int] = {}
    ended = in_a_fork(lambda: follow(vault, state))
    embedded = len(ended.result().embedded) if not ended.exit else 0
    if ended.exit or (state / "catalog.suspect").exists():
        counts["met while it ran"] = 1
    again: Ended[Followed] = in_a_fork(lambda: follow(vault, state, dumped=True))
    if again.exit:
        wrong.append(f"the second start failed: {again.failure or again.exit}")
        return counts, {}, ()
    embedded += len(again.result().embedded)
    if any(state.glob(f"{_FILE}.damaged-*")):
        taken = len(set(expected["vectors"].values())) - embedded
        counts["set aside, with vectors taken over" if taken > 0 else "set aside, without a vector"] = 1
    said = again.result().dumped
    figures = {"texts embedded again": float(embedded)}
    if bent := [one for one, vector in expected["vectors"].items() if said["vectors"].get(one, vector) != vector]:
        figures["cosine lost by an unnoticed change"] = max(
            1 - _cosine(said["vectors"][one], expected["vectors"][one]) for one in bent
        )
    return counts, figures, differences(said, expected)


def _cosine(one: bytes, other: bytes) -> float:
    return float(np.frombuffer(one, "<f4") @ np.frombuffer(other, "<f4"))


_Damage = Callable[[Path, random.Random], None]
_Change = Callable[[bytearray, random.Random], None]


def _to(change: Callable[[bytes, random.Random], bytes], *, name: str = _FILE) -> _Damage:
    def damage(state: Path, rng: random.Random) -> None:
        file = state / name
        file.write_bytes(change(file.read_bytes() if file.exists() else b"", rng))

    return damage


def _shapes(other: bytes) -> Iterator[tuple[str, _Damage]]:
    yield "emptied", _to(lambda data, _: b"")
    yield "halved", _to(lambda data, _: data[: len(data) // 2])
    yield "all zeros", _to(lambda data, _: bytes(len(data)))
    yield "all noise", _to(lambda data, rng: rng.randbytes(len(data)))
    yield "the first page zeros", _to(lambda data, _: bytes(_PAGE) + data[_PAGE:])
    yield "the first page noise", _to(lambda data, rng: rng.randbytes(_PAGE) + data[_PAGE:])
    yield "the header alone", _to(lambda data, _: data[:100])
    yield "the last page missing", _to(lambda data, _: data[:-_PAGE])
    yield "the catalog of another vault", _to(lambda *_: other)
    yield "another program's database", _of_another_program
    yield "a log of noise", _to(lambda _, rng: rng.randbytes(9000), name=f"{_FILE}-wal")
    yield "missing", lambda state, _: (state / _FILE).unlink()
    yield "its log missing after a kill", _without_log
    yield "its log of noise after a kill", _with_log_of_noise


def _of_another_program(state: Path, _: random.Random) -> None:
    (state / _FILE).unlink()
    with closing(sqlite3.connect(state / _FILE)) as db:
        db.execute("CREATE TABLE note (text)")


def _killed(state: Path) -> Path:
    """The catalog as a kill leaves it: what was written last is in its log."""
    aside = state / "aside"
    aside.mkdir()
    with closing(sqlite3.connect(state / _FILE, isolation_level=None)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("UPDATE note SET hash = ''")
        for file in (state / _FILE, state / f"{_FILE}-wal"):
            shutil.copy(file, aside)
    for file in list(aside.iterdir()):
        file.rename(state / file.name)
    aside.rmdir()
    return state / f"{_FILE}-wal"


def _without_log(state: Path, _: random.Random) -> None:
    _killed(state).unlink()


def _with_log_of_noise(state: Path, rng: random.Random) -> None:
    log = _killed(state)
    data = bytearray(log.read_bytes())
    _noise(data, rng)
    log.write_bytes(data)


def _changed(change: _Change) -> _Damage:
    def changed(data: bytes, rng: random.Random) -> bytes:
        given = bytearray(data)
        change(given, rng)
        return bytes(given)

    return _to(changed)


def _bytes(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)


def _bytes_in_a_page(data: bytearray, rng: random.Random) -> None:
    page = rng.randrange(len(data) // _PAGE) * _PAGE
    for _ in range(rng.randint(2, 16)):
        data[page + rng.randrange(_PAGE)] ^= rng.randrange(1, 256)


def _noise(data: bytearray, rng: random.Random) -> None:
    size = rng.choice((16, 64, 512, 4096))
    at = rng.randrange(len(data) - size)
    data[at : at + size] = rng.randbytes(size)


def _zeros(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) // _PAGE) * _PAGE
    data[at : at + _PAGE] = bytes(_PAGE)


def _exchange(data: bytearray, rng: random.Random) -> None:
    one, two = (page * _PAGE for page in rng.sample(range(1, len(data) // _PAGE), 2))
    data[one : one + _PAGE], data[two : two + _PAGE] = data[two : two + _PAGE], data[one : one + _PAGE]


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _longer(data: bytearray, rng: random.Random) -> None:
    data.extend(rng.randbytes(rng.randint(1, 9000)))


_RANDOM: tuple[tuple[str, _Damage], ...] = (
    ("random: up to four bytes", _changed(_bytes)),
    ("random: up to four bytes", _changed(_bytes)),
    ("random: some bytes of a page", _changed(_bytes_in_a_page)),
    ("random: noise", _changed(_noise)),
    ("random: noise", _changed(_noise)),
    ("random: a page of zeros", _changed(_zeros)),
    ("random: pages exchanged", _changed(_exchange)),
    ("random: cut", _changed(_cut)),
    ("random: longer", _changed(_longer)),
)

CAMPAIGN = Campaign("G-18", __doc__, whole=1000, sample=3, start=start)
