"""The report as one web page: no script, nothing from outside, whatever notes are called."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from vaultbot.errors import InvalidRequest

#: What a file of ours begins with, so that no other one is written over.
MARKER = "<!-- A report of vaultbot -->"
_HEAD = 200  #: bytes that the marker is looked for in

_GOLDEN_ANGLE = 137.508  #: hues so far apart that neighbours differ
_LONGEST_NAME, _LONGEST_LABEL = 34, 24  #: characters
_BARS_WIDTH, _BARS_HEIGHT = 1000.0, 110.0


def html_page(page: Mapping[str, Any]) -> str:
    """The page of a report, as `GET /api/report` answers it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vaultbot.cli", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    lonely = (
        ("Unlinked notes", "Nothing links to them, and they link to nothing.", page["isolated"]),
        ("Orphans", "Nothing links to them.", page["orphans"]),
        ("Dead ends", "They link to nothing that is there.", page["dead_ends"]),
    )
    figures = (
        (page["notes"], "notes"),
        (page["links"], "pairs of linked notes"),
        (len(page["clusters"]), "clusters"),
        (len(page["isolated"]), "notes without any link"),
        (page["tags"], "tags"),
    )
    empty = {
        "close clusters without links": page["apart"],
        "unlinked notes": page["isolated"],
        "orphans": page["orphans"],
        "dead ends": page["dead_ends"],
        "near copies": page["near_copies"],
        "wanted notes": page["wanted"],
        "colliding aliases": page["alias_collisions"],
        "tags used once": page["tags_once"],
        "tags written in two ways": page["similar_tags"],
    }
    return environment.get_template("report.html").render(
        marker=MARKER,
        page={**page, "map": _drawn(page)},
        figures=figures,
        lonely=lonely,
        bars=_bars(page["growth"]),
        nothing=[name for name, found in empty.items() if not found],
    )


def _drawn(page: Mapping[str, Any]) -> dict[str, Any]:
    """The map with colours, widths and letters."""
    drawn, clusters = page["map"], page["clusters"]
    islands = [
        {**one, "hue": _hue(one["cluster"]), **{key: clusters[one["cluster"]][key] for key in ("name", "notes")}}
        for one in drawn["islands"]
    ]
    most = max((one["links"] for one in drawn["bridges"]), default=1)
    firsts: dict[int, int] = {}
    for place, dot in enumerate(drawn["dots"]):
        firsts.setdefault(dot["cluster"], place)
    dots = []
    for place, dot in enumerate(drawn["dots"]):
        title, first = dot["title"], firsts[dot["cluster"]] == place
        longest = _LONGEST_NAME if first else _LONGEST_LABEL
        dots.append(
            {
                **dot,
                "hue": _hue(dot["cluster"]),
                "short": title if len(title) <= longest else title[: longest - 1].rstrip() + "…",
                "first": first,
            }
        )
    return {
        **drawn,
        "islands": islands,
        "dots": dots,
        "bridges": [{**one, "width": round(1 + 6 * math.sqrt(one["links"] / most), 2)} for one in drawn["bridges"]],
        "divides": [{**one, "arc": _arc(dots[one["one"]], dots[one["other"]])} for one in drawn["divides"]],
    }


def _hue(cluster: int) -> int:
    return round(cluster * _GOLDEN_ANGLE + 210) % 360


def _arc(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """A line that bends a little, to be told from the straight ones."""
    x, y = (one["x"] + other["x"]) / 2, (one["y"] + other["y"]) / 2
    bend_x, bend_y = (other["y"] - one["y"]) * 0.16, (one["x"] - other["x"]) * 0.16
    return f"M{one['x']} {one['y']}Q{x + bend_x:.1f} {y + bend_y:.1f} {other['x']} {other['y']}"


def _bars(months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(months) < 2:
        return []
    most, step = max(one["notes"] for one in months) or 1, _BARS_WIDTH / len(months)
    return [
        {
            **one,
            "x": round(number * step, 1),
            "width": round(step * 0.82, 1),
            "height": round(_BARS_HEIGHT * one["notes"] / most, 1),
            "y": round(_BARS_HEIGHT * (1 - one["notes"] / most), 1),
            "label": one["month"][:4] if number == 0 or one["month"].endswith("-01") else "",
        }
        for number, one in enumerate(months)
    ]


def check_place(file: Path, vault: Path) -> None:
    """Raises InvalidRequest for a place in the vault, without a folder, or taken by another file."""
    folder = file.parent
    if Path(os.path.realpath(file)).is_relative_to(os.path.realpath(vault)):
        raise InvalidRequest(f"{file} is in the vault, where vaultbot writes nothing unasked; name a file elsewhere")
    if not folder.is_dir():
        raise InvalidRequest(f"there is no folder {folder}; make it first, or name a file elsewhere")
    if file.is_dir():
        raise InvalidRequest(f"{file} is a folder; name a file in it")
    if file.exists() and MARKER.encode() not in file.read_bytes()[:_HEAD]:
        raise InvalidRequest(f"{file} is there already and no report of vaultbot; name another file")


def write_page(file: Path, text: str) -> None:
    """Write the page at once or not at all. Raises InvalidRequest where that is not allowed."""
    try:
        with NamedTemporaryFile("w", dir=file.parent, prefix=".vaultbot-", delete=False, encoding="utf-8") as made:
            made.write(text)
        Path(made.name).replace(file)
    except OSError as error:
        with suppress(OSError, UnboundLocalError):
            Path(made.name).unlink()
        raise InvalidRequest(f"{file} cannot be written ({error.strerror}); name a file elsewhere") from error
