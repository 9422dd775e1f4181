from __future__ import annotations

from typing import Annotated, Literal

import pytest
from fastapi import Body, FastAPI
from pydantic import BaseModel, ConfigDict, Field, field_validator

from tests.api.wire import HOST, JSON, PORT, RIGHT, TOKEN, Reply, call
from vaultbot.api.errors import install_error_handlers
from vaultbot.api.guard import Guard
from vaultbot.errors import DataDamaged, IndexEmpty, ModelMissing, NoteNotFound, QueueFull, VaultbotError


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: str = Field(max_length=20)
    limit: int = Field(default=8, ge=1, le=50)
    mode: Literal["quote", "model"] = "quote"
    folder: str = ""
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None

    @field_validator("folder")
    @classmethod
    def _relative(cls, folder: str) -> str:
        if folder.startswith("/"):
            raise ValueError("a folder is relative to the vault")
        return folder


def app_that_raises(error: Exception | None = None) -> FastAPI:
    app = FastAPI(openapi_url=None)
    install_error_handlers(app)

    @app.post("/api/ask")
    def ask(question: Annotated[Question, Body()]) -> str:
        if error:
            raise error
        return question.question

    @app.get("/api/search")
    def search(q: str, limit: int = 8) -> str:
        return q * limit

    return app


def ask(app: FastAPI, body: bytes = b'{"question": "Why?"}') -> Reply:
    return call(app, "POST", "/api/ask", [HOST, JSON, ("content-length", str(len(body)))], [body])


@pytest.mark.parametrize(
    ("error", "status", "slug", "title"),
    [
        (NoteNotFound("there is no note Bread.md"), 404, "not-found", "No such note"),
        (IndexEmpty("nothing is indexed; run: vaultbot index"), 503, "index-empty", "Nothing is indexed yet"),
        (ModelMissing("no file at model.gguf"), 503, "model-missing", "The model is missing"),
        (DataDamaged("catalog.db"), 500, "data-damaged", "vaultbot's own data is damaged"),
        (VaultbotError("a fact"), 500, "internal", "Something went wrong"),
    ],
)
def test_an_error_of_ours_says_what_happened_and_what_to_do(
    error: VaultbotError, status: int, slug: str, title: str
) -> None:
    reply = ask(app_that_raises(error))

    assert (reply.status, reply.slug) == (status, slug)
    assert reply.json()["title"] == title
    assert reply.json()["detail"] == str(error)
    assert set(reply.json()) == {"type", "title", "status", "detail", "instance"}


def test_a_full_queue_says_when_to_come_back() -> None:
    reply = ask(app_that_raises(QueueFull("8 questions are waiting")))

    assert (reply.status, reply.slug, reply.headers["retry-after"]) == (503, "queue-full", "10")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{}", "question: Field required"),
        (b'{"question": "Why?", "limit": 99999}', "limit: Input should be less than or equal to 50"),
        (
            b'{"question": "marker marker marker marker"}',
            "question: String should have at most 20 characters",
        ),
        (b'{"question": "Why?", "mode": "marker"}', "mode: Input should be 'quote' or 'model'"),
        (b'{"question": "Why?", "limit": "marker"}', "limit: Input should be a valid integer, "),
        (b'{"question": "Why?", "folder": "/marker"}', "folder: a folder is relative to the vault"),
        (b'{"question": "Why?", "marker": 1}', "body: A field is not known"),
        (b'{"question": "Why?", "pet": {"kind": "marker"}}', "pet: Not valid"),
        (b'{"question": marker}', "body: Not valid JSON"),
        (b'"marker"', "body: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_request_is_told_its_field_and_what_is_allowed_but_not_what_it_sent(body: bytes, detail: str) -> None:
    reply = ask(app_that_raises(), body)

    assert (reply.status, reply.slug) == (422, "invalid-request")
    assert detail in reply.json()["detail"]
    assert b"marker" not in reply.body
    assert b"99999" not in reply.body


def test_every_wrong_field_has_its_own_line() -> None:
    reply = call(app_that_raises(), path="/api/search?limit=many", headers=[HOST])

    assert [line.split(":")[0] for line in reply.json()["detail"].splitlines()] == ["q", "limit"]


def test_an_unknown_address_and_a_wrong_method_are_problems_too() -> None:
    nowhere = call(app_that_raises(), path="/nowhere", headers=[HOST])
    wrong = call(app_that_raises(), path="/api/ask", headers=[HOST])

    assert (nowhere.status, nowhere.slug) == (404, "not-found")
    assert (wrong.status, wrong.slug, wrong.headers["allow"]) == (405, "method-not-allowed", "POST")


def test_an_unforeseen_error_is_logged_by_its_place_and_not_by_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = Guard(app_that_raises(KeyError("my diary")), token=TOKEN, port=PORT)
    body = b'{"question": "Why?"}'
    reply = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, ("content-length", str(len(body)))], [body])

    assert (reply.status, reply.slug) == (500, "internal")
    assert reply.json()["instance"] == reply.headers["x-request-id"]
    assert caplog.text.count(f"{reply.headers['x-request-id']} failed: KeyError in ") == 1
    assert "test_errors.ask" in caplog.text
    assert "diary" not in reply.body.decode() + caplog.text
