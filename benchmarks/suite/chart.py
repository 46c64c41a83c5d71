"""Charts as SVG text: lines over time or over a share. chart_rows.py has those with a row a thing.

No scripts, nothing loaded. Colours are classes (`c0`, `c1` ...) that the page's style sheet gives a light and a dark
value, told apart by the colour-blind too; `dash` is a broken line. A chart is 480 units wide with letters of 12 and 13,
so that they can be read on a phone, where it is as wide as the screen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from msgspec import Struct

WIDTH: Final = 480
HEIGHT: Final = 252
LEFT: Final = 58
RIGHT: Final = 470
TOP: Final = 14
BOTTOM: Final = 206

SINCE: Final = "s since the start"

Scale = Callable[[float], float]  # a value to a place
Tick = tuple[float, str]


class Line(Struct, frozen=True, kw_only=True):
    """A curve. None as y: nobody looked. It is not drawn through where no value is for more than `gap`."""

    name: str
    look: str  # classes: a colour, perhaps `dash`
    gap: float = math.inf
    points: Sequence[tuple[float, float | None]]


class Mark(Struct, frozen=True, kw_only=True):
    """Something that happened at an x: a tick at the upper edge."""

    x: float
    name: str


class Aside(Struct, frozen=True, kw_only=True):
    """What lies outside these two x is shaded: it is drawn, but not counted."""

    begin: float
    end: float
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


def over_time(
    title: str, unit: str, lines: Sequence[Line], marks: Sequence[Mark] = (), aside: Aside | None = None
) -> str:
    """Values by the second since the start. "" if there is nothing to draw."""
    lines = [line for line in lines if any(y is not None for _, y in line.points)]
    if not lines:
        return ""
    last = max((x for line in lines for x, _ in line.points), default=0.0)
    most = max((y for line in lines for _, y in line.points if y is not None), default=0.0)
    x_ticks, x = seconds(last)
    y_ticks = even_ticks(most, 4)
    y = linear(0, y_ticks[-1][0], BOTTOM, TOP)
    behind, keys = _aside(aside, last, x), ""
    if behind and aside is not None:
        keys += f'<span class="key area">{escape(aside.name)}</span>'
    if marks:
        behind += "".join(_mark(mark, x) for mark in marks)
        keys += '<span class="key tick-key">a process was killed</span>'
    return _framed(f"{title}, {unit}", lines, (x, y), (x_ticks, y_ticks), SINCE, behind, keys)


def seconds(last: float) -> tuple[list[Tick], Scale]:
    """The axis of a run that has so many seconds."""
    end = max(last, 1.0)
    return [tick for tick in even_ticks(end, 8) if tick[0] <= end], linear(0, end, LEFT, RIGHT)


def _aside(aside: Aside | None, last: float, x: Scale) -> str:
    if aside is None:
        return ""
    spans = ((0.0, min(aside.begin, last)), (max(0.0, aside.end), last))
    return "".join(
        f'<rect class="band" x="{x(begin):.1f}" y="{TOP}" width="{x(end) - x(begin):.1f}" height="{BOTTOM - TOP}"/>'
        for begin, end in spans
        if begin < end
    )


def _mark(mark: Mark, x: Scale) -> str:
    across = f"{x(mark.x):.1f}"
    return (
        f'<line class="mark" x1="{across}" x2="{across}" y1="{TOP - 10}" y2="{TOP}">'
        f"<title>{escape(mark.name)}</title></line>"
    )


def by_share(title: str, unit: str, lines: Sequence[Line]) -> str:
    """Values by the share of all that are below them: x is 1 / (1 - share), so that 99.9 % is as far from 99 as that
    from 90. Both axes are logarithmic. "" if there is nothing to draw."""
    lines = [line for line in lines if line.points]
    values = [y for line in lines for _, y in line.points if y is not None and y > 0]
    if not values:
        return ""
    far = max(x for line in lines for x, _ in line.points)
    x_ticks = [(1 / (1 - share / 100), f"{share:g} %") for share in (50, 90, 99, 99.9, 99.99)]
    x_ticks = [tick for tick in x_ticks if tick[0] <= far * 1.001]
    y_ticks = tens(min(values), max(values))
    x = logarithmic(1, max(far, 2.0), LEFT, RIGHT)
    y = logarithmic(y_ticks[0][0], y_ticks[-1][0], BOTTOM, TOP)
    return _framed(f"{title}, {unit}", lines, (x, y), (x_ticks, y_ticks), "share of them that was faster")


def over_count(title: str, unit: str, lines: Sequence[Line], most: int) -> str:
    """Values by a number of processes, each point with a dot. "" if there is nothing to draw."""
    values = [y for line in lines for _, y in line.points if y is not None]
    if not values:
        return ""
    x, y_ticks = linear(0, most, LEFT, RIGHT - 10), even_ticks(max(values), 4)
    y = linear(0, y_ticks[-1][0], BOTTOM, TOP)
    counts = sorted({at for line in lines for at, _ in line.points})
    dots = "".join(
        f'<circle class="fill {line.look}" cx="{x(at):.1f}" cy="{y(value):.1f}" r="4"/>'
        for line in lines
        for at, value in line.points
        if value is not None
    )
    x_ticks = [(at, f"{at:g}") for at in counts]
    return _framed(
        f"{title}, {unit}", lines, (x, y), (x_ticks, y_ticks), "API and matcher processes, of each", dots
    )


def _framed(
    title: str,
    lines: Sequence[Line],
    scales: tuple[Scale, Scale],
    ticks: tuple[Sequence[Tick], Sequence[Tick]],
    under: str,
    behind: str = "",
    keys: str = "",
) -> str:
    x, y = scales
    parts = [behind]
    for value, text in ticks[1]:
        down = y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{down:.1f}" y2="{down:.1f}"/>')
        parts.append(
            f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{down + 4:.1f}">{escape(text)}</text>'
        )
    parts += x_axis(ticks[0], x, under, BOTTOM)
    parts += [f'<path class="line {line.look}" d="{_path(line, x, y)}"/>' for line in lines]
    return figure(title, svg(title, HEIGHT, parts), _legend(lines, keys))


def x_axis(ticks: Sequence[Tick], x: Scale, under: str, bottom: int) -> list[str]:
    middle = (LEFT + RIGHT) // 2
    return [
        *(
            f'<text class="tick" text-anchor="middle" x="{x(value):.1f}" y="{bottom + 20}">{escape(text)}</text>'
            for value, text in ticks
        ),
        f'<text class="tick" text-anchor="middle" x="{middle}" y="{bottom + 40}">{escape(under)}</text>',
    ]


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


def svg(label: str, height: int, parts: Sequence[str]) -> str:
    inner = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{inner}</svg>'


def _legend(lines: Sequence[Line], more: str) -> str:
    keys = "".join(f'<span class="key {line.look}">{escape(line.name)}</span>' for line in lines)
    return f'<figcaption class="legend">{keys}{more}</figcaption>'


def figure(title: str, svg: str, caption: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{svg}{caption}</figure>"
