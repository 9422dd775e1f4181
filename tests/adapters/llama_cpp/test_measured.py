"""What was measured of a model is kept, and measured once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gguf_files import scripted_model
from vaultbot.adapters.llama_cpp import measured
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.adapters.llama_cpp.measured import Measured, MeasuredFile, measured_file
from vaultbot.errors import ModelInvalid
from vaultbot.models.fingerprint import fingerprint
from vaultbot.protocols import Speed

KNOWN = Measured(
    layers=0, repack=True, reading_threads=4, writing_threads=3, batch=128, busy=False, speed=Speed(200.0, 20.0)
)


def test_what_was_measured_is_known_the_next_time(tmp_path: Path) -> None:
    MeasuredFile(tmp_path / "new" / "m.json").write(KNOWN)

    assert MeasuredFile(tmp_path / "new" / "m.json").read() == KNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 4000,
        '{"speed": 3}',
        *(
            json.dumps(
                {
                    "layers": 0,
                    "repack": True,
                    "reading_threads": 4,
                    "writing_threads": 3,
                    "batch": 128,
                    "busy": False,
                    "speed": {"reading": 200, "writing": 20},
                    **wrong,
                }
            )
            for wrong in (
                {"batch": 0},
                {"batch": 512},
                {"batch": 100},
                {"reading_threads": 0},
                {"writing_threads": 100000},
                {"writing_threads": True},
                {"repack": 1},
                {"layers": "all"},
                {"speed": {"reading": 0, "writing": 20}},
                {"speed": {"reading": "fast", "writing": 20}},
                {"speed": {"reading": float("inf"), "writing": 20}},
                {"more": 1},
            )
        ),
    ],
)
def test_a_file_that_makes_no_sense_counts_as_none(tmp_path: Path, text: str) -> None:
    file = MeasuredFile(tmp_path / "m.json")
    file.path.write_text(text)

    assert file.read() is None


def test_a_place_that_cannot_be_written_to_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    MeasuredFile(tmp_path / "file" / "m.json").write(KNOWN)

    assert MeasuredFile(tmp_path / "file" / "m.json").read() is None


def test_a_speed_that_changed_is_written_down_and_a_little_change_is_not(tmp_path: Path) -> None:
    file = MeasuredFile(tmp_path / "m.json")
    file.write(KNOWN)
    file.correct(Speed(195.0, 20.5))
    near = MeasuredFile(file.path).read()
    file.correct(Speed(120.0, 20.0))

    assert near == KNOWN
    assert MeasuredFile(file.path).read() == replace(KNOWN, speed=Speed(120.0, 20.0))


def test_another_model_processor_or_llama_cpp_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = scripted_model(tmp_path / "m.gguf", ["Yes"])
    other = scripted_model(tmp_path / "o.gguf", ["No"])
    files = {measured_file(tmp_path, model, threads=None).path, measured_file(tmp_path, model, threads=None).path}
    assert len(files) == 1

    files |= {measured_file(tmp_path, other, threads=None).path, measured_file(tmp_path, model, threads=2).path}
    monkeypatch.setattr(measured, "processor_name", lambda: "another")
    files.add(measured_file(tmp_path, model, threads=None).path)
    monkeypatch.setattr(measured, "engine_version", lambda: "9.9.9")
    files.add(measured_file(tmp_path, model, threads=None).path)

    assert len(files) == 5


def test_a_model_is_told_from_one_that_differs_in_its_weights_alone(tmp_path: Path) -> None:
    model = scripted_model(tmp_path / "m.gguf", ["Yes"])
    before = fingerprint(model)
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)

    assert fingerprint(model) != before
    model.unlink()
    with pytest.raises(ModelInvalid, match="cannot be read"):
        fingerprint(model)


def test_a_models_first_load_measures_it_and_the_next_one_does_not(tmp_path: Path) -> None:
    path, folder = scripted_model(tmp_path / "m.gguf", ["Yes"]), tmp_path / "measured"
    first = LlamaCppChatModel(path, measured=folder)
    unknown = first.speed
    first.count_tokens(["x"])
    told = first.speed
    first.close()
    assert unknown is None
    (file,) = folder.iterdir()
    known = MeasuredFile(file).read()
    assert known
    assert told == known.speed

    # One that was measured while others were at work is measured again, so this one is made a quiet one.
    MeasuredFile(file).write(replace(known, busy=False, batch=64, speed=Speed(123.0, 45.0)))
    second = LlamaCppChatModel(path, measured=folder)
    before = second.speed
    second.count_tokens(["x"])
    assert before == second.speed == Speed(123.0, 45.0)
    second.close()


def test_a_damaged_file_is_measured_and_written_anew(tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "m.gguf", ["Yes"])
    file = measured_file(tmp_path / "measured", path, threads=1)
    file.path.parent.mkdir()
    file.path.write_bytes(b"\x00\xff")
    model = LlamaCppChatModel(path, measured=tmp_path / "measured", threads=1)
    model.count_tokens(["x"])
    model.close()

    assert file.read()
