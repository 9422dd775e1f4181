"""Small GGUF files for tests, made on the spot: models that llama.cpp loads, and one that it dies of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gguf import GGUFWriter, PoolingType, TokenType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vaultbot.protocols import FloatArray

WIDTH = 128
CHATML = (
    "{% for message in messages %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'"
    " + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
#: As in Qwen2.5-Instruct's tokenizer configuration, without the part about tools.
QWEN_2 = (
    "{%- if messages[0]['role'] == 'system' %}\n"
    "    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n"
    "{%- else %}\n"
    "    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. "
    "You are a helpful assistant.<|im_end|>\\n' }}\n"
    "{%- endif %}\n"
    "{%- for message in messages %}\n"
    '    {%- if (message.role == "user") or (message.role == "system" and not loop.first)'
    ' or (message.role == "assistant" and not message.tool_calls) %}\n'
    "        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n"
    "    {%- endif %}\n"
    "{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n"
    "    {{- '<|im_start|>assistant\\n' }}\n"
    "{%- endif %}\n"
)
#: As in Llama-2-Chat's tokenizer configuration.
LLAMA_2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
    "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}"
    "{% endfor %}"
)
#: As in Gemma's tokenizer configuration: it knows no system role.
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)


@dataclass
class Words:
    """A vocabulary in the making."""

    texts: list[str] = field(default_factory=list)
    kinds: list[TokenType] = field(default_factory=list)

    def add(self, text: str, kind: TokenType = TokenType.NORMAL) -> int:
        if text not in self.texts:
            self.texts.append(text)
            self.kinds.append(kind)
        return self.texts.index(text)


def scripted_model(
    path: Path,
    reply: Sequence[str | bytes],
    *,
    template: str | None = CHATML,
    controls: Sequence[str] = ("<|im_start|>", "<|im_end|>"),
    context: int = 1024,
    file_type: int = 0,
    pooling: PoolingType | None = None,
) -> Path:
    """A byte-level model that answers every question with the same pieces, then ends its turn.

    Every piece is one token (bytes: as many tokens as bytes), used once. All layers are zero, so the next
    token depends on the last one alone.
    """
    words = Words()
    alphabet = _gpt2_alphabet()
    for byte in range(256):
        words.add(alphabet[byte])
    for control in controls:
        words.add(control, TokenType.CONTROL)
    end = words.add(controls[-1] if controls else "<|endoftext|>", TokenType.CONTROL)
    words.add(alphabet[ord(" ")] + "t")
    chain: list[int] = []
    for piece in reply:
        if isinstance(piece, bytes):
            chain += piece
        else:
            chain.append(words.add("".join(alphabet[byte] for byte in piece.encode())))
    assert len(set(chain)) == len(chain), "a token can have one successor only"
    writer = _writer(path, "llama", context=context, template=template, file_type=file_type)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_merges([f"{alphabet[ord(' ')]} t"])
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    return _write(writer, words, *_chained(len(words.texts), [*chain, end]))


def dice_model(path: Path, chances: Mapping[str, float]) -> Path:
    """A byte-level model that says one of these characters, whatever was said before, and never ends its turn."""
    words = Words()
    alphabet = _gpt2_alphabet()
    for byte in range(256):
        words.add(alphabet[byte])
    for control in ("<|im_start|>", "<|im_end|>"):
        words.add(control, TokenType.CONTROL)
    words.add(alphabet[ord(" ")] + "t")
    embedding = np.ones((len(words.texts), WIDTH), np.float32)
    output = np.zeros((len(words.texts), WIDTH), np.float32)
    for character, chance in chances.items():
        output[words.texts.index(character)] = (math.log(chance) + 20) / WIDTH
    writer = _writer(path, "llama", context=1024, template=CHATML)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_merges([f"{alphabet[ord(' ')]} t"])
    writer.add_eos_token_id(words.texts.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    return _write(writer, words, embedding, output)


def sentencepiece_model(
    path: Path, *, template: str | None = LLAMA_2, architecture: str = "llama", byte_tokens: bool = True
) -> Path:
    """A model with a made-up vocabulary in the form of Llama 2's (`<s>`, "▁" for a space); it says " yes"."""
    words = Words()
    words.add("<unk>", TokenType.UNKNOWN)
    begin, end = words.add("<s>", TokenType.CONTROL), words.add("</s>", TokenType.CONTROL)
    if byte_tokens:
        for byte in range(256):
            words.add(f"<0x{byte:02X}>", TokenType.BYTE)
    for text in ["▁", *"abcdefghijklmnopqrstuvwxyz", *"INSTY[]/<>:", "▁yes"]:
        words.add(text)
    if template == GEMMA:
        words.add("<start_of_turn>", TokenType.CONTROL)
        words.add("<end_of_turn>", TokenType.CONTROL)
    yes = words.texts.index("▁yes")
    writer = _writer(path, architecture, context=512, template=template)
    writer.add_tokenizer_model("llama")
    writer.add_token_scores([-float(n) for n in range(len(words.texts))])
    writer.add_bos_token_id(begin)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(True)
    return _write(writer, words, *_chained(len(words.texts), [yes, end]))


def _writer(path: Path, architecture: str, *, context: int, template: str | None, file_type: int = 0) -> GGUFWriter:
    writer = GGUFWriter(path, architecture)
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(file_type)
    if template is not None:
        writer.add_chat_template(template)
    return writer


def _chained(count: int, chain: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Embedding and output of a chain of tokens: each is followed by the next, and everything else by the first.

    Embeddings are random, hence nearly orthogonal, and the same for all tokens outside of the chain.
    """
    random = np.random.default_rng(1)
    embedding = np.tile(random.choice([-1, 1], WIDTH), (count, 1)).astype(np.float32)
    output = np.zeros((count, WIDTH), np.float32)
    output[chain[0]] = embedding[0]
    for token, following in pairwise(chain):
        embedding[token] = random.choice([-1, 1], WIDTH)
        output[following] = embedding[token]
    return embedding, output


def _write(writer: GGUFWriter, words: Words, embedding: FloatArray, output: FloatArray) -> Path:
    writer.add_token_list(words.texts)
    writer.add_token_types(words.kinds)
    ones, zero = np.ones(WIDTH, np.float32), np.zeros((WIDTH, WIDTH), np.float32)
    writer.add_tensor("token_embd.weight", embedding.astype(np.float16))
    writer.add_tensor("output.weight", output.astype(np.float16))
    writer.add_tensor("output_norm.weight", ones)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", ones)
    for name in ("attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", zero.astype(np.float16))
    for name in ("attn_k", "attn_v"):
        writer.add_tensor(f"blk.0.{name}.weight", zero[: WIDTH // 2].astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert writer.path is not None
    return Path(writer.path)


def _gpt2_alphabet() -> list[str]:
    """A printable character for each byte, as byte-level vocabularies write them."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]
