"""Files that try to break or stall the reading of a vault. What they cost is measured in bench/hostile.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.vault.hostile import NAMES, Hostile, corpus
from tests.vault.spans import assert_chunks_hold, assert_places_hold
from vaultbot.index.chunker import chunk_note, estimate_tokens
from vaultbot.vault.documents import parse_document
from vaultbot.vault.vault import Vault

SIZE = 20_000
CORPUS = list(corpus())


@pytest.fixture(scope="module")
def hostile_vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    root = tmp_path_factory.mktemp("hostile")
    for hostile in CORPUS:
        (root / file_name(hostile)).write_bytes(hostile.make(SIZE))
    vault = Vault(root)
    assert len(vault.scan().notes) == len(CORPUS)
    return vault


def file_name(hostile: Hostile) -> str:
    return f"{CORPUS.index(hostile)}.{hostile.extension}"


@pytest.mark.parametrize("hostile", CORPUS, ids=lambda hostile: hostile.name.encode("unicode_escape").decode())
def test_a_hostile_file_is_read_and_its_places_are_right(hostile: Hostile, hostile_vault: Vault) -> None:
    file = hostile_vault.read(file_name(hostile))
    note = parse_document(file.path, file.text)

    assert_places_hold(note)
    assert_chunks_hold(note, chunk_note(note, max_tokens=200, count_tokens=estimate_tokens))


def test_a_file_of_a_hostile_name_is_read_or_said_to_be_left_out(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    made = sum(_written(os.fsencode(tmp_path) + b"/" + name) for name in NAMES)
    listing = vault.scan()

    assert made > 0
    assert len(listing.notes) + len(listing.skipped) == made
    for path in listing.notes:
        assert vault.read(path).text == "[[Only]]\n"
        assert_places_hold(parse_document(path, "[[Only]]\n"))
    for skipped in listing.skipped:
        f"{skipped.path}: {skipped.reason}".encode()


def _written(path: bytes) -> bool:
    """Whether this disk takes such a name."""
    try:
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"[[Only]]\n")
    except (OSError, ValueError):
        return False
    return True
