"""The OpenAI-compatible API of a server: its errors in our words, and which models it has."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from vaultbot.adapters.server import Nonsense, Purpose, Refused, Server
from vaultbot.errors import ModelInvalid, ModelMissing, Unreachable, VaultbotError

EMBEDDING = Purpose(
    address="[embedding] base_url",
    allow="[embedding] allow_remote",
    key="[embedding] key_variable",
    sent="the text of your notes",
    fails="does not embed",
    again="in a minute",
    api="an OpenAI-compatible API",
    example="http://127.0.0.1:11434/v1",
)
ANSWERING = Purpose(
    address="[model] base_url",
    allow="[model] allow_remote",
    key="[model] key_variable",
    sent="your questions, with what your notes say to them,",
    fails="does not answer",
    again="at the next question",
    api="an OpenAI-compatible API",
    example="http://127.0.0.1:11434/v1",
)

_TOO_LONG = {400, 413, 422}
_LOOK_S = 2.5
_MOST_BYTES = 4 << 20
_MOST_NAMED = 12
_LONGEST_NAME = 200


class TooLong(ModelInvalid):
    """The server does not take what it was sent, most often because a text is too long for the model."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model as the server describes it; None where it does not tell."""

    name: str
    owner: str = ""  #: "vllm", "llamacpp", "library" (Ollama): which program serves it
    parameters: int | None = None  #: how many weights
    context_tokens: int | None = None  #: of one conversation


def post(server: Server, path: str, body: object, *, tries: int, timeout_s: float, limit: int) -> Any:
    """The JSON of the answer. Raises Unreachable, TookTooLong, TooLong, ModelMissing, ModelInvalid."""
    try:
        return server.ask("POST", path, body, tries=tries, timeout_s=timeout_s, limit=limit)
    except Refused as error:
        raise refusal(server, error) from None
    except Nonsense as error:
        raise ModelInvalid(str(error)) from None


def served_models(
    server: Server, *, timeout_s: float = _LOOK_S, cancel: threading.Event | None = None
) -> tuple[Served, ...]:
    """What it has, in its order; none where it does not tell. Raises Unreachable, ModelInvalid, Cancelled."""
    try:
        answer = server.ask("GET", "/models", tries=1, timeout_s=timeout_s, limit=_MOST_BYTES, cancel=cancel)
    except Refused as error:
        if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise refusal(server, error) from None
        return ()
    except Nonsense as error:
        raise ModelInvalid(str(error)) from None
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        return ()
    return tuple(_served(one) for one in data if isinstance(one, dict) and is_name(one.get("id")))


def is_name(name: object) -> bool:
    """Whether it may be shown as a model's name."""
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable()


def named(models: tuple[Served, ...]) -> str:
    """Their names, for people."""
    listed = ", ".join(one.name for one in models[:_MOST_NAMED])
    return listed + (f" and {len(models) - _MOST_NAMED} more" if len(models) > _MOST_NAMED else "")


def names_at(server: Server) -> str:
    """ "; it has: a, b", or "" when the server does not tell: it is asked for a moment alone."""
    try:
        models = served_models(server)
    except (Unreachable, ModelInvalid):
        return ""
    return f"; it has: {named(models)}" if models else ""


def refusal(server: Server, error: Refused) -> VaultbotError:
    """What a status means, for a request that names a model."""
    purpose = server.purpose
    model = purpose.address.replace("base_url", "remote_model")
    if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ModelInvalid(
            f"{error}: {purpose.key} must name the variable that holds a key for it, or key_keyring its entry in the "
            "keyring"
        )
    if error.code == HTTPStatus.NOT_FOUND:
        return ModelMissing(
            f"{error}: there is no such model or no such address; check {purpose.address}, which often ends in /v1, "
            f"and {model}, which the server must have (for Ollama: ollama pull){names_at(server)}"
        )
    if error.code in _TOO_LONG or error.too_long:
        return TooLong(f"{error} to a text; is {model} a model for embedding?")
    if 300 <= error.code < 400:
        return ModelInvalid(f"{error}, which is not followed; set {purpose.address} to the address it leads to")
    return ModelInvalid(f"{error}; is it the address of {purpose.api}, such as {purpose.example}?")


def _served(one: Mapping[str, Any]) -> Served:
    """By the fields of llama-server (`meta`), vLLM (`max_model_len`) and Xinference."""
    told = one.get("meta")
    meta: Mapping[str, Any] = told if isinstance(told, dict) else {}
    owner = one.get("owned_by")
    parameters = _whole(meta.get("n_params"), 10**15) or _billions(one.get("model_size_in_billions"))
    lengths = (meta.get("n_ctx"), one.get("max_model_len"), one.get("context_length"), meta.get("n_ctx_train"))
    return Served(
        name=one["id"],
        owner=owner if isinstance(owner, str) and is_name(owner) else "",
        parameters=parameters,
        context_tokens=next((n for length in lengths if (n := _whole(length, 10**9)) is not None), None),
    )


def _billions(told: object) -> int | None:
    """How many weights Xinference means: 7 by 7, and 0.5 billion by "0_5"."""
    if isinstance(told, str) and re.fullmatch(r"\d{1,4}(?:[._]\d{1,4})?", told):
        told = float(told.replace("_", "."))
    return round(told * 10**9) if isinstance(told, int | float) and 0 < told < 10**6 else None


def _whole(number: object, most: int) -> int | None:
    return number if isinstance(number, int) and 0 < number <= most else None
