"""A model hub on 127.0.0.1, as Hugging Face answers or as badly as a test wants."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WEB_PAGE = b"<!DOCTYPE html><html><body>Welcome to the hotel. Please log in.</body></html>"


@dataclass
class ModelHub:
    """What it has, how it misbehaves, and what it was asked."""

    content: bytes = b""
    announced_size: str | None = None
    announced_sha256: str | None = None
    says_nothing: bool = False  #: neither size nor SHA-256 of its own
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)  #: one to a request, before all else
    cuts_after: int | None = None  #: bytes, of every answer
    ignores_range: bool = False
    wrong_range: bool = False
    length: str | None = None  #: in the header of an answer
    redirect: str | None = None  #: where a GET is sent; {} stands for its own path
    page: bool = False  #: a web page, whatever is asked
    stalls: bool = False  #: after the first bytes
    leave: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ranges(self) -> list[str | None]:
        """Of the requests for bytes."""
        return [wanted for method, _, wanted in self.asked if method == "GET"]


@contextmanager
def model_hub(content: bytes) -> Iterator[ModelHub]:
    """Runs while the block does."""
    state = ModelHub(content)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            state.asked.append((self.command, self.path, self.headers.get("Range")))
            if state.refusals:
                status, headers = state.refusals.pop(0)
                return self._begin(status, {"Content-Length": "0", **headers})
            if self.command == "HEAD" and self.path.startswith("/cdn"):
                return self._begin(403, {"Content-Length": "0"})  # Such an address is signed for a GET.
            if state.page:
                self._begin(200, {"Content-Type": "text/html", "Content-Length": str(len(WEB_PAGE))})
                return self._send(WEB_PAGE)
            if state.redirect is not None and not self.path.startswith("/cdn"):
                return self._begin(302, {**self._facts(), "Location": state.redirect.format(self.path)})
            return self._file()

        def _facts(self) -> dict[str, str]:
            if state.says_nothing:
                return {}
            sha256 = state.announced_sha256 or hashlib.sha256(state.content).hexdigest()
            return {"X-Linked-Size": state.announced_size or str(len(state.content)), "X-Linked-ETag": f'"{sha256}"'}

        def _file(self) -> None:
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start, whole = 0, len(state.content)
            status, headers = 200, self._facts()
            if found and not state.ignores_range:
                start = int(found[1])
                if start >= whole:
                    self._begin(416, {"Content-Length": "0"})
                    return
                claimed = start + 1 if state.wrong_range else start
                status, headers["Content-Range"] = 206, f"bytes {claimed}-{whole - 1}/{whole}"
            headers["Content-Length"] = state.length or str(whole - start)
            self._begin(status, headers)
            self._send(state.content[start:])

        def _begin(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, body: bytes) -> None:
            if self.command == "HEAD":
                return
            with suppress(OSError):
                if state.stalls:
                    self.wfile.write(body[:100])
                    self.wfile.flush()
                    state.leave.wait(30)
                else:
                    self.wfile.write(body if state.cuts_after is None else body[: state.cuts_after])
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.leave.set()
        server.shutdown()
        thread.join()
        server.server_close()
