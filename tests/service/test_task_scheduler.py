"""The task for Windows, with a program in the place of schtasks. Only its file and its calls can be tried here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.service.services import Programs, assert_is_the_snapshot, service
from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.service.service import Service
from vaultbot.service.task_scheduler import TaskScheduler

_SPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    programs = Programs(tmp_path / "bin")
    programs.add("schtasks", 'if words[0] == "/Query" and "/TN" in words: print(\'"\\\\\\\\name","N/A","Running"\')')
    monkeypatch.setenv("PATH", str(programs.folder))
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERNAME", "ada")
    monkeypatch.setenv("USERDOMAIN", "LAPTOP")
    return programs


def windows_service(vault: str = "C:\\Users\\Ada\\Notes") -> Service:
    whole = service(vault)
    return replace(whole, command=("C:\\Program Files\\vaultbot\\python.exe", *whole.command[1:]))


def task_of(content: bytes) -> ET.Element:
    text = content.decode("utf-16")
    assert text.startswith('<?xml version="1.0" encoding="UTF-16"?>')
    return ET.fromstring(content)


def text_at(task: ET.Element, place: str) -> str:
    found = task.find("/".join(f"t:{name}" for name in place.split("/")), _SPACE)
    assert found is not None, place
    return found.text or ""


def test_the_task_runs_at_the_owners_logon_with_no_more_rights_than_hers() -> None:
    content = TaskScheduler().written(windows_service())

    assert_is_the_snapshot(content, "task.xml")
    task = task_of(content)
    assert text_at(task, "Triggers/LogonTrigger/UserId") == "LAPTOP\\ada"
    assert text_at(task, "Principals/Principal/RunLevel") == "LeastPrivilege"
    assert text_at(task, "Settings/Hidden") == "true"


def test_awkward_names_come_back_as_they_were() -> None:
    vault = "C:\\Users\\Ada & Bo <x>; 'y'\\100% $HOME ノート\\"
    task = task_of(TaskScheduler().written(windows_service(vault)))

    assert text_at(task, "Actions/Exec/Command") == "C:\\Program Files\\vaultbot\\python.exe"
    # A backslash before a quotation mark is written twice, as programs on Windows expect it.
    assert text_at(task, "Actions/Exec/Arguments") == f'-P -m vaultbot serve --background --vault "{vault}\\"'


def test_a_home_of_vaultbots_is_an_argument_for_tasks_have_no_variables() -> None:
    described = replace(windows_service(), environment={"VAULTBOT_HOME": "D:\\vb home"})

    assert text_at(task_of(TaskScheduler().written(described)), "Actions/Exec/Arguments").endswith(
        '--vault C:\\Users\\Ada\\Notes --home "D:\\vb home"'
    )


def test_python_runs_without_a_window_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "pythonw.exe").touch()
    described = replace(windows_service(), command=(str(tmp_path / "python.exe"), "-P"))

    assert text_at(task_of(TaskScheduler().written(described)), "Actions/Exec/Command") == str(tmp_path / "pythonw.exe")


@pytest.mark.parametrize("vault", ["C:\\%TEMP%\\Notes", "C:\\$(Arg0)\\Notes", "C:\\two\nlines"])
def test_a_name_that_windows_would_read_as_something_else_is_refused(vault: str) -> None:
    with pytest.raises(InvalidRequest, match="rename that folder, or run: vaultbot start"):
        TaskScheduler().written(windows_service(vault))


def test_installing_and_uninstalling_leaves_nothing(programs: Programs, tmp_path: Path) -> None:
    tasks, described = TaskScheduler(), windows_service()
    file = tmp_path / "home" / "services" / "vaultbot-Notes-0123456789.xml"

    tasks.install(described)
    assert file.read_bytes() == tasks.written(described)
    assert programs.words() == [
        f"schtasks /Create /TN vaultbot-Notes-0123456789 /XML {file} /F",
        "schtasks /Run /TN vaultbot-Notes-0123456789",
    ]
    assert tasks.state(described.name) == "Running"
    programs.called()

    tasks.uninstall(described.name)

    assert programs.words() == [
        "schtasks /End /TN vaultbot-Notes-0123456789",
        "schtasks /Delete /TN vaultbot-Notes-0123456789 /F",
    ]
    assert not file.parent.exists()


def test_a_refusal_of_windows_is_told(programs: Programs) -> None:
    programs.add("schtasks", "sys.exit('ERROR: Access is denied.')")

    with pytest.raises(VaultbotError, match=r"schtasks /Create .*: ERROR: Access is denied\."):
        TaskScheduler().install(windows_service())
