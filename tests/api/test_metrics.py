"""The numbers for Prometheus, read with Prometheus' own parser."""

from __future__ import annotations

import http.client
import logging
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.machine import Machine, machine_in
from tests.gguf_files import scripted_model
from vaultbot.api.metrics import Metrics, Present
from vaultbot.processes import Process
from vaultbot.protocols import Speed
from vaultbot.runtime import read_token
from vaultbot.status import Status
from vaultbot.types import Answer, IndexReport, Skipped, Timings, TokenUsage

STATUS = Status("ready", "ready", "Notes", 3, 9, "hash", "scripted", 1, 8765, "token", "1", 1.0)


def samples(text: str) -> dict[str, float]:
    """Every value by its name and labels, as they are written."""
    return {
        sample.name + ("{" + ",".join(f"{k}={v}" for k, v in sample.labels.items()) + "}" if sample.labels else ""): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(metrics: Metrics, status: Status = STATUS, *, asks: int = 0, speed: Speed | None = None) -> dict[str, float]:
    content, _ = metrics.text(Present(status, asks=asks, speed=speed, watcher_events=4), None)
    return samples(content.decode())


def answer(*, refused: bool = False, first_token: float | None = None, tokens: TokenUsage | None = None) -> Answer:
    return Answer(
        "q", "a", (), (), grounded=True, refused=refused, model="m",
        timings_ms=Timings(1.0, first_token, 900.0), tokens=tokens or TokenUsage(),
    )  # fmt: skip


def test_how_the_index_is_can_be_collected() -> None:
    from dataclasses import replace

    status = replace(
        STATUS,
        stale="late",
        lag_s=90.0,
        waiting_vectors=5,
        skipped=(Skipped("secret name.md", "binary"),),
        processes=(Process("daemon", 1, 100), Process("llama.cpp", 2, 50), Process("llama.cpp", 3, 7)),
        watching="polling",
    )

    found = told(Metrics(), status, asks=4, speed=Speed(reading=100.0, writing=20.0))

    wanted = {
        "vaultbot_notes": 3, "vaultbot_passages": 9, "vaultbot_notes_left_out": 1, "vaultbot_index_lag_seconds": 90,
        "vaultbot_index_stale": 1, "vaultbot_vectors_waiting": 5, "vaultbot_state{state=ready}": 1,
        "vaultbot_state{state=degraded}": 0, "vaultbot_asks{state=running}": 1, "vaultbot_asks{state=waiting}": 3,
        "vaultbot_model_tokens_per_second{direction=writing}": 20, "vaultbot_memory_bytes{process=daemon}": 100,
        "vaultbot_memory_bytes{process=llama.cpp}": 57, "vaultbot_watching_events": 0, "vaultbot_watcher_events": 4,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_looks_through_the_vault_are_counted_and_timed() -> None:
    metrics = Metrics()
    metrics.looked(0.0, IndexReport(added=3, removed=1))
    metrics.looked(0.0, IndexReport(unchanged=3))
    metrics.looked(0.0, None)

    found = told(metrics)

    for outcome in ("changed", "unchanged", "failed"):
        assert found[f"vaultbot_index_runs_total{{outcome={outcome}}}"] == 1
    assert found["vaultbot_index_notes_total{change=added}"] == 3
    assert found["vaultbot_index_run_seconds_count"] == 3


def test_answers_are_counted_with_their_tokens_and_the_time_to_the_first() -> None:
    metrics = Metrics()
    metrics.answered(answer(first_token=700.0, tokens=TokenUsage(prompt=50, cached=20, completion=9)))
    metrics.answered(answer())
    metrics.answered(answer(refused=True))

    found = told(metrics)

    assert [found[f"vaultbot_answers_total{{kind={kind}}}"] for kind in ("model", "quotes", "refused")] == [1, 1, 1]
    assert found["vaultbot_tokens_total{kind=completion}"] == 9
    assert found["vaultbot_first_token_seconds_count"] == 1
    assert found["vaultbot_first_token_seconds_bucket{le=0.5}"] == 0
    assert found["vaultbot_first_token_seconds_bucket{le=1.0}"] == 1


def test_trouble_in_the_log_is_counted_and_not_told() -> None:
    metrics = Metrics()
    log = logging.getLogger("vaultbot.test-metrics")
    log.addHandler(metrics.log_handler)
    log.warning("%s is odd", "Secret name.md")
    log.error("worse")
    log.info("well")

    found = told(metrics)

    assert found["vaultbot_log_records_total{level=warning}"] == 1
    assert found["vaultbot_log_records_total{level=error}"] == 1


def test_open_metrics_are_spoken_to_who_asks_for_them() -> None:
    present = Present(STATUS, asks=0, speed=None, watcher_events=0)
    plain, plain_type = Metrics().text(present, None)
    newer, newer_type = Metrics().text(present, "application/openmetrics-text; version=1.0.0")

    assert plain_type.startswith("text/plain; version=")
    assert newer_type.startswith("application/openmetrics-text; version=1.0.0")
    assert newer.endswith(b"# EOF\n")
    assert len(list(open_metrics(newer.decode()))) > 20  # type: ignore[no-untyped-call]
    assert b"# EOF" not in plain


# ── a real daemon ──────────────────────────────────────────────────────────────────────────────────────────────


def get(machine: Machine, path: str, token: str | None) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", machine.client().runtime.port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    answered = connection.getresponse()
    return answered.status, answered.headers["content-type"], answered.read().decode()


def test_a_daemon_tells_its_numbers_to_who_has_the_token_and_no_name_or_word_of_a_note(tmp_path: Path) -> None:
    model = scripted_model(tmp_path / "m.gguf", ["It is fed with flour."])
    with machine_in(tmp_path / "machine") as machine:
        machine.write("Whispered Name.md", "A sourdough starter is fed with flour and water every day.\n")
        (machine.vault / "Whispered picture.md").write_bytes(b"\x89PNG\0\0\0")
        with machine.serve(VAULTBOT_MODEL_PATH=str(model)):
            token = read_token(machine.state)
            asked: dict[str, Any] = {"question": "What is a sourdough starter fed with, whispered?"}
            machine.client().post("/api/ask", asked)
            assert get(machine, "/metrics", None)[0] == 401
            assert get(machine, "/api/notes/Whispered%20Name.md", token)[0] == 200
            assert get(machine, "/whispered/address", token)[0] == 404
            status, kind, text = get(machine, "/metrics", token)

    found = samples(text)
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert found["vaultbot_notes"] == 1
    assert found["vaultbot_notes_left_out"] == 1
    assert found["vaultbot_http_requests_total{route=/api/ask,status=200}"] == 1
    assert found["vaultbot_http_requests_total{route=/api/notes/{path:path},status=200}"] == 1
    assert found["vaultbot_http_requests_total{route=other,status=401}"] == 1
    assert found["vaultbot_http_requests_total{route=other,status=404}"] == 1
    assert found["vaultbot_index_runs_total{outcome=changed}"] == 1
    assert found["vaultbot_first_token_seconds_count"] == 1
    assert found["vaultbot_tokens_total{kind=completion}"] > 0
    assert found["vaultbot_model_loaded"] == 1
    assert found["vaultbot_memory_bytes{process=llama.cpp}"] > 0
    assert found["process_open_fds"] > 5
    for word in ("hispered", "flour", "picture", token, str(tmp_path)):
        assert word not in text


@pytest.mark.parametrize("asks", [0, 1, 9])
def test_of_the_questions_one_is_running_and_the_others_wait(asks: int) -> None:
    found = told(Metrics(), asks=asks)

    assert found["vaultbot_asks{state=running}"] == min(1, asks)
    assert found["vaultbot_asks{state=waiting}"] == max(0, asks - 1)
