"""`vaultbot serve`, `start` and `stop`: the daemon in the foreground, in the background, and gone."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_status import print_status
from vaultbot.cli.session import Session
from vaultbot.client import Client, find
from vaultbot.config_reader import read_settings
from vaultbot.errors import AlreadyRunning, InvalidRequest, VaultbotError
from vaultbot.paths import StatePaths
from vaultbot.runtime import read_runtime

if TYPE_CHECKING:
    from vaultbot.status import Status

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
    config = read_settings(session.settings.file if session.config_file else None, flags=flags).of(session.root)
    session.check_known()

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
        name=session.name,
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


def start(
    session: Session,
    port: Port = None,
    everything: Annotated[bool, typer.Option("--all", help="Every vault that the settings name.")] = False,
) -> None:
    """Start the daemon in the background, to stay.

    Where a service is installed, that is what is started.
    """
    if everything:
        _start_all(session, port)
        return
    client = _start(session, port)
    session.wait_for_index(client)
    result = client.get("/api/status")
    if session.json:
        print_json(result)
    else:
        print_status(result, verbose=session.verbose)


def _start(session: Session, port: int | None) -> Client:
    """A daemon that stays. Raises AlreadyRunning when there is one."""
    from vaultbot import launcher
    from vaultbot.service.options import options_of
    from vaultbot.service.service import installed

    _ = session.config
    service = installed(session.state)
    if service and port is not None:
        other = replace(options_of(session.state), port=port)
        raise InvalidRequest(f"the port is the service's to choose; change it with: {other.command(session.root)}")
    running = find(session.state)
    if running is None:
        session.check_known()
    else:
        if not running.runtime.ends_when_idle:
            raise AlreadyRunning(
                f"vaultbot is already running for this vault (pid {running.runtime.pid}, port {running.runtime.port})"
            )
        launcher.stop(session.state)  # It would have ended by itself; this one stays.
    session.say("starting vaultbot in the background")
    if service is None:
        arguments = session.daemon_arguments(*([] if port is None else ["--port", str(port)]))
        return launcher.find_or_start(session.state, arguments=arguments, start=True)
    manager, name = service
    manager.check()
    with why_not(session.state):
        manager.start(name)
        return launcher.await_daemon(session.state, gave_up=lambda: manager.gave_up(name))


def _start_all(session: Session, port: int | None) -> None:
    """Those that run already are left as they are, and one that cannot be started does not keep the others from it."""
    if session.vault or port is not None:
        raise InvalidRequest("--all goes with neither --vault nor --port: each vault has its own in the settings")
    if not session.settings.vaults:
        raise InvalidRequest("the settings name no vault; name one with: vaultbot vaults add NAME FOLDER")
    told: list[dict[str, object]] = []
    for name in session.settings.vaults:
        one = replace(session, vault=name)
        port, error = None, None
        try:
            port = _start(one, None).runtime.port
        except AlreadyRunning:
            runtime = read_runtime(one.state)
            port = runtime.port if runtime else None
        except VaultbotError as problem:
            error = str(problem)
        told.append({"name": name, "vault": str(one.root), "port": port, "error": error})
        if not session.json:
            print(f"{name}: {error or f'runs on port {port}'}", flush=True)
    if session.json:
        print_json(told)
    if any(this["error"] for this in told):
        raise typer.Exit(VaultbotError.exit_code)


def stop(
    session: Session,
    everything: Annotated[bool, typer.Option("--all", help="The daemons of all vaults.")] = False,
) -> None:
    """End the daemon. What it has indexed stays."""
    if everything:
        _stop_all(session)
        return
    stopped, service = _stop(session.state)
    if not stopped and not service:
        session.check_known()
    if session.json:
        print_json({"stopped": stopped})
        return
    print("stopped" if stopped else "no daemon was running for this vault")
    if service:
        print("its service starts it when you log in; without one: vaultbot service uninstall")


def _stop(state: StatePaths) -> tuple[bool, bool]:
    """Whether a daemon ran, and whether a service is there that will start it again."""
    from vaultbot import launcher
    from vaultbot.service.service import installed

    stopped = launcher.stop(state)
    service = installed(state)
    if service:
        with suppress(VaultbotError):  # It has ended; the manager may have been about to start it again.
            service[0].stop(service[1])
    return stopped, service is not None


def _stop_all(session: Session) -> None:
    from vaultbot.known_vaults import running_states
    from vaultbot.states import owner_of

    if session.vault:
        raise InvalidRequest("--all goes without --vault: it ends the daemons of all vaults")
    stopped: list[str] = []
    for state in running_states():
        owner = owner_of(state)
        if _stop(state)[0]:
            stopped.append(str(owner.vault if owner else state.root))
    if session.json:
        print_json({"stopped": stopped})
    else:
        print("\n".join(f"stopped {vault}" for vault in stopped) or "no daemon was running")
