"""What vaultbot's generation loop and the model's process cost, next to llama.cpp alone.

    python -m bench.generate
    python -m bench.generate --llama-bench build/llama-bench
    python -m bench.generate --model ~/models/qwen2.5-1.5b-instruct-q4_k_m.gguf --rounds 5

Ways to the same number of tokens of the same file, in turns, with the same threads: llama.cpp's own llama-bench where
it is named, the bare loop over its C interface (decode, take the likeliest, decode), vaultbot's loop in this process,
and the whole model in its process, as it is in use.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import llama_cpp as llama

from bench.llama_bench import LlamaBench, Speeds
from bench.machine import machine
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.adapters.llama_cpp.engine import Engine
from vaultbot.adapters.llama_cpp.weights import gains_by_repacking
from vaultbot.answering.templates import load_template
from vaultbot.models import gguf
from vaultbot.models.memory import BATCH
from vaultbot.models.starter import starter_chat_model
from vaultbot.protocols import Message

_CONTEXT = 4096
_GARDEN = Path(__file__).parent.parent / "examples" / "garden"
_PINGS = 300
_CANCELS = 12
_QUESTIONS = (
    "What is said here about the soil?",
    "And when is the best time to sow beans?",
    "How often should one water?",
)


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
        weights.use_extra_bufts = gains_by_repacking(info)
        weights.load_mode = llama.LLAMA_LOAD_MODE_NONE if weights.use_extra_bufts else llama.LLAMA_LOAD_MODE_AUTO
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
    parser.add_argument("--llama-bench", type=Path, help="llama.cpp's program, to compare with")
    given = parser.parse_args()
    if given.model is None:
        raise SystemExit("there is no starter model here; name a GGUF file with --model")
    print(machine())
    settings: dict[str, Any] = {"context_tokens": _CONTEXT, "threads": given.threads}
    repack = gains_by_repacking(gguf.read(given.model))
    engine = Engine(given.model, layers=0, repack=repack, **settings)  # first, for it keeps llama.cpp quiet
    bare = Bare(given.model, threads=given.threads)
    theirs = (
        LlamaBench(given.llama_bench.absolute(), given.model, threads=given.threads, repack=repack)
        if given.llama_bench
        else None
    )
    with tempfile.TemporaryDirectory(prefix="vaultbot-bench-") as folder:
        model = LlamaCppChatModel(given.model, gpu_layers=0, state=Path(folder) / "state", **settings)
        try:
            model.count_tokens(["x"])
            print(f"model: {model.name}, {given.threads} thread(s), {given.rounds} rounds\n")
            token_s = _compare(bare, engine, model, theirs, given)
            _packets(model, token_s)
            _second_questions(model, given)
            _cancels(model, given)
        finally:
            model.close()


def _compare(
    bare: Bare, engine: Engine, model: LlamaCppChatModel, theirs: LlamaBench | None, given: argparse.Namespace
) -> float:
    """Print the table; seconds that the model's process takes for a token."""
    rounds: list[dict[str, tuple[Speeds, Speeds]]] = []
    child = _child_of(model)
    talk = prompts(given.words)
    for number in range(given.rounds + 1):
        messages = next(talk)
        tokens = engine.prompts.tokens([asdict(message) for message in messages])
        took: dict[str, Took] = {}
        speeds: dict[str, tuple[Speeds, Speeds]] = {}
        ways = ["ours", "theirs", "bare", "process"]
        for way in ways if number % 2 else reversed(ways):
            if way == "ours":
                took[way] = of_our_loop(engine, tokens, tokens=given.tokens)
            elif way == "theirs":
                if theirs is not None and number:
                    speeds[way] = theirs.reading(len(tokens)), theirs.writing(given.tokens - 1, after=len(tokens))
            elif way == "process":
                took[way] = of_the_process(model, child, messages, tokens=given.tokens)
            else:
                took[way] = bare.generate(tokens, tokens=given.tokens)
        if took["ours"].text != took["process"].text:
            raise SystemExit("the process says something else than the loop, so nothing can be compared")
        if number:  # The first one is to get warm.
            rounds.append(speeds | {way: (_reading(one), _writing(one)) for way, one in took.items()})
    base = "theirs" if theirs else "bare"
    print(f"{'':28}{'prompt t/s':>12}{'ratio':>8}{'CPU ratio':>11}{'answer t/s':>13}{'ratio':>8}{'CPU ratio':>11}")
    for way, name in (
        ("theirs", "llama-bench"),
        ("bare", "the bare loop"),
        ("ours", "vaultbot's loop"),
        ("process", "the model's process"),
    ):
        if way not in rounds[0]:
            continue
        cells = []
        for part, width in ((0, 12), (1, 13)):
            cells.append(f"{median(one[way][part].wall for one in rounds):{width}.1f}")
            cells.append(f"{median(one[way][part].wall / one[base][part].wall for one in rounds):8.3f}")
            cells.append(f"{median(one[way][part].cpu / one[base][part].cpu for one in rounds):11.3f}")
        print(f"{name:28}" + "".join(cells))
    return 1 / median(one["process"][1].wall for one in rounds)


def _reading(took: Took) -> Speeds:
    return Speeds(took.prompt / took.first_s, took.prompt / max(took.first_cpu_s, 1e-9))


def _writing(took: Took) -> Speeds:
    return Speeds((took.completion - 1) / took.rest_s, (took.completion - 1) / max(took.rest_cpu_s, 1e-9))


def _packets(model: LlamaCppChatModel, token_s: float) -> None:
    trips = []
    for _ in range(_PINGS):
        began = time.perf_counter()
        model.count_tokens([""])
        trips.append(time.perf_counter() - began)
    began, tokens = time.process_time(), 0
    for messages, _ in zip(prompts(50), range(5), strict=False):
        *_, last = model.stream(messages, max_tokens=100)
        tokens += last.usage.completion if last.usage else 0
    parent_s = (time.process_time() - began) / tokens
    added_s = median(trips) / 2
    print(
        f"\na packet there and back: {median(trips) * 1e6:.0f} µs; this side of the pipe: {parent_s * 1e6:.0f} µs per "
        f"token\nadded to a token: one way, {added_s * 1e6:.0f} µs, {added_s / token_s:.2%} of the "
        f"{token_s * 1e3:.1f} ms that a token takes"
    )


def _second_questions(model: LlamaCppChatModel, given: argparse.Namespace) -> None:
    template = load_template("ask")
    waits: list[list[float]] = []
    read: list[list[int]] = []
    for notes, _ in zip(_notes(2 * given.words), range(given.rounds), strict=False):
        waits.append([])
        read.append([])
        for number, question in enumerate(_QUESTIONS):
            if number == 2:
                model.close()
                model.count_tokens(["x"])
            began = time.perf_counter()
            pieces = model.stream(template.messages(sources=notes, question=question), max_tokens=2)
            next(pieces)
            waits[-1].append(time.perf_counter() - began)
            *_, last = pieces
            assert last.usage
            read[-1].append(last.usage.prompt - last.usage.cached)
    for number, name in enumerate(("first token", "second question over the same sources", "third, after a restart")):
        ratio = median(one[number] / one[0] for one in waits)
        print(
            f"{name}: {median(one[number] for one in waits):.3f} s for {median(one[number] for one in read):.0f} new "
            f"tokens, ratio {ratio:.3f}"
        )


def _cancels(model: LlamaCppChatModel, given: argparse.Namespace) -> None:
    took = []
    for notes, number in zip(_notes(5 * given.words), range(_CANCELS), strict=False):
        cancel, set_at = threading.Event(), [0.0]

        def set_it(cancel: threading.Event = cancel, set_at: list[float] = set_at) -> None:
            set_at[0] = time.perf_counter()
            cancel.set()

        timer = threading.Timer(0.3 + 0.05 * number, set_it)
        timer.start()
        *_, last = model.stream([Message("user", notes)], max_tokens=1, cancel=cancel)
        if last.usage and not last.usage.completion:  # It was still being read.
            took.append(time.perf_counter() - set_at[0])
        timer.join()
    print(
        f"a cancel while a long prompt is read: {median(took) * 1e3:.0f} ms, at most {max(took) * 1e3:.0f} ms "
        f"({len(took)} times)"
    )


def _child_of(model: LlamaCppChatModel) -> int:
    pid = model.pid
    assert pid is not None
    return pid


if __name__ == "__main__":
    main()
