"""Charts as SVG text: lines over time or over a share, and figures beside what theory says. No scripts, nothing loaded.

Colours are classes (`c0`, `c1` ...) that the page's style sheet gives a light and a dark value. A chart is 480 units
wide with letters of 12 and 13, so that they can be read on a phone, where it is as wide as the screen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from msgspec import Struct

WIDTH: Final = 480
HEIGHT: Final = 250
LEFT: Final = 58
RIGHT: Final = 470
TOP: Final = 14
BOTTOM: Final = 206

Scale = Callable[[float], float]  # a value to a place
Tick = tuple[float, str]


class Line(Struct, frozen=True, kw_only=True):
    """A curve. None as y: nobody looked. It is not drawn through where no value is for more than `gap`."""

    name: str
    gap: float = math.inf
    points: Sequence[tuple[float, float | None]]


class Mark(Struct, frozen=True, kw_only=True):
    """Something that happened at an x."""

    x: float
    name: str


def short(value: float) -> str:
    """A number of three digits or so: 0.25, 12, 3.4k."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.3g}k"
    return f"{value:.3g}" if abs(value) < 1e3 else f"{value:.0f}"


def even_ticks(most: float, about: int = 5) -> list[Tick]:
    """Round numbers from 0 to `most` or the next beyond."""
    if most <= 0:
        return [(0.0, "0"), (1.0, "1")]
    raw = most / about
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw * (1 - 1e-9))
    count = math.ceil(most / step - 1e-9)
    return [(place * step, short(place * step)) for place in range(count + 1)]


def tens(least: float, most: float) -> list[Tick]:
    """Powers of ten around two values above 0."""
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return [(10.0**power, short(10.0**power)) for power in range(low, max(high, low + 1) + 1)]


def linear(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    inner = linear(math.log10(low), math.log10(high), start, end)
    return lambda value: inner(math.log10(max(value, low)))


def over_time(title: str, unit: str, lines: Sequence[Line], marks: Sequence[Mark] = ()) -> str:
    """Values by the second since the start. "" if there is nothing to draw."""
    lines = [line for line in lines if any(y is not None for _, y in line.points)]
    if not lines:
        return ""
    last = max((x for line in lines for x, _ in line.points), default=0.0)
    most = max((y for line in lines for _, y in line.points if y is not None), default=0.0)
    x_ticks = [tick for tick in even_ticks(max(last, 1.0), 6) if tick[0] <= max(last, 1.0)]
    y_ticks = even_ticks(most, 4)
    x = linear(0, max(last, 1.0), LEFT, RIGHT)
    y = linear(0, y_ticks[-1][0], BOTTOM, TOP)
    return _framed(f"{title}, {unit}", lines, (x, y), (x_ticks, y_ticks), "s since the start", marks)


def by_share(title: str, unit: str, lines: Sequence[Line]) -> str:
    """Values by the share of all that are below them: x is 1 / (1 - share), so that 99.9 % is as far from 99 as that
    from 90. Both axes are logarithmic. "" if there is nothing to draw."""
    lines = [line for line in lines if line.points]
    values = [y for line in lines for _, y in line.points if y is not None and y > 0]
    if not values:
        return ""
    far = max(x for line in lines for x, _ in line.points)
    x_ticks = [(1 / (1 - share / 100), f"{share:g} %") for share in (0, 50, 90, 99, 99.9, 99.99)]
    x_ticks = [tick for tick in x_ticks if tick[0] <= far * 1.001]
    y_ticks = tens(min(values), max(values))
    x = logarithmic(1, max(far, 2.0), LEFT, RIGHT)
    y = logarithmic(y_ticks[0][0], y_ticks[-1][0], BOTTOM, TOP)
    return _framed(f"{title}, {unit}", lines, (x, y), (x_ticks, y_ticks), "so many are faster", ())


def deviations(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """How many standard deviations each figure lies from the exact one, on a strip that shades 3 to either side."""
    if not rows:
        return ""
    reach = max(4.0, *(min(abs(z), 20.0) for _, z in rows)) * 1.1
    x = linear(-reach, reach, 14, WIDTH - 14)
    step, height = 40, 40 * len(rows) + 34
    parts = [
        f'<rect class="band" x="{x(-3):.1f}" y="0" width="{x(3) - x(-3):.1f}" height="{height - 26}"/>',
        f'<line class="axis" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height - 26}"/>',
    ]
    for place, (name, z) in enumerate(rows):
        where, down = x(max(-reach, min(reach, z))), place * step + 30
        colour = "c0" if abs(z) <= 3 else "bad"
        parts.append(f'<text x="14" y="{down - 12}">{escape(name)}: {z:+.1f} sd</text>')
        parts.append(
            f'<line class="stroke {colour}" x1="{x(0):.1f}" x2="{where:.1f}" y1="{down}" y2="{down}"/>'
        )
        parts.append(f'<circle class="fill {colour}" cx="{where:.1f}" cy="{down}" r="5"/>')
    parts += [
        f'<text class="tick" text-anchor="middle" x="{x(z):.1f}" y="{height - 8}">{name}</text>'
        for z, name in ((-3, "-3 sd"), (0, "0"), (3, "+3 sd"))
    ]
    return _figure(title, _svg(title, height, parts), "")


def _framed(
    title: str,
    lines: Sequence[Line],
    scales: tuple[Scale, Scale],
    ticks: tuple[Sequence[Tick], Sequence[Tick]],
    under: str,
    marks: Sequence[Mark],
) -> str:
    x, y = scales
    parts = []
    for value, text in ticks[1]:
        down = y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{down:.1f}" y2="{down:.1f}"/>')
        parts.append(
            f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{down + 4:.1f}">{escape(text)}</text>'
        )
    for value, text in ticks[0]:
        place = f'x="{x(value):.1f}" y="{BOTTOM + 20}"'
        parts.append(f'<text class="tick" text-anchor="middle" {place}>{escape(text)}</text>')
    middle = (LEFT + RIGHT) // 2
    parts.append(
        f'<text class="tick" text-anchor="middle" x="{middle}" y="{HEIGHT - 2}">{escape(under)}</text>'
    )
    for mark in marks:
        across = f"{x(mark.x):.1f}"
        parts.append(
            f'<line class="mark" x1="{across}" x2="{across}" y1="{TOP}" y2="{BOTTOM}">'
            f"<title>{escape(mark.name)}</title></line>"
        )
    for number, line in enumerate(lines):
        parts.append(f'<path class="line c{number}" d="{_path(line, x, y)}"/>')
    return _figure(title, _svg(title, HEIGHT, parts), _legend(lines))


def _path(line: Line, x: Scale, y: Scale) -> str:
    """Points within `line.gap` of each other are joined; one on its own becomes a dot by its round end."""
    steps: list[str] = []
    before: float | None = None
    for across, value in line.points:
        if value is None:
            continue
        place = f"{x(across):.1f} {y(value):.1f}"
        steps.append(f"M{place}L{place}" if before is None or across - before > line.gap else f"L{place}")
        before = across
    return "".join(steps)


def _svg(label: str, height: int, parts: Sequence[str]) -> str:
    inner = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{inner}</svg>'


def _legend(lines: Sequence[Line]) -> str:
    keys = (f'<span class="key k{number}">{escape(line.name)}</span>' for number, line in enumerate(lines))
    return f'<figcaption class="legend">{"".join(keys)}</figcaption>'


def _figure(title: str, svg: str, caption: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{svg}{caption}</figure>"
