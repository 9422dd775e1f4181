"""Does a server do all that vaultbot asks of one? Run it against the server you mean to use.

    python -m bench.servers http://127.0.0.1:9997/v1 --model qwen2.5-instruct --key-variable XINFERENCE_KEY
    python -m bench.servers http://127.0.0.1:11434/v1 --embedding-model nomic-embed-text

Only addresses of this machine are taken unless --allow-remote is given. The texts are made up.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator

from vaultbot.adapters.openai_chat import OpenAiChatModel
from vaultbot.adapters.openai_embedder import OpenAiEmbedder
from vaultbot.adapters.openai_endpoint import ANSWERING, EMBEDDING, served_models
from vaultbot.adapters.server import Server
from vaultbot.adapters.server_key import server_key
from vaultbot.errors import VaultbotError
from vaultbot.index.chunker import estimate_tokens
from vaultbot.protocols import Generation, Message

SYSTEM = Message("system", "Answer in one short sentence, from the sources alone.")
QUESTION = [SYSTEM, Message("user", "[1] Rome is the capital of Italy.\n\nWhat is the capital of Italy?")]
STORY = [Message("user", "Write a long story about a garden.")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--model", default="", help="the chat model; not needed where the server has one alone")
    parser.add_argument("--embedding-model", help="look at embeddings by this model, and not at answers")
    parser.add_argument("--key-variable", default="")
    parser.add_argument("--context", type=int, default=4096, help="[model] context_tokens (default 4096)")
    parser.add_argument("--allow-remote", action="store_true")
    asked = parser.parse_args()
    key = server_key(variable=asked.key_variable, entry="", section="model")
    purpose = EMBEDDING if asked.embedding_model else ANSWERING
    server = Server.at(asked.address, purpose, key=key, allow_remote=asked.allow_remote)
    checks = (
        _embeds(server, asked.embedding_model)
        if asked.embedding_model
        else _answers(server, asked.model, asked.context)
    )
    try:
        for what, found in checks:
            print(f"{what:<34} {found}")
    except VaultbotError as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from None


def _answers(server: Server, name: str, context: int) -> Iterator[tuple[str, object]]:
    models = served_models(server)
    yield "models", ", ".join(one.name for one in models) or "it does not tell"
    model = OpenAiChatModel(server, model=name, count_tokens=estimate_tokens, context_tokens=context)
    yield "weights, room", f"{model.parameters / 1e9:g} billion, {model.context_tokens} tokens"

    began = time.perf_counter()
    pieces = []
    first_s = None
    for piece in model.stream(QUESTION, max_tokens=60):
        first_s = first_s or time.perf_counter() - began
        pieces.append(piece)
    yield "answer", repr(_text(pieces))
    yield "first word, whole answer", f"{first_s or 0:.2f} s, {time.perf_counter() - began:.2f} s"
    yield "tokens: prompt, cached, answer", _usage(pieces)
    limited = list(model.stream(STORY, max_tokens=7))
    yield "ends at max_tokens = 7", f"{_usage(limited)}: {_text(limited)!r}"
    stopped = list(model.stream(QUESTION, max_tokens=60, stop=["Rome"]))
    yield "ends before the stop word Rome", f"{'Rome' not in _text(stopped)}: {_text(stopped)!r}"
    prefixed = list(model.stream(QUESTION, max_tokens=20, prefix="The capital of"))
    yield "goes on from The capital of", repr(_text(prefixed))
    yield "cancelled while it reads", _cancelled(model, _long(model), after_s=0.3)
    yield "cancelled while it writes", _cancelled(model, STORY, after_s=1.0)
    began = time.perf_counter()
    again = list(model.stream(QUESTION, max_tokens=60))
    yield "the next answer is the first's", f"{_text(again) == _text(pieces)}, {time.perf_counter() - began:.2f} s"
    yield "two at once", _two_at_once(model, _text(pieces))


def _embeds(server: Server, name: str) -> Iterator[tuple[str, object]]:
    yield "models", ", ".join(one.name for one in served_models(server)) or "it does not tell"
    embedder = OpenAiEmbedder(server, model=name, count_tokens=estimate_tokens)
    texts = ["Kimchi needs cabbage, salt and time.", "The tax form is due in May.", "word " * 5000]
    began = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    yield "texts, dimensions", f"{vectors.shape[0]}, {vectors.shape[1]} in {time.perf_counter() - began:.2f} s"
    asked = embedder.embed_query("How is cabbage fermented?")
    yield "cosine of a question to each", ", ".join(f"{cosine:.3f}" for cosine in vectors @ asked)
    again = embedder.embed_documents(texts[:1])
    yield "cosine of a text to itself", f"{float(again[0] @ vectors[0]):.6f}"


def _long(model: OpenAiChatModel) -> list[Message]:
    """Fills two thirds of its room."""
    bed = "The garden has beds of beans and of peas. "
    return [Message("user", bed * (model.context_tokens * 2 // 3 // 10) + "How many beds are there?")]


def _cancelled(model: OpenAiChatModel, messages: list[Message], *, after_s: float) -> str:
    cancel = threading.Event()
    began = time.perf_counter()
    timer = threading.Timer(after_s, cancel.set)
    timer.start()
    pieces = list(model.stream(messages, max_tokens=400, cancel=cancel))
    took_s = time.perf_counter() - began
    timer.cancel()
    if took_s < after_s:
        return f"it was done before, after {took_s:.2f} s"
    return f"{(took_s - after_s) * 1000:.0f} ms later, {len(pieces) - 1} pieces"


def _two_at_once(model: OpenAiChatModel, expected: str) -> str:
    said: list[str] = []

    def ask() -> None:
        try:
            said.append(_text(list(model.stream(QUESTION, max_tokens=60))))
        except VaultbotError as error:
            said.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    odd = next((one for one in said if one != expected), None)
    return "both as before" if odd is None else f"not both as before: {odd!r}"


def _text(pieces: list[Generation]) -> str:
    return "".join(piece.text for piece in pieces)


def _usage(pieces: list[Generation]) -> str:
    usage = pieces[-1].usage
    assert usage is not None
    return f"{usage.prompt}, {usage.cached}, {usage.completion}"


if __name__ == "__main__":
    main()
