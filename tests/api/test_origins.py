from __future__ import annotations

import pytest

from tests.api.hostile_requests import HOSTS, ORIGINS
from tests.api.wire import HOST, OBSIDIAN, PORT, RIGHT, Notebook, Pairs, call
from vaultbot.api.guard import Guard
from vaultbot.errors import ConfigError


def guard(*allowed_origins: str) -> Guard:
    return Guard(Notebook(), token=RIGHT[1].removeprefix("Bearer "), port=PORT, allowed_origins=allowed_origins)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "LOCALHOST:8765"])
def test_the_machines_own_names_are_served(host: str) -> None:
    assert call(guard(), headers=[("host", host), RIGHT]).status == 200


@pytest.mark.parametrize("hosts", HOSTS)
def test_a_name_that_only_leads_here_is_refused(hosts: list[str]) -> None:
    reply = call(guard(), headers=[*(("host", host) for host in hosts), RIGHT])

    assert (reply.status, reply.slug) == (421, "host-not-allowed")
    assert b"evil" not in reply.body


@pytest.mark.parametrize("name", ["x-forwarded-host", "forwarded", "x-original-host"])
def test_a_proxys_word_on_the_host_counts_for_nothing(name: str) -> None:
    assert call(guard(), headers=[("host", "evil.test"), (name, HOST[1]), RIGHT]).status == 421
    assert call(guard(), headers=[HOST, (name, "evil.test"), RIGHT]).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:8765",
        "http://localhost:8765",
        "http://[::1]:8765",
        "app://obsidian.md",
        "capacitor://localhost",
        "http://localhost:5173",
    ],
)
def test_a_page_on_the_list_may_read_the_answer(origin: str) -> None:
    reply = call(guard("http://localhost:5173"), headers=[HOST, RIGHT, ("origin", origin)])

    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["vary"] == "Origin"
    assert "x-request-id" in reply.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_any_other_page_is_refused_even_with_the_token(method: str, origin: str) -> None:
    notebook = Notebook()
    app = Guard(notebook, token=RIGHT[1].removeprefix("Bearer "), port=PORT)
    headers = [HOST, RIGHT, ("origin", origin), ("content-type", "text/plain")]

    reply = call(app, method, "/api/index", headers)

    assert (reply.status, reply.slug) == (403, "origin-not-allowed")
    assert "access-control-allow-origin" not in reply.headers
    assert notebook.asked == []


def test_two_origins_are_refused_though_one_is_allowed() -> None:
    reply = call(guard(), headers=[HOST, RIGHT, OBSIDIAN, ("origin", "https://evil.test")])

    assert reply.status == 403
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("origin", ["*", "null", "", "file:///", "http://*.test", "localhost:3000", "http://a/b"])
def test_the_settings_cannot_open_the_door_to_every_page(origin: str) -> None:
    with pytest.raises(ConfigError, match="allowed_origins"):
        guard(origin)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "surprise"])
def test_an_image_on_a_foreign_page_is_refused_though_it_has_no_origin(site: str) -> None:
    assert call(guard(), headers=[HOST, RIGHT, ("sec-fetch-site", site)]).status == 403
    assert call(guard(), path="/health", headers=[HOST, ("sec-fetch-site", site)]).status == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_daemons_own_page_and_the_address_bar_are_let_in(site: str) -> None:
    assert call(guard(), headers=[HOST, RIGHT, ("sec-fetch-site", site)]).status == 200


def test_obsidian_is_let_in_though_it_is_another_site() -> None:
    assert call(guard(), headers=[HOST, RIGHT, OBSIDIAN, ("sec-fetch-site", "cross-site")]).status == 200


def preflight(*extra: tuple[str, str], origin: str = "app://obsidian.md") -> Pairs:
    return [HOST, ("origin", origin), ("access-control-request-method", "POST"), *extra]


OPENAI_HEADERS = (
    "authorization,content-type,user-agent,x-stainless-arch,x-stainless-lang,x-stainless-os,"
    "x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version,"
    "x-stainless-timeout,openai-organization,http-referer,x-title,dangerously-allow-browser"
)


def test_a_preflight_needs_no_token_and_gets_back_every_header_it_asks_for() -> None:
    reply = call(guard(), "OPTIONS", "/api/ask", preflight(("access-control-request-headers", OPENAI_HEADERS)))

    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "app://obsidian.md"
    assert reply.headers["access-control-allow-headers"].split(", ") == OPENAI_HEADERS.split(",")
    assert reply.headers["access-control-allow-methods"] == "GET, POST, DELETE"
    assert reply.headers["access-control-max-age"] == "600"
    assert reply.headers["vary"] == "Access-Control-Request-Headers, Origin"
    assert "access-control-allow-private-network" not in reply.headers


@pytest.mark.parametrize("asked", ["*", "authorization, *", "a b", "x:y", "x-ü", "x\r\nset-cookie: a=b", "a" * 65])
def test_a_preflight_for_what_is_no_header_name_gets_the_usual_names(asked: str) -> None:
    reply = call(guard(), "OPTIONS", "/api/ask", preflight(("access-control-request-headers", asked)))

    assert reply.headers["access-control-allow-headers"] == "authorization, content-type, x-vaultbot-challenge"


def test_a_preflight_from_an_allowed_page_may_reach_the_private_network() -> None:
    ask = ("access-control-request-private-network", "true")

    allowed = call(guard(), "OPTIONS", "/api/ask", preflight(ask))
    foreign = call(guard(), "OPTIONS", "/api/ask", preflight(ask, origin="https://evil.test"))

    assert allowed.headers["access-control-allow-private-network"] == "true"
    assert foreign.status == 403
    assert "access-control-allow-private-network" not in foreign.headers


def test_options_from_no_page_needs_the_token() -> None:
    assert call(guard(), "OPTIONS", "/api/ask", [HOST]).status == 401
