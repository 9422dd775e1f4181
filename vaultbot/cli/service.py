"""`vaultbot service`: the daemon as a service of the system, from login to logout."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TextIO

import typer

from vaultbot.cli.consent import Yes, agree
from vaultbot.cli.render import bold, plain, print_json
from vaultbot.cli.render_status import print_status
from vaultbot.cli.serve import Port, why_not
from vaultbot.cli.session import Session
from vaultbot.client import find
from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.paths import absolute, cache_folder
from vaultbot.service.options import InstallOptions, remember_options
from vaultbot.service.service import Manager, Service, installed, manager_of, service_name

HELP = "Have the system start the daemon at every login."

#: Where vaultbot keeps things, which a service has to know as well.
_PLACES = ("VAULTBOT_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
_LINGER = "it starts when you log in; to have it started with the machine: loginctl enable-linger"
_FOLLOW_S = 0.3


def install(
    session: Session,
    port: Port = None,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Let the daemon write nothing into the vault, whoever asks (Linux)."),
    ] = False,
    yes: Yes = False,
) -> None:
    """Show the file that describes the service and ask; then write it, and start the daemon."""
    from vaultbot import launcher

    _ = session.config
    session.check_vault()
    manager = manager_of()
    manager.check()
    service = _service(session, port=port, read_only=read_only)
    file, content = manager.file(service.name), manager.written(service)
    changed = not (file.exists() and file.read_bytes() == content)
    if changed:
        if not session.json:
            print(f"{bold(str(file))}\n{_shown(content)}", file=sys.stderr)
        agree(f"write {file}, and have {manager.name} start the daemon whenever you log in?", yes=yes)
    if not session.json:
        for name in _unseen(os.environ):
            print(f"note: {name} is set here and not for the service; put it into config.toml", file=sys.stderr)
    session.state.create()
    config = str(absolute(session.config_file)) if session.config_file else None
    remember_options(session.state, InstallOptions(port, read_only, config, session.verbose))
    running = find(session.state)
    if changed or running is None or running.runtime.ends_when_idle:
        launcher.stop(session.state)
        os.close(os.open(session.state.log, os.O_WRONLY | os.O_CREAT, 0o600))  # Before the manager makes it for all.
        cache_folder(session.root).mkdir(parents=True, exist_ok=True, mode=0o700)  # A unit can open what is there.
        with why_not(session.state):
            manager.install(service)
            client = launcher.await_daemon(session.state, gave_up=lambda: manager.gave_up(service.name))
    else:
        client = running
    session.wait_for_index(client)
    if session.json:
        print_json({"service": service.name, "file": str(file), "changed": changed, "port": client.runtime.port})
        return
    print(f"{service.name} {'is' if changed else 'was already'} installed, and serves {client.address}")
    print(_LINGER if manager.name == "systemd" else "it starts when you log in")


def uninstall(session: Session, yes: Yes = False) -> None:
    """End the daemon and take the service away. The index and the settings stay."""
    from vaultbot import launcher

    service = installed(session.state)
    if service is None:
        raise VaultbotError("no service is installed for this vault; see: vaultbot service status")
    manager, name = service
    file = manager.file(name)
    agree(f"end the daemon and delete {file}? Its index and your settings stay", yes=yes)
    launcher.stop(session.state)
    manager.uninstall(name)
    session.state.service.unlink(missing_ok=True)
    if session.json:
        print_json({"service": name, "file": str(file)})
    else:
        print(f"{name} is gone; commands start a daemon by themselves when they need one")


def status(session: Session) -> None:
    """Show how the service is, and how the daemon is."""
    service, client = installed(session.state), find(session.state)
    how = _state(*service) if service else None
    result = client.get("/api/status") if client else None
    if session.json:
        told = {"name": service[1], "file": str(service[0].file(service[1])), "state": how} if service else None
        print_json({"service": told, "daemon": result})
        return
    if service:
        print(f"{bold('service')}: {how}\n  file      {service[0].file(service[1])}")
    else:
        print("no service is installed for this vault; install one with: vaultbot service install")
    if result is None:
        print("no daemon runs for this vault; start it with: vaultbot start")
    else:
        print_status(result, verbose=session.verbose)


def logs(
    session: Session,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="So many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines, until Ctrl-C.")] = False,
) -> None:
    """Show the daemon's log. It names notes and never quotes them."""
    if session.json:
        raise InvalidRequest("a log is text; leave out --json")
    file = session.state.log
    try:
        opened = file.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise VaultbotError(
            f"there is no log at {file} ({error.strerror}); the daemon writes it: vaultbot start"
        ) from error
    print(f"{file}:", file=sys.stderr, flush=True)
    with opened:
        for line in deque(opened, lines):
            print(plain(line), end="")
        sys.stdout.flush()
        if follow:
            for line in _following(opened, file):
                print(plain(line), end="", flush=True)


def _following(opened: TextIO, file: Path) -> Iterator[str]:
    """New lines as they come, also after the daemon has begun a new file."""
    current = opened
    while True:
        yield from iter(current.readline, "")
        time.sleep(_FOLLOW_S)
        try:
            fresh = file.open(encoding="utf-8", errors="replace")
        except OSError:
            continue  # The new one is about to be made.
        if os.fstat(fresh.fileno()).st_ino == os.fstat(current.fileno()).st_ino:
            fresh.close()
            continue
        yield from iter(current.readline, "")
        if current is not opened:
            current.close()
        current = fresh


def _service(session: Session, *, port: int | None, read_only: bool) -> Service:
    arguments = session.daemon_arguments(*([] if port is None else ["--port", str(port)]))
    vault = [] if read_only else [session.root]
    return Service(
        service_name(session.state),
        session.root,
        (sys.executable, "-P", "-m", "vaultbot", "serve", "--background", *arguments),
        writable=(session.state.root, cache_folder(), *vault),
        log=session.state.log,
        environment={name: os.environ[name] for name in _PLACES if os.environ.get(name)},
    )


def _unseen(environ: Mapping[str, str]) -> list[str]:
    """Settings in the environment of this shell, which a service does not get."""
    from dataclasses import fields

    from vaultbot.config import Config

    sections = tuple(f"VAULTBOT_{section.name}_".upper() for section in fields(Config))
    return sorted(name for name in environ if name.startswith(sections))


def _state(manager: Manager, name: str) -> str:
    try:
        return f"{name} of {manager.name}, {manager.state(name)}"
    except VaultbotError as error:
        return f"{name} of {manager.name}, which does not answer: {error}"


def _shown(content: bytes) -> str:
    text = content.decode("utf-16" if content.startswith(b"\xff\xfe") else "utf-8")
    return "".join(f"  {line}\n" for line in text.splitlines())


COMMANDS = {"install": install, "uninstall": uninstall, "status": status, "logs": logs}
