from __future__ import annotations

import pytest

from tests.api.hostile_requests import TOKENS
from tests.api.wire import HOST, OBSIDIAN, PORT, RIGHT, TOKEN, Notebook, call
from tests.fakes import Clock
from vaultbot.api.guard import Guard
from vaultbot.runtime import is_challenge, prove


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_token_is_let_in(scheme: str) -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT)

    assert call(guard, headers=[HOST, ("authorization", f"{scheme} {TOKEN}")]).status == 200


@pytest.mark.parametrize("values", TOKENS)
def test_anything_but_one_right_token_is_refused(values: list[str]) -> None:
    notebook = Notebook()
    guard = Guard(notebook, token=TOKEN, port=PORT)

    reply = call(guard, headers=[HOST, OBSIDIAN, *(("authorization", value) for value in values)])

    assert (reply.status, reply.slug) == (401, "token-required")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["access-control-allow-origin"] == "app://obsidian.md"
    assert TOKEN.encode() not in reply.body
    assert notebook.asked == []


def test_a_token_in_the_address_or_a_cookie_is_none() -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT)

    assert call(guard, path=f"/api/status?token={TOKEN}", headers=[HOST]).status == 401
    assert call(guard, headers=[HOST, ("cookie", f"token={TOKEN}")]).status == 401


def test_health_needs_no_token_to_be_read_and_one_for_all_else() -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT)

    assert call(guard, "GET", "/health", [HOST]).status == 200
    assert call(guard, "POST", "/health", [HOST]).status == 401
    for path in ("/health/", "//health", "/Health", "/health/../api/status", "/api/health"):
        assert call(guard, "GET", path, [HOST]).status == 401, path


def test_after_ten_wrong_tokens_in_a_minute_only_the_right_one_is_looked_at() -> None:
    clock = Clock()
    guard = Guard(Notebook(), token=TOKEN, port=PORT, clock=clock)
    wrong = [HOST, ("authorization", "Bearer guess")]

    assert [call(guard, headers=wrong).status for _ in range(11)] == [401] * 10 + [429]
    clock.now += 18.5
    held = call(guard, headers=wrong)
    assert (held.status, held.slug, held.headers["retry-after"]) == (429, "rate-limited", "42")
    assert call(guard, headers=[HOST, RIGHT]).status == 200
    clock.now += 41.6
    assert call(guard, headers=wrong).status == 401


def test_right_tokens_are_not_counted() -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT, failures_per_minute=2)

    assert {call(guard).status for _ in range(20)} == {200}
    assert call(guard, headers=[HOST]).status == 401


def test_a_guard_without_a_token_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="token"):
        Guard(Notebook(), token="", port=PORT)


def test_a_proof_holds_for_one_token_one_port_and_one_challenge() -> None:
    challenge = "0123456789abcdef" * 2
    proof = prove(TOKEN, 8765, challenge)

    assert proof == prove(TOKEN, 8765, challenge)
    assert len(proof) == 64
    others = {prove("x", 8765, challenge), prove(TOKEN, 8766, challenge), prove(TOKEN, 8765, "f" * 32)}
    assert len(others | {proof}) == 4


def test_the_proof_is_what_a_client_in_another_language_computes() -> None:
    # printf 'vaultbot-v1:8765:00112233445566778899aabbccddeeff' | openssl dgst -sha256 -hmac secret
    expected = "74e004d75fefa9d5948c4dd23318df7788df0f24ff4fa45b5c799fff4c014c97"

    assert prove("secret", 8765, "00112233445566778899aabbccddeeff") == expected


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("0123456789abcdefABCDEF0123456789", True),
        ("", False),
        ("0" * 31, False),
        ("0" * 33, False),
        ("g" * 32, False),
        ("0" * 32 + "\n", False),
        ("٠" * 32, False),
    ],
)
def test_a_challenge_is_32_hexadecimal_digits(text: str, good: bool) -> None:
    assert is_challenge(text) is good
