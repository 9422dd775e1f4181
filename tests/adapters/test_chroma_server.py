"""The vector index on a real Chroma server, which is ended and started again; and on one of ours that lies."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.chat_server import ChatServer, Line, Play, chat_server
from tests.cli.machine import until
from tests.contracts.vector_index import VectorIndexContract, unit_vectors
from tests.embedding_server import EmbeddingServer, embedding_server
from tests.real_servers import chroma_server, free_port
from vaultbot.adapters import chroma_server as room
from vaultbot.adapters.chroma_server import VECTORS, ChromaServerIndex, Sample, ServerVectors
from vaultbot.adapters.server import Server
from vaultbot.assistant import Assistant
from vaultbot.bootstrap import assemble
from vaultbot.config import Config, EmbeddingSettings, IndexSettings
from vaultbot.errors import ConfigError, Unreachable
from vaultbot.index import worker
from vaultbot.paths import StatePaths
from vaultbot.protocols import VectorIndex

FEW = unit_vectors(20)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma")) as address:
        yield address


def vectors_at(
    address: str, owner: Path, *, sample: Sample = lambda _: {}, lost: list[str] | None = None
) -> ServerVectors:
    server = Server.at(address, VECTORS, key=None, allow_remote=False, pause=lambda _: None)
    return ServerVectors(server, owner=owner, sample=sample, on_lost=(lost if lost is not None else []).append)


@pytest.fixture
def store(address: str, tmp_path: Path) -> ServerVectors:
    return vectors_at(address, tmp_path / "owner")


class TestChromaServer(VectorIndexContract):
    @pytest.fixture
    def index(self, store: ServerVectors) -> Iterator[VectorIndex]:
        index, notice = store.open("mini")
        assert notice is None
        yield index
        index.close()
        store.retire()


# ── whose vectors are where ────────────────────────────────────────────────────────────────────────────────────


def test_what_was_put_there_is_there_at_the_next_start(address: str, store: ServerVectors, tmp_path: Path) -> None:
    store.open("mini")[0].upsert(FEW)

    again, _ = vectors_at(address, tmp_path / "owner").open("mini")

    assert again.ids() == set(FEW)


def test_two_vaults_and_two_machines_share_nothing(
    address: str, store: ServerVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, _ = store.open("mini")
    index.upsert(FEW)

    other, _ = vectors_at(address, tmp_path / "another").open("mini")
    assert other.ids() == set()
    other.upsert({"0": FEW["1"]})

    shutil.copy(tmp_path / "owner", tmp_path / "copied")
    monkeypatch.setattr(socket, "gethostname", lambda: "another machine")
    elsewhere, _ = vectors_at(address, tmp_path / "copied").open("mini")
    assert elsewhere.ids() == set()

    assert index.query(FEW["0"], limit=1)[0][0] == "0"


def test_the_vectors_of_two_models_are_kept_apart_until_the_new_one_has_taken_over(store: ServerVectors) -> None:
    old, _ = store.open("old")
    old.upsert(FEW)
    new, _ = store.open("new", beside=True)
    new.upsert(unit_vectors(5, dimensions=7))

    assert (len(old.ids()), len(new.ids())) == (20, 5)
    store.retire()

    assert len(store.open("new")[0].ids()) == 5
    assert store.open("old", beside=True)[0].ids() == set()


def test_vectors_of_a_model_that_serves_no_more_are_deleted_at_the_next_start(
    address: str, store: ServerVectors, tmp_path: Path
) -> None:
    """As after a kill before the earlier ones were deleted."""
    store.open("old")[0].upsert(FEW)
    other, _ = vectors_at(address, tmp_path / "another").open("old")
    other.upsert(FEW)

    store.open("new")

    assert store.open("old", beside=True)[0].ids() == set()
    assert other.ids() == set(FEW)


def test_vectors_that_somebody_else_changed_are_put_there_anew(
    address: str, store: ServerVectors, tmp_path: Path
) -> None:
    store.open("mini")[0].upsert(FEW)
    well = vectors_at(address, tmp_path / "owner", sample=lambda _: FEW)
    assert well.open("mini")[1] is None

    store.open("mini")[0].upsert({"7": FEW["8"]})
    index, news = well.open("mini")

    assert news == f"the vectors at {address} were changed by somebody else; they are put there anew"
    assert index.ids() == set()


# ── where vectors may go ───────────────────────────────────────────────────────────────────────────────────────


def test_vectors_leave_the_machine_only_with_leave_and_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"vectors .* would be sent there; .*\[index\] chroma_allow_remote = true"):
        Server.at("https://chroma.example", VECTORS, key=None, allow_remote=False)

    away = Server.at("https://chroma.example", VECTORS, key="k", allow_remote=True)
    notice = ServerVectors(away, owner=tmp_path / "owner", sample=lambda _: {}).notice
    assert notice is not None
    assert notice.startswith("vectors, which are made of the text of your notes, are kept at https://chroma.example;")


# ── a server that is away or lies ──────────────────────────────────────────────────────────────────────────────


def test_once_the_server_is_away_nobody_waits_for_it_until_it_is_opened_again(tmp_path: Path) -> None:
    lost: list[str] = []
    with chroma_server(tmp_path / "chroma") as address:
        index, _ = vectors_at(address, tmp_path / "owner", lost=lost).open("mini")
        index.upsert(FEW)

    for call in (lambda: index.query(FEW["0"], limit=1), lambda: index.upsert(FEW), index.ids):
        with pytest.raises(Unreachable, match=r"does not answer \(Connection refused\): is the server running\?"):
            call()
    assert len(lost) == 1
    with pytest.raises(Unreachable):
        vectors_at(address, tmp_path / "owner").open("mini")


def test_a_collection_that_was_deleted_is_told_as_gone(store: ServerVectors) -> None:
    index, _ = store.open("mini")
    index.upsert(FEW)
    store.retire()

    with pytest.raises(Unreachable, match="404 Not Found: the vectors are gone from there"):
        index.query(FEW["0"], limit=1)


@pytest.fixture
def liar() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def says(answer: object, *, status: int = 200) -> Play:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def play(_: dict[str, Any], line: Line) -> None:
        line.head(status, Content_Type="application/json", Content_Length=str(len(body)))
        line.send(body)

    return play


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        [],
        {},
        {"ids": [["a"]], "distances": [[0.1, 0.2]]},
        {"ids": [["a"], ["b"]], "distances": [[0.1], [0.2]]},
        {"ids": [[7]], "distances": [[0.1]]},
        {"ids": [["a"]], "distances": [["0.1"]]},
        {"ids": [["a"]], "distances": [[None]]},
        {"ids": ["a"], "distances": [0.1]},
        b'{"ids": [["a"]], "distances": [[NaN]]}',
        b'{"ids": [["a"]], "distances": [[1e999]]}',
    ],
)
def test_neighbours_that_are_none_are_told_as_such(liar: ChatServer, answer: object) -> None:
    liar.play = says(answer)
    index = _index_at(liar)

    with pytest.raises(Unreachable, match="is it the address of a Chroma server"):
        index.query(FEW["0"], limit=1)


@pytest.mark.parametrize("answer", [b"", 7, {"ids": 7}, {"ids": [7]}])
def test_ids_that_are_none_are_told_as_such(liar: ChatServer, answer: object) -> None:
    liar.play = says(answer)

    with pytest.raises(Unreachable, match="is it the address of a Chroma server"):
        _index_at(liar).ids()


def test_a_server_that_repeats_itself_is_not_read_for_ever(liar: ChatServer) -> None:
    liar.play = says({"ids": ["a", "b"]})

    assert _index_at(liar).ids() == {"a", "b"}


@pytest.mark.parametrize(
    "answer",
    [
        {"ids": ["a"], "embeddings": [["x"]]},
        {"ids": ["a"], "embeddings": [[10**400] * 32]},
        {"ids": ["a"], "embeddings": [None]},
        {"ids": ["a"], "embeddings": [[0] * 32]},
        {"ids": ["a"], "embeddings": [[1] * 31]},
        {"ids": ["b"], "embeddings": [FEW["0"].tolist()]},
        {"ids": ["a"], "embeddings": []},
    ],
)
def test_vectors_that_are_none_are_not_the_same(liar: ChatServer, answer: dict[str, Any]) -> None:
    liar.play = says(answer)
    assert not _index_at(liar).holds({"a": FEW["0"]})

    liar.play = says({"ids": ["a"], "embeddings": [(FEW["0"] * 3).tolist()]})
    assert _index_at(liar).holds({"a": FEW["0"]})


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, r"401 Unauthorized: \[index\] chroma_key_variable must name"),
        (307, r"307 Temporary Redirect; is \[index\] chroma_url the address of a Chroma server"),
        (400, r"400 Bad Request; is \[index\] chroma_url"),
    ],
)
def test_a_refusal_says_what_to_do(liar: ChatServer, tmp_path: Path, status: int, told: str) -> None:
    liar.play = says({"error": "x"}, status=status)

    with pytest.raises(Unreachable, match=told):
        vectors_at(liar.address, tmp_path / "owner").open("mini")


@pytest.mark.parametrize("made", [[], {}, {"id": "../x"}, {"id": 7}, {"id": "a", "configuration_json": {}}])
def test_a_collection_that_is_none_is_told_as_such(liar: ChatServer, tmp_path: Path, made: object) -> None:
    liar.play = says(made)

    with pytest.raises(Unreachable, match="is it the address of a Chroma server"):
        vectors_at(liar.address, tmp_path / "owner").open("mini")


def test_a_server_that_hangs_costs_one_question_its_patience(liar: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_QUESTION_S", 0.2)

    def hang(_: dict[str, Any], line: Line) -> None:
        line.gate.wait(30)

    liar.play = hang
    index = _index_at(liar)

    for _ in range(10):
        with pytest.raises(Unreachable, match="it took too long"):
            index.query(FEW["0"], limit=1)
    assert len(liar.asked) == 1


def _index_at(liar: ChatServer) -> ChromaServerIndex:
    server = Server.at(liar.address, VECTORS, key=None, allow_remote=False, pause=lambda _: None)
    return ChromaServerIndex(server, "collection", on_lost=lambda _: None)


# ── a vault whose vectors are on a server ──────────────────────────────────────────────────────────────────────


class Kitchen:
    """A vault with three notes, found by meaning through a Chroma server that comes and goes."""

    def __init__(self, folder: Path, address: str, embeds: EmbeddingServer) -> None:
        self.folder = folder
        self.vault = folder / "Notes"
        self.vault.mkdir()
        for name, text in {
            "Kimchi": "Cabbage is left with salt until it is sour.",
            "Bread": "Flour is mixed with water and baked until it is brown.",
            "Taxes": "The form is due in May.",
        }.items():
            (self.vault / f"{name}.md").write_text(text)
        self.config = replace(Config(), index=IndexSettings(chroma_url=address), embedding=self.by("one", embeds))

    def by(self, model: str, embeds: EmbeddingServer) -> EmbeddingSettings:
        return EmbeddingSettings(base_url=embeds.address, remote_model=model)

    def start(self) -> Assistant:
        assistant = assemble(self.config, self.vault, StatePaths(self.folder / "state"))
        assistant.worker.start()
        until(lambda: assistant.state().state == "ready")
        return assistant


@pytest.fixture
def embeds() -> Iterator[EmbeddingServer]:
    with embedding_server() as running:
        yield running


def found(assistant: Assistant) -> list[str]:
    """By meaning alone."""
    return [hit.path for hit in assistant.search("sour cabbage", mode="dense").hits]


def warnings(assistant: Assistant) -> str:
    return " ".join(assistant.search("sour cabbage").warnings)


def test_a_server_that_comes_and_goes_leaves_words_and_is_healed_from_the_catalog(
    embeds: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_RETRY_S", 0.3)
    port = free_port()
    kitchen = Kitchen(tmp_path, f"http://127.0.0.1:{port}", embeds)

    # Away at the start: words alone, with the reason.
    assistant = kitchen.start()
    try:
        assert any("words alone are searched, for http" in notice for notice in assistant.state().notices)
        assert "words alone were searched, for http://127.0.0.1" in warnings(assistant)
        assert assistant.search("sour cabbage").hits[0].path == "Kimchi.md"

        # It comes.
        with chroma_server(tmp_path / "chroma", port=port):
            until(lambda: assistant.state().notices == ())
            assert found(assistant)[:1] == ["Kimchi.md"]
            assert warnings(assistant) == ""

        # It goes, in the middle of the work; notes go on being indexed and found by their words.
        assert "words alone were searched" in warnings(assistant)
        (kitchen.vault / "Pickles.md").write_text("Cucumbers in vinegar.")
        assistant.worker.wake()
        until(lambda: [hit.path for hit in assistant.search("cucumbers").hits] == ["Pickles.md"])

        # It comes back with nothing in it.
        shutil.rmtree(tmp_path / "chroma")
        with chroma_server(tmp_path / "chroma", port=port):
            until(lambda: assistant.state().notices == ())
            assert found(assistant)[:1] == ["Kimchi.md"]
            assert "Pickles.md" in [hit.path for hit in assistant.search("cucumbers", mode="dense").hits]
    finally:
        assistant.close(timeout=30)


def test_a_collection_that_somebody_else_changed_is_mended_at_the_start(
    address: str, embeds: EmbeddingServer, tmp_path: Path
) -> None:
    kitchen = Kitchen(tmp_path, address, embeds)
    assistant = kitchen.start()
    assert assistant.embedder is not None
    fingerprint = assistant.embedder.fingerprint
    assistant.close(timeout=30)
    index, _ = vectors_at(address, StatePaths(tmp_path / "state").vector_owner).open(fingerprint)
    before = index.ids()
    index.delete(sorted(before)[:2])
    index.upsert({"stranger": np.full(64, 1 / 8, np.float32)})

    assistant = kitchen.start()

    assert index.ids() == before
    assert found(assistant)[:1] == ["Kimchi.md"]
    assistant.close(timeout=30)


def test_another_embedding_model_takes_over_on_the_server_too(
    address: str, embeds: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_RETIRED_S", 0.0)
    kitchen = Kitchen(tmp_path, address, embeds)
    kitchen.start().close(timeout=30)

    kitchen.config = replace(kitchen.config, embedding=kitchen.by("another", embeds))
    assistant = kitchen.start()

    assert assistant.embedder is not None
    fingerprint = assistant.embedder.fingerprint
    until(lambda: assistant.worker._retired is None)
    assert found(assistant)[:1] == ["Kimchi.md"]
    store = vectors_at(address, StatePaths(tmp_path / "state").vector_owner)
    assert store._names() == [store._name(fingerprint)]
    assistant.close(timeout=30)


def test_a_lost_index_is_heard_of_by_the_index_thread(address: str, store: ServerVectors, tmp_path: Path) -> None:
    heard = threading.Event()
    server = Server.at(address, VECTORS, key=None, allow_remote=False)
    index = ChromaServerIndex(server, "gone", on_lost=lambda _: heard.set())

    with pytest.raises(Unreachable):
        index.query(FEW["0"], limit=1)

    assert heard.is_set()
