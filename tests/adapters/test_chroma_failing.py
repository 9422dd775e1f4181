"""Chroma fails while vaultbot runs: that is told once, nobody waits for it any more, and it is made anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.vector_index import unit_vectors
from vaultbot.adapters import chroma
from vaultbot.adapters.chroma import ChromaVectorIndex, FolderVectors
from vaultbot.errors import DataDamaged, DiskFull


class Store(FolderVectors):
    """With what it told."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        super().__init__(folder / "vectors", folder / "vectors.next", on_lost=self.told.append)


def break_it(index: ChromaVectorIndex) -> None:
    with pytest.raises((DataDamaged, DiskFull)):
        index.upsert({"odd": unit_vectors(1, dimensions=3)["0"]})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_failure_is_told_once_and_nothing_is_asked_of_it_after_that(store: Store) -> None:
    index, _ = store.open("mini")
    index.upsert(unit_vectors(5))
    break_it(index)

    for _ in range(2):
        with pytest.raises(DataDamaged, match="made anew from the catalog within a minute"):
            index.query(unit_vectors(1)["0"], limit=1)
    index.close()
    index.close()

    assert len(store.told) == 1


def test_it_is_made_anew_in_the_same_process(store: Store) -> None:
    index, _ = store.open("mini")
    index.upsert(unit_vectors(5))
    break_it(index)
    index.close()

    again, notice = store.open("mini")

    assert notice == "at its start the vector index was rebuilt from the catalog: it was not closed properly"
    assert again.ids() == set()
    again.upsert(unit_vectors(5))
    assert again.query(unit_vectors(5)["3"], limit=1)[0][0] == "3"
    again.close()
    sealed, notice = store.open("mini")
    assert (len(sealed.ids()), notice) == (5, None)
    sealed.close()


def test_one_that_fails_again_and_again_is_given_up(store: Store) -> None:
    for _ in range(4):
        index, _ = store.open("mini")
        index.upsert(unit_vectors(2))
        break_it(index)
        index.close()

    with pytest.raises(DataDamaged, match="failed 4 times; is the disk sound"):
        store.open("mini")


def test_a_full_disk_is_no_fault_of_the_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        index, _ = store.open("mini")
        index.upsert(unit_vectors(2))
        with monkeypatch.context() as patch:
            patch.setattr(chroma, "room", lambda _: 0)
            break_it(index)
            index.close()
            with pytest.raises(DiskFull, match="is full: "):
                store.open("mini")

    assert "indexing goes on by itself within a minute" in store.told[-1]
    index, _ = store.open("mini")
    index.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs mounts of one's own")
def test_on_a_disk_that_is_really_full_nobody_waits_and_room_mends_it(tmp_path: Path) -> None:
    story = """
import subprocess, sys
from pathlib import Path
from tests.contracts.vector_index import unit_vectors
from vaultbot.adapters.chroma import FolderVectors
from vaultbot.errors import DiskFull
home = Path(sys.argv[1])
store = FolderVectors(home / "vectors", home / "next")
def many(name):
    return {f"{name}-{key}": vector for key, vector in unit_vectors(1000, dimensions=384).items()}
index, _ = store.open("mini")
try:
    for number in range(40):
        index.upsert(many(number))
    raise SystemExit("the disk was never full")
except DiskFull:
    pass
try:
    index.query(unit_vectors(1, dimensions=384)["0"], limit=1)
    raise SystemExit("it answered")
except DiskFull:
    pass
index.close()
try:
    store.open("mini")
    raise SystemExit("it was opened")
except DiskFull:
    pass
subprocess.run(["mount", "-o", "remount,size=200m", str(home)], check=True)
index, _ = store.open("mini")
index.upsert(many("again"))
print(len(index.ids()), index.query(many("again")["again-7"], limit=1)[0][0])
index.close()
"""
    command = 'mount -t tmpfs -o size=18m tmpfs "$2" || exit 77; exec "$0" -c "$1" "$2"'
    ran = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", command, sys.executable, story, str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2], timeout=300,
    )  # fmt: skip
    if ran.returncode == 77 or "unshare" in ran.stderr:
        pytest.skip("this system lets nobody mount anything")

    assert ran.stdout == "1000 again-7\n", ran.stderr
