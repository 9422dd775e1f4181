"""What doctor says of the models, the libraries and the daemon."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chat_server import chat_server
from tests.gguf_files import scripted_model, sentencepiece_model
from vaultbot.adapters.llama_cpp.devices import Build
from vaultbot.adapters.llama_cpp.measured import Measured, measured_file
from vaultbot.config import Config, EmbeddingSettings, ModelSettings
from vaultbot.doctor import models, versions
from vaultbot.doctor.check import Check, failed, worst
from vaultbot.errors import ModelMissing, VaultbotError
from vaultbot.paths import measurements
from vaultbot.protocols import Speed

STATUS = {
    "state": "ready",
    "message": "up to date",
    "pid": 7,
    "notes": 35,
    "chunks": 72,
    "warnings": [],
    "model_loaded": False,
}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))


def with_model(path: Path | str) -> Config:
    return replace(Config(), model=ModelSettings(path=str(path)))


def test_a_whole_model_tells_its_memory_and_when_its_speed_is_known_that_too(tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "Tiny.gguf", ["Yes"])
    before, info = models.language_model(with_model(path), loaded=False)
    measured_file(measurements(), path, threads=None).write(
        Measured(0, False, 4, 3, 256, busy=False, speed=Speed(210.4, 31.7))
    )
    after, _ = models.language_model(with_model(path), loaded=False)

    assert before.state == after.state == "ok"
    assert before.says.startswith("Tiny (F32), 0.0 GB and whole, needs 0.1 GB of memory; its speed is measured when")
    assert after.says.endswith("; reads 210 and writes 32 tokens a second")
    assert info
    assert info.path == path


def test_a_model_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    check, info = models.language_model(with_model(tmp_path / "none.gguf"), loaded=False)

    assert check.state == "problem"
    assert "there is no model file at" in check.says
    assert check.do == "give a GGUF file with --model or [model] path"
    assert info is None


def test_a_model_that_was_cut_short_is_a_problem(tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "m.gguf", ["Yes"])
    path.write_bytes(path.read_bytes()[:-5000])
    check, _ = models.language_model(with_model(path), loaded=False)

    assert check.state == "problem"
    assert check.do == "download it again"


def test_an_embedding_model_in_its_place_is_a_problem(tmp_path: Path) -> None:
    path = sentencepiece_model(tmp_path / "m.gguf", architecture="bert")
    check, _ = models.language_model(with_model(path), loaded=False)

    assert (check.state, check.do) == ("problem", "choose a chat model")


def test_a_model_too_large_for_the_memory_is_a_problem_unless_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "available_bytes", lambda: 1_000_000)
    path = scripted_model(tmp_path / "m.gguf", ["Yes"])
    check, info = models.language_model(with_model(path), loaded=False)

    assert check.state == "problem"
    assert "of memory, and 0.0 GB are free" in check.says
    assert "context_tokens lower" in check.do
    assert info
    assert models.language_model(with_model(path), loaded=True)[0].state == "ok"


def test_without_a_model_answers_are_quotes_and_that_may_be_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert models.language_model(with_model("none"), loaded=False)[0].state == "ok"

    monkeypatch.setattr("vaultbot.bootstrap.starter_chat_model", lambda: None)
    check, _ = models.language_model(Config(), loaded=False)
    assert check.state == "advice"
    assert "vaultbot models recommend" in check.do


@pytest.mark.parametrize(
    ("setting", "state", "says"),
    [
        ("auto", "ok", "all-MiniLM-L6-v2"),
        ("none", "ok", "none is wanted"),
        ("/nowhere", "problem", "/nowhere"),
    ],
)
def test_the_embedding_model_is_looked_at(setting: str, state: str, says: str) -> None:
    check = models.embedder(replace(Config(), embedding=EmbeddingSettings(model=setting)))

    assert check.state == state
    assert says in check.says


def test_a_daemon_tells_its_own_troubles() -> None:
    given_up = "the model m.gguf crashed 2 times (SIGABRT) and is not started again; choose another"
    (none,) = models.daemon(None)
    (fine,) = models.daemon(STATUS)
    told = models.daemon({**STATUS, "state": "degraded", "message": "a; b", "warnings": [given_up]})

    assert (none.state, fine.state) == ("ok", "ok")
    assert fine.says == "ready, pid 7; notes: 35, passages: 72"
    assert [(check.state, check.says, check.do) for check in told] == [
        ("advice", "a", "b"),
        ("advice", "the model m.gguf crashed 2 times (SIGABRT) and is not started again", "choose another"),
    ]


def test_the_versions_of_what_runs_here_are_told() -> None:
    checks = {check.name: check for check in versions.versions(Build(("CUDA", "CPU")))}

    assert worst(checks.values()) == "ok"
    assert "full-text search" in checks["sqlite"].says
    assert checks["llama-cpp-python"].says.endswith(", built for CUDA and CPU")


def test_a_llama_cpp_that_does_not_run_is_a_problem_with_the_line_that_mends_it() -> None:
    for problem in (
        "SIGSEGV: no reason given",
        "this processor lacks instructions (AVX2); build it here: pip install …",
    ):
        *_, check = versions.versions(Build(problem=problem))
        assert check.state == "problem"
        assert problem.partition(";")[0] in check.says
        assert "pip install" in check.do


def test_a_missing_llama_cpp_is_no_problem_and_a_missing_library_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_version", lambda _: None)
    states = {check.name: check.state for check in versions.versions(Build(problem="exit code 1"))}

    assert states["llama-cpp-python"] == "advice"
    assert states["chromadb"] == "problem"


def test_an_error_is_a_fact_and_a_step() -> None:
    assert failed("x", ModelMissing("a; b; c")) == Check("x", "problem", "a; b", "c")
    assert failed("x", VaultbotError("only a fact")) == Check("x", "problem", "only a fact")


def test_the_worst_counts() -> None:
    def checks(*states: str) -> list[Check]:
        return [Check("x", state, "") for state in states]  # type: ignore[arg-type]

    assert [worst(checks(*s)) for s in ([], ["ok"], ["ok", "advice"], ["problem", "advice", "ok"])] == [
        "ok",
        "ok",
        "advice",
        "problem",
    ]


def test_a_server_is_asked_whether_it_is_there_and_has_the_model() -> None:
    with chat_server() as server:
        there = replace(Config(), model=ModelSettings(base_url=server.address, remote_model="some-model"))
        found, info = models.language_model(there, loaded=False)
        other = replace(Config(), model=ModelSettings(base_url=server.address, remote_model="qwen"))
        lacking, _ = models.language_model(other, loaded=False)
        embedding = EmbeddingSettings(base_url=server.address, remote_model="some-model")
        embedder = models.embedder(replace(Config(), embedding=embedding))
        asked = list(server.asked)
    gone, _ = models.language_model(there, loaded=False)

    assert found == Check("language model", "ok", f"some-model at {server.address}, which answers")
    assert info is None
    assert lacking.state == "advice"
    assert lacking.do == "set remote_model to one that it has: some-model"
    assert embedder == Check("embedding model", "ok", f"some-model at {server.address}, which answers")
    assert asked == []
    assert gone.state == "problem"
    assert "does not answer" in gone.says


def test_a_server_elsewhere_is_not_asked_without_leave() -> None:
    away = replace(Config(), embedding=EmbeddingSettings(base_url="http://192.168.1.9:1/v1", remote_model="m"))
    check = models.embedder(away)

    assert check.state == "problem"
    assert "is not on this machine" in check.says
