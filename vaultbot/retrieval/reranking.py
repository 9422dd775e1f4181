"""The best candidates, read once more by a model that looks at question and text together.

That is the most exact signal and by far the slowest, so there is a time for it: when the model is not through with all
candidates by then, none of its scores count.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from vaultbot.errors import VaultbotError, kind_and_place
from vaultbot.protocols import Reranker

log = logging.getLogger("vaultbot.retrieval")

_BATCH = 4  #: texts read between two looks at the clock
_OFTEN_LATE = 5  #: times in a row


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the reranker says of each text, from 0 to 1; or nothing at all, and why."""

    scores: tuple[float, ...] = ()
    why_none: str = ""


@dataclass(slots=True)
class _Job:
    question: str
    texts: Sequence[str]
    scores: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    failure: str = ""  #: why there are no scores
    unwanted: bool = False  #: whoever asked has stopped waiting


class Reranking:
    """Puts texts to a reranker, in one thread that is never behind: what nobody waits for any more is dropped.

    Safe to use from several threads.
    """

    def __init__(self, reranker: Reranker, *, limit_s: float, top: int) -> None:
        self.top = top  #: how many candidates are read
        self._reranker = reranker
        self._limit_s = limit_s
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._ready = False
        self._failure: str | None = None
        self._late = 0  #: times in a row

    @property
    def notice(self) -> str | None:
        """Why nothing is reranked, for a person."""
        if self._failure is None and self._late >= _OFTEN_LATE:
            return (
                f"the reranker {self._reranker.name} was not ready after {self._limit_s * 1000:.0f} ms the last "
                f"{self._late} times, so nothing is reranked; raise [retrieval] rerank_ms, lower rerank_top, or choose "
                "a smaller reranker"
            )
        return self._failure

    def load(self) -> None:
        """Have the model ready, which takes seconds. Until then nobody waits for it, and nothing is reranked."""
        with self._starting:
            if self._ready or self._failure:
                return
            job = _Job("ready", ["ready"])
            self._work(job)
            if self._failure is None:
                threading.Thread(target=self._serve, name="reranker", daemon=True).start()
                self._ready = True

    def verdicts(self, question: str, texts: Sequence[str]) -> Verdicts:
        """On these texts, best candidates first; all of them or none."""
        if self._failure or not self._ready:
            return Verdicts(why_none=self._failure or "reranker: not loaded yet")
        job = _Job(question, texts)
        self._jobs.put(job)
        in_time = job.ended.wait(self._limit_s)
        job.unwanted = True
        self._late = 0 if in_time else self._late + 1
        if not in_time:
            return Verdicts(why_none=f"reranker: out of time after {self._limit_s * 1000:.0f} ms")
        return Verdicts((), job.failure) if job.failure else Verdicts(tuple(job.scores))

    def close(self) -> None:
        """End the thread."""
        self._jobs.put(None)

    def _serve(self) -> None:
        while self._failure is None and (job := self._jobs.get()) is not None:
            self._work(job)

    def _work(self, job: _Job) -> None:
        try:
            for start in range(0, len(job.texts), _BATCH):
                if job.unwanted or self._failure:
                    return
                batch = job.texts[start : start + _BATCH]
                scores = [float(score) for score in self._reranker.score(job.question, batch)]
                if len(scores) != len(batch) or not all(0 <= score <= 1 for score in scores):
                    raise _NoScoreError(next((s for s in scores if not 0 <= s <= 1), math.nan))
                job.scores += scores
            job.ended.set()
        except Exception as error:
            self._failure = job.failure = self._told(error)
            log.warning("%s", job.failure)
            job.ended.set()

    def _told(self, error: Exception) -> str:
        if isinstance(error, VaultbotError):
            return f"hits are not reranked: {error}"
        if isinstance(error, _NoScoreError):
            why = f"it gave {error.args[0]} for a score"
        else:
            log.error("the reranker failed: %s", kind_and_place(error))
            why = type(error).__name__
        return (
            f"the reranker {self._reranker.name} is not used any more, because it failed ({why}); choose another with "
            "[retrieval] reranker, or restart vaultbot to try once more"
        )


class _NoScoreError(Exception):
    """What came is no number from 0 to 1."""
