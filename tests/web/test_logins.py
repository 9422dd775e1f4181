"""Codes and pages' tokens, with a clock in hand."""

from __future__ import annotations

import pytest

from tests.fakes import Clock
from vaultbot.errors import CodeRefused, RateLimited
from vaultbot.web.logins import CODE_SECONDS, Logins


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins(clock: Clock) -> Logins:
    return Logins(clock=clock)


def reads(logins: Logins, token: str) -> bool:
    return logins.admits(token, "GET", "/api/status")


def test_a_code_lets_one_page_in_and_no_two_are_alike(logins: Logins) -> None:
    codes = [logins.make_code() for _ in range(3)]
    tokens = [logins.change(code) for code in codes]

    assert len({*codes, *tokens}) == 6
    assert all(len(one) == 43 for one in (*codes, *tokens))
    assert all(reads(logins, token) for token in tokens)
    assert not reads(logins, "")
    assert not reads(logins, codes[0])


def test_a_code_is_good_for_a_minute(logins: Logins, clock: Clock) -> None:
    early, late = logins.make_code(), logins.make_code()
    clock.now += CODE_SECONDS - 0.01
    assert reads(logins, logins.change(early))

    clock.now += 0.01
    with pytest.raises(CodeRefused, match=r"older than a minute; run: vaultbot open"):
        logins.change(late)


def test_a_code_that_comes_twice_shuts_out_the_page_that_it_let_in(logins: Logins) -> None:
    other = logins.change(logins.make_code())
    code = logins.make_code()
    token = logins.change(code)

    with pytest.raises(CodeRefused, match="used twice"):
        logins.change(code)

    assert not reads(logins, token)
    assert reads(logins, other)


def test_whoever_guesses_is_slowed_down_and_the_right_code_is_let_through(logins: Logins, clock: Clock) -> None:
    code = logins.make_code()
    for number in range(10):
        with pytest.raises(CodeRefused):
            logins.change(f"wrong {number}")
    clock.now += 10
    with pytest.raises(RateLimited) as refused:
        logins.change("wrong")

    assert refused.value.retry_after_s == 50
    assert reads(logins, logins.change(code))
    clock.now += 50
    with pytest.raises(CodeRefused):
        logins.change("wrong")


def test_sixteen_codes_wait_and_thirty_two_pages_are_in_and_the_oldest_give_way(logins: Logins) -> None:
    codes = [logins.make_code() for _ in range(17)]
    with pytest.raises(CodeRefused):
        logins.change(codes[0])
    first = logins.change(codes[1])
    assert reads(logins, first)

    for _ in range(32):
        last = logins.change(logins.make_code())

    assert not reads(logins, first)
    assert reads(logins, last)


@pytest.mark.parametrize(
    ("method", "path", "may"),
    [
        ("GET", "/api/status", True),
        ("GET", "/api/events", True),
        ("GET", "/api/notes/Kimchi.md", True),
        ("POST", "/api/ask", True),
        ("POST", "/api/index", True),
        ("POST", "/api/notes", False),
        ("POST", "/api/suggestions/apply", False),
        ("POST", "/api/undo", False),
        ("POST", "/api/codes", False),
        ("DELETE", "/api/status", False),
        ("POST", "/v1/chat/completions", False),
        ("GET", "/v1/models", False),
        ("POST", "/mcp", False),
    ],
)
def test_a_page_reads_and_asks_and_cannot_write(logins: Logins, method: str, path: str, may: bool) -> None:
    token = logins.change(logins.make_code())

    assert logins.admits(token, method, path) is may


@pytest.mark.parametrize("code", ["", "x" * 200, "\ud800", "é", "\x00"])
def test_a_code_of_any_shape_is_refused(logins: Logins, code: str) -> None:
    with pytest.raises(CodeRefused):
        logins.change(code)
