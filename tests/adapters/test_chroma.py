from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contracts.vector_index import VectorIndexContract, unit_vectors
from tests.fakes import ListVectorIndex
from vaultbot.adapters.chroma import ChromaVectorIndex, open_vector_index, search_breadth, take_over
from vaultbot.errors import DataDamaged
from vaultbot.protocols import VectorIndex

COUNT = 1500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vectors"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with so many vectors that Chroma has written all its files, closed as it should be."""
    folder = tmp_path_factory.mktemp("chroma") / "vectors"
    index, _ = open_vector_index(folder, fingerprint="mini")
    index.upsert(unit_vectors(COUNT))
    index.close()
    return folder


@pytest.fixture
def filled(closed: Path, folder: Path) -> Path:
    shutil.copytree(closed, folder)
    return folder


class TestChroma(VectorIndexContract):
    @pytest.fixture
    def index(self, folder: Path) -> Iterator[VectorIndex]:
        index, notice = open_vector_index(folder, fingerprint="mini")
        assert notice is None
        yield index
        index.close()


class TestListVectorIndex(VectorIndexContract):
    @pytest.fixture
    def index(self) -> VectorIndex:
        return ListVectorIndex()


def test_everything_is_there_again_after_closing(filled: Path) -> None:
    index, notice = open_vector_index(filled, fingerprint="mini")

    assert notice is None
    assert index.ids() == set(unit_vectors(COUNT))
    assert index.query(unit_vectors(COUNT)["77"], limit=1)[0][0] == "77"
    index.close()


def test_changes_of_a_second_session_are_kept_too(filled: Path) -> None:
    for identity in ("1", "2", "3"):
        index, notice = open_vector_index(filled, fingerprint="mini")
        assert notice is None
        index.delete([identity])
        index.close()

    index, _ = open_vector_index(filled, fingerprint="mini")
    assert index.ids() == set(unit_vectors(COUNT)) - {"1", "2", "3"}
    index.close()


def test_vectors_of_another_model_are_dropped_without_ado(filled: Path) -> None:
    index, notice = open_vector_index(filled, fingerprint="another")

    assert notice is None
    assert index.ids() == set()
    index.upsert(unit_vectors(5, dimensions=7))
    assert len(index.query(unit_vectors(1, dimensions=7)["0"], limit=9)) == 5
    index.close()


def test_an_index_that_was_not_closed_is_filled_anew(folder: Path) -> None:
    command = (
        "import sys; from pathlib import Path; from tests.contracts.vector_index import unit_vectors\n"
        "from vaultbot.adapters.chroma import open_vector_index\n"
        "index, _ = open_vector_index(Path(sys.argv[1]), fingerprint='mini'); index.upsert(unit_vectors(50))"
    )
    repository = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", command, str(folder)], check=True, cwd=repository)

    index, notice = open_vector_index(folder, fingerprint="mini")

    assert notice is not None
    assert "was not closed properly" in notice
    assert index.ids() == set()
    index.close()


def test_an_index_that_failed_is_filled_anew(filled: Path) -> None:
    index, _ = open_vector_index(filled, fingerprint="mini")
    with pytest.raises(DataDamaged):
        index.upsert({"odd": unit_vectors(1, dimensions=3)["0"]})
    index.close()

    index, notice = open_vector_index(filled, fingerprint="mini")

    assert notice is not None
    assert index.ids() == set()
    index.close()


def _truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _zero(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def _flip_one_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _garbage(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(file.stat().st_size))


@pytest.mark.parametrize("damage", [_truncate, _empty, _zero, _flip_one_bit, _garbage, Path.unlink])
@pytest.mark.parametrize("name", ["chroma.sqlite3", "link_lists.bin", "data_level0.bin", "index_metadata.pickle"])
def test_a_damaged_file_is_never_opened(filled: Path, name: str, damage: Callable[[Path], None]) -> None:
    [file] = filled.rglob(name)
    damage(file)

    _is_rebuilt(filled, because="files were changed")


def test_a_deleted_folder_of_vectors_is_found_out(filled: Path) -> None:
    [segment] = [entry for entry in filled.iterdir() if entry.is_dir()]
    shutil.rmtree(segment)

    _is_rebuilt(filled, because="files were changed")


def test_a_damaged_seal_counts_as_none(filled: Path) -> None:
    (filled / "seal").write_bytes(b"\xff\xfe\x00")

    _is_rebuilt(filled, because="not closed properly")


@pytest.mark.parametrize(
    "put", [lambda place: place.write_text("in the way"), lambda place: place.symlink_to("nowhere")]
)
def test_what_lies_in_place_of_the_folder_is_replaced(folder: Path, put: Callable[[Path], object]) -> None:
    put(folder)

    _is_rebuilt(folder, because="not closed properly")


def _is_rebuilt(folder: Path, *, because: str) -> None:
    index, notice = open_vector_index(folder, fingerprint="mini")
    assert notice is not None
    assert because in notice
    assert isinstance(index, ChromaVectorIndex)
    assert index.ids() == set()
    index.upsert(unit_vectors(30))
    assert index.query(unit_vectors(30)["7"], limit=1)[0][0] == "7"
    index.close()
    index, notice = open_vector_index(folder, fingerprint="mini")
    assert notice is None
    index.close()


def test_an_index_that_was_made_beside_takes_the_place_of_the_earlier_one(filled: Path) -> None:
    beside = filled.with_name("beside")
    index, _ = open_vector_index(beside, fingerprint="new")
    index.upsert(unit_vectors(COUNT, dimensions=7))
    index.close()

    take_over(filled, beside, fingerprint="new")

    assert not beside.exists()
    index, notice = open_vector_index(filled, fingerprint="new")
    assert notice is None
    assert index.ids() == set(unit_vectors(COUNT))
    index.upsert({"another": unit_vectors(1, dimensions=7)["0"]})
    assert index.query(unit_vectors(COUNT, dimensions=7)["77"], limit=1)[0][0] == "77"
    index.close()


def test_an_index_that_was_made_beside_for_nothing_is_dropped(filled: Path) -> None:
    beside = filled.with_name("beside")
    for fingerprint in ("new", "mini"):
        index, _ = open_vector_index(beside, fingerprint=fingerprint)
        if fingerprint == "new":
            index.close()  # The other one is left without its seal, as by a kill.
        take_over(filled, beside, fingerprint="mini")
        assert not beside.exists()

    index, notice = open_vector_index(filled, fingerprint="mini")
    assert notice is None
    assert index.ids() == set(unit_vectors(COUNT))
    index.close()


def test_an_index_may_take_a_place_that_is_empty(folder: Path, closed: Path) -> None:
    beside = folder.with_name("beside")
    take_over(folder, beside, fingerprint="mini")
    assert not folder.exists()

    shutil.copytree(closed, beside)
    take_over(folder, beside, fingerprint="mini")
    index, notice = open_vector_index(folder, fingerprint="mini")
    assert notice is None
    assert index.ids() == set(unit_vectors(COUNT))
    index.close()


def test_a_search_of_more_vectors_looks_at_more_of_them(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (search_breadth(10_000), search_breadth(400_000)) == (400, 4000)

    monkeypatch.setattr("vaultbot.adapters.chroma._LEAST_BREADTH", 2)
    index, _ = open_vector_index(filled, fingerprint="mini")
    index.close()
    index, notice = open_vector_index(filled, fingerprint="mini")
    hnsw = index._collection.configuration_json["hnsw"]
    index.close()

    assert (notice, hnsw["ef_search"]) == (None, COUNT // 100)
