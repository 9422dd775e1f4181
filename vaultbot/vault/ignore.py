"""Which files the user keeps out: Obsidian's "Excluded files" and vaultbot's own `exclude`.

An excluded note is not indexed, cited or suggested, but a link may still lead to it, as in Obsidian.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

# Not `re`: these patterns come with the vault, and a search that goes wrong must be stopped.
import regex
from pathspec import GitIgnoreSpec

from vaultbot.errors import ConfigError
from vaultbot.vault.resolver import path_key

# Far more than any honest expression needs, so that a busy machine never lets an excluded note in.
_MATCH_SECONDS = 1.0
_MOST_EXPRESSIONS = 20


class Ignore:
    """The exclusion rules of one scan. `warnings` grows when a rule turns out to be unusable."""

    def __init__(self, exclude: GitIgnoreSpec, user_filters: Sequence[str] = ()) -> None:
        self.warnings: list[str] = []
        self._exclude = exclude
        self._prefixes: tuple[str, ...] = ()
        self._patterns: dict[str, Callable[[str], object]] = {}
        for entry in user_filters:
            if len(entry) > 2 and entry.startswith("/") and entry.endswith("/"):
                self._add_pattern(entry)
            elif entry:
                self._prefixes += (path_key(entry),)

    def excludes(self, path: str) -> bool:
        """Whether a vault-relative file is kept out."""
        return (
            path_key(path).startswith(self._prefixes)
            or self._exclude.match_file(path)
            or any(self._matches(entry, path) for entry in tuple(self._patterns))
        )

    def _add_pattern(self, entry: str) -> None:
        if len(self._patterns) == _MOST_EXPRESSIONS:
            self.warnings.append(f"the excluded-files entry {entry} is ignored: there are too many expressions")
            return
        try:
            compiled = regex.compile(entry[1:-1], regex.IGNORECASE)
        except (regex.error, RecursionError, OverflowError) as error:
            self.warnings.append(f"the excluded-files entry {entry} is ignored: {error}")
        else:
            self._patterns[entry] = lambda path: compiled.search(path, timeout=_MATCH_SECONDS)

    def _matches(self, entry: str, path: str) -> bool:
        try:
            return bool(self._patterns[entry](path))
        except TimeoutError:
            del self._patterns[entry]
            self.warnings.append(f"the excluded-files entry {entry} is ignored: it takes too long on {path}")
            return False


def exclude_spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    """vaultbot's own `exclude`, compiled. Raises ConfigError for a pattern that is none."""
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise ConfigError(f"[vault] exclude: {error}; patterns are written as in .gitignore") from error


def user_filters(app_json: bytes) -> tuple[str, ...]:
    """`userIgnoreFilters` of Obsidian's app.json. Raises ValueError when that is no such file."""
    try:
        settings = json.loads(app_json)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(settings, dict):
        raise ValueError("it holds no settings")
    filters = settings.get("userIgnoreFilters") or []
    if not isinstance(filters, list):
        raise ValueError("userIgnoreFilters is no list")
    return tuple(entry for entry in filters if isinstance(entry, str))
