"""The prompt templates in `prompts/`: Markdown notes with a section per role and `{{placeholders}}`.

A folder of one's own (`[prompts] folder`) is looked in first, so a single file can be changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vaultbot.errors import ConfigError
from vaultbot.protocols import Message

#: Every template and what it may ask for.
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "ask": frozenset({"sources", "question"}),
    "ask-tiny": frozenset({"sources", "question"}),
    "follow-up": frozenset({"conversation", "question"}),
    "expand": frozenset({"languages", "question"}),
}

_ROLE = re.compile(r"^## (system|user|assistant)[ \t]*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{[ \t]*([a-z_]{1,40})[ \t]*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt: what each role says, with placeholders."""

    name: str
    system: str
    user: str
    prefix: str  #: put in the model's mouth; "" for none

    def messages(self, **values: str) -> list[Message]:
        """The prompt with its placeholders filled in. Values are put in as they are and never searched again."""
        filled = [Message("user", _fill(self.user, values))]
        return [Message("system", _fill(self.system, values)), *filled] if self.system else filled


def load_template(name: str, *, folder: Path | None = None) -> Template:
    """The template of that name, from the folder if it is there, else the one that comes with vaultbot.

    Raises ConfigError naming the file when a section is missing or a placeholder is unknown.
    """
    for place in (folder, *_shipped()):
        if place is not None and (file := place / f"{name}.md").is_file():
            return _parse(name, file)
    raise ConfigError(f"there is no prompt {name}.md; install vaultbot again, or set [prompts] folder to where it is")


def _shipped() -> tuple[Path, Path]:
    package = Path(__file__).resolve().parent.parent
    return package / "prompts", package.parent / "prompts"  # installed, and in a checkout


def _parse(name: str, file: Path) -> Template:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the prompt {file} cannot be read: {error}") from error
    parts = _ROLE.split(text)
    roles = {role: body.strip() for role, body in zip(parts[1::2], parts[2::2], strict=True)}
    if not roles.get("user"):
        raise ConfigError(f"the prompt {file} has no section '## user'; see the one that comes with vaultbot")
    known = PLACEHOLDERS[name]
    if unknown := sorted(set(_PLACEHOLDER.findall(text)) - known):
        raise ConfigError(
            f"the prompt {file} asks for {{{{{unknown[0]}}}}}; it may use "
            + " and ".join(f"{{{{{placeholder}}}}}" for placeholder in sorted(known))
        )
    return Template(name, roles.get("system", ""), roles["user"], roles.get("assistant", ""))


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)
