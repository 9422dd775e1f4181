"""Who may speak to the daemon: the names it answers to, and the pages whose scripts may read its answers.

Every comparison is with a whole string from a list. A web page can point a name of its own at this machine
(DNS rebinding) and can send requests without asking, so both headers are read on every request, whatever its
method.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from starlette.datastructures import Headers

from vaultbot.api.problems import Refused
from vaultbot.errors import ConfigError

METHODS = "GET, POST, DELETE"

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Obsidian on a computer and on a phone. Every plugin shares them, so they are no right: the token is.
_OBSIDIAN = ("app://obsidian.md", "capacitor://localhost")
_USUAL_HEADERS = "authorization, content-type, x-vaultbot-challenge"
# A header's name as HTTP defines it, without "*": sent back, that would allow every name.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}")


def allowed_hosts(port: int) -> frozenset[str]:
    """The Host headers that the daemon answers to."""
    return frozenset(f"{name}:{port}" for name in _LOOPBACK)


def allowed_origins(port: int, extra: Sequence[str] = ()) -> frozenset[str]:
    """The origins whose pages may read answers: the daemon's own, Obsidian's and the user's."""
    return frozenset((*(f"http://{name}:{port}" for name in _LOOPBACK), *_OBSIDIAN, *extra))


def exact_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """The user's own origins, if each names one scheme and host.

    Raises ConfigError for "*", "null" and whatever else is not the whole name of one page's host.
    """
    for origin in origins:
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/*?#@]+", origin):
            raise ConfigError(
                f'[server] allowed_origins: "{origin}" is not one origin; '
                "write it as the browser sends it, like http://localhost:3000"
            )
    return tuple(origins)


def check_host(headers: Headers, port: int) -> None:
    """Refuse a request that was meant for another name than this machine's own."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or hosts[0].lower() not in allowed_hosts(port):
        raise Refused(
            421,
            "host-not-allowed",
            "This address is not served",
            f"Use http://127.0.0.1:{port} or http://localhost:{port}.",
        )


def page_origin(headers: Headers, allowed: Collection[str]) -> str | None:
    """The origin of the asking page if it may read the answer; None for a foreign page and for no page at
    all."""
    sent = headers.getlist("origin")
    return sent[0] if len(sent) == 1 and sent[0] in allowed else None


def check_page(headers: Headers, origin: str | None, *, is_open: bool) -> None:
    """Refuse what a foreign page sent, also when the browser kept the page's origin to itself.

    `origin` is the page's as `page_origin` tells it. An `is_open` path has nothing to protect: there a
    missing Origin is enough.
    """
    if "origin" in headers:
        foreign = origin is None
    else:
        # Browsers leave Origin out for images, scripts and navigation, but say what kind of page asks.
        sites = {site.strip().lower() for site in headers.getlist("sec-fetch-site")}
        foreign = not is_open and not sites <= {"same-origin", "none"}
    if foreign:
        raise Refused(
            403,
            "origin-not-allowed",
            "This page may not use vaultbot",
            "If the page is yours, add its exact origin to allowed_origins under [server] in the settings.",
        )


def cors_headers(origin: str) -> dict[str, str]:
    """What lets the page at `origin` read an answer, be it an error or a stream."""
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "x-request-id, retry-after",
    }


def preflight_headers(headers: Headers) -> dict[str, str]:
    """The answer to a browser that asks before it sends.

    The header names it asks for are sent back, for clients built on OpenAI's library bring a dozen of their
    own. When one of them cannot be a name, only those are allowed that vaultbot itself needs.
    """
    asked = [
        name.strip()
        for line in headers.getlist("access-control-request-headers")
        for name in line.split(",")
        if name.strip()
    ]
    valid = len(asked) <= 64 and all(_HEADER_NAME.fullmatch(name) for name in asked)
    answer = {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": ", ".join(asked) if asked and valid else _USUAL_HEADERS,
        "access-control-max-age": "600",
        "vary": "Access-Control-Request-Headers",
    }
    if headers.get("access-control-request-private-network") == "true":
        answer["access-control-allow-private-network"] = "true"
    return answer
