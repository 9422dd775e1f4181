"""The daemon: lock, index, watcher and HTTP server of one vault, for as long as it is needed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultbot import __version__
from vaultbot.api.app import create_app
from vaultbot.api.connection import Connection
from vaultbot.api.limits import KEEP_ALIVE_SECONDS
from vaultbot.api.metrics import Measured
from vaultbot.api.routes import Daemon
from vaultbot.assistant import Assistant
from vaultbot.bootstrap import assemble
from vaultbot.config import Config
from vaultbot.errors import VaultbotError, VaultMissing, kind_and_place
from vaultbot.index.roster import is_indexed
from vaultbot.log_form import set_up_log
from vaultbot.paths import StatePaths, absolute, telling_full_disk
from vaultbot.ports import no_port
from vaultbot.readiness import Readiness
from vaultbot.runtime import Runtime, forget_runtime, hold_lock, token_of, write_runtime
from vaultbot.states import clear_up, remember_owner
from vaultbot.status import Status
from vaultbot.vault.vault import Vault
from vaultbot.vault.watcher import VaultWatcher
from vaultbot.vitals import Vitals

log = logging.getLogger("vaultbot")

# Together with the watcher's second less than the five that an end may take; what is cut off is done again later.
_GRACE_S = 2
_CLOSE_S = 2

# A signal that comes again so soon is the same one: `timeout` and others send it to a process and to its group.
_SAME_S = 0.3

# How often a service manager that listens is told how the daemon is: while it waits, and from then on.
_SOON_S = 0.2
_LATER_S = 5


def serve(
    config: Config,
    root: os.PathLike[str],
    state: StatePaths,
    *,
    name: str | None = None,
    ends_when_idle: bool = False,
    background: bool = False,
    verbose: bool = False,
    on_ready: Callable[[Status], None] = lambda _: None,
) -> None:
    """Run the daemon of the vault at `root` until SIGTERM, Ctrl-C, or the end of its idle time. The settings call the
    vault `name`, or do not name it.

    One that ends when idle takes a free port when the settings' one is in use: nobody else knows of it. In the
    `background` it logs to its file alone.
    A vault that is away is waited for, and its last index serves meanwhile. Raises VaultMissing where there is none,
    AlreadyRunning, PortInUse, DataDamaged, DiskFull, ModelMissing for a wrong embedding model, and VaultbotError for a
    port that may not be used.
    """
    os.umask(0o077)  # Chroma would make its files readable for everyone.
    signal.signal(signal.SIGTERM, _leave)  # Until there is something to end.
    vault = Vault(absolute(root))
    there = _is_there(vault, state)
    state.create()
    with telling_full_disk(state.root), hold_lock(state):
        set_up_log(state.log, config.server.log_format, to_terminal=not background, verbose=verbose)
        clear_up(state)
        if there:
            remember_owner(state, vault.root)
        with _listen(config.server.port, any_port_will_do=ends_when_idle, name=name) as listener:
            assistant = assemble(config, vault.root, state)
            serving = _Serving(config, assistant, state, listener, name=name, ends_when_idle=ends_when_idle)
            os.chdir(state.root)  # The folder it was started in may be removed or unmounted.

            def ready(status: Status) -> None:
                on_ready(status)
                if background:
                    _leave_terminal(state)

            serving.run(ready)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Another one need not wait for the rest.


def _is_there(vault: Vault, state: StatePaths) -> bool:
    """Whether the vault can be listed. Raises VaultMissing when it cannot, and nothing of it is indexed either."""
    try:
        vault.check()
    except VaultMissing:
        if is_indexed(state.catalog):
            return False
        raise
    return True


def _leave(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))  # A second one waits for nothing.
    raise SystemExit(0)  # What was begun is rolled back, and the lock is given back.


def _listen(port: int, *, any_port_will_do: bool, name: str | None) -> socket.socket:
    """A socket on 127.0.0.1 that no child process inherits. Raises PortInUse, and VaultbotError as `no_port` tells."""
    # Said to be TCP, for only then asyncio sends what is written at once; else each answer on a kept connection waits
    # 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
            log.warning("port %s cannot be had (%s), so this daemon takes a free one", port, error.strerror)
            return _listen(0, any_port_will_do=False, name=name)
        raise no_port(port, error, name=name) from error
    return listener


class _Server(uvicorn.Server):
    """Leaves it to its owner what a signal to end does."""

    def __init__(self, config: uvicorn.Config, *, on_signal: Callable[[int, FrameType | None], None]) -> None:
        super().__init__(config)
        self._on_signal = on_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_signal(sig, frame)


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
        name: str | None,
        ends_when_idle: bool,
    ) -> None:
        self._name = name
        self._config = config
        self._assistant = assistant
        self._state = state
        self._listener = listener
        self._port: int = listener.getsockname()[1]
        self._idle_s = config.server.idle_minutes * 60 if ends_when_idle else None
        self._ends_since: float | None = None  #: when the first signal to end came, by the clock
        self._readiness = Readiness()
        self._watcher = VaultWatcher(assistant.vault.root, self._changed)
        assistant.worker.on_unheard = self._watcher.unheard
        assistant.worker.is_told = lambda: self._watcher.events > 0
        self._vitals = Vitals(assistant, state, self._watcher, port=self._port, name=name)
        self._vitals.listen()
        daemon = Daemon(token_of(state), lambda: self._port, self._vitals.status, name, self._vitals.metrics_text)
        app = create_app(
            assistant,
            daemon,
            allowed_origins=config.server.allowed_origins,
            ollama_compat=config.server.ollama_compat,
        )
        self._activity = _Activity(Measured(app, self._vitals.metrics))
        self._server = _Server(
            uvicorn.Config(
                self._activity,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=256 * 1024,  # A long question in the address gets a clear refusal.
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_S,
            ),
            on_signal=self._end,
        )

    def run(self, on_ready: Callable[[Status], None]) -> None:
        """Serve until asked to end; leave nothing half done."""
        # Until the server listens to signals itself, and when it has ended.
        before = {sig: signal.signal(sig, self._end) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._assistant.worker.start()
            self._watcher.start()
            threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()
            vault = str(self._assistant.vault.root)
            ends_when_idle = self._idle_s is not None
            write_runtime(self._state, Runtime(os.getpid(), self._port, vault, __version__, ends_when_idle, self._name))
            on_ready(self._vitals.status())
            asyncio.run(self._serve())
        finally:
            self._take_leave()
            self._watcher.stop()
            self._assistant.close(timeout=_CLOSE_S)
            for sig, handler in before.items():
                signal.signal(sig, handler)
            log.info("ended")

    def _changed(self) -> None:
        self._vitals.freshness.changed()
        self._assistant.worker.wake()

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        """Take leave at once, before open answers are waited for; at a second signal, wait for nothing."""
        now = time.monotonic()
        if self._ends_since is None:
            self._ends_since = now
            self._server.should_exit = True
            # In a thread: a signal may come while this one holds the very lock that an Event's `set` needs.
            threading.Thread(target=self._take_leave, name="ending", daemon=True).start()
        elif now - self._ends_since > _SAME_S:
            forget_runtime(self._state, pid=os.getpid())
            os._exit(0)  # The lock and the model's process end with this one; what was begun is done again later.

    def _take_leave(self) -> None:
        self._readiness.stopping()
        forget_runtime(self._state, pid=os.getpid())  # Whoever comes now starts a new daemon as soon as this one ends.
        self._assistant.stop_answering()

    async def _serve(self) -> None:
        watching = asyncio.gather(self._end_when_idle(), self._unload_idle_models(), self._tell_manager())
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)  # Or its end is logged as an error.

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

    async def _tell_manager(self) -> None:
        # From the loop that answers questions: where it hangs, the manager hears nothing and starts the daemon anew.
        while self._readiness.wanted:
            index = self._assistant.state()
            self._readiness.tell(index.message, ready=self._readiness.ready or await self._can_answer())
            await asyncio.sleep(_LATER_S if self._readiness.ready else _SOON_S)

    async def _can_answer(self) -> bool:
        index = self._assistant.state().state
        if not self._server.started or index == "starting":
            return False
        # A first look through a large vault takes its time, and what it has read so far can be asked about.
        return index != "indexing" or (await asyncio.to_thread(self._assistant.counts))[0] > 0

    def _warm_up(self) -> None:
        try:
            self._assistant.warm_up()
        except VaultbotError as error:
            log.warning("%s", error)
        except Exception as error:
            log.error("the embedding model could not be loaded: %s", kind_and_place(error))


def _leave_terminal(state: StatePaths) -> None:
    """From here on, what native code complains of goes to the log, too."""
    with state.log.open("ab") as log_file:
        os.dup2(log_file.fileno(), sys.stderr.fileno())
