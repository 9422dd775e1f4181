"""Other people's servers on 127.0.0.1, each a process that ends with the test, or with whoever runs it."""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_START_S = 120.0


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], *, port: int, answers: str, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The server while the block runs, from the moment it says 200 to a GET of the path `answers`."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    try:
        until = time.monotonic() + _START_S
        while not _says_ok(port, answers):
            assert process.poll() is None, f"the server ended: {_tail(log)}"
            assert time.monotonic() < until, f"the server does not answer: {_tail(log)}"
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
        process.kill()
        process.wait()


@contextmanager
def llama_cpp_server(model: Path, *options: str, log: Path, answers: str = "/v1/models") -> Iterator[str]:
    """The address of llama-cpp-python's own server for a GGUF file."""
    port = free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1"]
    with running([*command, "--port", str(port), *options], port=port, answers=answers, log=log):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def chroma_server(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """The address of Chroma's own server, which keeps its files in the folder."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder / "data")]
    quiet = {"ANONYMIZED_TELEMETRY": "False", "HOME": str(folder)}
    with running(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        port=port,
        answers="/api/v2/heartbeat",
        log=folder / "chroma.log",
        env=quiet,
    ):
        yield f"http://127.0.0.1:{port}"


def _says_ok(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
