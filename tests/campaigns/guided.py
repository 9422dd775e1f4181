"""The process in which libFuzzer runs, guided by the code that an input reaches. See tests/campaigns/parsers.py.

python -m tests.campaigns.guided -runs=100000 CORPUS
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["vaultbot.vault", "vaultbot.index.chunker"]):
    from tests.campaigns.parsers import EXTENSIONS, check


def one(data: bytes) -> None:
    """The first byte chooses the kind of file."""
    if data:
        check(data[1:], EXTENSIONS[data[0] % len(EXTENSIONS)])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
