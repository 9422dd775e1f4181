"""The tokens of a loaded model: text to tokens and back."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import llama_cpp as llama

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Vocabulary:
    """Converts by the model's own rules. Only `piece` is not for several threads at once."""

    def __init__(self, model: Any) -> None:
        """Of a `llama_model *`."""
        self._vocab = llama.llama_model_get_vocab(model)
        self._spm = llama.llama_vocab_type(self._vocab) == llama.LLAMA_VOCAB_TYPE_SPM
        self._buffer = ctypes.create_string_buffer(256)
        self.size: int = llama.llama_vocab_n_tokens(self._vocab)
        self.bos = self._name(llama.llama_vocab_bos)  #: "<s>", or ""
        self.eos = self._name(llama.llama_vocab_eos)
        first = llama.llama_vocab_bos(self._vocab)
        #: what every prompt of this model begins with
        self.start: list[int] = [first] if first >= 0 and llama.llama_vocab_get_add_bos(self._vocab) else []

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as plain text."""
        return [len(self._tokenize(text, special=False)) if text else 0 for text in texts]

    def tokenize(self, text: str, *, special: bool, inside: bool = False) -> list[int]:
        """Token ids. `special`: names of control tokens count; `inside`: text stands before it."""
        if inside and self._spm:
            # SentencePiece puts a space before every text, save after a line break (a token of its own).
            before = self._tokenize("\n", special=False)
            tokens = self._tokenize("\n" + text, special=special)
            if tokens[: len(before)] == before:
                return tokens[len(before) :]
        return self._tokenize(text, special=special)

    def whole(self, text: str, *, most: int) -> list[int]:
        """Token ids of a text by itself, with what the model wants before and after; cut to so many, at least one."""
        tokens = self._tokenize(text, special=False, framed=True)
        if len(tokens) > most:
            # What ends a text stays at its end: some models look at nothing else.
            tokens = tokens[: most - 1] + tokens[-1:] if self.is_control(tokens[-1]) else tokens[:most]
        return tokens or self.start or self._tokenize(" ", special=False) or [0]

    def piece(self, token: int, *, lstrip: int = 0) -> bytes:
        """The bytes of a token, less so many spaces before it; none for a control token."""
        while True:
            room = len(self._buffer)
            length = llama.llama_token_to_piece(self._vocab, token, self._buffer, room, lstrip, False)
            if length >= 0:
                return self._buffer.raw[:length]
            self._buffer = ctypes.create_string_buffer(-length)

    def is_control(self, token: int) -> bool:
        """Whether the token acts instead of being text."""
        return bool(llama.llama_vocab_is_control(self._vocab, token))

    def is_end(self, token: int) -> bool:
        """Whether the model says with it that it has finished."""
        return bool(llama.llama_vocab_is_eog(self._vocab, token))

    def has(self, control: str) -> bool:
        """Whether there is a token of that very name."""
        return len(self._tokenize(control, special=True)) == 1

    def _tokenize(self, text: str, *, special: bool, framed: bool = False) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        while True:
            tokens = (llama.llama_token * room)()
            count = llama.llama_tokenize(self._vocab, data, len(data), tokens, room, framed, special)
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def _name(self, which: Callable[[Any], int]) -> str:
        token = which(self._vocab)
        text: bytes = llama.llama_vocab_get_text(self._vocab, token) if token >= 0 else b""
        return text.decode("utf-8", "replace")
