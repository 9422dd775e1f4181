"""Python and the libraries."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from vaultbot import __version__
from vaultbot.adapters.chroma import bundled_sqlite
from vaultbot.adapters.llama_cpp.devices import Build
from vaultbot.doctor.check import Check

_LIBRARIES = ("chromadb", "onnxruntime", "sentence-transformers")


def versions(build: Build) -> Iterator[Check]:
    """What runs here."""
    yield Check("vaultbot", "ok", f"{__version__} with Python {platform.python_version()} on {platform.platform()}")
    yield _sqlite()
    for name in _LIBRARIES:
        found = _version(name)
        if found:
            inside = bundled_sqlite() if name == "chromadb" else None
            yield Check(name, "ok", f"{found}, with an SQLite of {inside} in it" if inside else found)
        else:
            yield Check(name, "problem", "is not installed", "install vaultbot anew: pip install --upgrade vaultbot")
    yield _llama_cpp(build)


def _sqlite() -> Check:
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    except sqlite3.Error as error:
        return Check(
            "sqlite",
            "problem",
            f"SQLite {sqlite3.sqlite_version} cannot search in text ({error})",
            "use a Python whose SQLite was built with FTS5, such as the one of python.org",
        )
    return Check(
        "sqlite", "ok", f"{sqlite3.sqlite_version}, with full-text search{log_bug(sqlite3.sqlite_version_info)}"
    )


def log_bug(version: tuple[int, int, int]) -> str:
    """What is to be said of a bug that may damage a file which two connections write at once."""
    affected = (3, 7, 0) <= version < (3, 51, 3)
    return "; its bug with two writers (before 3.51.3) cannot strike, for vaultbot has one alone" if affected else ""


def _llama_cpp(build: Build) -> Check:
    name, found = "llama-cpp-python", _version("llama-cpp-python")
    if found is None or find_spec("llama_cpp") is None:
        return Check(name, "advice", "is not installed, so answers are quotes alone", "pip install llama-cpp-python")
    if build.problem:
        fact, _, step = build.problem.partition("; ")
        return Check(
            name,
            "problem",
            f"{found} does not run here: {fact}",
            step or f"pip install --force-reinstall --no-deps --no-binary llama-cpp-python llama-cpp-python=={found}",
        )
    return Check(name, "ok", f"{found}, built for {' and '.join(build.backends)}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
