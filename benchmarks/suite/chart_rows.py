"""Charts with a row a thing: what happened when, and figures beside what theory says."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from benchmarks.suite.chart import (
    LEFT,
    RIGHT,
    SINCE,
    WIDTH,
    Mark,
    Scale,
    even_ticks,
    figure,
    linear,
    seconds,
    svg,
    x_axis,
)


class Row(Struct, frozen=True, kw_only=True):
    """A figure beside the exact one: how far off it is and its standard deviation, both in shares of the exact one."""

    name: str
    off: float
    sd: float


def moments(title: str, rows: Sequence[tuple[str, Sequence[Mark]]], last: float) -> str:
    """When something happened, a row a kind, on the axis of `over_time`. "" if nothing did."""
    if not any(marks for _, marks in rows):
        return ""
    x_ticks, x = seconds(last)
    step, height = 30, 30 * len(rows) + 44
    parts = []
    for place, (name, marks) in enumerate(rows):
        down = place * step + 20
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{down}" y2="{down}"/>')
        parts.append(
            f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{down + 4}">{escape(name)}</text>'
        )
        parts += [
            f'<circle class="fill bad" cx="{x(mark.x):.1f}" cy="{down}" r="4">'
            f"<title>{escape(mark.name)}</title></circle>"
            for mark in marks
        ]
    parts += x_axis(x_ticks, x, SINCE, height - 44)
    return figure(title, svg(title, height, parts), "")


def against(title: str, rows: Sequence[Row]) -> str:
    """Figures beside the exact ones: a point with 3 standard deviations to either side, in per cent of the exact one.

    The exact one is the line in the middle; a figure that is further off than its bar reaches is a square.
    """
    if not rows:
        return ""
    reach = min(1.0, max(abs(row.off) + 3 * row.sd for row in rows))
    ticks = [
        (sign * at, f"{sign * at * 100:+.3g} %") for at, _ in even_ticks(reach, 2)[1:] for sign in (-1, 1)
    ]
    end = max(at for at, _ in ticks)
    x = linear(-end, end, 30, WIDTH - 30)
    step, height = 42, 42 * len(rows) + 30
    parts = [
        f'<line class="grid" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="0" y2="{height - 26}"/>'
        f'<text class="tick" text-anchor="middle" x="{x(at):.1f}" y="{height - 8}">{text}</text>'
        for at, text in ticks
    ]
    middle = f"{x(0):.1f}"
    parts.append(f'<line class="axis" x1="{middle}" x2="{middle}" y1="0" y2="{height - 26}"/>')
    parts.append(f'<text class="tick" text-anchor="middle" x="{middle}" y="{height - 8}">exact</text>')
    for place, row in enumerate(rows):
        parts += _against(row, place * step + 30, end, x)
    return figure(title, svg(title, height, parts), "")


def _against(row: Row, down: int, end: float, x: Scale) -> list[str]:
    def across(value: float) -> float:
        return x(max(-end, min(end, value)))

    holds = abs(row.off) <= 3 * row.sd
    look, where = ("c0", across(row.off)) if holds else ("bad", across(row.off))
    low, high = across(row.off - 3 * row.sd), across(row.off + 3 * row.sd)
    point = (
        f'<circle class="fill {look}" cx="{where:.1f}" cy="{down}" r="5"/>'
        if holds
        else f'<rect class="fill {look}" x="{where - 5:.1f}" y="{down - 5}" width="10" height="10"/>'
    )
    said = f"{row.off * 100:+.1f} %" + (f", {row.off / row.sd:+.1f} sd" if row.sd > 0 else "")
    return [
        f'<text class="halo" x="8" y="{down - 10}">{escape(row.name)}</text>',
        f'<text class="halo" text-anchor="end" x="{WIDTH - 8}" y="{down - 10}">{said}</text>',
        f'<line class="line {look}" x1="{low:.1f}" x2="{high:.1f}" y1="{down}" y2="{down}"/>',
        *(
            f'<line class="line {look}" x1="{edge:.1f}" x2="{edge:.1f}" y1="{down - 5}" y2="{down + 5}"/>'
            for edge in (low, high)
        ),
        point,
    ]
