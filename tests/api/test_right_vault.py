"""A client that says which vault it means gets nothing from the daemon of another."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.api.test_app import app_of
from tests.api.wire import HOST, PORT, RIGHT, TOKEN, Reply, call
from tests.conftest import VaultBuilder
from vaultbot.api.app import create_app
from vaultbot.api.routes import Daemon
from vaultbot.runtime import Token
from vaultbot.status import Status


@pytest.fixture
def vault(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Kimchi.md", "Cabbage, salt and time.")
    vault.index()
    return vault


def asked(vault: VaultBuilder, meant: str, *, name: str | None = None) -> Reply:
    status = Status("ready", "ready", str(vault.root), 1, 1, None, None, 1, PORT, "token", "1", 1.0, name=name)
    app = create_app(vault.assistant, Daemon(Token(TOKEN), lambda: PORT, lambda: status, name))
    return call(app, path="/api/search?q=cabbage", headers=[HOST, RIGHT, ("x-vaultbot-vault", quote(meant))])


def test_its_own_folder_is_answered_by_whatever_path_and_its_name_too(vault: VaultBuilder, tmp_path: Path) -> None:
    (tmp_path / "リンク 1").symlink_to(vault.root)

    for meant in (str(vault.root), f"{vault.root}/", str(tmp_path / "リンク 1"), "work"):
        assert asked(vault, meant, name="work").status == 200


def test_a_folder_that_this_machine_does_not_know_is_compared_by_its_name(vault: VaultBuilder) -> None:
    assert asked(vault, "C:\\Users\\me\\Vault").status == 200
    assert asked(vault, "C:\\Users\\me\\Other").status == 409
    assert asked(vault, "").status == 409
    assert asked(vault, "a\0b").status == 409


def test_another_vault_is_told_how_to_come_to_its_own_daemon(vault: VaultBuilder, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "vault"
    other.mkdir(parents=True)

    reply = asked(vault, str(other), name="work")

    assert (reply.status, reply.slug) == (409, "other-vault")
    assert reply.json()["detail"] == (
        f"This daemon serves another vault, {vault.root}. For {other}: vaultbot start --vault {other}, and the plugin "
        f"learns of it by: vaultbot plugin install --vault {other}"
    )


def test_a_vault_that_was_moved_is_told_how_to_take_its_index_along(vault: VaultBuilder, tmp_path: Path) -> None:
    moved = vault.root.rename(tmp_path / "new place")

    reply = asked(vault, str(moved))

    assert (reply.status, reply.slug) == (409, "other-vault")
    assert reply.json()["detail"].endswith(f"vaultbot vaults relink '{moved}'")


def test_who_has_no_token_learns_nothing_of_which_vault_it_is(vault: VaultBuilder) -> None:
    assert call(app_of(vault), path="/api/status", headers=[HOST, ("x-vaultbot-vault", "/")]).status == 401
