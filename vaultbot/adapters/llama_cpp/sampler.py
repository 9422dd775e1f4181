"""How the next token is chosen, by llama.cpp's own samplers. Runs in the child process only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import llama_cpp as llama

_PENALIZED = 64  # tokens said last that the penalty is for, as in llama.cpp's own programs


@dataclass(frozen=True, slots=True)
class Sampling:
    """What may be chosen, and how freely."""

    temperature: float = 0.0  #: 0: always the likeliest, and of the others `repeat_penalty` alone counts
    top_k: int = 40  #: 0: any number
    top_p: float = 0.95  #: 1: all
    min_p: float = 0.05  #: 0: all
    repeat_penalty: float = 1.0  #: 1: none
    seed: int = 0


class Sampler:
    """Chooses tokens from what the context has just computed."""

    def __init__(self, sampling: Sampling, *, vocabulary: int) -> None:
        """For a model that knows so many tokens."""
        self._chain: Any = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for step in _steps(sampling, vocabulary):
            llama.llama_sampler_chain_add(self._chain, step)

    def reset(self) -> None:
        """Forget what was chosen, and begin the random numbers anew."""
        llama.llama_sampler_reset(self._chain)

    def sample(self, context: Any) -> int:
        """The next token, of a `llama_context *`."""
        token: int = llama.llama_sampler_sample(self._chain, context, -1)
        return token


def _steps(sampling: Sampling, vocabulary: int) -> list[Any]:
    steps = []
    if sampling.repeat_penalty != 1:
        steps.append(llama.llama_sampler_init_penalties(vocabulary, _PENALIZED, sampling.repeat_penalty, 0.0, 0.0))
    if sampling.temperature <= 0:
        return [*steps, llama.llama_sampler_init_greedy()]
    top_p = [llama.llama_sampler_init_top_p(sampling.top_p, 1)] if sampling.top_p < 1 else []
    min_p = [llama.llama_sampler_init_min_p(sampling.min_p, 1)] if sampling.min_p > 0 else []
    if sampling.top_k:
        steps += [llama.llama_sampler_init_top_k(sampling.top_k), *top_p, *min_p]
    else:
        # top_p sorts all it is given: measured, a whole vocabulary costs ten times as much as what min_p leaves.
        steps += [*min_p, *top_p]
    return [
        *steps,
        llama.llama_sampler_init_temp(sampling.temperature),
        llama.llama_sampler_init_dist(sampling.seed),
    ]
