"""How a browser gets the page, and the page its token: plain requests."""

from __future__ import annotations

import json

import pytest

from tests.api.test_app import app_of
from tests.api.test_ollama import app_of as app_with_ollama
from tests.api.wire import HOST, JSON, OBSIDIAN, PORT, RIGHT, Pairs, Reply, call
from tests.conftest import VaultBuilder
from vaultbot.api.guard import Guard
from vaultbot.web.files import page_files

PAGE = ("origin", f"http://127.0.0.1:{PORT}")
HTML = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
TRAVERSALS = [
    "/assets/../index.html", "/assets/..%2Findex.html", "/assets/%2e%2e/logins.py", "/assets/..%252flogins.py",
    "/assets/..\\logins.py", "/assets//etc/passwd", "/assets/vendor/../../logins.py", "/assets/main.js/",
    "/assets/main.js%00", "/assets/MAIN.JS", "/assets/", "/assets", "/assets/vendor", "/index.html", "//",
    "/assets/main.js::$DATA", "/assets/records.d.ts", "/assets/~/main.js", "/assets/C:\\main.js",
    "/assets/﹒﹒/logins.py",
]  # fmt: skip


@pytest.fixture
def app(vault: VaultBuilder) -> Guard:
    return app_of(vault)


def post(app: Guard, path: str, body: object, headers: Pairs) -> Reply:
    content = json.dumps(body).encode()
    return call(app, "POST", path, [*headers, JSON, ("content-length", str(len(content)))], [content])


def code_of(app: Guard) -> str:
    return str(post(app, "/api/codes", {}, [HOST, RIGHT]).json()["code"])


def bearer(token: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


# ── the files ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", sorted(page_files()))
def test_everybody_may_have_the_page_and_a_browser_lets_it_load_nothing_else(app: Guard, path: str) -> None:
    reply = call(app, path=path, headers=[HOST, HTML])

    assert reply.status == 200
    assert reply.body == page_files()[path].content
    assert reply.headers["content-type"] == page_files()[path].media_type
    assert reply.headers.getlist("content-security-policy") == [CSP]
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in reply.headers


def test_the_page_is_for_no_other_address_and_no_other_page(app: Guard) -> None:
    assert call(app, path="/", headers=[("host", "evil.test:8765"), HTML]).status == 421
    assert call(app, path="/", headers=[HOST, ("origin", "http://evil.test")]).slug == "origin-not-allowed"
    # A link on another page may lead to it: it holds nothing.
    assert call(app, path="/", headers=[HOST, HTML, ("sec-fetch-site", "cross-site")]).status == 200
    assert call(app, "HEAD", "/", headers=[HOST]).status == 200
    assert post(app, "/", {}, [HOST]).status == 401


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_other_file_can_be_had(app: Guard, path: str) -> None:
    assert call(app, path=path, headers=[HOST]).status == 401
    assert call(app, path=path, headers=[HOST, RIGHT]).status == 404


@pytest.mark.parametrize(
    ("accept", "page"),
    [(HTML[1], True), ("text/html", True), ("*/*", False), ("application/json", False), (None, False)],
)
def test_clients_of_ollama_find_the_words_they_look_for_and_browsers_the_page(
    vault: VaultBuilder, accept: str | None, page: bool
) -> None:
    headers = [HOST, *([("accept", accept)] if accept else [])]
    reply = call(app_with_ollama(vault), path="/", headers=headers)

    assert reply.status == 200
    assert (reply.body == b"Ollama is running") is not page
    assert reply.headers["content-type"].startswith("text/html" if page else "text/plain")
    assert "Accept" in reply.headers["vary"]


# ── the way in ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_is_changed_for_a_token_that_reads(app: Guard) -> None:
    made = post(app, "/api/codes", {}, [HOST, RIGHT]).json()
    assert made["expires_s"] == 60

    reply = post(app, "/api/sessions", {"code": made["code"]}, [HOST, PAGE])

    assert reply.status == 200
    token = bearer(reply.json()["token"])
    assert call(app, path="/api/status", headers=[HOST, token]).status == 200
    assert "set-cookie" not in reply.headers


def test_a_page_cannot_write_into_the_vault_nor_let_others_in(app: Guard, vault: VaultBuilder) -> None:
    token = bearer(post(app, "/api/sessions", {"code": code_of(app)}, [HOST, PAGE]).json()["token"])

    assert post(app, "/api/notes", {"path": "New.md", "text": "x"}, [HOST, PAGE, token]).status == 401
    assert post(app, "/api/codes", {}, [HOST, PAGE, token]).status == 401
    assert post(app, "/mcp", {}, [HOST, PAGE, token]).status == 401
    assert list(vault.root.iterdir()) == []


def test_a_code_needs_the_daemons_token(app: Guard) -> None:
    assert post(app, "/api/codes", {}, [HOST]).slug == "token-required"
    assert post(app, "/api/codes", {}, [HOST, PAGE]).slug == "token-required"


@pytest.mark.parametrize(
    ("origin", "slug"),
    [
        (OBSIDIAN, "code-refused"),
        (("origin", "capacitor://localhost"), "code-refused"),
        (("origin", f"http://localhost:{PORT}"), "code-refused"),
        (("origin", "null"), "origin-not-allowed"),
        (("origin", "http://evil.test"), "origin-not-allowed"),
        (("x-nothing", "-"), "code-refused"),
    ],
)
def test_a_code_works_for_the_page_alone_and_is_not_used_up_by_others(
    app: Guard, origin: tuple[str, str], slug: str
) -> None:
    code = code_of(app)

    assert post(app, "/api/sessions", {"code": code}, [HOST, origin]).slug == slug
    assert post(app, "/api/sessions", {"code": code}, [HOST, PAGE]).status == 200


def test_a_code_that_was_used_is_refused_and_its_page_with_it(app: Guard) -> None:
    code = code_of(app)
    token = bearer(post(app, "/api/sessions", {"code": code}, [HOST, PAGE]).json()["token"])

    again = post(app, "/api/sessions", {"code": code}, [HOST, PAGE])

    assert (again.status, again.slug) == (403, "code-refused")
    assert code not in again.body.decode()
    assert call(app, path="/api/status", headers=[HOST, token]).status == 401


def test_whoever_guesses_codes_is_told_to_wait(app: Guard) -> None:
    replies = [post(app, "/api/sessions", {"code": f"guess {number}"}, [HOST, PAGE]) for number in range(11)]

    assert [reply.status for reply in replies] == [403] * 10 + [429]
    assert replies[-1].slug == "rate-limited"
    assert 0 < int(replies[-1].headers["retry-after"]) <= 60


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": 1}, {"code": "x" * 201}, {"code": "x", "more": 1}, []])
def test_what_is_no_code_is_refused_and_never_repeated(app: Guard, body: object) -> None:
    reply = post(app, "/api/sessions", body, [HOST, PAGE])

    assert (reply.status, reply.slug) == (422, "invalid-request")
