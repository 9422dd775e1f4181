"""The door for assistants that speak MCP (Claude Desktop, Cursor, VS Code, …): tools that read, and notes as resources.

One server stands behind both ways in: `vaultbot mcp` speaks it over standard input and output and is a thin client of
the daemon; the daemon's own `/mcp` speaks it over HTTP, behind the guard. Both reach the notes by the HTTP API's routes
(`door.py`), so nothing is done twice. What notes say is marked as quoted: the assistant that reads it has other tools.
"""
