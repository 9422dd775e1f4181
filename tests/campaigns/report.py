"""The report of campaigns, as Markdown: what was done how often, with which seeds, and what went wrong."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from tests.campaigns import ALL, load
from tests.campaigns.campaign import Campaign
from tests.campaigns.results import Line, Results

_ENGINES = ("chromadb", "onnxruntime", "llama-cpp-python")
_MOST_KINDS = 60  # of things that were done, each in a row


def write_report(results: Results, file: Path) -> None:
    """Of all results in the folder."""
    ran = [(load(name), lines) for name in ALL if (lines := results.lines(name))]
    engines = ", ".join(f"{name} {_version(name)}" for name in _ENGINES)
    parts = [
        "# Campaigns",
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {engines}.",
        "\n".join(_overview(ran)),
        *(part for campaign, lines in ran for part in _chapter(campaign, lines)),
    ]
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def bound(trials: int) -> float:
    """By the rule of three: the failure rate that so many trials without a failure rule out with 95 % confidence."""
    return 3 / trials


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _overview(ran: Sequence[tuple[Campaign, Sequence[Line]]]) -> Iterator[str]:
    yield "| | campaign | trials | wrong | hours | seeds |"
    yield "|---|---|---|---|---|---|"
    for campaign, lines in ran:
        wrong = sum(bool(line.wrong) for line in lines)
        hours = sum(line.took_s for line in lines) / 3600
        seeds = ", ".join(map(str, sorted({line.seed for line in lines})))
        yield f"| {campaign.id} | {campaign.title} | {len(lines):,} | {wrong} | {hours:.2f} | {seeds} |"


def _chapter(campaign: Campaign, lines: Sequence[Line]) -> Iterator[str]:
    yield f"## {campaign.id}: {campaign.title}"
    yield "\n".join(campaign.about.strip().splitlines()[1:]).strip()
    wrong = [line for line in lines if line.wrong]
    versions = ", ".join(sorted({line.version for line in lines}))
    yield (
        f"{len(lines):,} trials of vaultbot {versions}, {lines[0].at} to {max(line.at for line in lines)}; "
        f"{len(wrong)} went wrong."
    )
    if not wrong and len(lines) >= 100:
        yield (
            f"None in {len(lines):,}: with 95 % confidence fewer than {bound(len(lines)):.2%} of trials such as these "
            "fail (rule of three), which is not zero."
        )
    counts = sum((Counter(line.counts) for line in lines), Counter[str]())
    if counts:
        yield "\n".join(f"- {count:,} {what}" for what, count in counts.most_common())
    if figures := list(_figures(lines)):
        yield "\n".join(["| | median | greatest | first | last |", "|---|---|---|---|---|", *figures])
    done = Counter(line.what for line in lines)
    shown = done.most_common(_MOST_KINDS)
    yield "\n".join(["| trials | what |", "|---|---|", *(f"| {count:,} | {what} |" for what, count in shown)])
    if len(done) > len(shown):
        yield f"And {len(done) - len(shown):,} more kinds."
    for line in wrong:
        told = "\n".join(line.wrong)
        yield f"Wrong: trial {line.number} of seed {line.seed}, {line.what}:\n\n```text\n{told}\n```"


def _figures(lines: Sequence[Line]) -> Iterator[str]:
    for name in sorted({name for line in lines for name in line.figures}):
        values = [line.figures[name] for line in lines if name in line.figures]
        yield f"| {name} | {median(values):,.3g} | {max(values):,.3g} | {values[0]:,.3g} | {values[-1]:,.3g} |"
