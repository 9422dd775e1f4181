"""`vaultbot init`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.session import Session
from vaultbot.config import ModelSettings, toml_value
from vaultbot.config_reader import NAME_RULE, config_file, header, is_vault_name, name_of_vault
from vaultbot.errors import ConfigError, InvalidRequest, VaultbotError
from vaultbot.paths import absolute

if TYPE_CHECKING:
    from vaultbot.models.chat_advisor import Recommendation
    from vaultbot.models.embedding_advisor import Advice
    from vaultbot.vault.vault import Vault


def init(
    session: Session,
    force: Annotated[bool, typer.Option("--force", help="Replace the settings file.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call the vault, as for --vault. One vault needs no name.")
    ] = None,
) -> None:
    """Choose your vault and write the settings file."""
    file = absolute(session.config_file or config_file())
    if file.exists() and not force:
        raise VaultbotError(
            f"there is a settings file already: {file}; edit it, name a further vault with: vaultbot vaults add NAME "
            "FOLDER, or replace the file with: vaultbot init --force"
        )
    if name is not None:
        name = checked_name(name)
    from vaultbot.vault.opened import opened_vaults
    from vaultbot.vault.vault import Vault

    opened = opened_vaults()
    root = absolute(session.vault or _chosen(opened))

    Vault(root).check()
    if Path(os.path.realpath(file)).is_relative_to(os.path.realpath(root)):
        raise ConfigError(f"{file} would be inside the vault, where vaultbot keeps no files; choose another --config")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(
            "# Settings of vaultbot. Every one with its default is printed by: python -m vaultbot.config\n\n"
            + _vault_in_settings(name, root),
            encoding="utf-8",
        )
        file.chmod(0o600)
    except OSError as error:
        raise VaultbotError(
            f"cannot write {file}: {error.strerror}; set VAULTBOT_HOME to a folder you can write to"
        ) from error
    languages, advice = _advice(Vault(root))
    chat = _chat_model(languages)
    if session.json:
        print_json(
            {
                "config": str(file),
                "vault": str(root),
                "name": name,
                **_as_json(languages, advice),
                "recommended_chat_model": chat.fit.choice.name if chat else None,
            }
        )
    else:
        lines = [*_in_words(languages, advice), *_chat_model_in_words(chat)]
        said = "".join(f"{line}\n" for line in lines)
        print(f'wrote {file}\nyour vault is {root}\n{said}now ask it something: vaultbot ask "…"')
        if others := [one for one in opened if one != root]:
            print(
                f"Obsidian knows more vaults; to ask one, too: vaultbot vaults add NAME {shlex.quote(str(others[0]))}"
            )


def _vault_in_settings(name: str | None, root: Path) -> str:
    if name is None:
        return f"[vault]\npath = {toml_value(str(root))}\n"
    return f"[vault]\npath = {toml_value(name)}\n\n{header('vaults', name)}\npath = {toml_value(str(root))}\n"


def checked_name(text: str) -> str:
    """A name for a vault. Raises InvalidRequest for what can be none."""
    if not is_vault_name(text):
        raise InvalidRequest(f"a vault cannot be called {text[:60]!r}: a name is {NAME_RULE}")
    return name_of_vault(text)


def _advice(vault: Vault) -> tuple[dict[str, float], Advice]:
    from vaultbot.index.languages import vault_languages
    from vaultbot.models.embedding_advisor import advise
    from vaultbot.models.embedding_registry import find_embedding_model
    from vaultbot.models.starter import starter_embedding_model

    languages = vault_languages(vault)
    return languages, advise(languages, find_embedding_model("all-MiniLM-L6-v2") if starter_embedding_model() else None)


def _chat_model(languages: Mapping[str, float]) -> Recommendation | None:
    from vaultbot.cli.models import recommended_model
    from vaultbot.models.chat_advisor import languages_of

    return recommended_model(languages_of(languages), context_tokens=ModelSettings().context_tokens)


def _chat_model_in_words(found: Recommendation | None) -> Iterator[str]:
    """Which language model suits this machine; nothing is downloaded."""
    from vaultbot.cli.render_models import size

    if found is not None:
        choice = found.fit.choice
        yield (
            f"for better answers this machine suits {choice.name} ({size(choice.weight_bytes)}); get it with: "
            f"vaultbot models pull {choice.model.id}"
        )


def _in_words(languages: Mapping[str, float], advice: Advice) -> Iterator[str]:
    """What the notes are written in, and which model reads that."""
    from vaultbot.models.embedding_advisor import spoken

    if not languages:
        return
    yield "your notes: " + ", ".join(f"{share:.0%} {name}" for name, share in languages.items() if share >= 0.005)
    unread = " and ".join(advice.unread)
    if advice.installed is None:
        yield "no embedding model is installed, so notes are found by their words alone"
    else:
        reads = f"the installed model, {advice.installed.name}, reads {spoken(advice.installed)}"
        yield f"{reads}; {unread} is found by words" if unread else reads
    if advice.better is not None:
        yield (
            f"to find them by meaning, too, download the folder of {advice.better.id} ({advice.better.megabytes} MB) "
            "and set [embedding] model to it"
        )


def _as_json(languages: Mapping[str, float], advice: Advice) -> dict[str, object]:
    return {
        "languages": {name: round(share, 3) for name, share in languages.items()},
        "embedding_model": advice.installed.id if advice.installed else None,
        "unread": list(advice.unread),
        "recommended_model": (
            {"id": advice.better.id, "megabytes": advice.better.megabytes, "licence": advice.better.licence}
            if advice.better
            else None
        ),
    }


def _chosen(vaults: list[Path]) -> Path:
    if len(vaults) == 1:
        return vaults[0]
    if not vaults:
        raise InvalidRequest(
            "Obsidian has no vault on this machine that could be found; name one: vaultbot init --vault FOLDER"
        )
    listed = "\n".join(f"  {n}  {path}" for n, path in enumerate(vaults, 1))
    if not sys.stdin.isatty():
        raise InvalidRequest(f"Obsidian knows several vaults; choose one with --vault:\n{listed}")
    print(f"Obsidian knows these vaults:\n{listed}")
    number: int = typer.prompt("Which one?", type=int, default=1)
    if not 1 <= number <= len(vaults):
        raise InvalidRequest(f"there is no vault {number}; choose from 1 to {len(vaults)}")
    return vaults[number - 1]
