"""Which notes the user keeps out: vaultbot's own `exclude`, Obsidian's "Excluded files", and templates.

What `exclude` names is never opened; a link may still lead to it. The other two are Obsidian's: such notes are read
for their links, as in Obsidian's graph, and not searched, cited or suggested.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from math import prod
from typing import Any, Literal, TypeAlias

# Not `re`: these patterns come with the vault, and a search that goes wrong must be stopped.
import regex
from pathspec import GitIgnoreSpec

from vaultbot.errors import ConfigError
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.resolver import path_key, without_md

#: Why a note is not searched.
Unsearched: TypeAlias = Literal["excluded", "template"]

# For all notes of a scan; far more than any honest expression needs.
_MATCH_SECONDS = 5.0
_MOST_EXPRESSIONS = 20
#: Compiling `(a{90}){90}` writes out every repetition: the bounds of all repetitions, multiplied.
_REPEATS = re.compile(r"\{(?:[0-9]*,)?([0-9]+)\}")
_MOST_REPEATS = 10_000


class Ignore:
    """The rules of one scan. `warnings` grows when one of Obsidian's excluded files turns out to be unusable."""

    def __init__(self, exclude: GitIgnoreSpec, settings: ObsidianSettings | None = None) -> None:
        settings = settings or ObsidianSettings()
        self.warnings: list[str] = []
        self._exclude = exclude
        self._template_folders = tuple(path_key(folder) + "/" for folder in settings.template_folders)
        self._template_files = frozenset(path_key(without_md(file)) for file in settings.template_files)
        self._prefixes: tuple[str, ...] = ()
        self._patterns: dict[str, Any] = {}
        self._spent: dict[str, float] = {}
        for entry in settings.user_ignore_filters:
            if len(entry) > 2 and entry.startswith("/") and entry.endswith("/"):
                self._add_pattern(entry)
            elif entry:
                self._prefixes += (path_key(entry),)

    def excludes(self, path: str) -> bool:
        """Whether vaultbot's own `exclude` names a vault-relative file."""
        return bool(self._exclude.match_file(path))

    def unsearched(self, path: str) -> Unsearched | None:
        """Why the vault's own settings keep a vault-relative note from being searched; None when they do not."""
        key = path_key(path)
        if key.startswith(self._prefixes) or any(self._matches(entry, path) for entry in tuple(self._patterns)):
            return "excluded"
        if key.startswith(self._template_folders) or without_md(key) in self._template_files:
            return "template"
        return None

    def _add_pattern(self, entry: str) -> None:
        if len(self._patterns) == _MOST_EXPRESSIONS:
            self.warnings.append(f"the excluded-files entry {entry} is ignored: there are too many expressions")
            return
        if prod(int(most[:9]) for most in _REPEATS.findall(entry)) > _MOST_REPEATS:
            self.warnings.append(f"the excluded-files entry {_short(entry)} is ignored: it repeats too much")
            return
        try:
            self._patterns[entry] = regex.compile(entry[1:-1], regex.IGNORECASE)
        except (regex.error, RecursionError, OverflowError, MemoryError) as error:
            self.warnings.append(f"the excluded-files entry {_short(entry)} is ignored: {error}")

    def _matches(self, entry: str, path: str) -> bool:
        left = _MATCH_SECONDS - self._spent.get(entry, 0.0)
        if left <= 0:
            return True
        began = time.thread_time()
        try:
            found = bool(self._patterns[entry].search(path, timeout=left))
        except TimeoutError:
            self._spent[entry] = _MATCH_SECONDS
            self.warnings.append(
                f"the excluded-files entry {_short(entry)} takes too long; what it was not tried on is kept out"
            )
            return True
        self._spent[entry] = self._spent.get(entry, 0.0) + time.thread_time() - began
        return found


def exclude_spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    """vaultbot's own `exclude`, compiled. Raises ConfigError for a pattern that is none."""
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise ConfigError(f"[vault] exclude: {error}; patterns are written as in .gitignore") from error


def _short(entry: str) -> str:
    return entry if len(entry) <= 80 else f"{entry[:80]}…"
