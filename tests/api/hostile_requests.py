"""What no honest client sends: the names, pages, tokens and paths of the request table (docs/api.md, SECURITY.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from fastapi.routing import APIRouter
from starlette.routing import BaseRoute, Mount, Route

from tests.api.wire import PORT, TOKEN

#: Host headers of one request. All lead to this machine, or look like it, and none is its name with the port.
HOSTS: list[list[str]] = [
    [],
    [f"127.0.0.1:{PORT}", f"127.0.0.1:{PORT}"],
    [f"127.0.0.1:{PORT}", "evil.test"],
    [""],
    [f"evil.test:{PORT}"],
    ["127.0.0.1"],
    ["localhost"],
    ["127.0.0.1:1"],
    [f"127.0.0.1:{PORT}0"],
    [f"127.0.0.1.evil.test:{PORT}"],
    [f"evil@127.0.0.1:{PORT}"],
    [f"localhost.:{PORT}"],
    [f"0.0.0.0:{PORT}"],
    [f"[::]:{PORT}"],
    [f"[::ffff:127.0.0.1]:{PORT}"],
    [f"2130706433:{PORT}"],
    [f"0177.0.0.1:{PORT}"],
    [f"0x7f.1:{PORT}"],
    [f"127.1:{PORT}"],
    ["a" * 300 + f":{PORT}"],
    [f" 127.0.0.1:{PORT}"],
    [f"127.0.0.1:{PORT}\t"],
    [f"127.0.0.1:{PORT}, evil.test"],
    [f"lócalhost:{PORT}"],
]

#: Origin headers. None is exactly one of those that are let in.
ORIGINS = [
    "null",
    "*",
    "",
    "file://",
    "https://evil.test",
    "http://127.0.0.1.evil.test",
    "http://127.0.0.1",
    "http://127.0.0.1:3000",
    "http://localhost",
    "https://localhost",
    "http://localhost:3000",
    f"https://localhost:{PORT}",
    f"HTTP://LOCALHOST:{PORT} ",
    f"http://LOCALHOST:{PORT}",
    f"http://localhost:{PORT}/",
    f"http://evil@localhost:{PORT}",
    f"http://0.0.0.0:{PORT}",
    "app://obsidian.md.evil",
    "app://obsidian",
    "capacitor://localhost.evil",
    f"http://localhost:{PORT} https://evil.test",
]

#: Authorization headers of one request. None is the token, once, as a bearer's.
TOKENS: list[list[str]] = [
    [],
    [""],
    ["Bearer"],
    ["Bearer "],
    [TOKEN],
    [f"Basic {TOKEN}"],
    [f"Token {TOKEN}"],
    [f"Bearer {TOKEN[:-1]}"],
    [f"Bearer {TOKEN}x"],
    [f"Bearer {TOKEN * 100}"],
    [f"Bearer  {TOKEN}"],
    [f"Bearer {TOKEN} "],
    [f"Bearer {TOKEN.lower()}"],
    ["Bearer schlüssel"],
    ["Bearer \x00\xff"],
    ["Bearer lm-studio"],
    [f"Bearer {TOKEN}", f"Bearer {TOKEN}"],
    [f"Bearer {TOKEN}", "Bearer other"],
    [f"Bearer {TOKEN}, Bearer other"],
]

#: How a text outside the vault could be named from within, where "{}" stands for "up to it" and its name. In an address
#: they are sent as they stand here, "%" and all; elsewhere as text.
_UP: tuple[str, ...] = (
    "../",
    "..%2F",
    "..%2f",
    "%2e%2e/",
    "%2E%2E%2F",
    ".%2e/",
    "%2e./",
    "..%252F",
    "%252e%252e%252f",
    "..%c0%af",
)
_UP += ("%c0%ae%c0%ae/", "..%5C", "..\\", "..\\/", "....//", "..;/", "..%00/", "..%0d/", "﹒﹒/", "．．／", "‥/", "..∕")
_UP += ("..⁄", "%uff0e%uff0e/", "..//", "./../", "a/../../", "Note.md/../../", "Note.md#/../../", "[[../", "~/../")
_DEEP = ("../", "..%2F", "%2e%2e%2f", "..%252F", "..\\", "..%5c", "....//", "..%c0%af")
TRAVERSALS = [
    *(up + "{}" for up in _UP),
    *(up * 20 + "etc/passwd" for up in _DEEP),
    "/{}", "//{}", "///etc/passwd", "/etc/passwd", "%2Fetc%2Fpasswd", "%252fetc%252fpasswd", "file:///etc/passwd",
    "file://localhost/etc/passwd", "//host/share/{}", "\\\\host\\share\\{}", "\\\\?\\C:\\Windows\\win.ini",
    "C:\\Windows\\win.ini", "C:/Windows/win.ini", "C:{}", "~/.ssh/id_rsa", "~root/.bashrc", "$HOME/.bashrc",
    "%HOME%/.bashrc", "a/\x00", "{}\x00.md", "../{}%00.md", "CON.md", "NUL", "COM1.md", "x.md::$DATA", "../{}::$DATA",
    ".obsidian/app.json", ".obsidian/../../{}", "link/{}", "link.md", "hard/../../{}", "/proc/self/environ",
    "/proc/self/cwd/{}", "../{}.", "../{} ", "../{}/.", "..", ".", "/", "", "\n../{}", "vaultbot://note/../{}",
]  # fmt: skip


def routes_of(app: Any, under: str = "") -> Iterator[tuple[str, str]]:
    """Every (method, path) that the app answers to, mounted apps included. Raises TypeError for an unknown kind."""
    for route in app.routes:
        yield from _of_route(route, under)


def _of_route(route: BaseRoute | APIRouter, under: str) -> Iterator[tuple[str, str]]:
    if isinstance(route, Mount):
        # What lies below is all that could be asked for there: an app without routes has any.
        yield ("GET", f"{under}{route.path}/anything")
        yield from routes_of(route, f"{under}{route.path}") if route.routes else ()
    elif isinstance(route, Route):
        for method in route.methods or {"GET"}:
            yield method, under + route.path.replace(":path}", "}")
    elif (router := getattr(route, "original_router", None)) is not None:
        yield from routes_of(router, under)
    else:
        raise TypeError(f"a route of a kind that the request table does not know: {route!r}")


def in_address(text: str) -> str:
    """A traversal as a client that wants to get it through would put it into an address."""
    return "".join(letter if letter in "%/.\\;:~$[]#" else quote(letter) for letter in text)
