"""An OpenAI-compatible server on 127.0.0.1, which embeds as `HashEmbedder` does, or as badly as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes import HashEmbedder

#: Status, headers and body of an answer to the request's JSON.
Reply = tuple[int, dict[str, str], bytes]
Answer = Callable[[dict[str, Any]], Reply]


def embeds(embedder: HashEmbedder | None = None, *, backwards: bool = False) -> Answer:
    """As it should be; with `backwards` the last text comes first."""
    embedder = embedder or HashEmbedder()

    def answer(request: dict[str, Any]) -> Reply:
        vectors = embedder.embed_documents(request["input"]) * 3  # of no particular length
        data = [{"object": "embedding", "index": n, "embedding": one.tolist()} for n, one in enumerate(vectors)]
        return 200, {}, json.dumps({"object": "list", "data": data[::-1] if backwards else data}).encode()

    return answer


@dataclass
class EmbeddingServer:
    """What it was asked and what it is to answer. `replies` come first, one to a request; then `answer` decides."""

    answer: Answer = field(default_factory=embeds)
    replies: list[Reply] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def texts(self) -> list[str]:
        """All that it was given to embed."""
        return [text for request in self.asked for text in request["input"]]


@contextmanager
def embedding_server() -> Iterator[EmbeddingServer]:
    """Runs while the block does."""
    state = EmbeddingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(request)
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            status, headers, body = state.replies.pop(0) if state.replies else state.answer(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
