"""Windows: a task of the Task Scheduler, at the user's own logon and with no more rights than the user's."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree as ET

from vaultbot.errors import InvalidRequest
from vaultbot.paths import state_folder
from vaultbot.service.service import Service, check_text, must, remove, say, write

_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"

#: What Windows would put something else in place of: %VARIABLE%, and $(Arg0) and its like.
_REPLACED = re.compile(r"%[^%]*%|\$\(")


class TaskScheduler:
    """The tasks of the user, by `schtasks`."""

    name = "the Task Scheduler"

    def file(self, name: str) -> Path:
        """The task as it was registered, in `services` of the state folder."""
        return state_folder() / "services" / f"{name}.xml"

    def written(self, service: Service) -> bytes:
        """The task, in the encoding that schtasks reads."""
        check_text(service)
        arguments = _arguments(service)
        if replaced := next((text for text in (*service.command, arguments) if _REPLACED.search(text)), None):
            raise InvalidRequest(
                f"Windows would replace a part of {replaced}; rename that folder, or run: vaultbot start"
            )
        task = ET.Element("Task", version="1.2", xmlns=_NAMESPACE)
        about = ET.SubElement(task, "RegistrationInfo")
        _put(about, Description=f"vaultbot for the vault {PureWindowsPath(service.vault).name}")
        logon = ET.SubElement(ET.SubElement(task, "Triggers"), "LogonTrigger")
        _put(logon, Enabled="true", UserId=_user())
        owner = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", id="Author")
        _put(owner, UserId=_user(), LogonType="InteractiveToken", RunLevel="LeastPrivilege")
        settings = ET.SubElement(task, "Settings")
        _put(
            settings,
            MultipleInstancesPolicy="IgnoreNew",
            DisallowStartIfOnBatteries="false",
            StopIfGoingOnBatteries="false",
            AllowHardTerminate="true",
            StartWhenAvailable="true",
            AllowStartOnDemand="true",
            Enabled="true",
            Hidden="true",
            ExecutionTimeLimit="PT0S",
            Priority="6",
        )
        _put(ET.SubElement(settings, "RestartOnFailure"), Interval="PT1M", Count="5")
        action = ET.SubElement(ET.SubElement(task, "Actions", Context="Author"), "Exec")
        _put(action, Command=_windowless(service.command[0]), Arguments=arguments)
        ET.indent(task)
        text = ET.tostring(task, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-16"?>\n{text}\n'.encode("utf-16")

    def check(self) -> None:
        """Raises VaultbotError where there is no `schtasks`."""
        must(["schtasks", "/Query", "/FO", "CSV", "/NH"])

    def install(self, service: Service) -> None:
        """Register the task and run it."""
        write(self.file(service.name), self.written(service))
        must(["schtasks", "/Create", "/TN", service.name, "/XML", str(self.file(service.name)), "/F"])
        must(["schtasks", "/Run", "/TN", service.name])

    def uninstall(self, name: str) -> None:
        """End the task and delete it."""
        say(["schtasks", "/End", "/TN", name])
        say(["schtasks", "/Delete", "/TN", name, "/F"])
        remove(self.file(name), folders=1)

    def start(self, name: str) -> None:
        """Run it, unless it runs."""
        must(["schtasks", "/Run", "/TN", name])

    def stop(self, name: str) -> None:
        """End it."""
        must(["schtasks", "/End", "/TN", name])

    def gave_up(self, name: str) -> bool:  # noqa: ARG002
        """Not known here."""
        return False

    def state(self, name: str) -> str:
        """The last column of `schtasks /Query`, in the system's language."""
        said = say(["schtasks", "/Query", "/TN", name, "/FO", "CSV", "/NH"])
        lines = [line for line in said.text.splitlines() if line.startswith('"')]
        return lines[-1].rpartition(",")[2].strip('"') if lines and not said.code else "not registered"


def _arguments(service: Service) -> str:
    """The arguments as one text, which programs on Windows take apart again. A task has no variables of its own."""
    home = service.environment.get("VAULTBOT_HOME")
    return subprocess.list2cmdline([*service.command[1:], *(["--home", home] if home else [])])


def _windowless(program: str) -> str:
    """The Python that opens no window, where it lies beside."""
    beside = Path(program).with_name("pythonw.exe")
    return str(beside) if Path(program).name == "python.exe" and beside.exists() else program


def _user() -> str:
    name, domain = os.environ.get("USERNAME") or getpass.getuser(), os.environ.get("USERDOMAIN")
    return f"{domain}\\{name}" if domain else name


def _put(into: ET.Element, **texts: str) -> None:
    for name, text in texts.items():
        ET.SubElement(into, name).text = text
