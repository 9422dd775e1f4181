"""Embeddings from a server: a real one on 127.0.0.1, friendly or not. Nobody waits: pauses are only counted."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.contracts.embedder import KIMCHI, TAXES, EmbedderContract
from tests.embedding_server import EmbeddingServer, Reply, embedding_server, embeds
from tests.fakes import HashEmbedder
from vaultbot.adapters import openai_embedder
from vaultbot.adapters.openai_embedder import Known, OpenAiEmbedder
from vaultbot.adapters.openai_endpoint import EMBEDDING, TooLong
from vaultbot.adapters.server import Server, TookTooLong
from vaultbot.errors import ConfigError, ModelInvalid, ModelMissing, Unreachable, VaultbotError
from vaultbot.index.chunker import estimate_tokens
from vaultbot.protocols import Embedder

PATIENCE_S = 30.0


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as running:
        yield running


@dataclass
class Clock:
    """A clock that a test sets; it keeps the pauses it was asked for."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def embedder_of(
    address: str,
    clock: Clock,
    *,
    known: Known = lambda _: None,
    model: str = "some-model",
    key: str | None = None,
    allow_remote: bool = False,
    batch_size: int = 8,
) -> OpenAiEmbedder:
    server = Server.at(address, EMBEDDING, key=key, allow_remote=allow_remote, pause=clock.pauses.append)
    return OpenAiEmbedder(
        server, model=model, count_tokens=estimate_tokens, known=known, batch_size=batch_size, clock=clock
    )


@pytest.fixture
def remote(server: EmbeddingServer, clock: Clock) -> OpenAiEmbedder:
    return embedder_of(server.address, clock)


class TestAServer(EmbedderContract):
    @pytest.fixture
    def embedder(self, remote: Embedder) -> Embedder:
        return remote

    def test_tokens_of_two_texts_add_up(self, embedder: Embedder) -> None:
        """Nearly: a server does not count, so they are estimated."""
        first, second, both = embedder.count_tokens([KIMCHI, TAXES, f"{KIMCHI}\n{TAXES}"])

        assert abs(first + second - both) <= 1


def test_the_vectors_are_the_servers_in_the_order_of_the_texts(server: EmbeddingServer, remote: OpenAiEmbedder) -> None:
    server.answer = embeds(backwards=True)

    vectors = remote.embed_documents([KIMCHI, TAXES, "word"] * 5)

    assert np.allclose(vectors, HashEmbedder().embed_documents([KIMCHI, TAXES, "word"] * 5), atol=1e-6)
    assert set(server.paths) == {"/v1/embeddings"}
    assert {request["model"] for request in server.asked} == {"some-model"}
    assert max(len(request["input"]) for request in server.asked) == 8
    assert (remote.name, remote.notice) == (f"some-model at {server.address}", None)


def test_a_model_that_is_known_by_name_gets_the_words_that_it_wants_before_a_text(
    server: EmbeddingServer, clock: Clock
) -> None:
    embedder = embedder_of(server.address, clock, model="nomic-embed-text:latest")

    embedder.embed_documents(["salt"])
    embedder.embed_query("salt")

    assert server.texts == ["search_document: salt", "search_query: salt"]


# ── where texts and keys may go ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address", ["http://192.168.1.5:11434/v1", "https://api.openai.com/v1", "http://127.0.0.1.evil.test"]
)
def test_nothing_leaves_the_machine_unless_the_settings_say_so(address: str, clock: Clock) -> None:
    with pytest.raises(ConfigError, match=r"is not on this machine.*set \[embedding\] allow_remote = true"):
        embedder_of(address, clock)

    notice = embedder_of(address, clock, allow_remote=True).notice
    assert notice is not None
    assert notice.startswith(f"the text of your notes and your questions are sent to {address} ")


@pytest.mark.parametrize("address", ["http://localhost:1/v1", "http://127.8.9.1:1", "http://[::1]:1/v1/"])
def test_this_machine_may_be_written_in_many_ways(address: str, clock: Clock) -> None:
    assert embedder_of(address, clock).notice is None


def test_a_key_is_sent_to_the_server_and_never_in_the_open(server: EmbeddingServer, clock: Clock) -> None:
    embedder_of(server.address, clock, key="s3cret").embed_query("salt")

    assert server.headers[0]["Authorization"] == "Bearer s3cret"
    with pytest.raises(ConfigError, match="never sent in the open: use https"):
        embedder_of("http://example.test/v1", clock, key="s3cret", allow_remote=True)
    with pytest.raises(ConfigError, match="holds no key") as refused:
        embedder_of(server.address, clock, key="s3cret\nX-Other: 1")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["http://", "http://[::1", "http://127.0.0.1:99999/v1", "http://127.0.0.1:1/v1 x", "http://127.0.0.1:1/v1\r\nX: y"],
)
def test_what_is_no_address_is_told_as_such(address: str, clock: Clock) -> None:
    with pytest.raises(ConfigError, match="is no address; give one like http://127"):
        embedder_of(address, clock)


@pytest.mark.parametrize(
    "address", ["http://me:pw@127.0.0.1/v1", "http://127.0.0.1/v1?key=pw", "http://127.0.0.1/v1#pw"]
)
def test_no_secret_is_taken_in_an_address(address: str, clock: Clock) -> None:
    with pytest.raises(ConfigError, match="key_variable") as refused:
        embedder_of(address, clock)
    assert "pw" not in str(refused.value)


def test_a_server_must_be_told_its_model(clock: Clock) -> None:
    with pytest.raises(ConfigError, match=r"\[embedding\] remote_model must name the model"):
        embedder_of("http://127.0.0.1:1/v1", clock, model=" ")


def test_no_proxy_of_the_environment_gets_to_see_a_text(
    server: EmbeddingServer, remote: OpenAiEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    remote.embed_query("salt")

    assert server.texts[-1] == "salt"


def test_a_redirect_is_not_followed(server: EmbeddingServer, remote: OpenAiEmbedder) -> None:
    with embedding_server() as other:
        server.answer = lambda _: (307, {"Location": f"{other.address}/embeddings"}, b"")

        with pytest.raises(ModelInvalid, match="307 Temporary Redirect, which is not followed"):
            remote.embed_query("salt")
        assert other.asked == []


# ── a server that is busy, away or broken ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_after_longer_and_longer_pauses(
    server: EmbeddingServer, remote: OpenAiEmbedder, clock: Clock, status: int
) -> None:
    server.replies = [(status, {}, b"")] * 3

    assert remote.embed_documents([KIMCHI]).shape == (1, 64)
    assert clock.pauses == [0.5, 1.0, 2.0]


def test_a_server_may_say_how_long_to_wait_and_is_not_believed_beyond_some_seconds(
    server: EmbeddingServer, remote: OpenAiEmbedder, clock: Clock
) -> None:
    server.replies = [
        (429, {"Retry-After": "3"}, b""),
        (429, {"Retry-After": "86400"}, b""),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b""),
    ]

    remote.embed_documents([KIMCHI])

    assert clock.pauses == [3.0, 10.0, 2.0]


def test_a_server_that_is_not_running_is_told_as_such_and_no_question_waits_for_it(clock: Clock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        embedder = embedder_of(address, clock)

        with pytest.raises(Unreachable, match=r"does not embed \(Connection refused\): is the server running\?"):
            embedder.embed_documents(["salt"])
        tries = clock.pauses.copy()
        for _ in range(3):
            with pytest.raises(Unreachable, match=r"does not embed \(Connection refused\): is the server running\?"):
                embedder.embed_query("salt")
        assert clock.pauses == tries == [0.5, 1.0, 2.0]

    assert embedder.fingerprint
    assert embedder.count_tokens(["some words"]) == [3]
    embedder.load()


def test_a_server_that_has_come_back_is_asked_again(
    server: EmbeddingServer, remote: OpenAiEmbedder, clock: Clock
) -> None:
    server.replies = [(503, {}, b"")]
    for _ in range(3):
        with pytest.raises(Unreachable, match="503 Service Unavailable"):
            remote.embed_query("salt")
    assert len(server.asked) == 1

    clock.now += 60

    assert remote.embed_query("salt").shape == (64,)
    assert remote.embed_query("pepper").shape == (64,)


# ── a server that hangs ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Hang:
    """Answers nothing until `gate` is set, and nobody waits long."""

    server: EmbeddingServer
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        well = self.server.answer

        def answer(request: dict[str, Any]) -> Reply:
            assert self.gate.wait(PATIENCE_S)
            return well(request)

        self.server.answer = answer

    def asked(self) -> list[str]:
        """What it was given to embed, save by the thread in the background."""
        return [text for text in self.server.texts if text != "ready"]


@pytest.fixture
def hang(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hang]:
    monkeypatch.setattr(openai_embedder, "_QUESTION", openai_embedder._Patience(1, 0.2))
    monkeypatch.setattr(openai_embedder, "_PASSAGES", openai_embedder._Patience(4, 0.4))
    hang = Hang(server)
    yield hang
    hang.gate.set()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S / 0.01)):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it did not come to that")


def embeds_again(embedder: OpenAiEmbedder) -> bool:
    with suppress(Unreachable):
        return len(embedder.embed_documents(["pepper"])) == 1
    return False


def test_one_question_waits_for_a_server_that_hangs_and_no_other_one(hang: Hang, remote: OpenAiEmbedder) -> None:
    hang.gate.set()
    remote.embed_query("well")
    hang.gate.clear()

    with pytest.raises(TookTooLong, match="it took too long"):
        remote.embed_query("salt")
    for _ in range(20):
        with pytest.raises(Unreachable, match="it took too long"):
            remote.embed_query("salt")
        with pytest.raises(Unreachable, match="it took too long"):
            remote.embed_documents(["bread"])
    assert hang.asked() == ["well", "salt"]

    hang.gate.set()
    until(lambda: embeds_again(remote))
    assert remote.embed_query("salt").shape == (64,)


def test_passages_wait_once_and_then_notes_are_recorded_without(hang: Hang, remote: OpenAiEmbedder) -> None:
    with pytest.raises(TookTooLong):
        remote.embed_documents(["salt"])
    for _ in range(20):
        with pytest.raises(Unreachable, match="it took too long"):
            remote.embed_documents(["bread"])
        with pytest.raises(Unreachable, match="it took too long"):
            remote.embed_query("bread")
    assert hang.asked() == ["salt"]

    hang.gate.set()
    until(lambda: embeds_again(remote))


def test_a_question_that_comes_while_a_model_is_loaded_does_not_keep_passages_from_waiting_for_it(
    hang: Hang, remote: OpenAiEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_embedder, "_PASSAGES", openai_embedder._Patience(4, PATIENCE_S))
    with pytest.raises(TookTooLong):
        remote.embed_query("salt")
    threading.Timer(0.1, hang.gate.set).start()

    assert remote.embed_documents(["bread"]).shape == (1, 64)
    assert remote.embed_query("salt").shape == (64,)


def test_one_answer_that_never_comes_does_not_count_when_others_came_since(
    hang: Hang, remote: OpenAiEmbedder, server: EmbeddingServer
) -> None:
    with pytest.raises(TookTooLong):
        remote.embed_query("salt")
    until(lambda: "ready" in server.texts)
    server.answer = embeds()  # To whoever asks from now on.

    assert remote.embed_documents(["bread"]).shape == (1, 64)
    until(lambda: not remote._background)

    assert remote.embed_documents(["pepper"]).shape == (1, 64)


def test_no_question_is_asked_while_passages_wait_in_vain(
    hang: Hang, remote: OpenAiEmbedder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_embedder, "_PASSAGES", openai_embedder._Patience(4, PATIENCE_S))
    index = threading.Thread(target=remote.embed_documents, args=[["bread"]])
    index.start()
    until(lambda: hang.asked() == ["bread"])
    clock.now += 3

    with pytest.raises(Unreachable, match="has not answered for 3 seconds: it is busy, or it hangs"):
        remote.embed_query("salt")
    with pytest.raises(Unreachable, match="has not answered for 3 seconds"):
        remote.embed_documents(["a sentence of an answer"])

    assert hang.asked() == ["bread"]
    hang.gate.set()
    index.join()
    assert remote.embed_query("salt").shape == (64,)


def test_an_answer_that_trickles_has_an_end(clock: Clock) -> None:
    def trickle(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            while True:
                connection.sendall(b"H")
                time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle, args=[listening])
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        trickling = Server.at(address, EMBEDDING, key=None, allow_remote=False, pause=clock.pauses.append)

        with pytest.raises(Unreachable, match="it took too long"):
            trickling.ask("POST", "/embeddings", {}, tries=1, timeout_s=0.2, limit=1000)
        thread.join()


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, ModelInvalid, "401 Unauthorized.*key_variable must name the variable"),
        (404, ModelMissing, "404 Not Found.*remote_model, which the server must have.*ollama pull"),
        (400, TooLong, "400 Bad Request to a text; is .*remote_model a model for embedding"),
        (418, ModelInvalid, "418.*OpenAI-compatible API"),
        (799, ModelInvalid, "799"),
    ],
)
def test_a_refusal_says_what_to_do_and_never_quotes_the_server(
    server: EmbeddingServer, remote: OpenAiEmbedder, clock: Clock, status: int, error: type[VaultbotError], words: str
) -> None:
    server.answer = lambda request: (status, {}, json.dumps({"error": request["input"]}).encode())

    with pytest.raises(error, match=words) as refused:
        remote.embed_documents(["my secret diary"])
    assert "secret" not in str(refused.value)
    assert clock.pauses == []


@pytest.mark.parametrize(
    "refusal",
    [
        (400, {}, b""),
        # llama-server's, as if it were busy.
        (
            500,
            {},
            b'{"error": {"message": "input (3004 tokens) is too large to process. increase the physical batch"}}',
        ),
    ],
)
def test_a_text_that_is_too_long_for_the_model_is_cut_and_the_others_are_not(
    server: EmbeddingServer, remote: OpenAiEmbedder, clock: Clock, refusal: Reply
) -> None:
    well = embeds()

    def picky(request: dict[str, Any]) -> Reply:
        return well(request) if max(map(len, request["input"])) <= 600 else refusal

    server.answer = picky
    long = "salt and time " * 100

    vectors = remote.embed_documents([KIMCHI, long, TAXES])

    assert np.allclose(vectors, HashEmbedder().embed_documents([KIMCHI, long[:350], TAXES]), atol=1e-6)
    assert clock.pauses == []


# ── answers that are none ──────────────────────────────────────────────────────────────────────────────────────


def answer_of(*data: object) -> bytes:
    return json.dumps({"data": list(data)}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in</html>",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}',
        b'{"data": [{"index": 0, "embedding": [1, Infinity]}]}',
    ],
)
def test_what_is_no_json_is_told_as_such(server: EmbeddingServer, remote: OpenAiEmbedder, body: bytes) -> None:
    server.answer = lambda _: (200, {}, body)

    with pytest.raises(ModelInvalid, match="answered with no JSON; is it the address of an OpenAI-compatible API"):
        remote.embed_query("salt")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"data": {}}',
        answer_of(),
        answer_of({"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [1, 0]}),
        answer_of({"index": 1, "embedding": [1, 0]}),
        answer_of({"index": -1, "embedding": [1, 0]}),
        answer_of({"index": True, "embedding": [1, 0]}),
        answer_of({"embedding": [1, 0]}),
        answer_of({"index": 0, "embedding": "AACAPwAAgD8="}),
        answer_of({"index": 0, "embedding": []}),
        answer_of({"index": 0, "embedding": [0, 0]}),
        answer_of({"index": 0, "embedding": ["1", "0"]}),
        answer_of({"index": 0, "embedding": [True, False]}),
        answer_of({"index": 0, "embedding": [None, 1]}),
        answer_of({"index": 0, "embedding": [[1], [0]]}),
        answer_of({"index": 0, "embedding": [10**400, 1]}),
        b'{"data": [{"index": 0, "embedding": [1e999, 1]}]}',
        answer_of({"index": 0, "embedding": [1] * 20_000}),
    ],
)
def test_what_holds_no_vectors_is_told_as_such(server: EmbeddingServer, remote: OpenAiEmbedder, body: bytes) -> None:
    server.answer = lambda _: (200, {}, body)

    with pytest.raises(ModelInvalid, match=r"gave no vectors for .*remote_model = some-model"):
        remote.embed_query("salt")


def test_an_endless_answer_is_cut_off(server: EmbeddingServer, remote: OpenAiEmbedder) -> None:
    server.answer = lambda _: (200, {}, b" " * 2_000_000)

    with pytest.raises(ModelInvalid, match="far more than was asked for"):
        remote.embed_query("salt")


def test_numbers_of_any_size_make_a_unit_vector(server: EmbeddingServer, remote: OpenAiEmbedder) -> None:
    server.answer = lambda _: (200, {}, answer_of({"index": 0, "embedding": [3e300, 4e300]}))

    assert np.allclose(remote.embed_query("salt"), [0.6, 0.8])


# ── another model under the same name ──────────────────────────────────────────────────────────────────────────


def index_of(embedder: HashEmbedder) -> Known:
    """An index in which one text has the vector that this embedder gave it."""
    return lambda _: (KIMCHI, embedder.embed_documents([KIMCHI])[0])


@pytest.mark.parametrize("other", [HashEmbedder(fingerprint="other"), HashEmbedder(dimensions=32)])
def test_another_model_than_made_the_index_is_noticed_at_the_first_text(
    server: EmbeddingServer, clock: Clock, other: HashEmbedder
) -> None:
    server.answer = embeds(other)
    embedder = embedder_of(server.address, clock, known=index_of(HashEmbedder()))

    for _ in range(2):
        with pytest.raises(ModelInvalid, match="has another model than before under the name some-model"):
            embedder.embed_documents(["salt"])
        with pytest.raises(ModelInvalid, match="has another model than before under the name some-model"):
            embedder.embed_query("salt")
    server.answer = embeds()  # The former one was put back.
    assert embedder.embed_query("salt").shape == (64,)


def test_a_model_that_made_the_index_is_known_again_and_asked_about_it_once(
    server: EmbeddingServer, clock: Clock
) -> None:
    embedder = embedder_of(server.address, clock, known=index_of(HashEmbedder()))

    found = embedder.embed_query("salt")

    assert np.allclose(found, HashEmbedder().embed_query("salt"), atol=1e-6)
    embedder.embed_query("pepper")
    embedder.embed_documents(["sugar"])
    assert [request["input"] for request in server.asked] == [[KIMCHI, "salt"], ["pepper"], ["sugar"]]


def test_vectors_of_another_size_are_noticed_at_once(server: EmbeddingServer, remote: OpenAiEmbedder) -> None:
    remote.embed_query("salt")
    server.answer = embeds(HashEmbedder(dimensions=32))

    with pytest.raises(ModelInvalid, match="has another model than before"):
        remote.embed_documents(["salt"])


def test_its_size_is_known_without_the_server_where_there_is_an_index(server: EmbeddingServer, clock: Clock) -> None:
    known = index_of(HashEmbedder(dimensions=32))

    assert embedder_of(server.address, clock, known=known).dimensions == 32
    assert server.asked == []
    assert embedder_of(server.address, clock).dimensions == 64


def test_address_model_and_prompts_make_the_fingerprint_and_the_key_does_not(clock: Clock) -> None:
    first, *others = (
        embedder_of("http://127.0.0.1:1/v1", clock).fingerprint,
        embedder_of("http://127.0.0.1:2/v1", clock).fingerprint,
        embedder_of("http://127.0.0.1:1/v1", clock, model="other").fingerprint,
    )

    assert first not in others
    assert embedder_of("http://127.0.0.1:1/v1/", clock, key="k").fingerprint == first
