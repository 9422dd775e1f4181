"""What vaultbot's generation loop and the model's process cost, next to the bare loop over llama.cpp's C interface.

    python -m bench.generate
    python -m bench.generate --model ~/models/qwen2.5-1.5b-instruct-q4_k_m.gguf --rounds 5

Three ways to the same tokens of the same file, in turns, with the same threads: the bare loop (decode, take the
likeliest, decode), vaultbot's loop in this process, and the whole model in its process, as it is in use.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import llama_cpp as llama

from bench.machine import machine
from vaultbot.adapters.llama_cpp import LlamaCppChatModel
from vaultbot.adapters.llama_cpp_engine import Engine
from vaultbot.answering.templates import load_template
from vaultbot.models import gguf
from vaultbot.models.memory import BATCH
from vaultbot.models.starter import starter_chat_model
from vaultbot.protocols import Message

_CONTEXT = 4096
_GARDEN = Path(__file__).parent.parent / "examples" / "garden"
_PINGS = 300
_QUESTIONS = ("What is said here about the soil?", "And when is the best time to sow beans?")


@dataclass(frozen=True, slots=True)
class Took:
    """One generation: seconds to the first token and from there to the last, by the clock and of the processor."""

    prompt: int
    completion: int
    first_s: float
    rest_s: float
    first_cpu_s: float
    rest_cpu_s: float
    text: str


class Watch:
    """The clock, and the processor time of this thread or of another process."""

    def __init__(self, pid: int | None = None) -> None:
        self._pid = pid
        self._marks = [self._now()]

    def mark(self) -> None:
        self._marks.append(self._now())

    def took(self, prompt: int, completion: int, text: str) -> Took:
        (t0, c0), (t1, c1), (t2, c2) = self._marks
        return Took(prompt, completion, t1 - t0, t2 - t1, c1 - c0, c2 - c1, text)

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.thread_time() if self._pid is None else cpu_s(self._pid)


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, to the nanosecond (Linux); 0 where the system does not tell."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text(encoding="ascii").split()[0]) for file in files) / 1e9


class Bare:
    """llama.cpp without anything of ours, with the settings that ours has."""

    def __init__(self, path: Path, *, threads: int) -> None:
        info = gguf.read(path)
        weights = llama.llama_model_default_params()
        weights.n_gpu_layers = 0
        weights.use_extra_bufts = info.weight_type != "Q4_K"
        self._model = llama.llama_model_load_from_file(str(path).encode(), weights)
        params = llama.llama_context_default_params()
        params.n_ctx = min(_CONTEXT, info.context_length or _CONTEXT)
        params.n_batch = params.n_ubatch = BATCH
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = llama.llama_init_from_model(self._model, params)
        self._sampler = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(self._sampler, llama.llama_sampler_init_greedy())

    def generate(self, prompt: Sequence[int], *, tokens: int) -> Took:
        llama.llama_memory_clear(llama.llama_get_memory(self._context), True)
        watch = Watch()
        for start in range(0, len(prompt), BATCH):
            self._decode(prompt[start : start + BATCH])
        token = llama.llama_sampler_sample(self._sampler, self._context, -1)
        watch.mark()
        for _ in range(tokens - 1):
            self._decode([token])
            token = llama.llama_sampler_sample(self._sampler, self._context, -1)
        watch.mark()
        return watch.took(len(prompt), tokens, "")

    def _decode(self, tokens: Sequence[int]) -> None:
        array = (llama.llama_token * len(tokens))(*tokens)
        if llama.llama_decode(self._context, llama.llama_batch_get_one(array, len(tokens))):
            raise SystemExit("llama.cpp cannot compute this prompt; is the model made for fewer tokens?")


def of_our_loop(engine: Engine, prompt: Sequence[int], *, tokens: int) -> Took:
    watch = Watch()
    generated = engine.begin(prompt)
    pieces = engine.generate(prompt, generated, max_tokens=tokens, stop=[], lstrip=True)
    text = next(pieces)
    watch.mark()
    text += "".join(pieces)
    watch.mark()
    return watch.took(generated.prompt - generated.cached, generated.completion, text)


def of_the_process(model: LlamaCppChatModel, child: int, messages: Sequence[Message], *, tokens: int) -> Took:
    watch = Watch(child)
    pieces = model.stream(messages, max_tokens=tokens)
    text = next(pieces).text
    watch.mark()
    *more, last = pieces
    watch.mark()
    assert last.usage
    text += "".join(piece.text for piece in more)
    return watch.took(last.usage.prompt - last.usage.cached, last.usage.completion, text)


def prompts(words: int) -> Iterator[list[Message]]:
    """Conversations that begin differently, with so many words of notes in each."""
    for number, notes in enumerate(_notes(words)):
        yield [Message("system", f"Task {number}."), Message("user", f"{notes}\n\nTell me a long story about it.")]


def _notes(words: int) -> Iterator[str]:
    text = " ".join(file.read_text(encoding="utf-8") for file in sorted(_GARDEN.rglob("*.md"))).split()
    start = 0
    while True:
        yield " ".join((text * 2)[start : start + words])
        start = (start + 97) % len(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=starter_chat_model(), help="a GGUF file; else the starter")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--words", type=int, default=400, help="of notes in a prompt")
    parser.add_argument("--tokens", type=int, default=96, help="to generate, at most")
    parser.add_argument("--threads", type=int, default=1, help="with one, processor time can be compared")
    given = parser.parse_args()
    if given.model is None:
        raise SystemExit("there is no starter model here; name a GGUF file with --model")
    print(machine())
    settings: dict[str, Any] = {"context_tokens": _CONTEXT, "threads": given.threads}
    bare, engine = Bare(given.model, threads=given.threads), Engine(given.model, layers=0, **settings)
    model = LlamaCppChatModel(given.model, gpu_layers=0, **settings)
    try:
        model.count_tokens(["x"])
        print(f"model: {model.name}, {given.threads} thread(s), {given.rounds} rounds\n")
        _compare(bare, engine, model, given)
        _packets(model)
        _second_questions(model, given)
    finally:
        model.close()


def _compare(bare: Bare, engine: Engine, model: LlamaCppChatModel, given: argparse.Namespace) -> None:
    rounds: list[dict[str, Took]] = []
    child = _child_of(model)
    talk = prompts(given.words)
    for number in range(given.rounds + 1):
        messages = next(talk)
        tokens = engine.prompts.tokens([asdict(message) for message in messages])
        took: dict[str, Took] = {}
        ways = ["ours", "bare", "process"]
        for way in ways if number % 2 else reversed(ways):
            if way == "ours":
                took[way] = of_our_loop(engine, tokens, tokens=given.tokens)
            elif way == "process":
                took[way] = of_the_process(model, child, messages, tokens=given.tokens)
            else:
                took[way] = bare.generate(tokens, tokens=given.tokens)
        if took["ours"].text != took["process"].text:
            raise SystemExit("the process says something else than the loop, so nothing can be compared")
        if number:  # The first one is to get warm.
            rounds.append(took)
    print(f"{'':28}{'prompt t/s':>12}{'ratio':>8}{'CPU ratio':>11}{'answer t/s':>13}{'ratio':>8}{'CPU ratio':>11}")
    for way, name in (("bare", "the bare loop"), ("ours", "vaultbot's loop"), ("process", "the model's process")):
        cells = [
            f"{median(one[way].prompt / one[way].first_s for one in rounds):12.1f}",
            *_ratios([_speeds(one[way], "first") for one in rounds], [_speeds(one["bare"], "first") for one in rounds]),
            f"{median((one[way].completion - 1) / one[way].rest_s for one in rounds):13.1f}",
            *_ratios([_speeds(one[way], "rest") for one in rounds], [_speeds(one["bare"], "rest") for one in rounds]),
        ]
        print(f"{name:28}" + "".join(cells))


def _speeds(took: Took, part: str) -> tuple[float, float]:
    """Tokens per second by the clock, and per second of the processor."""
    if part == "first":
        return took.prompt / took.first_s, took.prompt / max(took.first_cpu_s, 1e-9)
    return (took.completion - 1) / took.rest_s, (took.completion - 1) / max(took.rest_cpu_s, 1e-9)


def _ratios(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> list[str]:
    wall, cpu = (median(a[n] / b[n] for a, b in zip(ours, theirs, strict=True)) for n in (0, 1))
    return [f"{wall:8.3f}", f"{cpu:11.3f}"]


def _packets(model: LlamaCppChatModel) -> None:
    trips = []
    for _ in range(_PINGS):
        began = time.perf_counter()
        model.count_tokens([""])
        trips.append(time.perf_counter() - began)
    began, tokens = time.process_time(), 0
    for messages, _ in zip(prompts(50), range(5), strict=False):
        *_, last = model.stream(messages, max_tokens=100)
        tokens += last.usage.completion if last.usage else 0
    parent_us = (time.process_time() - began) / tokens * 1e6
    print(
        f"\na packet there and back: {median(trips) * 1e6:.0f} µs; this side of the pipe: {parent_us:.0f} µs per token"
    )


def _second_questions(model: LlamaCppChatModel, given: argparse.Namespace) -> None:
    template = load_template("ask")
    ratios, firsts, seconds, read = [], [], [], []
    for notes, _ in zip(_notes(2 * given.words), range(given.rounds), strict=False):
        waits = []
        for question in _QUESTIONS:
            began = time.perf_counter()
            pieces = model.stream(template.messages(sources=notes, question=question), max_tokens=2)
            next(pieces)
            waits.append(time.perf_counter() - began)
            *_, last = pieces
            assert last.usage
            read.append(last.usage.prompt - last.usage.cached)
        firsts.append(waits[0])
        seconds.append(waits[1])
        ratios.append(waits[1] / waits[0])
    print(
        f"first token over {median(read[::2]):.0f} new tokens: {median(firsts):.3f} s; of a second question over the "
        f"same sources ({median(read[1::2]):.0f} new tokens): {median(seconds):.3f} s, ratio {median(ratios):.3f}"
    )


def _child_of(model: LlamaCppChatModel) -> int:
    pid = model.pid
    assert pid is not None
    return pid


if __name__ == "__main__":
    main()
