"""The key of a server: from the environment or from the system's keyring, and never from a file of vaultbot's."""

from __future__ import annotations

import os
import threading

from vaultbot.errors import ConfigError

#: The keyring keeps passwords by a service and a name; the service is always this.
SERVICE = "vaultbot"

_KEYRING_S = 30.0  #: a locked keyring asks for its password on the screen


def server_key(*, variable: str, entry: str, section: str, prefix: str = "") -> str | None:
    """The key in that environment variable, or in that entry of the keyring; None when neither is named.

    Raises ConfigError when it is not there.
    """
    by_variable, by_keyring = f"[{section}] {prefix}key_variable", f"[{section}] {prefix}key_keyring"
    if variable and entry:
        raise ConfigError(f"{by_variable} and {by_keyring} both name a key; keep one of the two")
    if variable:
        key = os.environ.get(variable, "")
        if not key:
            raise ConfigError(
                f"{by_variable} names the environment variable {variable}, which is not set; set it where vaultbot is "
                "started, and then: vaultbot stop"
            )
        return key
    return _from_keyring(entry, by_keyring) if entry else None


def _from_keyring(entry: str, setting: str) -> str:
    found: list[str | None] = []
    failed: list[BaseException] = []

    def look() -> None:
        try:
            import keyring

            found.append(keyring.get_password(SERVICE, entry))
        except BaseException as error:  # A back end is somebody else's program: whatever it throws is told.
            failed.append(error)

    thread = threading.Thread(target=look, name="keyring", daemon=True)
    thread.start()
    thread.join(_KEYRING_S)
    instead = "or name an environment variable instead, by key_variable"
    if not found and not failed:
        raise ConfigError(f"the system's keyring does not answer, which {setting} wants; unlock it, {instead}")
    if failed and isinstance(failed[0], ImportError):
        raise ConfigError(f"{setting} needs the library keyring: pip install 'vaultbot[keyring]', {instead}")
    if failed:
        kind = type(failed[0]).__name__
        raise ConfigError(
            f"the system's keyring cannot be used, which {setting} wants ({kind}); see: keyring diagnose, {instead}"
        )
    if not found[0]:
        raise ConfigError(
            f"the system's keyring has no key called {entry}; put it there: keyring set {SERVICE} {entry}"
        )
    return found[0]
