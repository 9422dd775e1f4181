"""The language models that are on this machine: the starter, those that were pulled, and the one of the settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vaultbot.errors import InvalidRequest, ModelMissing
from vaultbot.models import gguf
from vaultbot.models.chat_registry import choice_of_file
from vaultbot.models.memory import needed_bytes
from vaultbot.models.starter import starter_chat_model

Origin = Literal["starter", "pulled", "settings"]
_MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model file on this machine. What only its header tells is None where that cannot be read."""

    name: str  #: what `models use` and `models rm` take: "starter", "qwen2.5-1.5b:Q4_K_M", or the file's name
    path: str
    origin: Origin
    in_use: bool  #: the settings' own
    bytes: int | None = None
    architecture: str | None = None
    parameters: int | None = None
    quantization: str | None = None
    context_tokens: int | None = None  #: it was trained for
    needed_bytes: int | None = None  #: memory, with the settings' context
    problem: str | None = None  #: why it cannot be used


def installed_models(setting: str, folder: Path, *, context_tokens: int) -> tuple[InstalledModel, ...]:
    """All of them, the one in use first. `setting` is `[model] path`."""
    starter = starter_chat_model()
    places: dict[Path, tuple[str, Origin]] = {}
    if starter is not None:
        places[starter] = ("starter", "starter")
    for file in pulled_files(folder):
        known = choice_of_file(file.name)
        places[file] = (known.name if known else file.name, "pulled")
    used = starter if setting == "auto" else None if setting == "none" else Path(setting).expanduser()
    # One file may be reached by several ways, and the one in use must be known for it.
    same = {os.path.realpath(path): path for path in places}
    if used is not None:
        used = same.get(os.path.realpath(used), used)
        places.setdefault(used, (str(used), "settings"))
    found = [
        _look(path, name, origin, in_use=path == used, context_tokens=context_tokens)
        for path, (name, origin) in places.items()
    ]
    return tuple(sorted(found, key=lambda one: (not one.in_use, one.origin != "starter", one.name)))


def pulled_files(folder: Path) -> list[Path]:
    """The GGUF files of the models folder; those that are being fetched have other names."""
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() == ".gguf" and not path.name.startswith(".")]
    except OSError:
        return []
    return sorted(path for path in files if path.is_file())[:_MOST_FILES]


def find_installed(name: str, models: tuple[InstalledModel, ...]) -> InstalledModel:
    """The one called so: by its whole name, or by the part before ":". Raises InvalidRequest."""
    wanted = name.strip().lower()
    found = [one for one in models if one.name.lower() == wanted] or [
        one for one in models if one.name.lower().partition(":")[0] == wanted
    ]
    if len(found) > 1:
        raise InvalidRequest(f"several are installed; say which: {', '.join(one.name for one in found)}")
    if not found:
        raise InvalidRequest(f"no model called {name[:80]!r} is installed; see: vaultbot models list")
    return found[0]


def _look(path: Path, name: str, origin: Origin, *, in_use: bool, context_tokens: int) -> InstalledModel:
    try:
        info = gguf.read(path)
    except ModelMissing as error:
        return InstalledModel(name, str(path), origin, in_use, problem=str(error))
    room = min(context_tokens, info.context_length or context_tokens)
    return InstalledModel(
        name,
        str(path),
        origin,
        in_use,
        bytes=info.size,
        architecture=info.architecture,
        parameters=info.parameters,
        quantization=info.quantization,
        context_tokens=info.context_length,
        needed_bytes=needed_bytes(info, room),
        problem="it is an embedding model, which cannot answer" if info.is_embedder else None,
    )
