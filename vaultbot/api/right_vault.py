"""A client may say which vault it means; the daemon of another vault answers it nothing."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import unicodedata
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultbot.api.problems import Refused

HEADER = "x-vaultbot-vault"


class RightVault:
    """ASGI middleware within the guard. The header `X-Vaultbot-Vault` holds a vault's folder or name, percent-encoded.

    A folder is compared as the file system does, by whatever path it is reached. One that this machine does not know,
    as when the client runs in a container or on the Windows side of WSL, is compared by its own name alone.
    """

    def __init__(self, app: ASGIApp, *, root: Path, name: str | None) -> None:
        self._app = app
        self._root = root
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        meant = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if meant is not None:
            folder = unquote(meant)
            if folder not in (self._name, str(self._root)) and not await asyncio.to_thread(self._is_here, folder):
                raise Refused(409, "other-vault", "This daemon serves another vault", self._instead(folder))
        await self._app(scope, receive, send)

    def _is_here(self, folder: str) -> bool:
        try:
            here = Path(folder).stat()
        except (OSError, ValueError):
            return _own_name(folder) == _own_name(str(self._root))
        try:
            return os.path.samestat(here, self._root.stat())
        except OSError:
            return False

    def _instead(self, folder: str) -> str:
        vault = shlex.quote(folder)
        if not self._root.is_dir():
            return (
                f"This daemon serves {self._root}, which is not there. If it was moved: vaultbot stop --vault "
                f"{shlex.quote(str(self._root))}, then vaultbot vaults relink {vault}"
            )
        return (
            f"This daemon serves another vault, {self._root}. For {vault}: vaultbot start --vault {vault}, and the "
            f"plugin learns of it by: vaultbot plugin install --vault {vault}"
        )


def _own_name(folder: str) -> str:
    return unicodedata.normalize("NFC", re.split(r"[/\\]", folder.rstrip("/\\"))[-1]).casefold()
