"""What vaultbot tells about a model file before anything loads it."""

from __future__ import annotations

import contextlib
import random
import struct
from typing import TYPE_CHECKING

import pytest

from tests.gguf_files import CHATML, scripted_model
from vaultbot.errors import ModelInvalid, ModelMissing
from vaultbot.models import gguf
from vaultbot.models.starter import starter_chat_model

if TYPE_CHECKING:
    from pathlib import Path

KV = struct.Struct("<Q")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return scripted_model(tmp_path / "Garden-1B.Q8_0.gguf", ["Yes", "."], file_type=7)


def test_the_starter_model_is_described() -> None:
    path = starter_chat_model()
    assert path
    info = gguf.read(path)

    assert info.label == "SmolLM2-135M-Instruct (Q4_1)"
    assert info.architecture == "llama"
    assert info.parameters == 134_515_008
    assert info.context_length == 8192
    assert info.vocabulary == 49_152
    assert info.kv_bytes_per_token == 30 * 3 * (64 + 64) * 2
    assert 0.97 < info.weight_bytes / info.size < 1
    assert info.chat_template
    assert "<|im_start|>" in info.chat_template


def test_a_small_model_is_described(model: Path) -> None:
    info = gguf.read(model)

    assert info.label == "Garden-1B (Q8_0)"
    assert info.weight_type == "F16"
    assert info.chat_template == CHATML
    assert info.tokenizer == "gpt2"
    assert len(info.block_bytes) == 1
    assert info.weight_bytes == sum(info.block_bytes) + info.other_bytes < info.size


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"there is no model file at .*none.gguf") as caught:
        gguf.read(tmp_path / "none.gguf")

    assert not isinstance(caught.value, ModelInvalid)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"is a folder; give the path of the .gguf file in it"):
        gguf.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: download it again"),
        (b"\n<!DOCTYPE html><html><head>", "is a web page, not a model: download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12", "is a Git LFS pointer"),
        (KV.pack(8) + b'{"a": 1}' + bytes(64), "is a safetensors file; vaultbot needs .* GGUF"),
        (b"PK\x03\x04" + bytes(64), "is a PyTorch pickle"),
        (b"\x80\x02}q\x00" + bytes(64), "is a PyTorch pickle"),
        (random.Random(1).randbytes(4096), "is not a GGUF model"),
        (b"GGUF" + struct.pack("<I", 1) + bytes(64), "is GGUF version 1; vaultbot reads 2 and 3"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(64), "little-endian"),
        (b"GGUF", "ends in the middle of its header; download it again"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 1), "promises .* entries, which do not fit the file"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63) + bytes(64), "promises .* entries, which do not fit"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62) + bytes(64), "promises .* entries, which do not fit"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(64), "holds no language model"),
    ],
)
def test_what_is_no_model_is_called_by_its_name(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)

    with pytest.raises(ModelInvalid, match=words):
        gguf.read(path)


def test_a_download_that_broke_off_says_how_much_is_missing(model: Path, tmp_path: Path) -> None:
    whole = model.read_bytes()
    part = tmp_path / "part.gguf"
    part.write_bytes(whole[:200_000])

    with pytest.raises(ModelInvalid, match=r"it is 0.2 MB, its header promises 0.3 MB; download it again"):
        gguf.read(part)


def test_a_cut_at_any_place_is_noticed(model: Path, tmp_path: Path) -> None:
    whole = model.read_bytes()
    part = tmp_path / "part.gguf"
    for length in (3, 5, 20, 100, 1000, 3000, 5000, len(whole) - 40_000):
        part.write_bytes(whole[:length])
        with pytest.raises(ModelInvalid):
            gguf.read(part)


def test_a_damaged_header_is_an_error_in_words_or_harmless(model: Path, tmp_path: Path) -> None:
    whole = model.read_bytes()
    chance = random.Random(2)
    damaged = tmp_path / "damaged.gguf"
    harmless = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(8, 6000)] = chance.randrange(256)
        damaged.write_bytes(data)
        with contextlib.suppress(ModelInvalid):
            gguf.read(damaged)
            harmless += 1

    assert 0 < harmless < 60


def test_absurd_numbers_of_layers_are_refused(model: Path, tmp_path: Path) -> None:
    key = b"llama.block_count"
    data = bytearray(model.read_bytes())
    at = data.index(key) + len(key) + 4
    data[at : at + 4] = struct.pack("<I", 2**30)
    crafted = tmp_path / "crafted.gguf"
    crafted.write_bytes(data)

    with pytest.raises(ModelInvalid, match="promises 1073741824 layers"):
        gguf.read(crafted)
