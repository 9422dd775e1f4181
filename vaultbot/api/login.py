"""The routes by which a browser is let in, and the page's files. See vaultbot/web."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.routing import Route

from vaultbot.api import schemas
from vaultbot.errors import CodeRefused
from vaultbot.runtime import Token
from vaultbot.web.files import CONTENT_SECURITY_POLICY, PageFile
from vaultbot.web.logins import CODE_SECONDS, Logins

#: Needs no token: it is where one comes from.
SESSIONS = "/api/sessions"


class SessionRequest(schemas.Request):
    """`POST /api/sessions`."""

    code: str = Field(min_length=1, max_length=200, description="From the fragment of the address")


def add_login_routes(routes: APIRouter, logins: Logins) -> None:
    """`/api/codes` and `/api/sessions`."""

    @routes.post("/api/codes")
    def code() -> schemas.CodePage:
        """A code that lets one page in the browser in, once."""
        return schemas.CodePage(logins.make_code(), CODE_SECONDS)

    @routes.post(SESSIONS)
    def session(asked: SessionRequest, request: Request) -> schemas.SessionPage:
        """A token for the page that brings a code. Only the daemon's own page may ask."""
        # The guard lets Obsidian's origin and the user's own ones through as well; a code is for none of them.
        if request.headers.get("origin") != f"http://{request.headers.get('host', '').lower()}":
            raise CodeRefused("only the page itself can use a code; open the address in your browser")
        return schemas.SessionPage(logins.change(asked.code))


def add_token_routes(routes: APIRouter, token: Token, logins: Logins) -> None:
    """`/api/token/rotate`."""

    @routes.post("/api/token/rotate")
    def rotate() -> schemas.TokenPage:
        """Have a new token in the token's file, from now on; the old one and every page's are good for nothing."""
        token.rotate()
        logins.shut_out()
        return schemas.TokenPage(rotated=True)


def page_routes(page: Mapping[str, PageFile], *, ollama_compat: bool) -> list[Route]:
    """The page's files. Clients of Ollama's API, which want no page, get the words that they look for."""

    def file_route(path: str, file: PageFile) -> Route:
        async def send(request: Request) -> Response:
            if path == "/" and ollama_compat and "text/html" not in request.headers.get("accept", ""):
                return Response("Ollama is running", media_type="text/plain", headers={"vary": "Accept"})
            headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "content-type": file.media_type}
            if path == "/" and ollama_compat:
                headers["vary"] = "Accept"
            return Response(file.content, headers=headers)

        return Route(path, send, methods=["GET"])

    return [file_route(path, file) for path, file in page.items()]
