"""The one thread that writes the index: runs the indexer when something may have changed, and says how it goes.

Events only wake it; what changed is for the scan to find out. While it works, questions are answered from the last
state.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from vaultbot.errors import DiskFull, ShuttingDown, Unreachable, VaultbotError, VaultMissing, kind_and_place
from vaultbot.index.changeover import Changeover
from vaultbot.index.damage import CatalogDamaged, in_words, told
from vaultbot.index.indexer import Indexer
from vaultbot.index.noticeboard import Noticeboard
from vaultbot.index.noticeboard import WorkerState as WorkerState
from vaultbot.index.outbox import OpenVectors
from vaultbot.index.reader import CatalogReader
from vaultbot.index.removals import SETTLE_S
from vaultbot.index.run import outcome, with_totals
from vaultbot.index.waking import Waking
from vaultbot.paths import says_full
from vaultbot.protocols import VectorIndex
from vaultbot.types import IndexProgress, IndexReport

log = logging.getLogger("vaultbot.index")

_RETRY_S = 60.0
#: The first look for what no event told of: on some disks none ever come.
_FIRST_S = 30.0
#: As long as no event ever came, one looks so often, and never for more than so much of the time.
_UNTOLD_S, _LOOKING = 60.0, 1 / 300
#: Events come as late as this.
_LATE_S = 2.0
#: A question that was being answered at the change of the model may still use the earlier vectors.
_RETIRED_S = 5.0
_UNTIL_THEN = "until then the one before answers"
_SHUTTING_DOWN = "vaultbot is shutting down; start it again with: vaultbot start"


class IndexWorker:
    """Keeps the index up to date in a thread of its own.

    `open_vectors` opens the vector index, and `on_vectors` is told of it; without, words alone are indexed. A
    `changeover` to another embedding model goes on whenever there is nothing else to do. `notice` is for people, until
    every note was read. `on_away` is told why the vector index does not answer for now, and None when it does again; it
    is opened again every minute then. `at_rest` is called in the index thread when there is nothing else to do; it may
    take seconds.
    """

    def __init__(
        self,
        indexer: Indexer,
        reader: CatalogReader,
        *,
        open_vectors: OpenVectors | None,
        on_vectors: Callable[[VectorIndex | None], None],
        rescan_s: float,
        changeover: Changeover | None = None,
        notice: str | None = None,
        at_rest: Callable[[threading.Event], None] = lambda _: None,
        on_away: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._indexer = indexer
        self._reader = reader
        self._open_vectors = open_vectors
        self._on_vectors = on_vectors
        self._rescan_s = rescan_s
        self._changeover = changeover
        self._at_rest = at_rest
        self._on_away = on_away
        self._lost: str | None = None  #: why the vector index does not answer questions any more
        self._open_again = math.inf  #: when it is opened again
        self._retired: tuple[float, Indexer, Changeover] | None = None
        self._asking = threading.Lock()
        self._board = Noticeboard("changed", notice)
        self._missing_since: float | None = None  #: seconds since 1970
        self._woken = Waking()
        self._stopping = threading.Event()
        self._wanted: list[Future[IndexReport]] = []
        self._relink = False
        self._rescan_next = False  #: the next run is for what no event told of
        self.on_unheard: Callable[[], None] = lambda: None  #: told when such a run found a change
        self.is_told: Callable[[], bool] = lambda: True  #: whether any event came since the start
        self._ended: VaultbotError | None = None
        #: Told when a look through the vault began, by the monotonic clock, and what came of it: None when it failed.
        self.on_look: Callable[[float, IndexReport | None], None] = lambda _began, _report: None
        #: Told, as `on_look` is, of a look within a run: all that changed between these two times is in the index.
        self.on_caught_up: Callable[[float, float], None] = lambda _since, _began: None
        self._thread = threading.Thread(target=self._work, name="index", daemon=True)

    # ── from any thread ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> WorkerState:
        """How the index is now."""
        return self._board.state

    def wait(self, seen: int, *, timeout: float) -> WorkerState:
        """The first state newer than `seen`, or the present one after `timeout` seconds."""
        return self._board.wait(seen, timeout=timeout)

    def start(self) -> None:
        """Begin with a scan."""
        self._thread.start()

    def wake(self) -> None:
        """Something may have changed in the vault."""
        self._woken.wake()

    def lost(self, why: str) -> None:
        """The vector index is on a server that does not answer any more."""
        self._lost = why
        if threading.current_thread() is not self._thread:
            self._woken.wake()

    def run(self, *, relink: bool = False) -> Future[IndexReport]:
        """Ask for a run that looks twice at what is missing; its report comes when it is done.

        With `relink` the folder that is there is the vault from now on, whatever it holds.
        """
        future: Future[IndexReport] = Future()
        with self._asking:
            self._relink = self._relink or relink
            if self._ended is None:
                self._wanted.append(future)
            else:
                future.set_exception(self._ended)
        self._woken.wake()
        return future

    def stop(self, *, timeout: float) -> bool:
        """End between two notes; True when the thread has ended and its files are closed."""
        self._stopping.set()
        self._woken.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # ── the thread ─────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        ended: VaultbotError = ShuttingDown(_SHUTTING_DOWN)
        try:
            self._open()
            unasked = False
            while True:
                self._woken.forget()
                if self._stopping.is_set():
                    break
                self._find_again()
                again_in = self._retire(self._change_over(self._run_once(unasked=unasked)))
                again_in = min(again_in, max(0.0, self._open_again - time.monotonic()))
                self._rest()
                woken = self._woken.wait(again_in)
                unasked = self._rescan_next and not woken
                if woken:
                    self._woken.settle(lambda: bool(self._wanted) or self._stopping.is_set())
        except Exception as error:
            log.error("the index thread ended: %s", kind_and_place(error))
            said = in_words(told(error, self._reader.file))
            ended = VaultbotError(
                f"the index is not being updated any more ({said}); run: vaultbot stop, vaultbot start"
            )
            self._board.say("degraded", str(ended))
        finally:
            self._refuse(ended)
            self._on_vectors(None)
            self._retire(0.0, at_once=True)
            self._indexer.close()

    def _rest(self) -> None:
        if self._board.state.state != "ready" or self._woken.is_awake():
            return
        try:
            self._at_rest(self._stopping)
        except Exception as error:  # The index is as good without.
            log.info("what is done at rest is put off: %s", kind_and_place(error))

    def _open(self) -> None:
        if self._open_vectors is None:
            return
        if not self._board.has("away"):
            self._board.say("starting", "loading the embedding model")
        try:
            self._indexer.close_vectors()  # Of one that failed, whose place this one takes.
            vectors, notice = self._open_vectors()
            self._board.note("opened", notice)
            self._indexer.attach(vectors, stopping=self._stopping)
            if not self._indexer.vectors_failure:
                self._tell_away(None)
                self._board.note("vectors", None)
                self._on_vectors(vectors)
        except (DiskFull, Unreachable) as error:
            self._wait_for_vectors(str(error))
        except Exception as error:
            if says_full(error):
                self._wait_for_vectors("a disk is full; free some space, and it goes on within a minute")
                return
            error = told(error, self._reader.file)
            log.warning("the vector index cannot be used: %s", kind_and_place(error))
            self._tell_away(None)
            self._board.note("vectors", f"words alone are searched, because the vector index cannot be used: {error}")
        self._give_up_vectors()

    def _give_up_vectors(self) -> None:
        """Once the vector index has failed, words alone are searched until the next start, or a server's answer."""
        if self._open_vectors is None or not self._indexer.vectors_failure:
            return
        if self._lost is not None:
            self._find_again()
        elif not self._board.has("away"):
            self._open_vectors = None
            self._on_vectors(None)
            self._board.note(
                "vectors",
                f"words alone are searched, because the vector index failed: {self._indexer.vectors_failure}; "
                "it is mended at the next start (vaultbot stop, vaultbot start)",
            )

    def _find_again(self) -> None:
        """Open a vector index again that was away, when it is time."""
        lost, self._lost = self._lost, None
        if lost is not None:
            self._wait_for_vectors(lost)
        if time.monotonic() >= self._open_again:
            self._open_again = math.inf
            self._open()

    def _wait_for_vectors(self, why: str) -> None:
        if self._open_again == math.inf:
            self._open_again = time.monotonic() + _RETRY_S
        self._on_vectors(None)
        self._tell_away(why)

    def _tell_away(self, why: str | None) -> None:
        if self._board.note("away", f"words alone are searched, for {why}" if why else None):
            self._on_away(why)

    def _run_once(self, *, unasked: bool) -> float:
        """One run, perhaps one that nobody asked for; returns after how many seconds the next is due."""
        thorough, self._rescan_next = unasked and self._indexer.is_stale(), False
        first = self._board.state.last_report is None
        wanted = [future for future in self._take_wanted() if future.set_running_or_notify_cancel()]
        began = time.monotonic()
        try:
            self._board.say("indexing", "looking through the vault")
            relink, self._relink = self._relink, False
            report = self._indexer.run(
                settle=bool(wanted) or first,
                relink=relink,
                thorough=thorough,
                on_progress=self._progressed,
                stopping=self._stopping,
                is_told=self._woken.told_meanwhile,
                on_caught_up=self._caught_up,
            )
            if self._stopping.is_set():
                raise ShuttingDown(_SHUTTING_DOWN)
            report = with_totals(report, self._reader.counts())
            self.on_look(began, report)
        except Exception as error:
            self.on_look(began, None)
            self._failed(error, wanted)
            return _RETRY_S if not isinstance(error, VaultMissing) else 5.0
        finally:
            self._give_up_vectors()
            self._woken.run_ended()
        log.info("indexed in %.2f s: %s", report.took_s, ", ".join(outcome(report)) or "the vault is empty")
        last = self._board.state.last_report
        kept = report if wanted or report.touched or last is None else last
        self._missing_since = None
        self._board.note("changed", None)
        self._board.note("vault", self._indexer.notice)
        if self._changeover is None:
            self._board.say("ready", "ready", report=kept)
        else:  # Who waits for the end of the change must see no "ready" before it.
            self._board.say("indexing", _preparing(self._changeover.name), report=kept)
        for future in wanted:
            future.set_result(report)
        if unasked and not thorough and (report.added or report.changed) and not self._woken.wait(_LATE_S):
            self.on_unheard()
        self._rescan_next = not self._indexer.waits_for_missing
        if not self._rescan_next:
            return SETTLE_S + 0.1
        untold_s = math.inf if self.is_told() else max(_UNTOLD_S, (time.monotonic() - began) / _LOOKING)
        return min(_FIRST_S if first else untold_s, self._rescan_s)

    def _caught_up(self, since: float, began: float) -> None:
        self.on_caught_up(since, began)

    def _failed(self, error: Exception, wanted: list[Future[IndexReport]]) -> None:
        error = told(error, self._reader.file)
        if isinstance(error, ShuttingDown):
            self._board.say("stopping", str(error))
        elif isinstance(error, VaultMissing):
            log.warning("%s", error)
            self._missing_since = self._missing_since or time.time()
            since = time.strftime("%H:%M on %Y-%m-%d", time.localtime(self._missing_since))
            self._board.say(
                "vault-missing", f"{error}. So since {since}. Nothing was removed; answers come from the last index"
            )
        elif isinstance(error, VaultbotError):
            log.warning("%s", error)
            self._board.say("degraded", str(error))
        else:
            log.error("indexing failed: %s", kind_and_place(error))
            self._board.say("degraded", f"indexing failed ({in_words(error)}); it is tried again in a minute")
        for future in wanted:
            future.set_exception(error)

    # ── another embedding model ────────────────────────────────────────────────────────────────────────────────

    def _change_over(self, again_in: float) -> float:
        """Go on with the change of the embedding model until a run is due; returns after how many seconds one is."""
        changeover = self._changeover
        if changeover is None or self._board.state.state != "indexing":  # The last run failed, and so would this.
            return again_in
        due = time.monotonic() + again_in
        try:
            if changeover.prepare(
                on_progress=self._prepared,
                stopping=self._stopping,
                paused=lambda: self._woken.is_awake() or time.monotonic() >= due,
            ):
                self._switch(changeover)
        except (VaultMissing, CatalogDamaged) as error:
            self._failed(error, [])
        except VaultbotError as error:
            told = error if self._stopping.is_set() else VaultbotError(f"{error}; {_UNTIL_THEN}")
            self._failed(told, [])
        except Exception as error:
            self._failed(error, [])
        else:
            return 0.0
        return max(0.0, min(_RETRY_S, due - time.monotonic()))

    def _switch(self, changeover: Changeover) -> None:
        notice = changeover.switch(on_progress=self._progressed, stopping=self._stopping)
        self._retired = time.monotonic(), self._indexer, changeover
        self._indexer, self._changeover, self._open_vectors = changeover.after, None, changeover.open_vectors
        for about in ("changed", "vectors"):  # What ailed the earlier one is past.
            self._board.note(about, None)
        self._board.note("opened", notice)
        self._open_again = math.inf
        self._tell_away(None)

    def _retire(self, again_in: float, *, at_once: bool = False) -> float:
        """Let go of the earlier embedding model's vectors, a while after the change."""
        if self._retired is None:
            return again_in
        since, indexer, changeover = self._retired
        left = since + _RETIRED_S - time.monotonic()
        if left > 0 and not at_once:
            return min(again_in, left)
        self._retired = None
        try:
            indexer.close_vectors()
            changeover.on_retired()
        except Exception as error:
            log.warning("the earlier vector index could not be removed: %s", kind_and_place(error))
        return again_in

    def _take_wanted(self) -> list[Future[IndexReport]]:
        with self._asking:
            wanted, self._wanted = self._wanted, []
        return wanted

    def _refuse(self, reason: VaultbotError) -> None:
        with self._asking:
            self._ended = reason
        for future in self._take_wanted():
            if future.set_running_or_notify_cancel():
                future.set_exception(reason)

    # ── telling ────────────────────────────────────────────────────────────────────────────────────────────────

    def _progressed(self, progress: IndexProgress) -> None:
        doing = {"words": "reading", "index": "indexing"}.get(progress.stage)
        words = f"{doing} {progress.done}/{progress.total}" if doing else "looking through the vault"
        self._board.progressed(words, progress)

    def _prepared(self, progress: IndexProgress) -> None:
        assert self._changeover is not None
        words = _preparing(self._changeover.name, f": {progress.done:,} of {progress.total:,} notes")
        self._board.progressed(words, progress)


def _preparing(name: str, how_far: str = "") -> str:
    return f"the new embedding model {name} is being prepared{how_far}; {_UNTIL_THEN}"
