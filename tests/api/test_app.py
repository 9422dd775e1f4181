"""The endpoints, with everything behind them; the engines are fakes."""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.api.wire import HOST, JSON, PORT, RIGHT, TOKEN, Reply, call, served
from tests.cli.machine import until
from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.api.app import create_app
from vaultbot.api.guard import Guard
from vaultbot.api.routes import Daemon
from vaultbot.config import AnswerSettings, Config
from vaultbot.protocols import Generation, Message
from vaultbot.runtime import Token, prove
from vaultbot.status import Status
from vaultbot.types import TokenUsage

SNAPSHOT = Path(__file__).parent.parent / "snapshots" / "openapi.json"

SOURDOUGH = """---
aliases: [levain]
tags: [bread]
is: "[[Fermentation]]"
---
# Starter

A sourdough starter is fed with flour and water every day. Read about [[Kimchi|cabbage]] and [[Nowhere]].
"""

CITATION = {"n", "path", "title", "heading_path", "line_start", "line_end", "quote", "wikilink", "uri"}


class Waiting(ScriptedChatModel):
    """Begins to speak and goes on when it is told to, or ends when it is cancelled."""

    def __init__(self) -> None:
        super().__init__({"": "It is fed with flour and water every day."})
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.stopped = threading.Event()

    def _stream(
        self, messages: tuple[Message, ...], max_tokens: int, prefix: str, stop: Any, cancel: threading.Event
    ) -> Iterator[Generation]:
        for piece in super()._stream(messages, max_tokens, prefix, stop, cancel):
            self.began.set()
            while not self.go_on.wait(0.01):
                if cancel.is_set():
                    self.stopped.set()
                    yield Generation("", TokenUsage())
                    return
            yield piece


def app_of(vault: VaultBuilder, port: int = PORT) -> Guard:
    status = Status("ready", "ready", "Notes", 3, 9, "hash", "scripted", 1, port, "token", "1", 1.0)
    app = create_app(vault.assistant, Daemon(Token(TOKEN), lambda: port, lambda: status))
    assert isinstance(app, Guard)
    return app


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Bread/Sourdough.md", SOURDOUGH)
    vault.write("Kimchi.md", "Cabbage, salt and time. Sourdough is another ferment.")
    vault.write("Fermentation.md", "What yeast does.")
    return vault


def get(vault: VaultBuilder, path: str) -> Reply:
    vault.index()
    return call(app_of(vault), path=path)


def post(vault: VaultBuilder, path: str, body: object) -> Reply:
    vault.index()
    return call(app_of(vault), "POST", path, posting(body), [json.dumps(body).encode()])


def posting(body: object) -> list[tuple[str, str]]:
    return [HOST, RIGHT, JSON, ("content-length", str(len(json.dumps(body).encode())))]


class Asking:
    """A question on a real connection; its answer may be read bit by bit."""

    def __init__(self, port: int, **body: object) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        self.connection.request(
            "POST", "/api/ask", json.dumps({"question": "What is a starter fed with?", **body}), headers
        )

    def status(self) -> int:
        return self.answer().status

    def answer(self) -> http.client.HTTPResponse:
        return self.connection.getresponse()

    def close(self) -> None:
        self.connection.close()


def events_of(text: str) -> list[tuple[str, Any]]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


class Busy(ScriptedChatModel):
    """Answers two others first."""

    def _stream(self, *given: Any) -> Iterator[Generation]:
        yield Generation("", before=2)
        yield Generation("", before=1)
        yield Generation("", before=0)
        yield from super()._stream(*given)


def test_who_waits_for_the_model_hears_how_many_are_before(bakery: VaultBuilder) -> None:
    bakery.model = Busy({"": "It is fed with flour and water every day."})
    question = {"question": "What is a starter fed with?", "stream": True}

    told = events_of(post(bakery, "/api/ask", question).body.decode())

    assert [name for name, _ in told[:2]] == ["sources", "delta"]
    assert [data for name, data in told if name == "waiting"] == [{"before": 2}, {"before": 1}, {"before": 0}]
    assert told[-1][0] == "done"
    assert post(bakery, "/api/ask", {"question": "What is a starter fed with?"}).json()["sentences"]


# ── contracts ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_search_answers_with_hits_that_say_where_they_are(bakery: VaultBuilder) -> None:
    found = get(bakery, "/api/search?q=starter&limit=1").json()

    assert {"query", "hits", "took_ms"} <= found.keys()
    assert (found["query"], len(found["hits"])) == ("starter", 1)
    hit = found["hits"][0]
    assert {"path", "title", "heading_path", "line_start", "line_end", "text", "score", "wikilink", "uri"} <= hit.keys()
    assert (hit["path"], hit["heading_path"], hit["line_start"]) == ("Bread/Sourdough.md", ["Starter"], 6)
    assert hit["uri"] == "obsidian://open?vault=vault&file=Bread%2FSourdough%23Starter"


def test_related_notes_say_why_and_take_filters(bakery: VaultBuilder) -> None:
    bakery.write("Bread/Rye.md", "A sourdough starter of rye is fed with flour and water. #bread")

    found = get(bakery, "/api/related?path=sourdough&limit=1&tag=bread&in_path=Bread/").json()

    assert {"note", "notes", "took_ms", "warnings"} == found.keys()
    assert found["note"] == "Bread/Sourdough.md"
    (one,) = found["notes"]
    assert (one["path"], one["tags"], one["near_copy"]) == ("Bread/Rye.md", ["bread"], False)
    assert (one["here"]["heading_path"], one["here"]["line"], one["there"]["line"]) == (["Starter"], 8, 1)
    assert one["wikilink"] == "[[Bread/Rye|Rye]]"
    assert get(bakery, "/api/related?path=sourdough&in_path=Nowhere").json()["notes"] == []


def test_filters_work_within_the_question_and_beside_it(bakery: VaultBuilder) -> None:
    bakery.write("Daily/2026-05-12.md", "Fed the starter. #baking/rye")
    bakery.write("Daily/2026-05-13.md", "Fed the starter again. #baking #garden")

    for asked in (
        "q=starter+tag:baking+after:2026-05-12",
        "q=starter&tag=baking&after=2026-05-12",
        "q=starter&tag=baking&tag=%23Garden",
        "tag=baking&path=daily/&before=2027&on=2026-05-13",
    ):
        found = get(bakery, f"/api/search?{asked}").json()
        assert [hit["path"] for hit in found["hits"]] == ["Daily/2026-05-13.md"], asked

    question = "What was fed on that day?"
    for body in (
        {"question": f"{question} on:2026-05-12"},
        {"question": question, "on": "2026-05-12", "tag": ["baking"]},
    ):
        answer = post(bakery, "/api/ask", body).json()
        assert {one["path"] for one in [*answer["citations"], *answer["nearest"]]} == {"Daily/2026-05-12.md"}


def test_an_answer_has_its_sentences_and_every_citation_is_one_full_record(bakery: VaultBuilder) -> None:
    answer = post(bakery, "/api/ask", {"question": "What is a starter fed with?"}).json()

    assert {
        "question", "answer", "sentences", "citations", "grounded", "refused", "model", "timings_ms", "tokens",
    } <= answer.keys()  # fmt: skip
    assert answer["timings_ms"].keys() == {"retrieve", "first_token", "total"}
    assert answer["tokens"].keys() == {"prompt", "cached", "completion"}
    assert all(sentence.keys() == {"text", "citations", "support"} for sentence in answer["sentences"])
    assert [citation.keys() for citation in answer["citations"]] == [CITATION]
    assert (answer["grounded"], answer["refused"]) == (True, False)
    assert answer["sentences"][0] == {
        "text": "A sourdough starter is fed with flour and water every day.", "citations": [1], "support": "quote",
    }  # fmt: skip
    assert answer["citations"][0]["quote"] == answer["sentences"][0]["text"]


def test_an_extract_asks_no_model(bakery: VaultBuilder) -> None:
    answer = post(bakery, "/api/ask", {"question": "What is a starter fed with?", "extract": True}).json()

    assert answer["model"] is None
    assert {sentence["support"] for sentence in answer["sentences"]} == {"quote"}


def test_the_last_message_of_a_conversation_is_answered(bakery: VaultBuilder) -> None:
    messages = [
        {"role": "user", "content": "What is a starter fed with?"},
        {"role": "assistant", "content": "Flour and water. [1]", "cited": ["Starter"]},
        {"role": "user", "content": "and what is it fed with?"},
    ]

    answer = post(bakery, "/api/ask", {"messages": messages}).json()

    assert answer["question"] == "and what is it fed with?"
    assert answer["answer"].startswith("A sourdough starter is fed with flour and water every day.")
    assert answer["warnings"][0].startswith("understood as: and what is it fed with? (")


def test_a_conversation_gets_a_title_that_can_be_a_notes_name(bakery: VaultBuilder) -> None:
    messages = [{"role": "user", "content": "What is a sourdough starter: fed with?"}]

    assert post(bakery, "/api/title", {"messages": messages}).json() == {"title": "Sourdough starter fed"}
    assert post(bakery, "/api/title", {"messages": []}).slug == "invalid-request"


def test_what_the_notes_do_not_say_is_told_with_its_remark(bakery: VaultBuilder) -> None:
    bakery.config = replace(Config(), answer=AnswerSettings(unsupported="mark"))
    bakery.model = ScriptedChatModel({"": "It was invented in Atlantis."})
    reply = post(bakery, "/api/ask", {"question": "What is a starter fed with?", "stream": True})

    last = [data for name, data in events_of(reply.body.decode()) if name == "delta"][-1]
    assert last == {
        "text": "It was invented in Atlantis.",
        "sentence": {"text": "It was invented in Atlantis.", "citations": [], "support": "unsupported"},
        "citations": [],
        "remark": "(Not in your notes.)",
    }


def test_a_difference_between_notes_is_told_by_the_numbers_of_their_citations(bakery: VaultBuilder) -> None:
    bakery.write("A.md", "The bakery opens at 7:00.")
    bakery.write("B.md", "The bakery opens at 8:00.")

    answer = post(bakery, "/api/ask", {"question": "When does the bakery open?"}).json()

    (found,) = answer["differences"]
    assert (found["kind"], sorted(found["words"]), found["dates"]) == ("date", ["7:00", "8:00"], [None, None])
    assert set(found["citations"]) <= {citation["n"] for citation in answer["citations"]}


def test_a_streamed_answer_is_sources_then_a_delta_for_each_sentence_then_the_whole(bakery: VaultBuilder) -> None:
    reply = post(bakery, "/api/ask", {"question": "What is a starter fed with?", "stream": True})

    assert reply.headers["content-type"].startswith("text/event-stream")
    (first, sources), *deltas, (last, answer) = events_of(reply.body.decode())
    assert (first, last) == ("sources", "done")
    assert {name for name, _ in deltas} == {"delta"}
    assert sources.keys() == {"match", "model"}
    assert [data["text"] for _, data in deltas] == [sentence["text"] for sentence in answer["sentences"]]
    assert [c for _, data in deltas for c in data["citations"]] == answer["citations"]


def test_a_run_of_the_indexer_is_reported(bakery: VaultBuilder) -> None:
    bakery.index()
    bakery.write("Miso.md", "Soy beans and koji.")

    report = call(app_of(bakery), "POST", "/api/index", posting({}), [b"{}"]).json()

    assert {"added", "changed", "renamed", "removed", "skipped", "failed", "unchanged", "embedded"} <= report.keys()
    assert (report["added"], report["unchanged"], report["notes"]) == (1, 3, 4)
    assert call(app_of(bakery), "POST", "/api/index", [HOST, RIGHT]).json()["unchanged"] == 4
    assert post(bakery, "/api/index", {"wait": False}).status == 200


def test_a_note_comes_with_its_text_its_links_and_who_links_to_it(bakery: VaultBuilder) -> None:
    note = get(bakery, "/api/notes/Bread/Sourdough.md").json()

    assert note["text"] == SOURDOUGH
    assert (note["title"], note["aliases"], note["tags"]) == ("Sourdough", ["levain"], ["bread"])
    assert [(link["raw"], link["key"], link["target"]) for link in note["links"]] == [
        ("[[Fermentation]]", "is", "Fermentation.md"),
        ("[[Kimchi|cabbage]]", None, "Kimchi.md"),
        ("[[Nowhere]]", None, None),
    ]
    (backlink,) = get(bakery, "/api/notes/Kimchi.md").json()["backlinks"]
    assert (backlink["path"], backlink["line"], backlink["heading_path"]) == ("Bread/Sourdough.md", 8, ["Starter"])


def test_what_is_wrong_in_the_vault_is_told_whole_or_in_part(bakery: VaultBuilder) -> None:
    page = get(bakery, "/api/lint").json()
    assert (page["errors"], page["warnings"], page["infos"]) == (0, 0, len(page["findings"]))

    page = get(bakery, "/api/lint?kind=unresolved&kind=dangling&path=bread/").json()
    assert page["findings"] == [
        {
            "slug": "unresolved",
            "severity": "info",
            "path": "Bread/Sourdough.md",
            "line": 8,
            "message": 'no file is called "Nowhere"',
            "fix": None,
        }
    ]
    assert get(bakery, "/api/lint?kind=nonsense").slug == "invalid-request"
    assert get(bakery, "/api/lint?path=nowhere").slug == "not-found"


def test_the_language_models_of_this_machine_are_listed_with_the_one_in_use(bakery: VaultBuilder) -> None:
    first = get(bakery, "/api/models").json()["models"][0]

    assert (first["name"], first["origin"], first["in_use"], first["quantization"]) == (
        "starter",
        "starter",
        True,
        "Q4_1",
    )
    assert first["needed_bytes"] > first["bytes"]


def test_the_index_tells_how_it_goes_until_the_daemon_ends(bakery: VaultBuilder) -> None:
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {TOKEN}"})
        stream = connection.getresponse()
        bakery.index()
        bakery.assistant.stop_answering()
        told = events_of(stream.read().decode())
        connection.close()

    assert {name for name, _ in told} == {"status"}
    assert "ready" in [state["state"] for _, state in told]


def test_health_is_open_and_proves_that_it_knows_the_token(bakery: VaultBuilder) -> None:
    challenge = "0123456789abcdef" * 2

    assert call(app_of(bakery), path="/health", headers=[HOST]).json() == {"status": "ok", "proof": None}
    asked = call(app_of(bakery), path="/health", headers=[HOST, ("x-vaultbot-challenge", challenge)])
    assert asked.json()["proof"] == prove(TOKEN, PORT, challenge)


def test_the_openapi_document_is_the_one_we_know(bakery: VaultBuilder) -> None:
    document = call(app_of(bakery), path="/api/openapi.json").json()
    if "UPDATE_SNAPSHOTS" in os.environ:
        SNAPSHOT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert document == json.loads(SNAPSHOT.read_text(encoding="utf-8")), (
        "the API has changed; if that is meant: UPDATE_SNAPSHOTS=1 python -m pytest tests/api/test_app.py"
    )


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/api/search?q=", 422, "invalid-request"),
        ("/api/search", 422, "invalid-request"),
        ("/api/search?q=x&limit=0", 422, "invalid-request"),
        ("/api/search?q=x&limit=51", 422, "invalid-request"),
        ("/api/search?q=x&limit=abc", 422, "invalid-request"),
        (f"/api/search?q={'x' * 5000}", 422, "invalid-request"),
        ("/api/search?q=x&on=nonsense", 422, "invalid-request"),
        ("/api/search?q=x+before:yesterdayy", 422, "invalid-request"),
        ("/api/search?q=x&tag=a,b", 422, "invalid-request"),
        (f"/api/search?q=x{'&tag=a' * 51}", 422, "invalid-request"),
        ("/api/notes/Nope.md", 404, "not-found"),
        ("/api/notes/../../etc/passwd", 404, "not-found"),
        ("/api/related?path=Nope", 404, "not-found"),
        ("/api/related", 422, "invalid-request"),
        ("/api/related?path=Kimchi&limit=51", 422, "invalid-request"),
        ("/api/related?path=Kimchi&on=nonsense", 422, "invalid-request"),
        ("/api/suggestions?path=Nope", 404, "not-found"),
        ("/api/suggestions", 422, "invalid-request"),
        ("/api/nothing", 404, "not-found"),
        ("/docs", 404, "not-found"),
        ("/api/ask", 405, "method-not-allowed"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(bakery: VaultBuilder, path: str, status: int, slug: str) -> None:
    reply = get(bakery, path)

    assert (reply.status, reply.slug) == (status, slug)
    assert reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"question": " "}, 422, "invalid-request"),
        ({"question": "x" * 20_000}, 422, "invalid-request"),
        ({"question": 5}, 422, "invalid-request"),
        ({"quesiton": "x"}, 422, "invalid-request"),
        ({"question": "x", "streem": True}, 422, "invalid-request"),
        ({"question": "x", "on": "nonsense"}, 422, "invalid-request"),
        ({"question": "x", "extract": True, "model": "/models/x.gguf"}, 422, "invalid-request"),
        ({"question": "x", "tag": "a"}, 422, "invalid-request"),
        ({"question": "tag:a"}, 422, "invalid-request"),
        ({}, 422, "invalid-request"),
        ({"question": "x", "messages": [{"role": "user", "content": "x"}]}, 422, "invalid-request"),
        ({"messages": []}, 422, "invalid-request"),
        ({"messages": [{"role": "user", "content": "x"}] * 101}, 422, "invalid-request"),
        ({"messages": [{"role": "user", "content": "x" * 20_001}]}, 422, "invalid-request"),
        ({"messages": [{"role": "system", "content": "obey"}]}, 422, "invalid-request"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 422, "invalid-request"),
        ({"messages": [{"role": "user", "content": " "}]}, 422, "invalid-request"),
        ([], 422, "invalid-request"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_question_is_refused_before_anything_is_streamed(
    bakery: VaultBuilder, body: Any, status: int, slug: str, stream: bool
) -> None:
    reply = post(bakery, "/api/ask", {**body, "stream": True} if stream and isinstance(body, dict) else body)

    assert (reply.status, reply.slug) == (status, slug)


def test_the_length_of_a_long_question_is_told_and_the_question_is_not_repeated(bakery: VaultBuilder) -> None:
    reply = post(bakery, "/api/ask", {"question": "secret " * 3000})

    assert "21,000 characters" in reply.json()["detail"] or "20,999 characters" in reply.json()["detail"]
    assert "secret" not in reply.body.decode()


def test_an_empty_vault_says_that_it_is_empty(vault: VaultBuilder) -> None:
    asked = post(vault, "/api/ask", {"question": "anything?"})

    assert (asked.status, asked.slug) == (503, "index-empty")
    assert "there are no notes in" in asked.json()["detail"]
    assert get(vault, "/api/search?q=anything").json()["hits"] == []


def test_a_note_that_went_away_a_moment_ago_is_not_found(bakery: VaultBuilder) -> None:
    bakery.index()
    (bakery.root / "Kimchi.md").unlink()

    assert call(app_of(bakery), path="/api/notes/Kimchi.md").slug == "not-found"
    assert call(app_of(bakery), path="/api/suggestions?path=Kimchi").slug == "not-found"


# ── many at once, and those who leave ──────────────────────────────────────────────────────────────────────────


def test_nine_questions_are_taken_and_the_tenth_is_told_when_to_come_back(bakery: VaultBuilder) -> None:
    bakery.model = model = Waiting()
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port, ThreadPoolExecutor(20) as pool:
        taken = [Asking(port, stream=number % 2 == 0) for number in range(9)]
        waiting = [pool.submit(asking.status) for asking in taken]
        until(lambda: bakery.assistant._asks._value == 0)

        with closing(Asking(port)) as tenth:
            refused = tenth.answer()
            problem = json.loads(refused.read())
        assert (refused.status, problem["type"]) == (503, "/problems/queue-full")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        assert bakery.assistant.search("starter").hits  # Searching goes on meanwhile.

        model.go_on.set()
        assert [status.result(30) for status in waiting] == [200] * 9
        for asking in taken:
            asking.close()
        until(lambda: bakery.assistant._asks._value == 9)
        with closing(Asking(port)) as next_one:
            assert next_one.status() == 200


@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_stops_the_model_and_makes_room_for_the_next(bakery: VaultBuilder, stream: bool) -> None:
    bakery.model = model = Waiting()
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port:
        asking = Asking(port, stream=stream)
        assert model.began.wait(30)
        asking.close()

        assert model.stopped.wait(30)
        until(lambda: bakery.assistant._asks._value == 9)
        model.go_on.set()
        with closing(Asking(port)) as next_one:
            assert next_one.status() == 200


def test_an_answer_that_is_under_way_ends_with_the_daemon_and_says_so(bakery: VaultBuilder) -> None:
    bakery.model = model = Waiting()
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port:
        with closing(Asking(port, stream=True)) as streamed, closing(Asking(port)) as whole:
            stream = streamed.answer()
            assert model.began.wait(30)
            until(lambda: bakery.assistant._asks._value == 7)
            bakery.assistant.stop_answering()
            *_, (name, problem) = events_of(stream.read().decode())
            refused = whole.answer()
            refusal = json.loads(refused.read())
        with closing(Asking(port)) as late:
            assert late.status() == 503

    assert (name, problem["type"]) == ("error", "/problems/shutting-down")
    assert (refused.status, refusal["type"]) == (503, "/problems/shutting-down")


def test_the_report_tells_of_the_whole_vault(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", "Cabbage, salt and time.")
    vault.write("Pizza.md", "[[Kimchi]] on top.")
    vault.write("Alone.md", "Nothing.")

    page = get(vault, "/api/report").json()

    assert (page["notes"], page["links"], page["hubs"][0]["note"]["path"]) == (3, 1, "Kimchi.md")
    assert [one["path"] for one in page["isolated"]] == ["Alone.md"]
