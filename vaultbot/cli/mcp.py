"""`vaultbot mcp`: the notes for Claude Desktop, Cursor and other assistants that speak MCP."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaultbot.cli.session import Session
from vaultbot.client import Client, challenge, check_proof, error_of, find
from vaultbot.errors import NotRunning, VaultbotError
from vaultbot.mcp.clients import instructions, servers_json

if TYPE_CHECKING:
    import httpx2

_ANSWER_S = 600.0
_HEALTH_S = 10.0


def mcp(
    session: Session,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print what to enter in the usual assistants' settings, and end.")
    ] = False,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let the assistant accept suggestions, after it has shown the diff.")
    ] = False,
) -> None:
    """Serve your notes to an assistant that speaks MCP.

    It can search, ask, read notes and find related ones. The assistant starts this command itself, and talks with it
    over standard input and output.
    """
    if print_config:
        _print_config(session, allow_write=allow_write)
        return
    _ = session.config, session.root  # What is wrong with them is told at once.
    asyncio.run(_serve(session, allow_write=allow_write))


async def _serve(session: Session, *, allow_write: bool) -> None:
    from mcp.server.stdio import stdio_server

    from vaultbot.mcp.server import make_server

    door = ClientDoor(lambda: session.client(start=True, until_indexed=False))
    server = make_server(door, vault=session.name or session.root.name, allow_write=allow_write)
    async with stdio_server() as (reading, writing):
        try:
            await server.run(reading, writing, server.create_initialization_options())
        finally:
            await door.close()


class ClientDoor:
    """Asks the daemon, which is found or started when it is first needed, and again when it has ended meanwhile."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._line: _Line | None = None
        self._connecting = asyncio.Lock()

    async def get(self, path: str, params: Mapping[str, object]) -> Any:
        """The JSON answer to a GET."""
        from vaultbot.mcp.door import with_params

        return await self._call("GET", with_params(path, params), None)

    async def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The JSON answer to a POST."""
        return await self._call("POST", path, body)

    async def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            line, self._line = self._line, None
            await line.http.aclose()

    async def _call(self, method: str, target: str, body: Mapping[str, object] | None) -> Any:
        line = await self._connected()
        try:
            response = await line.request(method, target, body)
        except NotRunning:
            if self._line is line:
                await self.close()
            response = await (await self._connected()).request(method, target, body)
        page = response.json()
        if response.status_code >= 400:
            raise error_of(page)
        return page

    async def _connected(self) -> _Line:
        import httpx2

        async with self._connecting:
            if self._line is None:
                client = await asyncio.to_thread(self._connect)
                # Not a proxy's business: the daemon is on this machine.
                http = httpx2.AsyncClient(base_url=client.address, timeout=_ANSWER_S, trust_env=False)
                self._line = _Line(client, http)
            return self._line


@dataclass(frozen=True)
class _Line:
    """The way to one daemon. An assistant keeps it for days, and the daemon may end and lose its port meanwhile."""

    client: Client
    http: httpx2.AsyncClient

    async def request(self, method: str, target: str, body: Mapping[str, object] | None) -> httpx2.Response:
        """An answer from the daemon, which has to prove itself before it is sent the token. Raises NotRunning."""
        import httpx2

        asked, header = challenge()
        try:
            health = await self.http.get("/health", headers=header, timeout=_HEALTH_S)
            check_proof(health.content, self.client.token, self.client.runtime.port, asked)
            return await self.http.request(method, target, json=body, headers=self.client.headers)
        except (httpx2.TransportError, VaultbotError) as error:
            raise NotRunning(f"the daemon does not answer ({type(error).__name__}); see: vaultbot status") from None


def _print_config(session: Session, *, allow_write: bool) -> None:
    # By its name where it has one: then the snippet is right after the vault was moved, too.
    arguments = ["mcp", "--vault", session.name or str(session.root)]
    if session.config_file is not None:
        arguments += ["--config", str(session.config_file.absolute())]
    if allow_write:
        arguments.append("--allow-write")
    # Assistants know neither the shell's PATH nor its folder, so the program is named whole.
    command = [sys.executable, "-P", "-m", "vaultbot", *arguments]
    if session.json:
        print(servers_json(command, name=_server_name(session)))
        return
    running: Client | None = None
    try:
        running = find(session.state)
    except VaultbotError as error:
        session.say(str(error))
    port = running.runtime.port if running else session.config.server.port
    name = _server_name(session)
    print(instructions(command, name=name, address=f"http://127.0.0.1:{port}", token_file=str(session.state.token)))


def _server_name(session: Session) -> str:
    """What assistants call the server: "vaultbot", and of several vaults each otherwise, in letters that all take."""
    default = session.settings.everywhere.vault.path
    if session.name is None or session.name == default or len(session.settings.vaults) < 2:
        return "vaultbot"
    readable = re.sub(r"[^A-Za-z0-9]+", "-", session.name).strip("-")
    return f"vaultbot-{readable.lower() or session.state.root.name.rpartition('-')[2]}"
