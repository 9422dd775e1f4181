"""`vaultbot open`."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import Machine, machine_in
from vaultbot.cli.opener import open_link

ADDRESS = r"http://127\.0\.0\.1:\d+/#c=[\w-]{43}"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_in(tmp_path_factory.mktemp("open")) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and time.")
        yield machine


def with_browser(machine: Machine, script: str) -> str:
    """A PATH on which `xdg-open` does this."""
    folder = machine.folder / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "xdg-open").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "xdg-open").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_it_starts_the_daemon_and_prints_an_address_that_lets_a_page_in(machine: Machine) -> None:
    ran = machine.vaultbot("open", "--print")
    assert ran.code == 0, ran.err
    address = ran.out.strip()

    assert re.fullmatch(ADDRESS, address)
    base, _, code = address.partition("/#c=")
    headers = {"Content-Type": "application/json", "Origin": base}
    asked = urllib.request.Request(f"{base}/api/sessions", json.dumps({"code": code}).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        token = json.loads(answer.read())["token"]
    asked = urllib.request.Request(f"{base}/api/status", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked) as answer:
        assert json.loads(answer.read())["notes"] == 1
    assert code not in machine.state.log.read_text()
    assert token not in machine.state.log.read_text()


def test_the_browser_gets_the_address_and_the_terminal_does_not(machine: Machine) -> None:
    path = with_browser(machine, f'echo "$1" > "{machine.folder}/opened"')
    ran = machine.vaultbot("open", PATH=path)

    assert ran.code == 0
    opened = (machine.folder / "opened").read_text().strip()
    assert re.fullmatch(ADDRESS, opened)
    assert ran.out == f"{opened.partition('/#')[0]} is open in your browser\n"


def test_without_a_browser_the_address_is_printed(machine: Machine) -> None:
    ran = machine.vaultbot("open", PATH=with_browser(machine, "exit 3"))

    assert ran.code == 0
    assert re.fullmatch(ADDRESS, ran.out.strip())


def test_programs_get_the_address_and_how_long_it_is_good_for(machine: Machine) -> None:
    told = machine.vaultbot("open", "--json").json()

    assert re.fullmatch(ADDRESS, told["address"])
    assert told["expires_s"] == 60


def test_no_daemon_is_started_against_ones_will(tmp_path: Path) -> None:
    with machine_in(tmp_path) as machine:
        assert "no daemon" in machine.vaultbot("open", "--no-start").error


@pytest.mark.parametrize(
    "uri", ["http://evil.test/", "https://127.0.0.1:1/", "file:///etc/passwd", "http://127.0.0.1@evil.test/"]
)
def test_nothing_elsewhere_is_opened(uri: str) -> None:
    assert not open_link(uri)
