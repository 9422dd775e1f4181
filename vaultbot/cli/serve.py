"""`vaultbot serve`, `start` and `stop`: the daemon in the foreground, in the background, and gone."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaultbot.cli.render import print_json, print_status
from vaultbot.cli.session import Session
from vaultbot.client import find
from vaultbot.config_reader import load_config
from vaultbot.errors import AlreadyRunning, InvalidRequest, VaultbotError
from vaultbot.paths import StatePaths

if TYPE_CHECKING:
    from vaultbot.types import Status

Port = Annotated[int | None, typer.Option("--port", help="Port on 127.0.0.1; 0 takes a free one.")]


def serve(
    session: Session,
    port: Port = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", hidden=True)] = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
    home: Annotated[Path | None, typer.Option("--home", hidden=True)] = None,
) -> None:
    """Run the daemon here until Ctrl-C. It indexes, watches and serves the HTTP API."""
    from vaultbot import daemon

    if home is not None:  # For services of systems that give them no variables.
        os.environ["VAULTBOT_HOME"] = str(home)

    if sys.stderr is None:  # Windows gives services none.
        session.state.create()
        sys.stdout = sys.stderr = session.state.log.open("a", encoding="utf-8")
    flags = {} if port is None else {"server.port": port}
    config = load_config(session.config_file, flags=flags)
    session.check_vault()

    def ready(status: Status) -> None:
        if not background:
            print(
                f"vaultbot serves {status.vault} on http://127.0.0.1:{status.port}\n"
                f"the token is in {status.token_file}; end with Ctrl-C",
                file=sys.stderr,
                flush=True,
            )

    daemon.serve(
        config,
        session.root,
        session.state,
        ends_when_idle=until_idle,
        background=background,
        verbose=session.verbose,
        on_ready=ready,
    )
    # All is closed. Native threads may still be loading a model, and Python's orderly end would abort on them.
    logging.shutdown()
    os._exit(0)


@contextmanager
def why_not(state: StatePaths) -> Iterator[None]:
    """What a service manager cannot tell when a service does not start: what the daemon said last."""
    try:
        yield
    except VaultbotError as error:
        with suppress(OSError, IndexError):
            last = state.log.read_text(encoding="utf-8", errors="replace").splitlines()[-1]
            if last.startswith("error: "):
                raise VaultbotError(f"the service did not start: {last.removeprefix('error: ')}") from error
        raise


def start(session: Session, port: Port = None) -> None:
    """Start the daemon in the background, to stay.

    Where a service is installed, that is what is started.
    """
    from vaultbot import launcher
    from vaultbot.service.service import installed

    _ = session.config
    service = installed(session.state)
    if service and port is not None:
        raise InvalidRequest(
            f"the port is the service's to choose; change it with: vaultbot service install --port {port}"
        )
    running = find(session.state)
    if running is None:
        session.check_vault()
    else:
        if not running.runtime.ends_when_idle:
            raise AlreadyRunning(
                f"vaultbot is already running for this vault (pid {running.runtime.pid}, port {running.runtime.port})"
            )
        launcher.stop(session.state)  # It would have ended by itself; this one stays.
    session.say("starting vaultbot in the background")
    if service:
        manager, name = service
        manager.check()
        with why_not(session.state):
            manager.start(name)
            client = launcher.await_daemon(session.state, gave_up=lambda: manager.gave_up(name))
    else:
        arguments = session.daemon_arguments(*([] if port is None else ["--port", str(port)]))
        client = launcher.find_or_start(session.state, arguments=arguments, start=True)
    session.wait_for_index(client)
    result = client.get("/api/status")
    if session.json:
        print_json(result)
    else:
        print_status(result, verbose=session.verbose)


def stop(session: Session) -> None:
    """End the daemon. What it has indexed stays."""
    from vaultbot import launcher
    from vaultbot.service.service import installed

    stopped = launcher.stop(session.state)
    service = installed(session.state)
    if service:
        with suppress(VaultbotError):  # It has ended; the manager may have been about to start it again.
            service[0].stop(service[1])
    if not stopped and not service:
        session.check_vault()
    if session.json:
        print_json({"stopped": stopped})
        return
    print("stopped" if stopped else "no daemon was running for this vault")
    if service:
        print("its service starts it when you log in; without one: vaultbot service uninstall")
