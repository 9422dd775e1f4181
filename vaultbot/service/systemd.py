"""Linux: a unit of the user's own systemd, shut in as far as that may."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from vaultbot.errors import VaultbotError
from vaultbot.paths import absolute
from vaultbot.service.service import Service, check_text, must, remove, say, write

#: What every systemd bears. PrivateDevices is not among it, for it would hide graphics cards; nor is
#: MemoryDenyWriteExecute, for their drivers and torch write code while they run.
_SHUT_IN = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    "SystemCallErrorNumber=EPERM",
)

#: A view of the file system of its own. It takes user namespaces, which some systems keep from their users.
_OWN_VIEW = (
    "PrivateUsers=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectClock=yes",
    "CapabilityBoundingSet=",
)


class Systemd:
    """The user's own systemd, which needs no rights of an administrator."""

    name = "systemd"

    def __init__(self) -> None:
        self._own_view: bool | None = None

    def file(self, name: str) -> Path:
        """`~/.config/systemd/user/NAME.service`."""
        return _units() / f"{name}.service"

    def written(self, service: Service) -> bytes:
        """The unit."""
        check_text(service)
        return "".join(f"{line}\n" for line in self._lines(service)).encode()

    def _lines(self, service: Service) -> Iterator[str]:
        yield "# Written by: vaultbot service install. Taken away by: vaultbot service uninstall."
        yield "[Unit]"
        yield f"Description=vaultbot for the vault {_literal(service.vault.name)}".rstrip("\\ ")
        yield "StartLimitIntervalSec=300"
        yield "StartLimitBurst=5"
        yield ""
        yield "[Service]"
        yield "Type=notify"
        # The colon keeps "$" from being read as a variable.
        first, *others = service.command
        yield f"ExecStart=:{' '.join([_quoted(first), *map(_quoted, others)])}"
        for name, value in service.environment.items():
            yield f"Environment={_quoted(f'{name}={value}')}"
        # What it says before it can log, and what native code says last.
        yield f"StandardOutput=append:{_literal(str(service.log))}"
        yield f"StandardError=append:{_literal(str(service.log))}"
        yield "UMask=0077"
        yield "Restart=on-failure"
        yield "RestartSec=5"
        yield "# Wrong settings, already running, no model, damaged data: another start would not help."
        yield "RestartPreventExitStatus=2 3 5 6"
        yield "TimeoutStartSec=120"
        yield "TimeoutStopSec=15"
        yield "WatchdogSec=120"
        yield "KillMode=mixed"
        yield from _SHUT_IN
        if self._may_have_own_view():
            yield from _OWN_VIEW
            if not any(map(_is_temporary, (*service.command, *service.environment.values()))):
                yield "PrivateTmp=yes"
            for folder in service.writable:
                yield f"ReadWritePaths={_quoted(f'-{folder}')}"
        yield ""
        yield "[Install]"
        yield "WantedBy=default.target"

    def _may_have_own_view(self) -> bool:
        """Whether this system lets a user's service have one; found by running one that does nothing."""
        if self._own_view is None:
            properties = [word for line in ("Type=oneshot", *_OWN_VIEW) for word in ("-p", line)]
            # A oneshot is waited for without D-Bus, which some servers do without.
            words = ["systemd-run", "--user", "--quiet", "--collect", *properties, sys.executable, "-V"]
            try:
                self._own_view = say(words).code == 0
            except VaultbotError:
                self._own_view = False
        return self._own_view

    def check(self) -> None:
        """Raises VaultbotError where no systemd of the user's runs."""
        said = say(["systemctl", "--user", "show", "--property=Version"])
        if said.code:
            raise VaultbotError(
                "no systemd of yours runs here, as in a container or after su, so there are no services; "
                "run: vaultbot start"
            )

    def install(self, service: Service) -> None:
        """Write the unit, enable it, and start it anew."""
        write(self.file(service.name), self.written(service))
        must(["systemctl", "--user", "daemon-reload"])
        unit = f"{service.name}.service"
        must(["systemctl", "--user", "--quiet", "enable", unit])
        say(["systemctl", "--user", "reset-failed", unit])
        # Without waiting: a first look through a large vault takes its time, and is shown with its progress.
        must(["systemctl", "--user", "--no-block", "restart", unit])

    def uninstall(self, name: str) -> None:
        """Stop and disable it, and delete the unit."""
        unit = f"{name}.service"
        say(["systemctl", "--user", "--quiet", "disable", "--now", unit])
        # What `disable` does, for where no systemd of the user's runs.
        remove(_units() / "default.target.wants" / unit, folders=1)
        remove(self.file(name), folders=2)
        say(["systemctl", "--user", "daemon-reload"])
        say(["systemctl", "--user", "reset-failed", unit])

    def start(self, name: str) -> None:
        """Start it."""
        say(["systemctl", "--user", "reset-failed", f"{name}.service"])
        must(["systemctl", "--user", "--no-block", "start", f"{name}.service"])

    def stop(self, name: str) -> None:
        """End it."""
        must(["systemctl", "--user", "stop", f"{name}.service"])

    def gave_up(self, name: str) -> bool:
        """Whether it failed, and waits for another start or for none."""
        said = say(["systemctl", "--user", "show", f"{name}.service", "-p", "SubState"])
        return said.text.removeprefix("SubState=") in ("failed", "auto-restart")

    def state(self, name: str) -> str:
        """As `systemctl --user show` has it."""
        asked = ["systemctl", "--user", "show", f"{name}.service", "-p", "ActiveState,SubState,Result,UnitFileState"]
        shown = dict(line.partition("=")[::2] for line in must(asked).splitlines())
        words = (
            f"{shown.get('ActiveState', '?')} ({shown.get('SubState', '?')}), {shown.get('UnitFileState') or 'gone'}"
        )
        if shown.get("Result", "success") != "success":
            words += f", last ended with: {shown['Result']}"
        return words


def _units() -> Path:
    return absolute(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "systemd" / "user"


def _literal(text: str) -> str:
    """Text without quotation marks: "%" begins a name of systemd's own."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    # Of all of systemd's escapes, the two that it knows in every kind of line.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _is_temporary(text: str) -> bool:
    """Whether this is a path that a private /tmp would hide."""
    places = (Path(text), Path(os.path.realpath(text))) if text.startswith("/") else ()
    return any(place.is_relative_to(hidden) for place in places for hidden in ("/tmp", "/var/tmp"))  # noqa: S108
