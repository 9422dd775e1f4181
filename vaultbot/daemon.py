"""The daemon: lock, index, watcher and HTTP server of one vault, for as long as it is needed."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultbot import __version__
from vaultbot.api.app import create_app
from vaultbot.api.routes import Daemon
from vaultbot.assistant import Assistant
from vaultbot.bootstrap import assemble
from vaultbot.config import Config
from vaultbot.errors import ModelMissing, PortInUse, VaultbotError, kind_and_place
from vaultbot.paths import StatePaths, absolute, telling_full_disk
from vaultbot.runtime import Runtime, forget_runtime, hold_lock, make_token, write_runtime
from vaultbot.types import Status
from vaultbot.vault.vault import Vault
from vaultbot.vault.watcher import VaultWatcher

log = logging.getLogger("vaultbot")

# Together with the watcher's second less than the five that an end may take; what is cut off is done again later.
_GRACE_S = 2
_CLOSE_S = 2


def serve(
    config: Config,
    root: os.PathLike[str],
    state: StatePaths,
    *,
    ends_when_idle: bool = False,
    background: bool = False,
    verbose: bool = False,
    on_ready: Callable[[Status], None] = lambda _: None,
) -> None:
    """Run the daemon of the vault at `root` until SIGTERM, Ctrl-C, or the end of its idle time.

    One that ends when idle takes a free port when the settings' one is in use: nobody else knows of it. In the
    `background` it logs to its file alone.
    Raises VaultMissing, AlreadyRunning, PortInUse, DataDamaged, DiskFull, and ModelMissing for a wrong embedding model.
    """
    os.umask(0o077)  # Chroma would make its files readable for everyone.
    vault = Vault(absolute(root))
    vault.check()
    state.create()
    with telling_full_disk(state.root), hold_lock(state):
        _log_to(state, to_terminal=not background, verbose=verbose)
        with _listen(config.server.port, any_port_will_do=ends_when_idle) as listener:
            assistant = assemble(config, vault.root, state)
            serving = _Serving(config, assistant, state, listener, ends_when_idle=ends_when_idle)
            os.chdir(state.root)  # The folder it was started in may be removed or unmounted.

            def ready(status: Status) -> None:
                on_ready(status)
                if background:
                    _leave_terminal(state)

            serving.run(ready)


def _listen(port: int, *, any_port_will_do: bool) -> socket.socket:
    """A socket on 127.0.0.1 that no child process inherits. Raises PortInUse."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    elif hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    try:
        listener.bind(("127.0.0.1", port))
        # Bound is not yet taken: another listener shows only now.
        listener.listen(128)
    except OSError as error:
        listener.close()
        if any_port_will_do and port != 0:
            log.warning("port %s is in use, so this daemon takes a free one", port)
            return _listen(0, any_port_will_do=False)
        raise PortInUse(
            f"port {port} is used by another program; choose another with --port or [server] port (0 takes a free one)"
        ) from error
    return listener


class _Server(uvicorn.Server):
    """Takes leave at once when it is asked to end, before it waits for open answers."""

    def __init__(self, config: uvicorn.Config, *, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # In a thread: a signal may come while this one holds the very lock that an Event's `set` needs.
        threading.Thread(target=self._on_exit, name="ending", daemon=True).start()
        super().handle_exit(sig, frame)


class _Activity:
    """ASGI middleware that knows when the last request was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._active = 0
        self._last = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last request ended; 0 while one runs."""
        return 0.0 if self._active else time.monotonic() - self._last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._active += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._active -= 1
            self._last = time.monotonic()


class _Serving:
    """One run of the daemon."""

    def __init__(
        self,
        config: Config,
        assistant: Assistant,
        state: StatePaths,
        listener: socket.socket,
        *,
        ends_when_idle: bool,
    ) -> None:
        self._config = config
        self._assistant = assistant
        self._state = state
        self._listener = listener
        self._port: int = listener.getsockname()[1]
        self._began = time.monotonic()
        self._idle_s = config.server.idle_minutes * 60 if ends_when_idle else None
        self._watcher = VaultWatcher(assistant.vault.root, assistant.worker.wake)
        assistant.worker.on_unheard = self._watcher.unheard
        daemon = Daemon(make_token(state), lambda: self._port, self.status)
        app = create_app(
            assistant,
            daemon,
            allowed_origins=config.server.allowed_origins,
            ollama_compat=config.server.ollama_compat,
        )
        self._activity = _Activity(app)
        self._server = _Server(
            uvicorn.Config(
                self._activity,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=256 * 1024,  # A long question in the address gets a clear refusal.
                limit_concurrency=256,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=_GRACE_S,
            ),
            on_exit=self._take_leave,
        )

    def run(self, on_ready: Callable[[Status], None]) -> None:
        """Serve until asked to end; leave nothing half done."""
        # Until the server listens to signals itself, and once more when it has ended and raises them again.
        before = {sig: signal.signal(sig, self._end) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._assistant.worker.start()
            self._watcher.start()
            threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()
            vault = str(self._assistant.vault.root)
            ends_when_idle = self._idle_s is not None
            write_runtime(self._state, Runtime(os.getpid(), self._port, vault, __version__, ends_when_idle))
            on_ready(self.status())
            asyncio.run(self._serve())
        finally:
            self._take_leave()
            self._watcher.stop()
            self._assistant.close(timeout=_CLOSE_S)
            for sig, handler in before.items():
                signal.signal(sig, handler)
            log.info("ended")

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._server.should_exit = True

    def _take_leave(self) -> None:
        forget_runtime(self._state, pid=os.getpid())  # Whoever comes now starts a new daemon as soon as this one ends.
        self._assistant.stop_answering()

    async def _serve(self) -> None:
        watching = asyncio.gather(self._end_when_idle(), self._unload_idle_models())
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            watching.cancel()

    async def _end_when_idle(self) -> None:
        while self._idle_s is not None:
            await asyncio.sleep(min(5.0, self._idle_s / 4))
            busy = self._assistant.state().state in ("starting", "indexing")
            if not busy and self._activity.idle_s >= self._idle_s:
                log.info("nobody has asked for %.0f s", self._idle_s)
                forget_runtime(self._state, pid=os.getpid())
                self._server.should_exit = True
                return

    async def _unload_idle_models(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, self._config.model.idle_minutes * 15))
            for name in await asyncio.to_thread(self._assistant.unload_idle_models):
                log.info("%s is not needed and was unloaded", name)

    def _warm_up(self) -> None:
        try:
            self._assistant.warm_up()
        except VaultbotError as error:
            log.warning("%s", error)
        except Exception as error:
            log.error("the embedding model could not be loaded: %s", kind_and_place(error))

    def status(self) -> Status:
        """How the daemon is, in words."""
        index = self._assistant.state()
        notes, chunks = self._assistant.counts()
        warnings = [
            *index.notices,
            *self._assistant.notices(),
            *([self._watcher.notice] if self._watcher.notice else []),
        ]
        try:
            model, loaded = self._assistant.model_name(), self._assistant.model_loaded()
        except ModelMissing as error:
            model, loaded = None, False
            warnings.append(str(error))
        embedder = self._assistant.embedder
        return Status(
            state=index.state,
            message=index.message,
            vault=str(self._assistant.vault.root),
            notes=notes,
            chunks=chunks,
            embedder=embedder.name if embedder else None,
            model=model,
            pid=os.getpid(),
            port=self._port,
            token_file=str(self._state.token),
            version=__version__,
            uptime_s=round(time.monotonic() - self._began, 1),
            progress=index.progress,
            last_index=index.last_report,
            skipped=tuple(self._assistant.skipped()),
            damaged=tuple(self._assistant.damaged()),
            warnings=tuple(warnings),
            model_loaded=loaded,
        )


def _log_to(state: StatePaths, *, to_terminal: bool, verbose: bool) -> None:
    """Send the daemon's log to its file (five of 2 MB), and to the terminal when it runs there."""
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(state.log, maxBytes=2_000_000, backupCount=4, encoding="utf-8")
    ]
    if to_terminal:
        handlers.append(logging.StreamHandler())
    options: dict[str, Any] = {"format": "%(asctime)s %(levelname)s %(name)s %(message)s", "force": True}
    logging.basicConfig(level=logging.WARNING, handlers=handlers, **options)
    logging.getLogger("vaultbot").setLevel(logging.DEBUG if verbose else logging.INFO)


def _leave_terminal(state: StatePaths) -> None:
    """From here on, what native code complains of goes to the log, too."""
    with state.log.open("ab") as log_file:
        os.dup2(log_file.fileno(), sys.stderr.fileno())
