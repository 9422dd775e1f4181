"""What to enter in the settings of assistants that speak MCP."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

_JSON_CLIENTS = (
    ("Claude Desktop", "Settings › Developer › Edit Config: claude_desktop_config.json"),
    ("Cursor", "~/.cursor/mcp.json, or .cursor/mcp.json in a project"),
    ("Windsurf, Cline, LM Studio and most others", "their mcp.json or mcp_config.json"),
)


def servers_json(command: Sequence[str], *, name: str, key: str = "mcpServers", typed: bool = False) -> str:
    """The snippet that most clients take, for a server of this `name`."""
    program, *arguments = command
    server = {**({"type": "stdio"} if typed else {}), "command": program, "args": arguments}
    return json.dumps({key: {name: server}}, indent=2, ensure_ascii=False)


def instructions(command: Sequence[str], *, name: str, address: str, token_file: str) -> str:
    """The snippets of the usual clients, each with the place it goes to."""
    parts = [f"# {client}\n# {place}\n{servers_json(command, name=name)}" for client, place in _JSON_CLIENTS]
    parts.append(
        "# VS Code\n# .vscode/mcp.json, or the command MCP: Open User Configuration\n"
        + servers_json(command, name=name, key="servers", typed=True)
    )
    parts.append(f"# Claude Code\nclaude mcp add {name} -- {shlex.join(command)}")
    program, *arguments = command
    parts.append(
        f"# Codex\n# ~/.codex/config.toml\n[mcp_servers.{name}]\n"
        f"command = {json.dumps(program)}\nargs = {json.dumps(arguments)}"
    )
    parts.append(
        "# Over HTTP, for clients that take an address; the daemon must run already (vaultbot start)\n"
        f"# address: {address}/mcp\n"
        f"# header:  Authorization: Bearer <what {token_file} holds>"
    )
    return "\n\n".join(parts)
