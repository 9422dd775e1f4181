"""The routes of OpenAI's API, with its own Python library as a client where that can show it."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

from tests.api.plugins import CHATS, EMBEDDINGS, PREFLIGHTS, PROBES, QUESTION, Body
from tests.api.test_app import SOURDOUGH, Waiting, app_of
from tests.api.test_markdown import ACTIVE, HOSTILE, kinds_in
from tests.api.wire import HOST, JSON, OBSIDIAN, RIGHT, TOKEN, Pairs, Reply, call, scope_of, served
from tests.cli.machine import until
from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.api.sse import FrameStream
from vaultbot.config import Config, ModelSettings

FED = "A sourdough starter is fed with flour and water every day."
MESSAGES = [{"role": "user", "content": QUESTION}]
ORIGINS = ("app://obsidian.md", "capacitor://localhost", f"http://{HOST[1]}")


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Bread/Sourdough.md", SOURDOUGH)
    vault.write("Grüße.md", "# Größe\n\nEin Käsebrötchen 🥐 kostet vier Euro.")
    vault.index()
    return vault


@pytest.fixture
def port(bakery: VaultBuilder) -> Iterator[int]:
    with served(lambda port: app_of(bakery, port)) as port:
        yield port


def client_of(port: int, key: str = TOKEN) -> Any:  # Its types know no fields of ours.
    return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key, max_retries=0)


def post(vault: VaultBuilder, path: str, body: object, *more: tuple[str, str]) -> Reply:
    content = json.dumps(body).encode()
    headers = [HOST, RIGHT, JSON, ("content-length", str(len(content))), *more]
    return call(app_of(vault), "POST", path, headers, [content])


def chat(vault: VaultBuilder, **body: Any) -> Reply:
    return post(vault, "/v1/chat/completions", {"model": "vaultbot", "messages": MESSAGES, **body})


def writes_of(app: ASGIApp, body: object) -> list[bytes]:
    """What the server is given to write, piece by piece."""
    content = json.dumps(body).encode()
    headers = [HOST, RIGHT, JSON, ("content-length", str(len(content)))]
    written: list[bytes] = []

    async def asking() -> None:
        waiting: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message.get("body"):
                written.append(message["body"])

        await asyncio.wait_for(app(scope_of("POST", "/v1/chat/completions", headers), receive, send), 30)

    asyncio.run(asking())
    return written


def chunks_of(body: bytes) -> list[Any]:
    frames = body.decode().removesuffix("\n\n").split("\n\n")
    assert frames.pop() == "data: [DONE]"
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def text_of(chunks: Sequence[Any]) -> str:
    return "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks if chunk["choices"])


def error_of(reply: Reply) -> dict[str, Any]:
    error = reply.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"]
    return dict(error)


# ── with OpenAI's own library ──────────────────────────────────────────────────────────────────────────────────


def test_the_models_that_can_be_used_are_listed(bakery: VaultBuilder, port: int) -> None:
    api = client_of(port)

    assert [model.id for model in api.models.list()] == ["vaultbot", "vaultbot-raw", "vaultbot-embed"]
    assert api.models.retrieve("vaultbot").owned_by == "vaultbot"
    with pytest.raises(openai.NotFoundError, match="choose one of: vaultbot, vaultbot-raw, vaultbot-embed"):
        api.models.retrieve("gpt-4")


def test_a_model_that_is_not_there_is_not_listed(bakery: VaultBuilder) -> None:
    bakery.close()
    bakery.model = bakery.embedder = None
    bakery.config = Config(model=ModelSettings(path="none"))

    reply = call(app_of(bakery), path="/v1/models")

    assert [model["id"] for model in reply.json()["data"]] == ["vaultbot"]
    assert error_of(post(bakery, "/v1/embeddings", EMBEDDINGS[0]))["code"] == "model_missing"
    assert error_of(chat(bakery, model="vaultbot-raw"))["code"] == "model_missing"


def test_an_answer_has_its_sources_as_links_and_as_a_record(port: int) -> None:
    answer = client_of(port).chat.completions.create(model="vaultbot", messages=MESSAGES)

    content = answer.choices[0].message.content
    assert content.startswith(f"{FED} [1]")
    assert content.endswith("\n\n**Sources**\n1. [[Bread/Sourdough#Starter|Sourdough › Starter]]")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.vaultbot["citations"][0]["quote"] == FED
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_streamed_answer_is_the_whole_one_in_pieces(port: int) -> None:
    api = client_of(port)
    whole = api.chat.completions.create(model="vaultbot", messages=MESSAGES)

    chunks = list(api.chat.completions.create(model="vaultbot", messages=MESSAGES, stream=True))

    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].vaultbot["citations"] == whole.vaultbot["citations"]


def test_a_question_that_leans_on_the_last_answer_is_understood(port: int) -> None:
    api = client_of(port)
    first = api.chat.completions.create(model="vaultbot", messages=MESSAGES)
    said = {"role": "assistant", "content": first.choices[0].message.content}

    answer = api.chat.completions.create(
        model="vaultbot", messages=[*MESSAGES, said, {"role": "user", "content": "and what is it fed with?"}]
    )

    assert answer.vaultbot["warnings"][0].startswith("understood as: and what is it fed with? (")
    assert "Sourdough" in answer.vaultbot["warnings"][0]
    assert "*Note: understood as:" in answer.choices[0].message.content


def test_the_bare_model_says_what_it_says_and_no_note_is_asked(bakery: VaultBuilder, port: int) -> None:
    answer = client_of(port).chat.completions.create(
        model="vaultbot-raw",
        messages=[{"role": "developer", "content": "Be brief."}, *MESSAGES],
        max_completion_tokens=3,
        stop=["nowhere"],
    )

    assert answer.choices[0].message.content == "I have nothing"
    assert answer.choices[0].finish_reason == "length"
    assert not hasattr(answer, "vaultbot")
    model = bakery.model
    assert isinstance(model, ScriptedChatModel)
    assert [(one.role, one.content) for one in model.asked[-1]] == [("system", "Be brief."), ("user", QUESTION)]


def test_who_wants_json_gets_the_models_words_alone(bakery: VaultBuilder) -> None:
    reply = chat(bakery, response_format={"type": "json_object"})

    assert reply.json()["choices"][0]["message"]["content"] == "I have nothing to say."


def test_vectors_in_base64_are_the_same_numbers(bakery: VaultBuilder, port: int) -> None:
    api, texts = client_of(port), ["Bread and water", "Salt"]

    packed = api.embeddings.create(model="vaultbot-embed", input=texts)  # The library asks for base64.
    plain = api.embeddings.create(model="vaultbot-embed", input=texts, encoding_format="float")

    assert bakery.embedder is not None
    wanted = bakery.embedder.embed_documents(texts)
    for found in (packed, plain):
        assert [one.index for one in found.data] == [0, 1]
        assert np.array_equal(np.array([one.embedding for one in found.data], np.float32), wanted)
        assert found.usage.prompt_tokens == 4


def test_a_wrong_key_is_told_in_openais_words(port: int) -> None:
    for key in ("placeholder-key", "lm-studio", "ollama"):
        with pytest.raises(openai.AuthenticationError, match=r"not the daemon's token.*vaultbot status") as wrong:
            client_of(port, key).models.list()
        assert wrong.value.code == "invalid_api_key"


# ── what stands on the wire ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("usage", [False, True])
def test_every_write_is_one_frame_that_can_be_read_alone(bakery: VaultBuilder, usage: bool) -> None:
    body = {"model": "vaultbot", "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": usage}}

    *frames, done = writes_of(app_of(bakery), body)

    assert done == b"data: [DONE]\n\n"
    chunks = []
    for frame in frames:
        assert frame.startswith(b"data: {")
        assert frame.endswith(b"}\n\n")
        assert frame.count(b"\n") == 2
        chunks.append(json.loads(frame.removeprefix(b"data: ")))
    assert len({(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert [chunk["choices"] for chunk in chunks].count([]) == usage
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert all(isinstance(delta["content"], str) for delta in deltas)
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[-1] == {"content": ""}
    if usage:
        assert chunks[-1]["usage"]["total_tokens"] > 0


def test_letters_of_all_kinds_survive_a_reader_that_takes_byte_by_byte(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = {
        "model": "vaultbot",
        "stream": True,
        "messages": [{"role": "user", "content": "Was kostet ein Käsebrötchen?"}],
    }
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with closing(connection):
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        raw = b"".join(iter(lambda: response.read(1), b""))

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (response.headers["cache-control"], response.headers["x-accel-buffering"]) == ("no-store", "no")
    text = text_of(chunks_of(raw))
    assert text.startswith("Ein Käsebrötchen 🥐 kostet vier Euro. [1]")
    assert "[[Grüße#Größe|Grüße › Größe]]" in text


def test_a_long_silence_is_filled_with_empty_chunks_that_every_client_can_read(bakery: VaultBuilder) -> None:
    model = Waiting()
    bakery.close()
    bakery.model = model
    patch = pytest.MonkeyPatch()
    was = FrameStream.__init__
    patch.setattr(FrameStream, "__init__", lambda self, *a, **k: was(self, *a, **{**k, "heartbeat_seconds": 0.05}))
    try:
        with served(lambda port: app_of(bakery, port)) as port:
            chunks = iter(client_of(port).chat.completions.create(model="vaultbot-raw", messages=MESSAGES, stream=True))
            silent = [next(chunks) for _ in range(4)]
            model.go_on.set()
            rest = list(chunks)
    finally:
        patch.undo()

    assert [chunk.choices[0].delta.content for chunk in silent] == ["", "", "", ""]
    assert "".join(chunk.choices[0].delta.content for chunk in rest) == "It is fed with flour and water every day."


@pytest.mark.parametrize("model", ["vaultbot", "vaultbot-raw"])
@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_stops_the_model(bakery: VaultBuilder, model: str, stream: bool) -> None:
    bakery.close()
    bakery.model = waiting = Waiting()
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = {"model": model, "messages": MESSAGES, "stream": stream}
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        assert waiting.began.wait(30)
        connection.close()

        assert waiting.stopped.wait(30)
        until(lambda: bakery.assistant._asks._value == 9)


def test_a_stream_that_breaks_off_says_so_to_people_and_to_programs(bakery: VaultBuilder) -> None:
    bakery.close()
    bakery.model = waiting = Waiting()
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port:
        chunks = iter(client_of(port).chat.completions.create(model="vaultbot", messages=MESSAGES, stream=True))
        said = [next(chunks).choices[0].delta.content]
        assert waiting.began.wait(30)
        bakery.assistant.stop_answering()
        with pytest.raises(openai.APIError, match="shutting down"):
            said.extend(chunk.choices[0].delta.content for chunk in chunks)

    assert said[-1].startswith("\n\n*The answer breaks off here: vaultbot is shutting down")


# ── plugins ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("recorded", CHATS, ids=lambda one: one.plugin)
def test_what_plugins_send_is_answered(bakery: VaultBuilder, recorded: Body) -> None:
    reply = post(bakery, "/v1/chat/completions", recorded.body, OBSIDIAN)

    assert reply.status == 200, reply.body
    assert reply.headers["access-control-allow-origin"] == "app://obsidian.md"
    if recorded.body.get("stream"):
        text = text_of(chunks_of(reply.body))
    else:
        text = reply.json()["choices"][0]["message"]["content"]
    assert text.startswith("I have nothing" if recorded.body["model"] == "vaultbot-raw" else FED)


@pytest.mark.parametrize("recorded", PROBES, ids=lambda one: one.plugin)
def test_what_cannot_be_done_is_told_in_words_that_plugins_show(bakery: VaultBuilder, recorded: Body) -> None:
    for stream in (False, True):
        reply = post(bakery, "/v1/chat/completions", {**recorded.body, "stream": stream}, OBSIDIAN)

        assert reply.status == 400
        assert error_of(reply)["code"] in {"tools_not_supported", "image_not_supported"}


@pytest.mark.parametrize("body", EMBEDDINGS)
def test_what_plugins_want_vectors_of_gets_them(bakery: VaultBuilder, body: dict[str, Any]) -> None:
    page = post(bakery, "/v1/embeddings", body, OBSIDIAN).json()

    assert len(page["data"]) == (len(body["input"]) if isinstance(body["input"], list) else 1)
    assert isinstance(page["data"][0]["embedding"], str if body.get("encoding_format") == "base64" else list)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("asked", PREFLIGHTS.values(), ids=PREFLIGHTS.keys())
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/v1/embeddings"])
def test_a_plugins_preflight_is_let_through_without_the_token(
    bakery: VaultBuilder, origin: str, asked: str, path: str
) -> None:
    headers: Pairs = [HOST, ("origin", origin), ("access-control-request-headers", asked)]

    reply = call(app_of(bakery), "OPTIONS", path, [*headers, ("access-control-request-method", "POST")])

    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["access-control-allow-headers"].split(", ") == asked.split(",")


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost:3000", "app://obsidian.md.evil"])
def test_a_foreign_page_is_refused_and_cannot_read_why(bakery: VaultBuilder, origin: str) -> None:
    for method in ("OPTIONS", "POST"):
        reply = call(app_of(bakery), method, "/v1/chat/completions", [HOST, RIGHT, ("origin", origin)])

        assert (reply.status, error_of(reply)["type"]) == (403, "permission_error")
        assert "access-control-allow-origin" not in reply.headers


def test_a_missing_token_can_be_read_about_in_the_plugin(bakery: VaultBuilder) -> None:
    for authorization in ([], [("authorization", "Bearer ")]):
        reply = call(app_of(bakery), "POST", "/v1/chat/completions", [HOST, OBSIDIAN, JSON, *authorization])

        assert (reply.status, error_of(reply)["code"]) == (401, "invalid_api_key")
        assert reply.headers["access-control-allow-origin"] == "app://obsidian.md"
        assert error_of(reply)["message"].startswith("Send it as the API key")


def test_another_host_is_refused(bakery: VaultBuilder) -> None:
    reply = call(app_of(bakery), path="/v1/models", headers=[("host", "evil.example"), RIGHT])

    assert (reply.status, error_of(reply)["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "gpt-4o"}, 404, "model_not_found"),
        ({"model": "vaultbot-embed"}, 400, "invalid_request"),
        ({"model": None}, 400, "invalid_request"),
        ({"n": 2}, 400, "invalid_request"),
        ({"messages": []}, 400, "invalid_request"),
        ({"messages": "hello"}, 400, "invalid_request"),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400, "invalid_request"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "invalid_request"),
        ({"messages": [{"role": "user", "content": "before:never what?"}]}, 400, "invalid_request"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, 400, "tools_not_supported"),
        ({"model": "vaultbot-raw", "messages": [{"role": "user", "content": "word " * 9000}]}, 400, "invalid_request"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_request_is_refused_before_anything_is_streamed(
    bakery: VaultBuilder, body: dict[str, Any], status: int, code: str, stream: bool
) -> None:
    reply = chat(bakery, stream=stream, **body)

    assert (reply.status, error_of(reply)["code"], error_of(reply)["type"]) == (status, code, "invalid_request_error")
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        {"input": []},
        {"input": ""},
        {"input": ["a", " "]},
        {"input": [1, 2]},
        {"input": [[1, 2], [3]]},
        {"input": ["a"] * 2049},
        {"input": "a", "dimensions": 3},
        {"input": "a", "encoding_format": "bits"},
        {"input": "a", "model": "vaultbot"},
        {"input": "a", "model": "text-embedding-3-small"},
        {},
    ],
)
def test_what_has_no_vector_is_refused(bakery: VaultBuilder, body: dict[str, Any]) -> None:
    reply = post(bakery, "/v1/embeddings", {"model": "vaultbot-embed", **body})

    assert reply.status == (404 if body.get("model", "").startswith("text-") else 400)
    assert error_of(reply)["type"] == "invalid_request_error"


def test_the_length_of_vectors_may_be_named_if_it_is_the_right_one(bakery: VaultBuilder) -> None:
    assert post(bakery, "/v1/embeddings", {"model": "vaultbot-embed", "input": "a", "dimensions": 64}).status == 200


def test_many_texts_are_more_than_other_routes_take(bakery: VaultBuilder) -> None:
    long = "word " * 100_000

    assert post(bakery, "/v1/embeddings", {"model": "vaultbot-embed", "input": long}).status == 200
    assert chat(bakery, messages=[{"role": "user", "content": f"{long}\n\n{QUESTION}"}]).status == 200
    reply = chat(bakery, messages=[{"role": "user", "content": long * 3}])
    assert (reply.status, error_of(reply)["code"]) == (413, "too_large")
    assert post(bakery, "/api/ask", {"question": long}).status == 413


@pytest.mark.parametrize("path", ["/v1", "/v1/", "//v1/models", "/v1//models", "/v1/models/", "/v1/responses"])
def test_a_wrong_address_names_the_right_one(bakery: VaultBuilder, path: str) -> None:
    reply = call(app_of(bakery), path=path)

    assert reply.status == 404
    assert "ends in /v1" in error_of(reply)["message"] or error_of(reply)["code"] == "model_not_found"


def test_a_full_queue_and_an_empty_vault_are_told_with_their_status(vault: VaultBuilder) -> None:
    vault.index()
    assert (chat(vault).status, error_of(chat(vault))["code"]) == (503, "index_empty")

    vault.assistant._asks.acquire()
    for _ in range(8):
        vault.assistant._asks.acquire()
    reply = chat(vault)
    assert (reply.status, error_of(reply)["code"], error_of(reply)["type"]) == (503, "queue_full", "server_error")
    assert int(reply.headers["retry-after"]) > 0


def test_too_many_wrong_tokens_are_told_when_to_come_back(bakery: VaultBuilder) -> None:
    app = app_of(bakery)
    replies = [call(app, path="/v1/models", headers=[HOST]) for _ in range(11)]

    assert [reply.status for reply in replies] == [401] * 10 + [429]
    assert error_of(replies[-1])["type"] == "rate_limit_error"
    assert int(replies[-1].headers["retry-after"]) > 0


def test_native_routes_keep_their_problem_documents(bakery: VaultBuilder) -> None:
    assert call(app_of(bakery), path="/api/search?q=x&limit=0").slug == "invalid-request"


# ── notes that mean harm ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("echo", [False, True], ids=["quoted", "said again by the model"])
def test_what_a_hostile_note_says_does_nothing_in_a_client(vault: VaultBuilder, echo: bool) -> None:
    payloads = [payload for payload in HOSTILE if payload.strip()]
    for n, payload in enumerate(payloads):
        vault.write(f"Note {n}.md", f"The zorblat{n} valve holds {payload} under pressure.\n\n{payload}\n")
    vault.model = ScriptedChatModel(
        {f"zorblat{n}": f"The zorblat{n} valve holds {payload} under pressure." for n, payload in enumerate(payloads)}
        if echo
        else None
    )
    vault.index()
    answered = 0
    for n in range(len(payloads)):
        reply = chat(vault, messages=[{"role": "user", "content": f"What does the zorblat{n} valve hold?"}])
        page = reply.json()
        text = page["choices"][0]["message"]["content"]
        said, _, listed = text.partition("\n\n**Sources**\n")
        citations = page["vaultbot"]["citations"]

        assert not kinds_in(said) & ACTIVE, (payloads[n], said)
        assert (
            listed.splitlines() == [f"{one['n']}. {one['wikilink']}" for one in citations]
            or page["vaultbot"]["refused"]
        )
        assert {one["path"] for one in citations} <= {f"Note {m}.md" for m in range(len(payloads))}
        answered += bool(citations)
    assert answered > len(payloads) / 2


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5000) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "robot"]) | JSON_VALUES, "content": JSON_VALUES},
    optional={"name": JSON_VALUES, "tool_calls": JSON_VALUES},
)
FIELDS = dict.fromkeys(
    ["n", "stop", "max_tokens", "stream_options", "tool_choice", "response_format", "temperature", "x"], JSON_VALUES
)
BODY = st.fixed_dictionaries(
    {"model": st.sampled_from(["vaultbot", "vaultbot-raw", "vaultbot-embed"]) | JSON_VALUES},
    optional={
        **FIELDS,
        "messages": st.lists(MESSAGE, max_size=3) | JSON_VALUES,
        "input": st.text(max_size=9) | st.lists(st.text(max_size=9), max_size=3) | JSON_VALUES,
        "stream": st.booleans() | JSON_VALUES,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(path=st.sampled_from(["/v1/chat/completions", "/v1/embeddings"]), body=BODY | JSON_VALUES)
def test_no_request_whatever_it_holds_is_an_error_of_the_daemon(bakery: VaultBuilder, path: str, body: object) -> None:
    reply = post(bakery, path, body)

    assert reply.status in (200, 400, 404), reply.body
    if reply.status != 200:
        error_of(reply)
    elif reply.headers["content-type"].startswith("text/event-stream"):
        assert text_of(chunks_of(reply.body))
