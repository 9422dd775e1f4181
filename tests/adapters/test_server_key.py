"""Where a server's key comes from."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import KeyringLocked

from vaultbot.adapters import server_key as room
from vaultbot.adapters.server_key import server_key
from vaultbot.errors import ConfigError


class Drawer(KeyringBackend):
    """A keyring in memory, which fails or hangs when it is told to."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def get_password(self, service: str, username: str) -> str | None:
        assert self.gate.wait(30)
        if self.failure:
            raise self.failure
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    before, drawer = keyring.get_keyring(), Drawer()
    keyring.set_keyring(drawer)
    yield drawer
    drawer.gate.set()
    keyring.set_keyring(before)


def key(*, variable: str = "", entry: str = "") -> str | None:
    return server_key(variable=variable, entry=entry, section="model")


def test_without_a_name_there_is_no_key() -> None:
    assert key() is None


def test_a_key_is_read_from_the_variable_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConfigError, match=r"\[model\] key_variable names the environment variable MY_KEY, which is not"
    ):
        key(variable="MY_KEY")

    monkeypatch.setenv("MY_KEY", "s3cret")

    assert key(variable="MY_KEY") == "s3cret"


def test_a_key_is_read_from_the_systems_keyring(drawer: Drawer) -> None:
    with pytest.raises(ConfigError, match="has no key called work; put it there: keyring set vaultbot work"):
        key(entry="work")

    keyring.set_password("vaultbot", "work", "s3cret")

    assert key(entry="work") == "s3cret"


def test_two_names_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match="both name a key; keep one of the two"):
        key(variable="MY_KEY", entry="work")


@pytest.mark.parametrize("system", [fail.Keyring, null.Keyring])
def test_a_system_without_a_keyring_is_told(drawer: Drawer, system: type[KeyringBackend]) -> None:
    keyring.set_keyring(system())

    with pytest.raises(ConfigError, match=r"keyring (cannot be used, which \[model\] key_keyring wants|has no key)"):
        key(entry="work")


def test_a_locked_keyring_is_told_and_what_it_says_is_not_repeated(drawer: Drawer) -> None:
    drawer.failure = KeyringLocked("the password of ana is 1234")

    with pytest.raises(ConfigError, match=r"cannot be used, .*\(KeyringLocked\); see: keyring diagnose") as refused:
        key(entry="work")
    assert "1234" not in str(refused.value)


def test_a_keyring_that_hangs_is_not_waited_for(drawer: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_KEYRING_S", 0.1)
    drawer.gate.clear()

    with pytest.raises(ConfigError, match="the system's keyring does not answer"):
        key(entry="work")


def test_without_the_library_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ConfigError, match=r"needs the library keyring: pip install 'vaultbot\[keyring\]'"):
        key(entry="work")
