"""The language models on a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gguf_files import scripted_model
from vaultbot.errors import InvalidRequest
from vaultbot.models.installed import InstalledModel, find_installed, installed_models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def installed(setting: str, folder: Path) -> tuple[InstalledModel, ...]:
    return installed_models(setting, folder, context_tokens=4096)


def test_the_starter_is_in_use_where_the_settings_say_nothing(folder: Path) -> None:
    (starter,) = installed("auto", folder)

    assert (starter.name, starter.origin, starter.in_use, starter.problem) == ("starter", "starter", True, None)
    assert (starter.architecture, starter.quantization, starter.context_tokens) == ("llama", "Q4_1", 8192)
    assert starter.bytes == Path(starter.path).stat().st_size
    assert starter.needed_bytes is not None
    assert starter.needed_bytes > starter.bytes


def test_what_was_pulled_is_known_by_its_name_and_a_strange_file_by_its_own(folder: Path) -> None:
    known = scripted_model(folder / "qwen2.5-1.5b-instruct-q8_0.gguf", ["ok"])
    scripted_model(folder / "mine.gguf", ["ok"])
    (folder / ".mistral.gguf.0123456789ab.part").write_bytes(b"GGUF")
    (folder / "notes.txt").write_text("none")

    models = installed(str(known), folder)

    assert [(one.name, one.in_use) for one in models] == [
        ("qwen2.5-1.5b:Q8_0", True),
        ("starter", False),
        ("mine.gguf", False),
    ]


def test_a_file_that_the_settings_name_is_one_of_them(folder: Path, tmp_path: Path) -> None:
    file = scripted_model(tmp_path / "elsewhere.gguf", ["ok"])

    first = installed(str(file), folder)[0]

    assert (first.name, first.origin, first.in_use) == (str(file), "settings", True)


def test_a_file_that_the_settings_reach_by_another_way_is_the_same_one(folder: Path, tmp_path: Path) -> None:
    scripted_model(folder / "mine.gguf", ["ok"])
    (tmp_path / "link").symlink_to(folder)

    models = installed(str(tmp_path / "link" / "mine.gguf"), folder)

    assert [(one.name, one.origin, one.in_use) for one in models] == [
        ("mine.gguf", "pulled", True),
        ("starter", "starter", False),
    ]


def test_a_file_that_is_missing_or_broken_is_told_and_not_raised(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.gguf").write_bytes(b"GGUF")

    missing, _starter, broken = installed(str(tmp_path / "gone.gguf"), folder)

    assert missing.problem is not None
    assert missing.problem.startswith("there is no model file at")
    assert missing.bytes is None
    assert broken.problem is not None
    assert "download it again" in broken.problem


def test_with_no_model_wanted_none_is_in_use(folder: Path) -> None:
    assert [one.in_use for one in installed("none", folder)] == [False]
    assert installed("none", folder / "not" / "there")[0].name == "starter"


def test_a_model_is_found_by_its_whole_name_or_without_the_quantization(folder: Path) -> None:
    for quantization in ("q4_k_m", "q8_0"):
        scripted_model(folder / f"qwen2.5-1.5b-instruct-{quantization}.gguf", ["ok"])
    scripted_model(folder / "Qwen3-8B-Q4_K_M.gguf", ["ok"])
    models = installed("auto", folder)

    assert find_installed("qwen3-8b", models).name == "qwen3-8b:Q4_K_M"
    assert find_installed("Qwen2.5-1.5b:q8_0", models).name == "qwen2.5-1.5b:Q8_0"
    with pytest.raises(InvalidRequest, match=r"say which: qwen2\.5-1\.5b:Q4_K_M, qwen2\.5-1\.5b:Q8_0"):
        find_installed("qwen2.5-1.5b", models)
    with pytest.raises(InvalidRequest, match="no model called 'gpt-9' is installed; see: vaultbot models list"):
        find_installed("gpt-9", models)
