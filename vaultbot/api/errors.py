"""Every failure of the app, answered as a problem document, or as clients of other APIs can read it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from vaultbot.api import dialects
from vaultbot.api.problems import problem, problem_of
from vaultbot.errors import InvalidRequest, QueueFull, VaultbotError

MEDIA_TYPE = "application/problem+json"
QUEUE_RETRY_SECONDS = 10

# For these Pydantic says what is allowed and never quotes what was sent; "value_error" is our validators' own
# words.
_NEVER_QUOTES = re.compile(
    r"missing|literal_error|enum|value_error|finite_number|int_from_float|\w+_type|(?:int|float|bool)_parsing"
    r"|(?:string_)?too_(?:short|long)|string_pattern_mismatch|(?:greater|less)_than(?:_equal)?"
)


def respond(
    document: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
    *,
    path: str = "",
    error: Exception | None = None,
) -> Response:
    """The problem as an answer with its status, in the form of the `path` that was asked for."""
    if (other := dialects.told(document, path, error)) is not None:
        return Response(dialects.json_bytes(other[1]), other[0], headers, "application/json")
    status = document["status"]
    assert isinstance(status, int)
    return Response(json.dumps(document), status, headers, MEDIA_TYPE)


def request_id(scope: Mapping[str, Any]) -> str:
    """The id the guard gave to the request; a new one where no guard stands in front."""
    return str(scope.get("state", {}).get("request_id") or uuid4().hex)


def install_error_handlers(app: FastAPI) -> None:
    """Make every failure of `app` a problem document."""

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        instance = request_id(request.scope)
        document = problem_of(InvalidRequest(_what_is_allowed(error.errors())), instance)
        return respond(document, path=request.scope["path"])

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        title = HTTPStatus(error.status_code).phrase
        slug = title.lower().replace(" ", "-")
        document = problem(error.status_code, slug, title, str(error.detail), request_id(request.scope))
        return respond(document, error.headers, path=request.scope["path"])

    @app.exception_handler(Exception)
    @app.exception_handler(VaultbotError)
    async def _failed(request: Request, error: Exception) -> Response:
        wait_s = QUEUE_RETRY_SECONDS if isinstance(error, QueueFull) else getattr(error, "wait_s", None)
        headers = None if wait_s is None else {"retry-after": str(wait_s)}
        document = problem_of(error, request_id(request.scope))
        return respond(document, headers, path=request.scope["path"], error=error)


def _what_is_allowed(errors: Sequence[Mapping[str, Any]]) -> str:
    """One line for each wrong field: its name and what it may be."""
    lines = []
    for error in errors:
        kind = error["type"]
        where, *field = map(str, error["loc"])
        message = error["msg"].removeprefix("Value error, ") if _NEVER_QUOTES.fullmatch(kind) else "Not valid"
        if kind == "json_invalid":
            field, message = [], "Not valid JSON"  # the "field" is an offset
        elif kind == "extra_forbidden":
            field, message = field[:-1], "A field is not known"  # its name is the caller's own word
        lines.append(f"{'.'.join(field) or where}: {message}")
    return "\n".join(dict.fromkeys(lines))
