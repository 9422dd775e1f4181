"""The form in which a failure is told: a problem document, or what clients of OpenAI's or Ollama's API can read.

A path belongs to one of them. Whoever refuses, the guard or a route, answers in the form of the path that was asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from vaultbot.api.problems import problem_of
from vaultbot.errors import InvalidRequest

Dialect = Literal["problem", "openai", "ollama"]

#: The routes that speak as Ollama does, where the settings allow it.
OLLAMA_PATHS = frozenset(
    f"/api/{name}" for name in ("chat", "generate", "tags", "show", "embed", "embeddings", "version", "ps")
)

#: OpenAI's own words where it has some, for clients that react to them.
_CODES = {"token-required": "invalid_api_key", "rate-limited": "rate_limit_exceeded"}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class CannotDo(InvalidRequest):
    """A chat client asks for what vaultbot does not do. `param` is the field, `code` a word for programs."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str = "invalid_request", told_status: int = 400
    ) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.told_status = told_status


def model_not_found(known: Sequence[str]) -> CannotDo:
    """There is no model of that name."""
    message = f"There is no such model; choose one of: {', '.join(known)}."
    return CannotDo(message, param="model", code="model_not_found", told_status=404)


def dialect_of(path: str) -> Dialect:
    """What a client that asks for this path speaks."""
    path = "/" + path.lstrip("/")
    if path == "/v1" or path.startswith("/v1/"):
        return "openai"
    return "ollama" if path in OLLAMA_PATHS else "problem"


def openai_error(document: Mapping[str, Any], error: Exception | None = None) -> dict[str, object]:
    """A problem as OpenAI tells it. `error` is what caused it, where that is known."""
    status, slug = int(document["status"]), str(document["type"]).rpartition("/")[2]
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code, param = _CODES.get(slug, slug.replace("-", "_")), None
    if isinstance(error, CannotDo):
        code, param = error.code, error.param
    message = str(document["detail"])
    if status == 404 and error is None:
        message = "There is no such route. The address to enter ends in /v1, and nothing behind it."
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def ollama_error(document: Mapping[str, Any]) -> dict[str, object]:
    """A problem as Ollama tells it."""
    # Where these routes are served they need no token, so whoever reads this has not been let in on purpose.
    hint = " Clients of Ollama need [server] ollama_compat = true." if document["status"] == 401 else ""
    return {"error": f"{document['detail']}{hint}"}


def told(
    document: Mapping[str, Any], path: str, error: Exception | None = None
) -> tuple[int, dict[str, object]] | None:
    """The problem's status and JSON for whoever asked for this path; None where it is told as it is."""
    dialect, status = dialect_of(path), int(document["status"])
    if dialect == "problem":
        return None
    told_status = 400 if status == 422 else status  # Both APIs call a request that makes no sense 400.
    if isinstance(error, CannotDo):
        told_status = error.told_status
    shape = openai_error({**document, "status": told_status}, error) if dialect == "openai" else ollama_error(document)
    return told_status, shape


def failure(error: Exception, instance: str, dialect: Dialect) -> dict[str, object]:
    """An error within a stream, which has its status already."""
    document = problem_of(error, instance)
    return ollama_error(document) if dialect == "ollama" else openai_error(document, error)


def json_bytes(data: object) -> bytes:
    """JSON on one line."""
    # File names may hold half of a surrogate pair, which UTF-8 has no bytes for.
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")
