"""What was found, as it is shown: the passage, its best line, and where that opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaultbot.index.analyzer import tokens
from vaultbot.index.reader import CatalogReader, Passage
from vaultbot.retrieval.query import Query
from vaultbot.types import Heading, Hit
from vaultbot.vault.uris import open_uri, wikilink


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with what speaks for it."""

    passage: Passage
    score: float  #: of its note and itself together, 0 to 1 within one question
    note_score: float
    cosine: float | None  #: of the passage and the question; None without an embedder
    explained: Mapping[str, Any] | None = None  #: what speaks for its note
    copies: tuple[str, ...] = ()  #: paths of notes with the same text


def hit_of(found: Found, query: Query, *, reader: CatalogReader, vault_name: str) -> Hit:
    """The hit for a passage. To be used within one snapshot."""
    passage = found.passage
    wanted = {*query.terms, *(term for wording in query.more for term in wording.terms)}
    matched = tokens(passage.text, among=wanted)
    words = tuple(dict.fromkeys(passage.text[t.start : t.end] for t in matched))
    line = passage.start_line
    if matched:
        by_line: dict[int, set[str]] = {}
        for token in matched:
            by_line.setdefault(passage.text.count("\n", 0, token.start), set()).add(token.term)
        line += max(by_line, key=lambda n: (len(by_line[n]), -n))
    heading = heading_at(reader.headings(passage.note), line)
    shown, written = (heading.path, heading.written) if heading else ((), ())
    return Hit(
        passage.path,
        passage.title,
        shown,
        passage.start_line,
        passage.end_line,
        line,
        passage.text,
        round(found.score, 4),
        wikilink(passage.path, passage.title, written, shown=shown),
        open_uri(vault_name, passage.path, written),
        words,
        found.explained,
        found.copies,
    )


def heading_at(headings: Sequence[Heading], line: int) -> Heading | None:
    """The heading that this line stands under; None above the first one."""
    return next((heading for heading in reversed(headings) if heading.line <= line), None)
