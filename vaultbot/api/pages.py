"""Answers that are put together from several nouns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vaultbot.api.schemas import (
    BacklinkPage,
    FindingPage,
    HeadingPage,
    LinkPage,
    LintPage,
    NearPage,
    NeighbourhoodPage,
    NeighbourPage,
    NotePage,
)
from vaultbot.index.graph import Backlink, Edge, Standing
from vaultbot.index.neighbourhood import Neighbourhood
from vaultbot.links.lint import Finding
from vaultbot.links.profile import Profile
from vaultbot.retrieval.explanation import WHY_UNSEARCHED
from vaultbot.vault.offsets import Utf16Offsets
from vaultbot.vault.uris import open_uri


def note_page(found: Profile, vault_name: str) -> NotePage:
    """A note for programs and for the command line."""
    record = found.record
    offsets = Utf16Offsets(found.text)
    return NotePage(
        path=record.path,
        title=record.title,
        found_by=found.named.by,
        uri=open_uri(vault_name, record.path),
        date=found.standing.date,
        searched=found.standing.searched,
        unsearched_because=_why_unsearched(found.standing),
        text=found.text,
        properties=record.properties,
        aliases=record.aliases,
        tags=record.tags,
        headings=tuple(HeadingPage(h.level, h.text or h.path[-1], h.line) for h in record.headings),
        open_tasks=sum(not task.done for task in found.tasks),
        done_tasks=sum(task.done for task in found.tasks),
        links=tuple(_link_page(edge, found.text, offsets, vault_name) for edge in found.links),
        backlinks=tuple(_backlink_page(backlink, vault_name) for backlink in found.backlinks),
        neighbours=tuple(
            NeighbourPage(one.path, one.title, one.direction, one.types, open_uri(vault_name, one.path))
            for one in found.neighbours
        ),
        problems=record.problems,
    )


def lint_page(findings: Sequence[Finding]) -> LintPage:
    """What is wrong, and how much of it."""
    counts = Counter(one.severity for one in findings)
    pages = tuple(FindingPage(one.slug, one.severity, one.path, one.line, one.message, one.fix) for one in findings)
    return LintPage(pages, counts["error"], counts["warning"], counts["info"])


def neighbourhood_page(found: Neighbourhood, vault_name: str) -> NeighbourhoodPage:
    """A note and what is around it, to be drawn."""
    notes = tuple(
        NearPage(one.path, one.title, one.distance, one.links, open_uri(vault_name, one.path)) for one in found.notes
    )
    return NeighbourhoodPage(notes, found.ties, found.left_out)


def _why_unsearched(standing: Standing) -> str | None:
    return None if standing.searched else WHY_UNSEARCHED.get(standing.kept_out, standing.kept_out)


def _link_page(edge: Edge, text: str, offsets: Utf16Offsets, vault_name: str) -> LinkPage:
    link = edge.link
    there = text.startswith(link.raw, link.start)
    return LinkPage(
        raw=link.raw,
        kind=link.kind,
        key=link.key,
        key_path=link.key_path,
        embed=link.embed,
        in_comment=link.in_comment,
        nested=link.nested,
        linkpath=link.linkpath,
        subpath=link.subpath,
        display=link.display,
        line=link.line,
        col=link.col,
        start=link.start,
        end=link.end,
        start_utf16=offsets.to_utf16(link.start) if there else None,
        end_utf16=offsets.to_utf16(link.end) if there else None,
        target=edge.target,
        ambiguous=edge.ambiguous,
        subpath_ok=edge.subpath_ok,
        uri=open_uri(vault_name, edge.target) if edge.target else None,
    )


def _backlink_page(backlink: Backlink, vault_name: str) -> BacklinkPage:
    edge, link = backlink.edge, backlink.edge.link
    return BacklinkPage(
        path=edge.source,
        title=backlink.title,
        line=link.line,
        heading_path=backlink.heading_path,
        raw=link.raw,
        kind=link.kind,
        key=link.key,
        embed=link.embed,
        in_comment=link.in_comment,
        subpath=link.subpath,
        subpath_ok=edge.subpath_ok,
        shown=link.display or link.linkpath,
        context=backlink.context,
        uri=open_uri(vault_name, edge.source, backlink.written),
    )
