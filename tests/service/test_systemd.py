"""The unit for the user's systemd: word for word, understood by systemd itself, and gone without a trace."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.service.services import AWKWARD, Programs, assert_is_the_snapshot, service
from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.service.systemd import Systemd

ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A systemd that says yes to everything."""
    programs = Programs(tmp_path / "bin")
    programs.add("systemctl")
    programs.add("systemd-run")
    monkeypatch.setenv("PATH", str(programs.folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return programs


def test_the_unit_shuts_the_daemon_in(programs: Programs) -> None:
    assert_is_the_snapshot(Systemd().written(service()), "systemd.service")


def test_where_users_get_no_view_of_their_own_the_unit_does_without(programs: Programs) -> None:
    programs.add("systemd-run", "sys.exit(1)")

    assert_is_the_snapshot(Systemd().written(service()), "systemd-no-view.service")


def test_awkward_names_and_variables_are_written_so_that_systemd_reads_them_back(programs: Programs) -> None:
    content = Systemd().written(service(AWKWARD, VAULTBOT_HOME=AWKWARD))

    assert_is_the_snapshot(content, "systemd-awkward.service")


@pytest.mark.parametrize("vault", ["/users/ada/two\nlines", "/users/ada/bell\a", "/users/ada/half\ud800"])
def test_a_name_that_no_unit_can_hold_is_refused(programs: Programs, vault: str) -> None:
    with pytest.raises(InvalidRequest, match="rename that folder, or run: vaultbot start"):
        Systemd().written(service(vault))


@pytest.mark.parametrize("vault", ["/tmp/Notes", "/var/tmp/Notes"])
def test_a_vault_among_temporary_files_is_not_hidden(programs: Programs, vault: str) -> None:
    assert "PrivateTmp" not in Systemd().written(service(vault)).decode()


def test_a_vault_that_may_only_be_read_is_not_among_the_writable(programs: Programs) -> None:
    whole = service()
    unit = Systemd().written(replace(whole, writable=whole.writable[:-1])).decode()

    assert 'ReadWritePaths="-/users/ada/Notes"' not in unit
    assert 'ReadWritePaths="-/users/ada/.cache/vaultbot"' in unit


@pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("vault", ["/users/ada/Notes", AWKWARD], ids=["plain", "awkward"])
def test_systemd_itself_finds_nothing_wrong_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Programs, vault: str
) -> None:
    described = service(vault, VAULTBOT_HOME=AWKWARD)
    unit = tmp_path / f"{described.name}.service"
    unit.write_bytes(Systemd().written(replace(described, command=(sys.executable, *described.command[1:]))))
    monkeypatch.undo()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    assert analyzed("--user", "verify", "--man=no", str(unit)) == ""


@pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")
def test_systemd_itself_calls_it_well_shut_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Programs
) -> None:
    unit = tmp_path / "vaultbot.service"
    unit.write_bytes(Systemd().written(service()))
    monkeypatch.undo()

    # Out of 10, where 10 is no protection at all. What is left is the network, graphics cards, and code that is
    # written while it runs.
    told = analyzed("security", "--offline=yes", "--no-pager", str(unit))
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert exposure, told
    assert float(exposure[1]) <= 3.0


def analyzed(*words: str) -> str:
    assert ANALYZE
    ran = subprocess.run([ANALYZE, *words], capture_output=True, text=True, check=False, timeout=60)
    return (ran.stdout + ran.stderr).strip()


def test_installing_and_uninstalling_leaves_nothing(programs: Programs, tmp_path: Path) -> None:
    systemd, described = Systemd(), service()
    systemd.install(described)
    assert systemd.file(described.name).read_bytes() == systemd.written(described)
    assert systemd.file(described.name).stat().st_mode & 0o777 == 0o600
    (tmp_path / "config/systemd/user/default.target.wants").mkdir()
    (tmp_path / "config/systemd/user/default.target.wants/vaultbot-Notes-0123456789.service").touch()
    calls = [words for words in programs.words() if words.startswith("systemctl")]
    assert calls == [
        "systemctl --user daemon-reload",
        "systemctl --user --quiet enable vaultbot-Notes-0123456789.service",
        "systemctl --user reset-failed vaultbot-Notes-0123456789.service",
        "systemctl --user --no-block restart vaultbot-Notes-0123456789.service",
    ]

    systemd.uninstall(described.name)

    assert programs.words() == [
        "systemctl --user --quiet disable --now vaultbot-Notes-0123456789.service",
        "systemctl --user daemon-reload",
        "systemctl --user reset-failed vaultbot-Notes-0123456789.service",
    ]
    assert not (tmp_path / "config/systemd").exists()


def test_other_units_stay_where_they_are(programs: Programs, tmp_path: Path) -> None:
    other = tmp_path / "config/systemd/user/backup.service"
    other.parent.mkdir(parents=True)
    other.touch()
    Systemd().install(service())

    Systemd().uninstall(service().name)

    assert list(other.parent.iterdir()) == [other]


def test_without_a_systemd_of_the_users_it_says_what_to_do_instead(programs: Programs) -> None:
    programs.add("systemctl", "print('Failed to connect to bus: No medium found', file=sys.stderr); sys.exit(1)")
    with pytest.raises(VaultbotError, match=r"no systemd of yours runs here.*; run: vaultbot start"):
        Systemd().check()

    (programs.folder / "systemctl").unlink()
    with pytest.raises(VaultbotError, match="this system has no systemctl; without a service, run: vaultbot start"):
        Systemd().check()


def test_what_systemctl_complains_of_is_told(programs: Programs) -> None:
    programs.add("systemctl", "if 'start' in words: print('Unit is masked.'); sys.exit(1)")

    with pytest.raises(VaultbotError, match=r"systemctl --user --no-block start \S+: Unit is masked."):
        Systemd().start("vaultbot-Notes-0123456789")


def test_its_state_is_told_in_systemds_words(programs: Programs) -> None:
    programs.add("systemctl", "print('Result=success\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled')")
    assert Systemd().state("vaultbot-Notes-0123456789") == "active (running), enabled"

    programs.add("systemctl", "print('Result=exit-code\\nActiveState=failed\\nSubState=failed\\nUnitFileState=')")
    assert Systemd().state("vaultbot-Notes-0123456789") == "failed (failed), gone, last ended with: exit-code"
