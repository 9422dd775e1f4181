"""Damaged folders of the vector index

Two dozen shapes of damage to Chroma's files (emptied, halved, overwritten, swapped, missing, of another time, without
their seal, with somebody else's), then random ones: up to eight bytes anywhere, a block of noise, a cut, a file too
many. Then a start, in a process that could die.

Proves: none of these kept the next start from an index with every vector in place and found by itself, without the
embedding model, and no process died of the files.

Does not prove: anything about a folder that is damaged while it is open, nor about somebody who forges the seal, which
is a hash and no signature.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import in_a_fork
from tests.campaigns.upkeep import differences, follow, to_be_damaged, unchanged


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    vault, state, other, expected = to_be_damaged(folder)
    shapes = list(_shapes(other / "vectors"))

    def attempt(number: int, rng: random.Random) -> Outcome:
        name, damage = shapes[number] if number < len(shapes) else rng.choice(_RANDOM)
        trial = folder / f"trial {number}"
        shutil.copytree(state, trial)
        damage(trial / "vectors", rng)
        with unchanged(vault) as wrong:
            ended = in_a_fork(lambda: follow(vault, trial, dumped=True))
            if ended.exit:
                wrong.append(f"the start failed: {ended.failure or ended.exit}")
            else:
                wrong.extend(differences(ended.result().dumped, expected))
                if ended.result().embedded:
                    wrong.append(f"{len(ended.result().embedded)} texts were embedded again")
        shutil.rmtree(trial)
        return Outcome(name, tuple(wrong), {}, {"seconds": ended.took_s})

    yield attempt


_Damage = Callable[[Path, random.Random], None]


def _shapes(other: Path) -> Iterator[tuple[str, _Damage]]:
    for name in ("chroma.sqlite3", "data_level0.bin", "header.bin", "length.bin", "link_lists.bin"):
        yield f"{name} emptied", _to(name, lambda data, _: b"")
        yield f"{name} halved", _to(name, lambda data, _: data[: len(data) // 2])
        yield f"{name} missing", _without(name)
        yield f"{name} of noise", _to(name, lambda data, rng: rng.randbytes(4096) + data[4096:])
    yield "data_level0.bin all zeros", _to("data_level0.bin", lambda data, _: bytes(len(data)))
    yield "chroma.sqlite3 of another vault", _to("chroma.sqlite3", lambda *_: (other / "chroma.sqlite3").read_bytes())
    yield "the whole folder of another vault", _of_another(other)
    yield "the folder missing", lambda folder, _: shutil.rmtree(folder)
    yield "the folder empty", _emptied
    yield "the folder a file", _a_file
    yield "the seal missing", _without("seal")
    yield "the seal emptied", _to("seal", lambda *_: b"")
    yield "the seal of noise", _to("seal", lambda _, rng: rng.randbytes(64))
    yield "the segment missing", _without_segment


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _to(name: str, change: Callable[[bytes, random.Random], bytes]) -> _Damage:
    def damage(folder: Path, rng: random.Random) -> None:
        for file in [path for path in _files(folder) if path.name == name]:
            file.write_bytes(change(file.read_bytes(), rng))

    return damage


def _without(name: str) -> _Damage:
    def damage(folder: Path, _: random.Random) -> None:
        for file in [path for path in _files(folder) if path.name == name]:
            file.unlink()

    return damage


def _of_another(other: Path) -> _Damage:
    def damage(folder: Path, _: random.Random) -> None:
        shutil.rmtree(folder)
        shutil.copytree(other, folder)

    return damage


def _emptied(folder: Path, _: random.Random) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _a_file(folder: Path, _: random.Random) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"not a folder")


def _without_segment(folder: Path, _: random.Random) -> None:
    for entry in [path for path in folder.iterdir() if path.is_dir()]:
        shutil.rmtree(entry)


def _some_bytes(folder: Path, rng: random.Random) -> None:
    file = rng.choice([path for path in _files(folder) if path.stat().st_size])
    data = bytearray(file.read_bytes())
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    file.write_bytes(data)


def _noise(folder: Path, rng: random.Random) -> None:
    file = rng.choice(_files(folder))
    data = bytearray(file.read_bytes())
    at = rng.randrange(len(data) + 1)
    noise = rng.randbytes(rng.choice((16, 512, 4096)))
    data[at : at + len(noise)] = noise
    file.write_bytes(data)


def _cut(folder: Path, rng: random.Random) -> None:
    file = rng.choice([path for path in _files(folder) if path.stat().st_size])
    file.write_bytes(file.read_bytes()[: rng.randrange(file.stat().st_size)])


def _longer(folder: Path, rng: random.Random) -> None:
    with rng.choice(_files(folder)).open("ab") as file:
        file.write(rng.randbytes(rng.randint(1, 5000)))


def _one_too_many(folder: Path, rng: random.Random) -> None:
    (folder / f"{rng.randrange(10**6)}.bin").write_bytes(rng.randbytes(100))


_RANDOM: tuple[tuple[str, _Damage], ...] = (
    ("random: up to eight bytes", _some_bytes),
    ("random: up to eight bytes", _some_bytes),
    ("random: noise", _noise),
    ("random: cut", _cut),
    ("random: longer", _longer),
    ("random: a file too many", _one_too_many),
)

CAMPAIGN = Campaign("G-10", __doc__, whole=1030, sample=3, start=start)
