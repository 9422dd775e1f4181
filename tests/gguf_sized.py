"""GGUF files of a wanted size and quantization, with random weights: what they say is noise, what they need is real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType, quants

from tests.gguf_files import CHATML
from vaultbot.models.shape import Shape

_FILE_TYPES = {"F16": 1, "Q4_0": 2, "Q8_0": 7}


def sized_model(path: Path, shape: Shape, quantization: str, *, context: int = 8192) -> Path:
    """A Llama of these measures whose matrices are all packed alike."""
    kind = GGMLQuantizationType[quantization]
    random = np.random.default_rng(1)
    packed: dict[tuple[int, int], np.ndarray] = {}

    def matrix(name: str, rows: int, row: int) -> None:
        if (rows, row) not in packed:
            packed[rows, row] = quants.quantize(random.standard_normal((rows, row), dtype=np.float32) * 0.02, kind)
        writer.add_tensor(name, packed[rows, row], raw_dtype=kind)

    writer = GGUFWriter(path, "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(_FILE_TYPES[quantization])
    writer.add_chat_template(CHATML)
    words = [*(f"<0x{byte:02X}>" for byte in range(256)), "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    kinds = [TokenType.BYTE] * 256 + [TokenType.CONTROL] * 4
    words += [f"▁w{n}" for n in range(shape.vocabulary - len(words))]
    kinds += [TokenType.NORMAL] * (shape.vocabulary - len(kinds))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_types(kinds)
    writer.add_token_scores([-float(n) for n in range(len(words))])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(257)
    matrix("token_embd.weight", shape.vocabulary, shape.width)
    matrix("output.weight", shape.vocabulary, shape.width)
    ones = np.ones(shape.width, np.float32)
    writer.add_tensor("output_norm.weight", ones)
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    for layer in range(shape.layers):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", ones)
        matrix(f"blk.{layer}.attn_q.weight", queries, shape.width)
        matrix(f"blk.{layer}.attn_k.weight", keys, shape.width)
        matrix(f"blk.{layer}.attn_v.weight", keys, shape.width)
        matrix(f"blk.{layer}.attn_output.weight", shape.width, queries)
        matrix(f"blk.{layer}.ffn_gate.weight", shape.feed_forward, shape.width)
        matrix(f"blk.{layer}.ffn_up.weight", shape.feed_forward, shape.width)
        matrix(f"blk.{layer}.ffn_down.weight", shape.width, shape.feed_forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def q4_k_m(whole: Path, path: Path) -> Path:
    """The model as Q4_K_M, by llama.cpp's own quantizer, in a process of its own, for it says a lot."""
    program = (
        "import ctypes, sys, llama_cpp as llama\n"
        "params = llama.llama_model_quantize_default_params()\n"
        "params.ftype, params.nthread = llama.LLAMA_FTYPE_MOSTLY_Q4_K_M, 1\n"
        "old, new = (name.encode() for name in sys.argv[1:])\n"
        "sys.exit(llama.llama_model_quantize(old, new, ctypes.byref(params)))\n"
    )
    subprocess.run([sys.executable, "-P", "-c", program, str(whole), str(path)], check=True, capture_output=True)
    return path
