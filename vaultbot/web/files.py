"""The page's own files: a closed list, read once. They hold no data, so everybody may have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

#: What a browser lets the page do: its own scripts and styles, and nothing from anywhere else.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_FOLDERS = ("assets", "assets/vendor")


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page."""

    content: bytes
    media_type: str


def page_files() -> Mapping[str, PageFile]:
    """The files by the path that a browser asks for; "/" is the page itself."""
    here = files("vaultbot") / "web"
    found = {"/": _page_file((here / "index.html").read_bytes(), "index.html")}
    for folder in _FOLDERS:
        for file in sorted((here / folder).iterdir(), key=lambda one: one.name):
            if file.is_file() and file.name.rpartition(".")[2] in _TYPES:
                found[f"/{folder}/{file.name}"] = _page_file(file.read_bytes(), file.name)
    return found


def _page_file(content: bytes, name: str) -> PageFile:
    return PageFile(content, _TYPES[name.rpartition(".")[2]])
