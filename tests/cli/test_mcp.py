"""`vaultbot mcp` as an assistant starts it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
from mcp import Client, StdioServerParameters

from tests.api.test_app import Waiting, app_of
from tests.api.wire import TOKEN, served
from tests.cli.machine import Machine, machine_in, until
from tests.conftest import VaultBuilder
from vaultbot.cli.mcp import ClientDoor
from vaultbot.client import Client as DaemonClient
from vaultbot.client import find
from vaultbot.errors import NotRunning
from vaultbot.runtime import Runtime

T = TypeVar("T")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        machine.write("Bread/Sourdough.md", "# Starter\n\nA sourdough starter is fed with flour and water every day.\n")
        machine.write("Kimchi.md", "Cabbage, salt and time. See [[Sourdough]].\n")
        yield machine


def using(machine: Machine, what: Callable[[Client], Awaitable[T]], *, mode: Literal["auto", "legacy"] = "auto") -> T:
    """What `what` does with a client that has started the command."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "vaultbot", "mcp", "--vault", str(machine.vault)],
        env=machine.env(),
        cwd=str(machine.folder),
    )

    async def run() -> T:
        async with Client(command, mode=mode) as client:
            return await what(client)

    return asyncio.run(run())


async def said(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    return str(result.content[0].text)  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_assistant_starts_it_and_the_daemon_is_started_when_it_is_needed(
    machine: Machine, mode: Literal["auto", "legacy"]
) -> None:
    async def look(client: Client) -> tuple[bool, str, str, str]:
        tools = await client.list_tools()
        assert len(tools.tools) == 6
        before = find(machine.state) is not None
        await said(client, "search", query="starter")
        await asyncio.to_thread(
            until, lambda: machine.client().get("/api/status")["state"] not in ("starting", "indexing")
        )
        answer = await said(client, "ask", question="What is a sourdough starter fed with?")
        backlinks = await said(client, "backlinks", note="Sourdough")
        (first, *_) = (await client.list_resources()).resources
        (read,) = (await client.read_resource(str(first.uri))).contents
        return before, answer, backlinks, read.text  # type: ignore[union-attr]

    before, answer, backlinks, read = using(machine, look, mode=mode)

    assert not before
    assert "[1] Bread/Sourdough.md:3" in answer
    assert "- Kimchi.md:1  Kimchi" in backlinks
    assert read


def test_a_daemon_that_ended_meanwhile_is_started_again(machine: Machine) -> None:
    async def look(client: Client) -> str:
        await said(client, "search", query="starter")
        stopped = await asyncio.to_thread(machine.vaultbot, "stop", "--json")
        assert stopped.json() == {"stopped": True}
        return await said(client, "read_note", note="Kimchi")

    assert "Cabbage, salt and time." in using(machine, look)


def test_what_keeps_the_daemon_from_starting_is_told_to_the_assistant(machine: Machine) -> None:
    machine.vault.rename(machine.folder / "Elsewhere")
    try:
        told = using(machine, lambda client: said(client, "search", query="starter"))
    finally:
        (machine.folder / "Elsewhere").rename(machine.vault)

    assert "does not exist; give the folder that you open in Obsidian" in told


def test_it_ends_with_the_assistant_and_says_nothing_else_on_its_output(machine: Machine) -> None:
    with machine.popen("mcp", "--vault", str(machine.vault)) as process:  # Its input is empty.
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (0, "", "")


def test_a_wrong_setting_is_told_at_once(machine: Machine) -> None:
    ran = machine.vaultbot("mcp", VAULTBOT_SERVER_PORT="many")

    assert ran.code == 2
    assert "VAULTBOT_SERVER_PORT" in ran.error


def test_it_loads_none_of_the_engines(machine: Machine) -> None:
    spy = (
        "import atexit, sys\n"
        "heavy = ('torch', 'chromadb', 'llama_cpp', 'onnxruntime', 'numpy', 'fastapi', 'rich')\n"
        "atexit.register(lambda: print([m for m in heavy if m in sys.modules], file=sys.stderr))\n"
        "from vaultbot.cli.main import main\nmain()\n"
    )
    words = ["mcp", "--vault", str(machine.vault)]
    ran = subprocess.run(
        [sys.executable, "-P", "-c", spy, *words],
        check=True,
        env=machine.env(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert ran.stderr == "[]\n"


@pytest.mark.parametrize("gone", [False, True])
def test_a_call_that_is_given_up_stops_the_model(vault: VaultBuilder, gone: bool) -> None:
    vault.write("Sourdough.md", "A sourdough starter is fed with flour and water every day.")
    vault.model = waiting = Waiting()
    vault.index()

    async def give_up(port: int) -> None:
        runtime = Runtime(1, 9 if gone else port, "Notes", "1", False)
        found = [DaemonClient(runtime, TOKEN), DaemonClient(Runtime(1, port, "Notes", "1", False), TOKEN)]
        door = ClientDoor(lambda: found.pop(0))
        asking = asyncio.create_task(door.post("/api/ask", {"question": "What is a starter fed with?"}))
        while not waiting.began.is_set():
            await asyncio.sleep(0.02)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while not waiting.stopped.is_set():
            await asyncio.sleep(0.02)
        await door.close()

    with served(lambda port: app_of(vault, port)) as port:
        asyncio.run(give_up(port))


def test_who_takes_the_port_of_a_daemon_that_has_ended_meanwhile_gets_no_token(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", "Cabbage, salt and time.")
    vault.index()
    seen: list[str] = []

    class Thief(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers}".lower())
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok", "proof": "%s"}' % (b"0" * 64))

        def log_message(self, *_: object) -> None:
            pass

    async def ask(door: ClientDoor, path: str) -> str:
        return str((await door.get(path, {}))["path"])

    def connect() -> DaemonClient:
        if seen:  # As `find` does: the lock is free, so there is no daemon.
            raise NotRunning("there is no daemon")
        return DaemonClient(Runtime(1, port, "Notes", "1", False), TOKEN)

    async def before_and_after(server: contextlib.ExitStack) -> None:
        door = ClientDoor(connect)
        assert await ask(door, "/api/notes/Kimchi.md") == "Kimchi.md"
        await asyncio.to_thread(server.close)
        thief = HTTPServer(("127.0.0.1", port), Thief)
        threading.Thread(target=thief.serve_forever, daemon=True).start()
        with pytest.raises(NotRunning):
            await ask(door, "/api/notes/Kimchi.md")
        thief.shutdown()
        thief.server_close()
        await door.close()

    with contextlib.ExitStack() as server:
        port = server.enter_context(served(lambda port: app_of(vault, port)))
        asyncio.run(before_and_after(server))

    assert len(seen) == 1
    assert seen[0].startswith("/health ")
    assert "authorization" not in seen[0]


# ── what to enter ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_snippet_is_one_that_starts_it(machine: Machine) -> None:
    server = machine.vaultbot("mcp", "--print-config", "--json").json()["mcpServers"]["vaultbot"]

    ran = subprocess.run(
        [server["command"], *server["args"]],
        check=True,
        env=machine.env(),
        cwd="/",
        input="",
        capture_output=True,
        text=True,
    )
    assert (ran.stdout, ran.stderr) == ("", "")
    assert str(machine.vault) in server["args"]


def test_the_usual_assistants_are_named_and_the_token_is_not_shown(machine: Machine) -> None:
    with machine.serve():
        shown = machine.vaultbot("mcp", "--print-config").out
        token, port = machine.state.token.read_text(), machine.client().runtime.port

    for name in ("Claude Desktop", "Cursor", "VS Code", "Claude Code", "Codex"):
        assert f"# {name}" in shown
    assert f"http://127.0.0.1:{port}/mcp" in shown
    assert token not in shown
    blocks = [block.partition("{") for block in shown.split("\n\n") if "{" in block]
    assert [next(iter(json.loads(brace + rest))) for _, brace, rest in blocks] == ["mcpServers"] * 3 + ["servers"]
