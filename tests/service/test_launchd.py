"""The launch agent for macOS, with a program in launchctl's place that remembers what was loaded."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from tests.service.services import AWKWARD, Programs, assert_is_the_snapshot, service
from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.service.launchd import Launchd

#: Loads, tells and forgets agents, as launchctl does; the last but one call of `print` after `bootout` still shows it.
LAUNCHCTL = """
import os
agent = here / "loaded"
match words:
    case ["print", target] if target.count("/") == 1:
        sys.exit(0)
    case ["bootstrap", _, file]:
        if agent.exists(): sys.exit("Bootstrap failed: 37: Operation already in progress")
        agent.write_text("running")
    case ["bootout", _]:
        if not agent.exists(): sys.exit(3)
        agent.write_text("leaving")
    case ["print", _]:
        if not agent.exists(): sys.exit(113)
        print("gui/501/local.vaultbot = {\\n\\tstate = " + agent.read_text() + "\\n\\tlast exit code = 0\\n}")
        if agent.read_text() == "leaving": agent.unlink()
    case ["kickstart" | "kill", *_]:
        if not agent.exists(): sys.exit(113)
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    programs = Programs(tmp_path / "bin")
    programs.add("launchctl", LAUNCHCTL)
    monkeypatch.setenv("PATH", str(programs.folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("os.getuid", lambda: 501)
    return programs


def test_the_property_list_says_when_to_start_it() -> None:
    assert_is_the_snapshot(Launchd().written(service(VAULTBOT_HOME="/users/ada/vb")), "launchd.plist")


def test_awkward_names_come_back_as_they_were() -> None:
    described = service(AWKWARD, VAULTBOT_HOME=AWKWARD)

    agent = plistlib.loads(Launchd().written(described))

    assert agent["ProgramArguments"] == list(described.command)
    assert agent["EnvironmentVariables"] == {"VAULTBOT_HOME": AWKWARD}


def test_a_name_that_no_property_list_can_hold_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="rename that folder"):
        Launchd().written(service("/users/ada/two\nlines"))


def test_installing_twice_and_uninstalling_leaves_nothing(programs: Programs, tmp_path: Path) -> None:
    launchd, described = Launchd(), service()
    file = tmp_path / "Library/LaunchAgents/local.vaultbot-Notes-0123456789.plist"
    target = "gui/501/local.vaultbot-Notes-0123456789"

    launchd.install(described)
    assert file.read_bytes() == launchd.written(described)
    assert [words for words in programs.words() if " print " not in words] == [
        f"launchctl bootout {target}",
        f"launchctl enable {target}",
        f"launchctl bootstrap gui/501 {file}",
    ]
    launchd.install(described)
    assert launchd.state(described.name) == "running"

    launchd.uninstall(described.name)

    assert launchd.state(described.name) == "not loaded"
    assert list(file.parent.iterdir()) == []


def test_one_that_was_ended_starts_again(programs: Programs) -> None:
    launchd, described = Launchd(), service()
    launchd.install(described)
    programs.called()

    launchd.stop(described.name)
    launchd.start(described.name)

    target = "gui/501/local.vaultbot-Notes-0123456789"
    assert programs.words() == [
        f"launchctl kill SIGTERM {target}",
        f"launchctl print {target}",
        f"launchctl kickstart {target}",
    ]


def test_without_a_session_at_the_screen_it_says_what_to_do_instead(programs: Programs) -> None:
    Launchd().check()

    programs.add("launchctl", "sys.exit(125)")
    with pytest.raises(VaultbotError, match=r"no session of yours at the screen.*; run: vaultbot start"):
        Launchd().check()
