"""llama.cpp's own llama-bench, with the file and the settings that ours has. bench/README.md tells how to build it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vaultbot.models.memory import BATCH

_MORE = 3  # repetitions beyond the first


@dataclass(frozen=True, slots=True)
class Speeds:
    """Tokens per second by the clock, and per second of the processor."""

    wall: float
    cpu: float


class LlamaBench:
    """The program, for one model."""

    def __init__(self, program: Path, model: Path, *, threads: int, repack: bool) -> None:
        self._words = [
            *(str(program), "-m", str(model), "-t", str(threads), "-b", str(BATCH), "-ub", str(BATCH)),
            *("-fa", "off", "-ngl", "0", "--repack", str(int(repack)), "-lm", "none" if repack else "auto"),
            *("-o", "json"),
        ]

    def reading(self, tokens: int) -> Speeds:
        """Of a prompt of so many tokens."""
        return self._speeds(["-p", str(tokens), "-n", "0"], tokens)

    def writing(self, tokens: int, *, after: int) -> Speeds:
        """Of so many tokens after a prompt of so many."""
        return self._speeds(["-p", "0", "-n", str(tokens), "-d", str(after)], tokens)

    def _speeds(self, test: list[str], tokens: int) -> Speeds:
        """Loading and warming up cost the same in both runs, and so are left out of the processor's time."""
        _, once_s = self._run([*test, "-r", "1"])
        ns, often_s = self._run([*test, "-r", str(1 + _MORE)])
        return Speeds(wall=tokens * 1e9 / ns, cpu=tokens * _MORE / max(often_s - once_s, 1e-9))

    def _run(self, words: list[str]) -> tuple[float, float]:
        """Nanoseconds of a repetition, on average, and seconds of the processor for all."""
        with subprocess.Popen([*self._words, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            told = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"llama-bench ended with {process.returncode}; try: {' '.join([*self._words, *words])}")
        (result,) = json.loads(told)
        return float(result["avg_ns"]), usage.ru_utime + usage.ru_stime
