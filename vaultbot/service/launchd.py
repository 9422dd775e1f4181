"""macOS: a launch agent of the user's own."""

from __future__ import annotations

import os
import plistlib
import time
from pathlib import Path

from vaultbot.errors import VaultbotError
from vaultbot.service.service import Service, check_text, must, remove, say, write

_LEAVING_S = 20.0


class Launchd:
    """The agents of the user who is logged in at the screen."""

    name = "launchd"

    def file(self, name: str) -> Path:
        """`~/Library/LaunchAgents/local.NAME.plist`."""
        return Path("~/Library/LaunchAgents").expanduser() / f"{_label(name)}.plist"

    def written(self, service: Service) -> bytes:
        """The property list."""
        check_text(service)
        return plistlib.dumps(
            {
                "Label": _label(service.name),
                "ProgramArguments": list(service.command),
                "EnvironmentVariables": dict(service.environment),
                "RunAtLoad": True,
                # Again when it has failed, and at most once a minute: launchd cannot tell a wrong setting from a crash.
                "KeepAlive": {"SuccessfulExit": False},
                "ThrottleInterval": 60,
                "ExitTimeOut": 15,
                # "Background" would keep the language model on the slow cores.
                "ProcessType": "Standard",
                "Umask": 0o077,
                "StandardErrorPath": str(service.log),
            },
            sort_keys=False,
        )

    def check(self) -> None:
        """Raises VaultbotError where nobody is logged in at the screen."""
        if say(["launchctl", "print", _domain()]).code:
            raise VaultbotError(
                "launchd has no session of yours at the screen, as over ssh, so there are no services; "
                "run: vaultbot start"
            )

    def install(self, service: Service) -> None:
        """Write the property list and hand it to launchd, which starts the agent."""
        write(self.file(service.name), self.written(service))
        self._forget(service.name)
        must(["launchctl", "enable", _target(service.name)])
        must(["launchctl", "bootstrap", _domain(), str(self.file(service.name))])

    def uninstall(self, name: str) -> None:
        """End the agent, have launchd forget it, and delete the property list."""
        self._forget(name)
        remove(self.file(name), folders=0)  # The folder is everybody's.

    def start(self, name: str) -> None:
        """Start it, unless it runs."""
        if say(["launchctl", "print", _target(name)]).code:
            must(["launchctl", "bootstrap", _domain(), str(self.file(name))])
        must(["launchctl", "kickstart", _target(name)])

    def stop(self, name: str) -> None:
        """End it; it ends well, so that launchd leaves it ended."""
        must(["launchctl", "kill", "SIGTERM", _target(name)])

    def gave_up(self, name: str) -> bool:  # noqa: ARG002
        """Not known here."""
        return False

    def state(self, name: str) -> str:
        """As `launchctl print` has it."""
        said = say(["launchctl", "print", _target(name)])
        if said.code:
            return "not loaded"
        facts = dict(line.strip().partition(" = ")[::2] for line in said.text.splitlines() if " = " in line)
        last = facts.get("last exit code", "0")
        words = facts.get("state", "loaded")
        return words if last in ("0", "(never exited)") else f"{words}, last exit code {last}"

    def _forget(self, name: str) -> None:
        """Until it is gone: launchd says yes before the agent has ended, and takes no second one meanwhile."""
        say(["launchctl", "bootout", _target(name)])
        until = time.monotonic() + _LEAVING_S
        while not say(["launchctl", "print", _target(name)]).code:
            if time.monotonic() > until:
                raise VaultbotError(f"launchd does not let go of {_label(name)}; log out and in, and try again")
            time.sleep(0.1)


def _label(name: str) -> str:
    return f"local.{name}"


def _domain() -> str:
    return f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"


def _target(name: str) -> str:
    return f"{_domain()}/{_label(name)}"
