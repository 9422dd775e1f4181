"""Citations: one record for terminal, API and plugin, numbered as they are first used."""

from __future__ import annotations

from vaultbot.answering.evidence import Evidence
from vaultbot.types import Citation
from vaultbot.vault.uris import open_uri, wikilink


class Citations:
    """The numbered sources of one answer."""

    def __init__(self, vault_name: str) -> None:
        self._vault_name = vault_name
        self._numbers: dict[tuple[str, int, str], Citation] = {}

    def cite(self, evidence: Evidence) -> tuple[Citation, bool]:
        """The citation of this sentence, and whether it is new."""
        key = (evidence.path, evidence.line, evidence.text)
        if key in self._numbers:
            return self._numbers[key], False
        citation = Citation(
            n=len(self._numbers) + 1,
            path=evidence.path,
            title=evidence.title,
            heading_path=evidence.heading_path,
            line_start=evidence.line,
            line_end=evidence.line,
            quote=evidence.text,
            wikilink=wikilink(evidence.path, evidence.title, evidence.heading_written, shown=evidence.heading_path),
            uri=open_uri(self._vault_name, evidence.path, evidence.heading_written),
        )
        self._numbers[key] = citation
        return citation, True

    def all(self) -> tuple[Citation, ...]:
        """Every citation, in the order of its number."""
        return tuple(self._numbers.values())
