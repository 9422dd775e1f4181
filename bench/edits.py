"""Thousands of stories of edits, undos, kills and a person who goes on writing: what was lost.

    python -m bench.edits --stories 5000

Each story is played with real files and real SIGKILLs (tests/vault/edit_stories.py), and the same are played for the
same --seed. Exits with 1 when a byte was lost, a note was half written, or an undo was not to the byte.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings

from bench.machine import machine
from tests.vault.edit_stories import Story, play, stories


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where they are played (default: the system's temporary folder)")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    did: Counter[str] = Counter()

    @seed(asked.seed)
    @settings(
        max_examples=asked.stories,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def one(story: Story) -> None:
        with TemporaryDirectory(dir=asked.folder) as folder:
            did.update(play(story, Path(folder)))
        did["stories"] += 1

    print(machine())
    began = time.perf_counter()
    try:
        one()
    except Exception as error:
        print(f"failed after {did['stories']:,} stories: {error}")
        sys.exit(1)
    finally:
        for what, number in did.most_common():
            print(f"{number:>9,}  {what}")
    print(f"nothing was lost; {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
