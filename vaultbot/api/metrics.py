"""What Prometheus may ask of the daemon: numbers alone, and never a note's name or a word of it.

Labels are few and fixed: a route's template, a status, a kind of process.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaultbot import __version__
from vaultbot.protocols import Speed
from vaultbot.status import Status
from vaultbot.types import Answer, IndexReport

_STATES = ("starting", "indexing", "ready", "vault-missing", "degraded", "stopping")
_OTHER = "other"  #: an address that is no route
_INDEX_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
_HTTP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
_TOKEN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)


class Metrics:
    """Counts what happens in one daemon. Safe to use from several threads."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # Each counter would be told twice, once with when it began.
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "vaultbot_http_requests", "Answers by route and status.", ["route", "status"], registry=registry
        )
        self._waits = Histogram(
            "vaultbot_http_first_byte_seconds",
            "From a request to the beginning of its answer.",
            ["route"],
            buckets=_HTTP_BUCKETS,
            registry=registry,
        )
        self._looks = Counter(
            "vaultbot_index_runs", "Looks through the vault by how they ended.", ["outcome"], registry=registry
        )
        self._look_seconds = Histogram(
            "vaultbot_index_run_seconds", "How long they took.", buckets=_INDEX_BUCKETS, registry=registry
        )
        self._notes = Counter(
            "vaultbot_index_notes", "Notes that looks through the vault found to be new or gone.", ["change"],
            registry=registry,
        )  # fmt: skip
        self._answers = Counter("vaultbot_answers", "Answers by their kind.", ["kind"], registry=registry)
        self._first_token = Histogram(
            "vaultbot_first_token_seconds",
            "From a question to the first token of the language model.",
            buckets=_TOKEN_BUCKETS,
            registry=registry,
        )
        self._tokens = Counter("vaultbot_tokens", "Tokens of the language model.", ["kind"], registry=registry)
        self._log_records = Counter(
            "vaultbot_log_records", "Lines of the log that tell of trouble.", ["level"], registry=registry
        )
        self._scrapes = Gauge("vaultbot_info", "The version that runs.", ["version", "python"], registry=registry)
        self._scrapes.labels(__version__, sys.version.split()[0]).set(1)
        for level in ("warning", "error"):
            self._log_records.labels(level)
        self.log_handler = _Counting(self._log_records)
        ProcessCollector(registry=registry)  # Processor time, memory and open files, on Linux.

    def text(self, now: Present, accept: str | None) -> tuple[bytes, str]:
        """All of it and its media type, in the form that the `accept` header wants of those that Prometheus reads."""
        encode, media_type = choose_encoder(accept or "")
        merged = CollectorRegistry()
        merged.register(_Both(self._registry, now))
        return encode(merged), media_type

    def looked(self, began: float, report: IndexReport | None) -> None:
        """A look through the vault that began at that time of the monotonic clock has ended; see `IndexWorker`."""
        outcome = "failed" if report is None else "changed" if report.touched else "unchanged"
        self._looks.labels(outcome).inc()
        self._look_seconds.observe(time.monotonic() - began)
        for change in ("added", "changed", "renamed", "removed") if report else ():
            self._notes.labels(change).inc(getattr(report, change))

    def answered(self, answer: Answer) -> None:
        """A question was answered."""
        kind = "refused" if answer.refused else "quotes" if not answer.tokens.completion else "model"
        self._answers.labels(kind).inc()
        if answer.timings_ms.first_token is not None:
            self._first_token.observe(answer.timings_ms.first_token / 1000)
        for name in ("prompt", "cached", "completion"):
            self._tokens.labels(name).inc(getattr(answer.tokens, name))

    def responded(self, route: str, status: int, waited_s: float) -> None:
        """A request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._waits.labels(route).observe(waited_s)


class Present:
    """What is so at the moment of the question, and is counted by nobody."""

    def __init__(self, status: Status, *, asks: int, speed: Speed | None, watcher_events: int) -> None:
        self.status = status
        self.asks = asks
        self.speed = speed
        self.watcher_events = watcher_events

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' own nouns."""
        status = self.status
        yield _gauge("vaultbot_notes", "Notes that can be found.", status.notes)
        yield _gauge("vaultbot_passages", "Passages that can be found.", status.chunks)
        yield _gauge("vaultbot_notes_left_out", "Files that were left out at the last look.", len(status.skipped))
        yield _gauge("vaultbot_notes_damaged", "Notes that are not wholly in the index.", len(status.damaged))
        yield _gauge("vaultbot_index_lag_seconds", "Age of the oldest change not in the index yet.", status.lag_s)
        yield _gauge("vaultbot_index_stale", "1 when answers may be behind the vault.", status.stale is not None)
        yield _gauge("vaultbot_vectors_waiting", "Passages with vectors still to be filed.", status.waiting_vectors)
        yield _gauge("vaultbot_last_look_timestamp_seconds", "End of the last whole look.", status.looked_at or 0)
        yield _labelled(
            "vaultbot_state", "1 for the state that it is in.", "state", {one: one == status.state for one in _STATES}
        )
        yield _gauge("vaultbot_watching_events", "1 when the system tells of changes.", status.watching == "events")
        yield _gauge("vaultbot_watcher_events", "Changes that the system told since the start.", self.watcher_events)
        yield _labelled(
            "vaultbot_asks", "Questions being answered, and waiting.", "state",
            {"running": min(1, self.asks), "waiting": max(0, self.asks - 1)},
        )  # fmt: skip
        yield _gauge("vaultbot_model_loaded", "1 when the language model is in memory.", status.model_loaded)
        if self.speed is not None:
            yield _labelled(
                "vaultbot_model_tokens_per_second", "Of the language model, as measured here.", "direction",
                {"reading": self.speed.reading, "writing": self.speed.writing},
            )  # fmt: skip
        memory: dict[str, float] = {}
        for process in status.processes:
            memory[process.name] = memory.get(process.name, 0) + process.memory
        yield _labelled("vaultbot_memory_bytes", "Resident memory.", "process", memory)
        yield _gauge("vaultbot_state_folder_bytes", "Size of the state folder.", status.state_bytes)


class Measured:
    """ASGI middleware around everything, the guard too: what is refused counts as well."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                template = getattr(scope.get("route"), "path", None)
                route = template if isinstance(template, str) else _OTHER
                self._metrics.responded(route, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, pass_on)


class _Both(Collector):
    def __init__(self, counted: CollectorRegistry, now: Present) -> None:
        self._counted = counted
        self._now = now

    def describe(self) -> list[Metric]:
        return []  # Or registering would collect once for nothing.

    def collect(self) -> Iterator[Metric]:
        yield from self._counted.collect()
        yield from self._now.collect()


class _Counting(logging.Handler):
    """Counts warnings and errors; what they say is for the log alone."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(logging.WARNING)
        self._counter = counter

    def emit(self, record: logging.LogRecord) -> None:
        self._counter.labels("error" if record.levelno >= logging.ERROR else "warning").inc()


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=float(value))


def _labelled(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
