"""An OpenAI-compatible server on 127.0.0.1 that speaks as a test wants: well, badly, slowly, or not at all."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.contracts.chat_model import REPLY
from tests.fakes import _tokens


class Line:
    """The connection to whoever asked."""

    def __init__(self, handler: BaseHTTPRequestHandler, gate: threading.Event) -> None:
        self._handler = handler
        self.gate = gate  #: for a play to wait at; it is set when the server ends

    def head(self, status: int = 200, **headers: str) -> None:
        """Status and headers, written with _ for -."""
        self._handler.send_response(status)
        for name, value in ({"Content_Type": "text/event-stream"} | headers).items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def send(self, data: bytes) -> None:
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def event(self, event: object) -> None:
        self.send(b"data: " + json.dumps(event).encode() + b"\n\n")

    def says(self, text: str, *, finish: str | None = None, **more: Any) -> None:
        self.event({"choices": [{"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}]})

    def done(self, *, finish: str = "stop", usage: Mapping[str, Any] | None = None) -> None:
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if usage is not None:
            self.event({"choices": [], "usage": usage})
        self.send(b"data: [DONE]\n\n")


#: What the server does with the JSON of a request.
Play = Callable[[dict[str, Any], Line], None]


def speaks(reply: str = REPLY) -> Play:
    """As it should be, a word with the space before it as a token."""

    def play(request: dict[str, Any], line: Line) -> None:
        line.head()
        tokens = _tokens(reply)
        said = tokens[: request["max_tokens"]]
        for token in said:
            line.says(token)
        prompt = sum(len(_tokens(message["content"])) for message in request["messages"])
        line.done(
            finish="stop" if said == tokens else "length",
            usage={"prompt_tokens": prompt, "completion_tokens": len(said)},
        )

    return play


@dataclass
class ChatServer:
    """What it was asked, and what it does. `plays` come first, one to a request; then `play` decides."""

    play: Play = field(default_factory=speaks)
    plays: list[Play] = field(default_factory=list)
    models: Sequence[Mapping[str, Any]] = ({"id": "some-model"},)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    scheme: str = "http"

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"


@contextmanager
def chat_server(tls: ssl.SSLContext | None = None) -> Iterator[ChatServer]:
    """Runs while the block does."""
    state = ChatServer(scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            body = json.dumps({"object": "list", "data": list(state.models)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(request)
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            play = state.plays.pop(0) if state.plays else state.play
            with suppress(OSError):  # Whoever asked has hung up.
                play(request, Line(self, state.gate))

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # A client that does not trust the certificate hangs up.

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
