"""Exports an embedding model to ONNX once, in a process of its own, and finds it again.

Exporting needs torch, which the daemon is to do without. What comes of it is a folder, named for the model's
fingerprint: an export (see `onnx_model.py`), or `refused.json` with the reason why there is none. It is made under
another name and renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import IO, Literal

from vaultbot.adapters.onnx_model import Export, ExportDamaged, read_export
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder

log = logging.getLogger("vaultbot")

Precision = Literal["float32", "int8"]

#: Grows when exports are made in another way; those of before are not used any more.
EXPORT_VERSION = 1
REFUSED = "refused.json"

_CHILD = "vaultbot.adapters.onnx_export_child"
_MAKING = "making-"
_ABANDONED_S = 3600.0  #: what was being made for so long is made no more
_UNUSED_S = 30 * 86400.0


class NotExported(Exception):
    """Why there is no export, in words for a person."""


def exported_model(
    original: SentenceTransformersEmbedder, cache: Path, *, precision: Precision, timeout_s: float = 900.0
) -> Export:
    """The model's export, making which takes some seconds the first time. Raises NotExported."""
    folder = cache / f"{original.fingerprint}-{precision}-{EXPORT_VERSION}"
    try:
        if folder.exists():
            try:
                return _usable(folder)
            except ExportDamaged as error:
                log.warning("%s; it is exported again", error)
                shutil.rmtree(folder)
        return _export(original, folder, precision=precision, timeout_s=timeout_s)
    except OSError as error:
        raise NotExported(f"the folder {cache} cannot be used ({error.strerror or error})") from error


def _usable(folder: Path) -> Export:
    """Raises ExportDamaged, and NotExported when these very versions have tried in vain."""
    refused = folder / REFUSED
    if not refused.exists():
        export = read_export(folder)
        folder.touch()  # It is in use.
        return export
    try:
        values = json.loads(refused.read_text(encoding="utf-8"))
        why, tried_with = str(values["why"]), values["with"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportDamaged(f"{refused} cannot be read") from error
    if tried_with != versions():
        raise ExportDamaged(f"{folder} was refused by other versions of the libraries")
    raise NotExported(f"{why}; to have it tried again, delete {folder}")


def _export(original: SentenceTransformersEmbedder, folder: Path, *, precision: Precision, timeout_s: float) -> Export:
    for name in ("onnxruntime", "onnx"):
        if find_spec(name) is None:
            raise NotExported(f"the Python package {name} is not installed; run: pip install {name}")
    cache = folder.parent
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    _tidy(cache)
    log.info("preparing the embedding model %s for onnxruntime, which is done once", original.name)
    began = time.monotonic()
    making = Path(mkdtemp(prefix=_MAKING, dir=cache))
    try:
        with TemporaryFile() as complaints:
            code = _run_child([str(original.folder), str(making), precision], complaints, timeout_s=timeout_s)
            if code != 0:
                raise NotExported(_why_ended(code, complaints, timeout_s=timeout_s))
        try:
            making.rename(folder)
        except OSError:
            if not folder.exists():  # Else another daemon was faster.
                raise
        try:
            usable = _usable(folder)
        except ExportDamaged as error:
            raise NotExported(f"what was exported cannot be read back ({error})") from error
        log.info("the embedding model %s was prepared in %.1f s", original.name, time.monotonic() - began)
        return usable
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _run_child(arguments: list[str], complaints: IO[bytes], *, timeout_s: float) -> int | None:
    """Its exit code; None when it took too long."""
    with subprocess.Popen(
        # -P: the current folder is no place to import from, for it may be the vault.
        [sys.executable, "-P", "-m", _CHILD, *arguments],
        stdin=subprocess.PIPE,  # Closed by our end, however we end; then the child ends, too.
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as process:
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            process.kill()


def _why_ended(code: int | None, complaints: IO[bytes], *, timeout_s: float) -> str:
    if code is None:
        return f"exporting it took longer than {timeout_s:g} s"
    complaints.seek(0)
    lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
    said = f': "{lines[-1][:300]}"' if lines else ""
    return f"exporting it failed (exit code {code}){said}"


def versions() -> dict[str, str]:
    """Of the libraries that an export depends on."""
    found = {}
    for name in ("torch", "sentence-transformers", "transformers", "onnx", "onnxruntime"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _tidy(cache: Path) -> None:
    """Remove what nobody waits for or uses any more: each is as large as a model."""
    now = time.time()
    for folder in cache.iterdir():
        with contextlib.suppress(OSError):  # Another daemon was faster.
            age = now - folder.stat().st_mtime
            if age > (_ABANDONED_S if folder.name.startswith(_MAKING) else _UNUSED_S):
                shutil.rmtree(folder)
