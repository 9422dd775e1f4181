"""`vaultbot token`: a new token takes effect at once, and only who reads the file goes on."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.cli.machine import Machine, machine_in
from vaultbot.client import Client, find


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        machine.write("Kimchi.md", "# Kimchi\n\nCabbage and salt.\n")
        yield machine


def _status(client: Client, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{client.address}/api/status", headers=headers, timeout=30).status_code


def test_the_old_token_and_every_page_are_out_and_commands_go_on(machine: Machine) -> None:
    with machine.serve():
        client = machine.client()
        code = client.post("/api/codes", {})["code"]
        origin = {"Origin": client.address}
        page = requests.post(f"{client.address}/api/sessions", json={"code": code}, headers=origin, timeout=30).json()
        assert _status(client, page["token"]) == 200

        rotated = machine.vaultbot("token", "rotate")

        assert rotated.code == 0, rotated.err
        new = machine.state.token.read_text()
        assert new != client.token
        assert new not in rotated.out + rotated.err
        assert stat.S_IMODE(machine.state.token.stat().st_mode) == 0o600
        assert [_status(client, token) for token in (client.token, page["token"], new)] == [401, 401, 200]
        assert machine.paths_found("cabbage") == ["Kimchi.md"]  # Its proof is made with the new one.
    assert new not in machine.state.log.read_text(encoding="utf-8")


def test_without_a_daemon_the_next_one_has_the_new_token(machine: Machine) -> None:
    with machine.serve():
        old = machine.client().token
    told = machine.vaultbot("token", "--json").json()
    assert told == {"token_file": str(machine.state.token)}

    assert machine.vaultbot("token", "rotate", "--json").json() == {**told, "rotated": True}

    assert find(machine.state) is None
    with machine.serve():
        client = machine.client()
        assert client.token != old
        assert _status(client, old) == 401
