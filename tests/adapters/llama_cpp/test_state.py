"""What a model has read is kept from one life of its process to the next, and never harms it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.broken_llama_cpp import breaks_at
from tests.gguf_files import scripted_model
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.adapters.llama_cpp.engine import Engine
from vaultbot.adapters.llama_cpp.state import KeptState
from vaultbot.errors import ModelCrashed
from vaultbot.models.starter import starter_chat_model
from vaultbot.protocols import Message
from vaultbot.types import TokenUsage

SOURCES = "[1] The capital of Italy is Rome. " + "Rome has many old houses. " * 12


def asked(question: str) -> list[Message]:
    return [Message("system", "Answer from the sources."), Message("user", f"{SOURCES}\n\n{question}")]


def answered(model: LlamaCppChatModel, question: str = "What is the capital of Italy?") -> tuple[str, TokenUsage]:
    *pieces, last = model.stream(asked(question), max_tokens=12)
    assert last.usage
    return "".join(piece.text for piece in pieces), last.usage


def starter(state: Path | None, *, context_tokens: int = 512) -> LlamaCppChatModel:
    path = starter_chat_model()
    assert path
    return LlamaCppChatModel(path, context_tokens=context_tokens, state=state, threads=1)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file after one question."""
    model = starter(tmp_path / "prompt.state")
    answered(model)
    model.close()
    return tmp_path / "prompt.state"


def test_after_a_restart_the_same_sources_are_not_read_again(kept: Path) -> None:
    fresh = starter(None)
    expected, whole = answered(fresh, "Where are old houses?")
    fresh.close()
    model = starter(kept)
    answer, usage = answered(model, "Where are old houses?")
    model.close()

    assert whole.cached == 0
    assert usage.prompt - usage.cached < 15  # the end of the prompt, which differs
    assert answer == expected


def test_it_is_for_the_owner_alone_and_holds_no_answer(kept: Path) -> None:
    head = json.loads(kept.read_bytes().split(b"\n", 1)[0])
    path = starter_chat_model()
    assert path
    engine = Engine(path, context_tokens=512)
    said = b"".join(engine.vocabulary.piece(token) for token in head["tokens"]).decode()
    engine.close()

    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert said.endswith("What is the capital of Italy?\nassistant\n")
    assert [file.name for file in kept.parent.iterdir()] == ["prompt.state"]


def test_a_model_that_was_asked_nothing_keeps_what_was_kept(kept: Path) -> None:
    before = kept.read_bytes()
    model = starter(kept)
    model.count_tokens(["x"])
    gone_meanwhile = not kept.exists()
    model.close()

    assert gone_meanwhile
    assert len(kept.read_bytes()) == len(before)
    assert kept.read_bytes().split(b"\n", 1)[0] == before.split(b"\n", 1)[0]


@pytest.mark.parametrize("place", [0, 5, 40, 200, 5000, -1000, -1])
def test_a_damaged_file_is_not_given_to_llama_cpp(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    data = bytearray(kept.read_bytes())
    data[place] ^= 0x20
    kept.write_bytes(data)
    breaks_at(tmp_path / "broken", monkeypatch, "llama_state_seq_set_data")
    model = starter(kept)
    _, usage = answered(model)
    model.close()

    assert usage.cached == 0


@pytest.mark.parametrize("data", [b"", b"\n", b"{}\n", b"[]\nx", b'{"key": 1}', b"\x00" * 5000, b"[" * 5000 + b"\n"])
def test_a_file_of_something_else_is_ignored(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "prompt.state").write_bytes(data)
    model = LlamaCppChatModel(scripted_model(tmp_path / "m.gguf", ["Yes"]), state=tmp_path / "prompt.state")

    assert "".join(piece.text for piece in model.stream(asked("So?"), max_tokens=5)) == "Yes"
    model.close()


def test_a_file_cut_short_is_ignored(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes()[:-100])
    model = starter(kept)

    assert answered(model)[1].cached == 0
    model.close()


def test_what_another_model_has_read_or_one_with_more_room_is_left_alone(kept: Path, tmp_path: Path) -> None:
    before = kept.read_bytes()
    other = LlamaCppChatModel(scripted_model(tmp_path / "m.gguf", ["Yes"]), state=kept)
    other.count_tokens(["x"])
    roomy = starter(kept, context_tokens=1024)
    roomy.count_tokens(["x"])

    assert kept.read_bytes() == before
    other.close()
    roomy.close()
    assert kept.read_bytes() == before  # They have read nothing themselves.


def test_a_crash_while_it_is_taken_up_happens_once(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks_at(tmp_path / "broken", monkeypatch, "llama_state_seq_set_data")
    model = starter(kept)
    with pytest.raises(ModelCrashed, match="SIGABRT"):
        answered(model)

    assert not kept.exists()
    assert answered(model)[1].cached == 0
    assert model.trouble is None
    model.close()


def test_what_is_too_large_is_kept_as_far_as_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = starter_chat_model()
    assert path
    state = KeptState(tmp_path / "s", "key")
    engine = Engine(path, context_tokens=512, threads=1)
    prompt = engine.prompts.tokens([{"role": "user", "content": SOURCES}])
    list(engine.generate(prompt, engine.begin(prompt), max_tokens=2, stop=[], lstrip=True))
    monkeypatch.setattr("vaultbot.adapters.llama_cpp.state._MOST_BYTES", 40 * 23040)
    engine.keep(state)
    engine.close()

    head = json.loads(state.path.read_bytes().split(b"\n", 1)[0])
    assert head["tokens"] == prompt[:40]
    again = Engine(path, context_tokens=512, threads=1)
    again.take_up(state)
    assert again.begin(prompt).cached == 40
    again.close()


def test_a_place_that_cannot_be_written_to_costs_the_next_start_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    model = starter(tmp_path / "file" / "prompt.state")
    answered(model)
    model.close()

    assert not model.loaded
    assert (tmp_path / "file").read_text() == "in the way"


def test_in_the_middle_of_an_answer_what_was_read_is_kept_too(tmp_path: Path) -> None:
    model = starter(tmp_path / "prompt.state")
    stream = model.stream(asked("Tell me a long story."), max_tokens=100)
    next(stream)
    model.close()
    again = starter(tmp_path / "prompt.state")
    usage = answered(again, "Tell me a long story.")[1]
    again.close()

    assert usage.cached == usage.prompt - 1
