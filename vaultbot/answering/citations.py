"""Citations: one record for terminal, API and plugin, numbered as they are first used."""

from __future__ import annotations

from collections.abc import Sequence

from vaultbot.answering.evidence import Evidence
from vaultbot.answering.marks import in_round_brackets
from vaultbot.types import Citation, Sentence
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


def answer_text(sentences: Sequence[Sentence], *, remark: str) -> str:
    """The sentences with their citations: "Quantization stores weights with fewer bits. [1]"; those without support
    with the remark."""
    return " ".join(_with_citations(one, remark) for one in sentences)


def _with_citations(one: Sentence, remark: str) -> str:
    if one.support == "unsupported":
        return f"{one.text} {remark}".strip()
    return in_round_brackets(one.text) + "".join(f" [{n}]" for n in one.citations)
