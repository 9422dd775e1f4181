"""Finding the note that a person means, and reading it as it is now."""

from __future__ import annotations

from vaultbot.errors import InvalidRequest, NoteNotFound
from vaultbot.index.graph import Graph, Named
from vaultbot.links.view import Page
from vaultbot.vault.documents import parse_document
from vaultbot.vault.vault import Vault

_MOST_NAMED = 8


class Lookup:
    """The notes of one vault by what they are called."""

    def __init__(self, vault: Vault, graph: Graph) -> None:
        self._vault = vault
        self._graph = graph

    def named(self, name: str) -> Named:
        """The only note called so: "Quantization" will do, and an alias. Raises NoteNotFound, InvalidRequest."""
        found = self._graph.named(name)
        if len(found) > 1:
            listed = ", ".join(one.path for one in found[:_MOST_NAMED]) + (" …" if len(found) > _MOST_NAMED else "")
            what = "have that alias" if found[0].by == "alias" else "are called that"
            raise InvalidRequest(f"several notes {what}; say which: {listed}")
        if not found:
            raise NoteNotFound(
                "there is no such note in the index; give its path within the vault, like Folder/Note.md"
            )
        return found[0]

    def place(self, path: str) -> str:
        """The path of that note, or of that folder with "/" behind it. Raises NoteNotFound, InvalidRequest."""
        folder = self._graph.folder(path)
        if folder is None or (not path.endswith("/") and self._graph.standing(path)):
            return self.named(path).path
        return folder

    def page(self, path: str) -> Page:
        """The note at a path as it is now, and the hash of its bytes. Raises NoteNotFound."""
        try:
            file = self._vault.read(path)
            return Page(parse_document(path, file.text), file.sha256)
        except FileNotFoundError as error:
            raise NoteNotFound(f"{path} was indexed and is gone from the vault; look again in a moment") from error
        except OSError as error:
            raise NoteNotFound(f"{path} cannot be read ({error.strerror}); check its permissions") from error
