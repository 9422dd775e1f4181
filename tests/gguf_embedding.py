"""A sentence-transformers model of BERT's kind as a GGUF file, as llama.cpp's own converter would write it."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file


def as_gguf(folder: Path, path: Path, *, name: str, pooling: gguf.PoolingType | None = gguf.PoolingType.MEAN) -> Path:
    """Write the model in `folder` to `path`, under this `general.name`."""
    settings = json.loads((folder / "config.json").read_text())
    layers = settings["num_hidden_layers"]
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name(name)
    writer.add_context_length(settings["max_position_embeddings"])
    writer.add_embedding_length(settings["hidden_size"])
    writer.add_feed_forward_length(settings["intermediate_size"])
    writer.add_block_count(layers)
    writer.add_head_count(settings["num_attention_heads"])
    writer.add_layer_norm_eps(settings["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_token_type_count(settings["type_vocab_size"])
    writer.add_file_type(0)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    _add_vocabulary(writer, json.loads((folder / "tokenizer.json").read_text()))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)
    for key, tensor in load_file(folder / "model.safetensors").items():
        if "position_ids" not in key and not key.startswith("pooler"):
            writer.add_tensor(
                names.get_name(key.removeprefix("bert."), try_suffixes=(".weight", ".bias")), tensor.astype(np.float32)
            )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: gguf.GGUFWriter, tokenizer: dict[str, dict[str, dict[str, int]]]) -> None:
    vocabulary = tokenizer["model"]["vocab"]
    controls = {"[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]"}
    in_order = sorted(vocabulary, key=vocabulary.__getitem__)
    # llama.cpp marks the beginnings of words, the original their continuations.
    texts = [word if word in controls else word[2:] if word.startswith("##") else f"▁{word}" for word in in_order]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(texts)
    writer.add_token_types([gguf.TokenType.CONTROL if word in controls else gguf.TokenType.NORMAL for word in in_order])
    writer.add_bos_token_id(vocabulary["[CLS]"])
    writer.add_eos_token_id(vocabulary["[SEP]"])
    writer.add_sep_token_id(vocabulary["[SEP]"])
    writer.add_unk_token_id(vocabulary["[UNK]"])
    writer.add_pad_token_id(vocabulary["[PAD]"])
    writer.add_mask_token_id(vocabulary["[MASK]"])
