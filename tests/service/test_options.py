"""What a service was installed with is known when it has to be installed again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from vaultbot.paths import StatePaths
from vaultbot.service.options import InstallOptions, options_of, remember_options

ALL = InstallOptions(port=8766, read_only=True, config="/users/ada/ノート's.toml", verbose=True)


def test_the_command_repeats_every_option() -> None:
    vault = Path("/users/ada/My notes")

    assert shlex.split(ALL.command(vault)) == [
        *("vaultbot", "service", "install", "--vault", "/users/ada/My notes", "--port", "8766"),
        *("--read-only", "--config", "/users/ada/ノート's.toml", "--verbose"),
    ]
    assert InstallOptions().command(vault) == "vaultbot service install --vault '/users/ada/My notes'"
    assert InstallOptions(port=0).command(vault).endswith(" --port 0")


def test_they_are_kept_for_the_owner_alone(tmp_path: Path) -> None:
    state = StatePaths(tmp_path)

    remember_options(state, ALL)

    assert options_of(state) == ALL
    assert state.service.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("written", [None, "", "[]", "null", '{"colour": 1}', "\udcff"])
def test_without_a_record_the_installation_is_taken_for_a_plain_one(tmp_path: Path, written: str | None) -> None:
    state = StatePaths(tmp_path)
    if written is not None:
        state.service.write_bytes(written.encode(errors="surrogateescape"))

    assert options_of(state) == InstallOptions()
