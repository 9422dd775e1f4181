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

_ALWAYS = frozenset({"question", "date", "vault", "language"})
#: Every template and what it may ask for.
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "ask": _ALWAYS | {"sources"},
    "ask-tiny": _ALWAYS | {"sources"},
    "follow-up": frozenset({"conversation", "question", "language"}),
    "expand": frozenset({"languages", "question"}),
    "title": frozenset({"conversation", "question", "language"}),
    "refuse": _ALWAYS | {"sources"},
}

_SECTION = re.compile(r"^## ([^\s#][^\n]*?)[ \t]*$", re.MULTILINE)
_ROLES = ("system", "user", "assistant")
_ROLE = re.compile(rf"^## ({'|'.join(_ROLES)})[ \t]*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{[ \t]*([^{}\n]{1,40}?)[ \t]*\}\}")
_FRONTMATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is said when the notes do not answer: a section for each language."""

    words: Mapping[str, str]  #: by the language's name in small letters; the first is for all others

    def text(self, **values: str) -> str:
        """The refusal in the language of `language`, with its placeholders filled in."""
        first = next(iter(self.words.values()))
        return _fill(self.words.get(values["language"].lower(), first), values)


def load_template(name: str, *, folder: Path | None = None) -> Template:
    """The template of that name, from the folder if it is there, else the one that comes with vaultbot.

    Raises ConfigError naming the file when a section is missing or a placeholder is unknown.
    """
    file, text = _read(name, folder)
    parts = _ROLE.split(text)
    roles = {role: body.strip() for role, body in zip(parts[1::2], parts[2::2], strict=True)}
    if not roles.get("user"):
        raise ConfigError(f"the prompt {file} has no section '## user'; see the one that comes with vaultbot")
    return Template(name, *(roles.get(role, "") for role in _ROLES))


def load_refusal(*, folder: Path | None = None) -> Refusal:
    """The words of a refusal, from `refuse.md`. Raises ConfigError as `load_template` does."""
    file, text = _read("refuse", folder)
    parts = _SECTION.split(text)
    words = {name.lower(): body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True) if body.strip()}
    words = words or {"english": _FRONTMATTER.sub("", text).strip()}
    if not all(words.values()):
        raise ConfigError(f"the prompt {file} is empty; write what is said when your notes do not answer")
    return Refusal(words)


def check_templates(folder: Path | None) -> None:
    """Look at every template once. Raises ConfigError, so that a wrong one is not told in the middle of an answer."""
    for name in PLACEHOLDERS:
        if name == "refuse":
            load_refusal(folder=folder)
        else:
            load_template(name, folder=folder)


def _shipped() -> tuple[Path, Path]:
    package = Path(__file__).resolve().parent.parent
    return package / "prompts", package.parent / "prompts"  # installed, and in a checkout


def _read(name: str, folder: Path | None) -> tuple[Path, str]:
    for place in (folder, *_shipped()):
        if place is not None and (file := place / f"{name}.md").is_file():
            break
    else:
        raise ConfigError(
            f"there is no prompt {name}.md; install vaultbot again, or set [prompts] folder to where it is"
        )
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the prompt {file} cannot be read: {error}") from error
    known = PLACEHOLDERS[name]
    if unknown := sorted(set(_PLACEHOLDER.findall(text)) - known):
        *most, last = (f"{{{{{placeholder}}}}}" for placeholder in sorted(known))
        raise ConfigError(f"the prompt {file} asks for {{{{{unknown[0]}}}}}; it may use {', '.join(most)} and {last}")
    return file, text


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)
