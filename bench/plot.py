"""Small plots of growth as SVG, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 340, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 62, 40, 34
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333; }
.title { font-weight: 600; } .quiet { fill: #777; }
.grid { stroke: #ddd; } .aim { stroke: #999; stroke-dasharray: 4 3; }
.line0 { stroke: #1f6feb; fill: none; stroke-width: 2; } .dot0, .name0 { fill: #1f6feb; }
.line1 { stroke: #bf5b04; fill: none; stroke-width: 2; } .dot1, .name1 { fill: #bf5b04; }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd; } .quiet { fill: #999; } .grid { stroke: #444; } .aim { stroke: #777; }
  .line0 { stroke: #6cb0ff; } .dot0, .name0 { fill: #6cb0ff; }
  .line1 { stroke: #f0a35e; } .dot1, .name1 { fill: #f0a35e; }
}
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One small plot."""

    title: str
    lines: Mapping[str, Sequence[float]]  #: two at most: their name, and a value for every place on the x axis
    aims: Mapping[float, float]  #: a value that is not to be exceeded, by its place on the x axis


def growth(panels: Sequence[Panel], along: Sequence[float], *, of: str) -> str:
    """An SVG of the panels, two in a row; the x axis is logarithmic."""
    rows = math.ceil(len(panels) / 2)
    body = [
        f'<g transform="translate({number % 2 * _WIDTH} {number // 2 * _HEIGHT})">{_panel(panel, along, of)}</g>'
        for number, panel in enumerate(panels)
    ]
    size = f'viewBox="0 0 {2 * _WIDTH} {rows * _HEIGHT}" width="{2 * _WIDTH}" height="{rows * _HEIGHT}"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><style>{_STYLE}</style>'
    return "\n".join([opening, *body, "</svg>", ""])


def _panel(panel: Panel, along: Sequence[float], of: str) -> str:
    step, top = _scale(max(max(values) for values in panel.lines.values()))
    low, high = math.log(min(along)), math.log(max(along))

    def x(place: float) -> float:
        share = (math.log(place) - low) / (high - low) if high > low else 0.5
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [f'<text class="title" x="{_LEFT}" y="20">{escape(panel.title)}</text>']
    for number in range(round(top / step) + 1):
        value = number * step
        line = f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        drawn += [
            line,
            f'<text class="quiet" x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>',
        ]
    for place in along:
        label = f"{place / 1000:g}k" if place >= 1000 else f"{place:g}"
        drawn.append(f'<text class="quiet" x="{x(place):.1f}" y="{_HEIGHT - 14}" text-anchor="middle">{label}</text>')
    drawn.append(f'<text class="quiet" x="{_WIDTH - _RIGHT + 22}" y="{_HEIGHT - 14}">{escape(of)}</text>')
    for place, aim in panel.aims.items():
        if place in along and aim <= top:
            left, right = x(place) - 14, x(place) + 14
            drawn.append(f'<line class="aim" x1="{left:.1f}" x2="{right:.1f}" y1="{y(aim):.1f}" y2="{y(aim):.1f}"/>')
    for number, (name, values) in enumerate(panel.lines.items()):
        points = [(x(place), y(value)) for place, value in zip(along, values, strict=True)]
        path = " ".join(f"{at:.1f},{height:.1f}" for at, height in points)
        drawn.append(f'<polyline class="line{number}" points="{path}"/>')
        drawn += [f'<circle class="dot{number}" cx="{at:.1f}" cy="{height:.1f}" r="3"/>' for at, height in points]
        at, height = points[-1]
        drawn.append(f'<text class="name{number}" x="{at + 8:.1f}" y="{height + 4:.1f}">{escape(name)}</text>')
    return "\n".join(drawn)


def _scale(most: float) -> tuple[float, float]:
    """A round step, and the first multiple of it above the highest value."""
    power: float = 10 ** math.floor(math.log10(most or 1))
    step = next(power * part for part in (0.2, 0.5, 1, 2, 5) if most / (power * part) <= 5)
    return step, step * math.ceil(most / step)
