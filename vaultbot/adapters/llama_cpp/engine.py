"""llama.cpp through its C interface: load a model, tokenize, generate. Runs in the child process only.

A short loop of our own instead of llama-cpp-python's `create_completion`, which cuts tokens at 32 bytes
(table rules and indentation vanish), lets control tokens written in a note act, and stalls at an invalid
byte.
"""

from __future__ import annotations

import ctypes
import math
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import llama_cpp as llama

from vaultbot.adapters.llama_cpp.machine import idle_threads
from vaultbot.adapters.llama_cpp.prompt import PromptWriter
from vaultbot.adapters.llama_cpp.repetition import Repetition
from vaultbot.adapters.llama_cpp.sampler import Sampler, Sampling
from vaultbot.adapters.llama_cpp.speed import Speedometer
from vaultbot.adapters.llama_cpp.text import TextStream
from vaultbot.adapters.llama_cpp.vocabulary import Vocabulary
from vaultbot.adapters.llama_cpp.weights import Weights
from vaultbot.errors import InvalidRequest, ModelInvalid
from vaultbot.models import gguf
from vaultbot.models.memory import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vaultbot.adapters.llama_cpp.measured import Measured
    from vaultbot.adapters.llama_cpp.state import KeptState

_ABORTED = 2
_LESS_ROOM = "set [model] context_tokens lower"


class Generated:
    """What came of a generation, filled in while it runs."""

    def __init__(self, prompt: int, cached: int) -> None:
        self.prompt = prompt
        self.cached = cached
        self.completion = 0
        self.circled = False  #: ended because the model said the same again and again

    @property
    def usage(self) -> dict[str, int]:
        """As TokenUsage has it."""
        return {"prompt": self.prompt, "cached": self.cached, "completion": self.completion}


class Engine:
    """One loaded model with one context. Only `cancel` and `resume` are for other threads."""

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int,
        layers: int | None = None,
        threads: int | None = None,
        sampling: Sampling | None = None,
        repack: bool | None = None,
    ) -> None:
        """Load the model; None means: find out, or as is usual. Raises ModelInvalid with llama.cpp's own reason."""
        info = gguf.read(path)
        self.blocks = len(info.block_bytes)
        self.room = context_tokens
        self._bytes_per_token = info.kv_bytes_per_token
        weights = Weights(info, context_tokens=context_tokens, layers=layers, advice=_LESS_ROOM, repack=repack)
        self._log, self._model = weights.log, weights.model
        self._threads = threads
        self._best_threads: tuple[int, int] | None = None
        self._batch = BATCH
        self._prompt: Sequence[int] = ()
        self._context = self._new_context(on_gpu=bool(weights.layers))
        self._memory = llama.llama_get_memory(self._context)
        self._evaluated: list[int] = []  # the tokens whose keys and values the context holds
        self.speedometer = Speedometer()
        self._flag = ctypes.create_string_buffer(2)
        self._abort = _abort_callback(self._flag)
        llama.llama_set_abort_callback(self._context, self._abort, ctypes.addressof(self._flag))
        self.vocabulary = Vocabulary(self._model)
        self._sampler = Sampler(sampling or Sampling(), vocabulary=self.vocabulary.size)
        self.prompts = PromptWriter(self.vocabulary, info)

    @property
    def repacked(self) -> bool:
        """Whether weights are in another order than in the file."""
        return self._log.repacked

    def use(self, measured: Measured) -> None:
        """Run it as was measured to be best, and forget what was read for that."""
        llama.llama_memory_clear(self._memory, True)
        self._evaluated.clear()
        self._best_threads = measured.writing_threads, measured.reading_threads
        self._batch = measured.batch
        self.speedometer = Speedometer(measured.speed)

    def keep(self, state: KeptState) -> None:
        """Save the last prompt, for the next process to begin with. Nothing must be computed meanwhile."""
        common = _common(self._evaluated, self._prompt) if self._prompt else len(self._evaluated)
        state.save(self._context, self._evaluated[:common], bytes_per_token=self._bytes_per_token)

    def take_up(self, state: KeptState) -> None:
        """Begin with what an earlier process has read."""
        self._evaluated = state.restore(self._context)

    def close(self) -> None:
        """Free its memory; nothing may be called afterwards."""
        llama.llama_free(self._context)
        llama.llama_model_free(self._model)

    def time_reading(self, tokens: int, *, batch: int, threads: int, most_s: float = math.inf) -> float:
        """Seconds to read so many tokens of nothing in particular; infinite when it takes longer than `most_s`."""
        llama.llama_memory_clear(self._memory, True)
        self._evaluated.clear()
        before, self._batch = self._batch, batch
        took = self._time([[n * 7919 % self.vocabulary.size for n in range(tokens)]], threads, most_s)
        self._batch = before
        return took

    def time_writing(self, tokens: int, *, threads: int, most_s: float = math.inf) -> float:
        """Seconds to write so many tokens after what was read; infinite when it takes longer than `most_s`."""
        before = len(self._evaluated)
        took = self._time([[n % self.vocabulary.size] for n in range(tokens)], threads, most_s)
        if llama.llama_memory_seq_rm(self._memory, 0, before, -1):
            del self._evaluated[before:]
        return took

    def _time(self, parts: Sequence[Sequence[int]], threads: int, most_s: float) -> float:
        llama.llama_set_n_threads(self._context, threads, threads)
        end = threading.Timer(min(most_s, threading.TIMEOUT_MAX), self.cancel)
        end.start()
        began = time.perf_counter()
        whole = all(self._decode(part) for part in parts)
        llama.llama_synchronize(self._context)
        took = time.perf_counter() - began
        end.cancel()
        end.join()
        self.resume()
        return took if whole else math.inf

    def begin(self, prompt: Sequence[int]) -> Generated:
        """Make room for the prompt, keeping what the last one began with too. Raises InvalidRequest."""
        if len(prompt) >= self.room:
            raise InvalidRequest(
                f"the prompt has {len(prompt)} tokens and the model has room for {self.room}: "
                "ask with fewer or shorter sources, or raise context_tokens"
            )
        # The last token is always computed again, for the sampler needs its result.
        common = _common(self._evaluated, prompt[:-1])
        self._prompt = prompt
        if not llama.llama_memory_seq_rm(self._memory, 0, common, -1):
            llama.llama_memory_clear(self._memory, True)
            common = 0
        del self._evaluated[common:]
        threads = (self._threads,) * 2 if self._threads else idle_threads(self._best_threads)
        llama.llama_set_n_threads(self._context, *threads)
        return Generated(prompt=len(prompt), cached=common)

    def generate(
        self,
        prompt: Sequence[int],
        generated: Generated,
        *,
        max_tokens: int,
        stop: Sequence[str],
        lstrip: bool,
    ) -> Iterator[str]:
        """Text as it comes, after `begin`. `lstrip` drops the space that a first word may carry."""
        began, new = time.perf_counter(), len(prompt) - len(self._evaluated)
        if not self._decode(prompt[len(self._evaluated) :]):
            return
        llama.llama_synchronize(self._context)  # A graphics card may still be at work.
        read = time.perf_counter()
        self.speedometer.read(new, read - began)
        self._sampler.reset()
        repetition = Repetition()
        text = TextStream([*stop, *self.prompts.stop])
        limit = min(max_tokens, self.room - len(prompt))
        while True:
            token = self._sampler.sample(self._context)
            if self.vocabulary.is_end(token):
                break
            data = self.vocabulary.piece(token, lstrip=int(lstrip and not generated.completion))
            generated.completion += 1
            if piece := text.push(data):
                yield piece
            generated.circled = repetition.repeats(token)
            ended = text.stopped or generated.circled or generated.completion >= limit
            if ended or not self._decode([token]):
                break
        self.speedometer.wrote(generated.completion, time.perf_counter() - read)
        if piece := text.finish():
            yield piece

    def cancel(self) -> None:
        """Stop the running computation within milliseconds; `generate` then ends."""
        self._flag[0] = b"\x01"

    def resume(self) -> None:
        """Forget an earlier `cancel`."""
        self._flag[0] = b"\x00"

    def _decode(self, tokens: Sequence[int]) -> bool:
        """Compute tokens after those evaluated; False when cancelled."""
        start = 0
        while start < len(tokens):
            if self._flag[0] != b"\x00":  # a graphics card does not ask the callback
                return False
            # llama.cpp looks at whole blocks of 256 keys: measured, batches that straddle them are 4 % slower.
            aligned = self._batch - len(self._evaluated) % self._batch
            part = list(tokens[start : start + (aligned if len(tokens) - start > self._batch else self._batch)])
            start += len(part)
            array = (llama.llama_token * len(part))(*part)
            result = llama.llama_decode(self._context, llama.llama_batch_get_one(array, len(part)))
            self._evaluated += part
            if result == _ABORTED:
                del self._evaluated[llama.llama_memory_seq_pos_max(self._memory, 0) + 1 :]
                return False
            if result:
                raise RuntimeError(f"llama_decode returned {result}: {self._log.reason()}")
        return True

    def _new_context(self, *, on_gpu: bool) -> Any:
        params = llama.llama_context_default_params()
        params.n_ctx = self.room
        params.n_batch = params.n_ubatch = BATCH
        # Measured: on a CPU flash attention slows generation down by a quarter at 4000 tokens.
        params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_AUTO if on_gpu else llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.swa_full = True  # else the common start of two prompts cannot be kept
        context = llama.llama_init_from_model(self._model, params)
        if not context:
            raise ModelInvalid(f"llama.cpp cannot make room for {self.room} tokens: {self._log.reason()}; {_LESS_ROOM}")
        return context


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _abort_callback(flag: ctypes.Array[ctypes.c_char]) -> Any:
    """Tells llama.cpp whether to stop. C's strlen of the flag needs no Python lock."""
    try:
        library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
        return ctypes.cast(library.strlen, llama.ggml_abort_callback)
    except (AttributeError, OSError):
        return llama.ggml_abort_callback(lambda _: flag[0] != b"\x00")
