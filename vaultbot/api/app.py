"""The HTTP application: the guard outside, the endpoints inside."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from vaultbot import __version__
from vaultbot.api import origins
from vaultbot.api.dialects import OLLAMA_PATHS
from vaultbot.api.errors import install_error_handlers
from vaultbot.api.guard import Guard
from vaultbot.api.limits import Limits
from vaultbot.api.login import SESSIONS, page_routes
from vaultbot.api.ollama import make_ollama_routes
from vaultbot.api.openai import make_openai_routes
from vaultbot.api.right_vault import RightVault
from vaultbot.api.routes import Daemon, make_routes
from vaultbot.assistant import Assistant
from vaultbot.mcp.http import McpApp
from vaultbot.web.files import page_files

#: Vectors are made of many texts at once.
_LONG_BODIES = {"/v1/embeddings": 4 * 1024 * 1024, "/v1/chat/completions": 1024 * 1024}


def create_app(
    assistant: Assistant, daemon: Daemon, *, allowed_origins: Sequence[str] = (), ollama_compat: bool = False
) -> ASGIApp:
    """The whole application. Raises ConfigError for an allowed origin that is too wide."""
    app = FastAPI(
        title="vaultbot",
        version=__version__,
        description="Ask, search and index one Obsidian vault, on this machine.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    install_error_handlers(app)
    app.include_router(make_routes(assistant, daemon))
    app.include_router(make_openai_routes(assistant))
    if ollama_compat:
        app.include_router(make_ollama_routes(assistant))

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return JSONResponse(app.openapi())

    limited = Limits(app)
    vault = daemon.name or assistant.vault.name
    app.router.routes.append(Route("/mcp", _mcp_app(limited, vault, daemon, allowed_origins), methods=["POST"]))
    page = page_files()
    app.router.routes.extend(page_routes(page, ollama_compat=ollama_compat))
    app.router.redirect_slashes = False
    return Guard(
        RightVault(limited, root=assistant.vault.root, name=daemon.name),
        token=lambda: daemon.token.value,
        port=daemon.port,
        allowed_origins=allowed_origins,
        open_paths={"/health", *page},
        tokenless_paths={SESSIONS, *(OLLAMA_PATHS if ollama_compat else ())},
        admits=daemon.logins.admits,
        long_bodies=_LONG_BODIES,
    )


def _mcp_app(app: ASGIApp, vault: str, daemon: Daemon, extra: Sequence[str]) -> McpApp:
    return McpApp(
        app,
        vault=vault,
        hosts=lambda: sorted(origins.allowed_hosts(daemon.port())),
        origins=lambda: sorted(origins.allowed_origins(daemon.port(), extra)),
    )
