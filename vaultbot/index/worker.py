"""The one thread that writes the index: runs the indexer when something may have changed, and says how it goes.

Events only wake it; what changed is for the scan to find out. While it works, questions are answered from the last
state.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from vaultbot.errors import ShuttingDown, VaultbotError, VaultMissing, kind_and_place
from vaultbot.index.indexer import SETTLE_S, Indexer, outcome, with_totals
from vaultbot.index.reader import CatalogReader
from vaultbot.protocols import VectorIndex
from vaultbot.types import DaemonState, IndexProgress, IndexReport

log = logging.getLogger("vaultbot.index")

OpenVectors = Callable[[], tuple[VectorIndex, str | None]]

#: Writes come in bursts; the vault is looked at when it has been quiet for so long…
_QUIET_S = 0.3
#: …or when it has been noisy for so long.
_NOISY_S = 3.0
_RETRY_S = 60.0
_SHUTTING_DOWN = "vaultbot is shutting down; start it again with: vaultbot start"


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How the index is at one moment."""

    state: DaemonState = "starting"
    message: str = "starting"
    progress: IndexProgress | None = None
    last_report: IndexReport | None = None
    notices: tuple[str, ...] = ()
    version: int = 0  #: grows with every change, to wait for the next one


class IndexWorker:
    """Keeps the index up to date in a thread of its own.

    `open_vectors` opens the vector index, and `on_vectors` is told of it; without, words alone are indexed.
    """

    def __init__(
        self,
        indexer: Indexer,
        reader: CatalogReader,
        *,
        open_vectors: OpenVectors | None,
        on_vectors: Callable[[VectorIndex | None], None],
        rescan_s: float,
    ) -> None:
        self._indexer = indexer
        self._reader = reader
        self._open_vectors = open_vectors
        self._on_vectors = on_vectors
        self._rescan_s = rescan_s
        self._changed = threading.Condition()
        self._state = WorkerState()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._wanted: list[Future[IndexReport]] = []
        self._ended: VaultbotError | None = None
        self._thread = threading.Thread(target=self._work, name="index", daemon=True)

    # ── from any thread ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> WorkerState:
        """How the index is now."""
        return self._state

    def wait(self, seen: int, *, timeout: float) -> WorkerState:
        """The first state newer than `seen`, or the present one after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.version > seen, timeout)
            return self._state

    def start(self) -> None:
        """Begin with a scan."""
        self._thread.start()

    def wake(self) -> None:
        """Something may have changed in the vault."""
        self._woken.set()

    def run(self) -> Future[IndexReport]:
        """Ask for a run that looks twice at what is missing; its report comes when it is done."""
        future: Future[IndexReport] = Future()
        with self._changed:
            if self._ended is None:
                self._wanted.append(future)
            else:
                future.set_exception(self._ended)
        self._woken.set()
        return future

    def stop(self, *, timeout: float) -> bool:
        """End between two notes; True when the thread has ended and its files are closed."""
        self._stopping.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # ── the thread ─────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        ended: VaultbotError = ShuttingDown(_SHUTTING_DOWN)
        try:
            self._open()
            while True:
                self._woken.clear()
                if self._stopping.is_set():
                    break
                again_in = self._run_once()
                if self._woken.wait(again_in):
                    self._let_it_settle()
        except Exception as error:
            log.error("the index thread ended: %s", kind_and_place(error))
            ended = VaultbotError(
                f"the index is not being updated any more ({error}); run: vaultbot stop, vaultbot start"
            )
            self._say("degraded", str(ended))
        finally:
            self._refuse(ended)
            self._on_vectors(None)
            self._indexer.close()

    def _open(self) -> None:
        if self._open_vectors is None:
            return
        self._say("starting", "loading the embedding model")
        try:
            vectors, notice = self._open_vectors()
            if notice:
                self._note(notice)
            self._indexer.attach(vectors, stopping=self._stopping)
            self._on_vectors(vectors)
        except Exception as error:
            log.warning("the vector index cannot be used: %s", kind_and_place(error))
            self._note(f"words alone are searched, because the vector index cannot be used: {error}")
        self._give_up_vectors()

    def _give_up_vectors(self) -> None:
        """Once the vector index has failed, words alone are searched until the next start."""
        if self._open_vectors is not None and self._indexer.vectors_failure:
            self._open_vectors = None
            self._on_vectors(None)
            self._note(
                f"words alone are searched, because the vector index failed: {self._indexer.vectors_failure}; "
                "it is mended at the next start (vaultbot stop, vaultbot start)"
            )

    def _run_once(self) -> float:
        """One run; returns after how many seconds the next is due."""
        wanted = [future for future in self._take_wanted() if future.set_running_or_notify_cancel()]
        try:
            self._say("indexing", "looking through the vault")
            report = self._indexer.run(
                settle=bool(wanted) or self._state.last_report is None,
                on_progress=self._progressed,
                stopping=self._stopping,
            )
            if self._stopping.is_set():
                raise ShuttingDown(_SHUTTING_DOWN)
            report = with_totals(report, self._reader.counts())
        except Exception as error:
            self._failed(error, wanted)
            return _RETRY_S if not isinstance(error, VaultMissing) else 5.0
        finally:
            self._give_up_vectors()
        log.info("indexed in %.2f s: %s", report.took_s, ", ".join(outcome(report)) or "the vault is empty")
        kept = report if wanted or report.touched or self._state.last_report is None else self._state.last_report
        self._say("ready", "ready", report=kept)
        for future in wanted:
            future.set_result(report)
        return SETTLE_S + 0.1 if self._indexer.waits_for_missing else self._rescan_s

    def _failed(self, error: Exception, wanted: list[Future[IndexReport]]) -> None:
        if isinstance(error, ShuttingDown):
            self._say("stopping", str(error))
        elif isinstance(error, VaultMissing):
            log.warning("%s", error)
            self._say("vault-missing", f"{error}. Nothing was removed; answers come from the last index")
        elif isinstance(error, VaultbotError):
            log.warning("%s", error)
            self._say("degraded", str(error))
        else:
            log.error("indexing failed: %s", kind_and_place(error))
            self._say(
                "degraded",
                f"indexing failed ({type(error).__name__}: {error}); it is tried again in a minute",
            )
        for future in wanted:
            future.set_exception(error)

    def _let_it_settle(self) -> None:
        began = time.monotonic()
        while time.monotonic() - began < _NOISY_S and not self._wanted and not self._stopping.is_set():
            self._woken.clear()
            if not self._woken.wait(_QUIET_S):
                return

    def _take_wanted(self) -> list[Future[IndexReport]]:
        with self._changed:
            wanted, self._wanted = self._wanted, []
        return wanted

    def _refuse(self, reason: VaultbotError) -> None:
        with self._changed:
            self._ended = reason
        for future in self._take_wanted():
            if future.set_running_or_notify_cancel():
                future.set_exception(reason)

    # ── telling ────────────────────────────────────────────────────────────────────────────────────────────────

    def _progressed(self, progress: IndexProgress) -> None:
        words = (
            f"indexing {progress.done}/{progress.total}" if progress.stage == "index" else "looking through the vault"
        )
        self._set(replace(self._state, state="indexing", message=words, progress=progress))

    def _say(self, state: DaemonState, message: str, *, report: IndexReport | None = None) -> None:
        self._set(
            replace(
                self._state,
                state=state,
                message=message,
                progress=None,
                last_report=report or self._state.last_report,
            )
        )

    def _note(self, notice: str) -> None:
        self._set(replace(self._state, notices=(*self._state.notices, notice)))

    def _set(self, state: WorkerState) -> None:
        with self._changed:
            self._state = replace(state, version=self._state.version + 1)
            self._changed.notify_all()
