"""A report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere.

    python -m benchmarks.suite.page REPORT.json PAGE.html

The verdict with its reasons comes first, then figures, charts, checks and what it all was measured on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from hdrh.histogram import HdrHistogram

from benchmarks.suite import report as reports
from benchmarks.suite.chart import Line, Mark, by_share, deviations, over_time, short
from benchmarks.suite.report import Latency, Report, Second

STYLE: Final = (Path(__file__).parent / "page.css").read_text()
CURVE_POINTS: Final = 20  # for each factor of ten in the share that is left
GAP_S: Final = 10.0  # without a value; beyond it a line is broken
LEGEND: Final = 8  # colours there are


def write_page(report: Report, path: Path) -> None:
    """Write the page of a report. Raises OSError."""
    path.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    """The page, which is well-formed XML too."""
    title = f"{report.settings.scenario}: {report.verdict.state.value}"
    parts = [
        _head(report),
        _cards(report),
        _charts(report),
        _theory(report),
        _checks(report),
        _latencies(report),
        _parts(report),
        _kills(report),
        _conditions(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{''.join(parts)}</body></html>\n"
    )


def _head(report: Report) -> str:
    verdict, about = report.verdict, report.settings
    load = (
        f"{about.rate_per_s:g} Tasks a second"
        if about.rate_per_s
        else f"{about.closed or 0} posters in a loop"
    )
    ended = " It was ended early." if report.interrupted else ""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    held = f"{len(report.checks)} checks hold." if not reasons else f"<ul>{reasons}</ul>"
    return (
        f"<h1>Load run: {escape(about.scenario)}</h1>"
        f'<p class="soft">{escape(report.began)}: {escape(load)}, {about.workers:,} Workers, '
        f"{about.duration_s:g} s.{ended}</p>"
        f'<div class="verdict {verdict.state.value}"><strong>{verdict.state.value}</strong> {held}</div>\n'
    )


def _cards(report: Report) -> str:
    cards = "".join(
        f'<div class="card"><b>{short(figure.value)}</b>'
        f"<span>{escape(figure.name)}, {escape(figure.unit)}</span></div>"
        for figure in report.figures
    )
    return f'<div class="cards">{cards}</div>\n' if cards else ""


def _charts(report: Report) -> str:
    series = report.series
    kills = [Mark(x=kill.at_s, name=f"{kill.what} killed at {kill.at_s:g} s") for kill in report.kills]

    def lines(*wanted: tuple[str, Callable[[Second], float | None]]) -> list[Line]:
        """Those that are not 0 all the time."""
        curves = [
            Line(name=name, gap=GAP_S, points=[(one.at_s, of(one)) for one in series]) for name, of in wanted
        ]
        return [curve for curve in curves if any(y for _, y in curve.points)]

    charts = [
        over_time(
            "Throughput",
            "a second",
            lines(
                ("sent", lambda one: one.sent),
                ("created", lambda one: one.created),
                ("offers", lambda one: one.offers),
                ("completed", lambda one: one.completed),
                ("failed", lambda one: one.failed),
            ),
            kills,
        ),
        over_time(
            "Latency of creates",
            "ms",
            lines(("p50", lambda one: _ms(one.create_p50_us)), ("p99", lambda one: _ms(one.create_p99_us))),
            kills,
        ),
        over_time(
            "In the deployment",
            "Tasks",
            lines(
                ("waiting", lambda one: one.waiting),
                ("reserved", lambda one: one.reserved),
                ("assigned", lambda one: one.assigned),
                ("wrapping", lambda one: one.wrapping),
            ),
            kills,
        ),
        by_share("Latencies", "ms", [_curve(one) for one in report.latencies[:LEGEND]]),
    ]
    if not any(charts):
        return ""
    return f'<h2>Over time</h2><div class="charts">{"".join(charts)}</div>\n'


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000


def _curve(one: Latency) -> Line:
    """The values at shares that lie evenly on the chart, up to the share that its count can tell of."""
    histogram = HdrHistogram.decode(one.hdr)
    points: list[tuple[float, float | None]] = []
    step = 0
    while one.count and (x := 10 ** (step / CURVE_POINTS)) <= min(one.count, 10_000):
        points.append((x, histogram.get_value_at_percentile(100 * (1 - 1 / x)) / 1000))
        step += 1
    return Line(name=one.name, points=points)


def _theory(report: Report) -> str:
    if not report.theory:
        return ""
    rows, strip = [], []
    for one in report.theory:
        z = (one.measured - one.exact) / one.sd if one.sd > 0 else 0.0
        strip.append((f"{one.case}, {one.name}", z))
        rows.append(
            (one.case, one.name, f"{one.exact:.4g}", f"{one.measured:.4g}", f"{one.sd:.2g}", f"{z:+.1f}")
        )
    table = _table(("Case", "Figure", "Exact", "Measured", "sd", "Distance, sd"), rows, 2)
    picture = deviations("Distance from the exact figures", strip)
    return f'<h2>Against theory</h2><div class="strip">{picture}</div>{table}'


def _checks(report: Report) -> str:
    if not report.checks:
        return ""
    rows = []
    for check in report.checks:
        examples = ", ".join(check.examples)
        said = escape(check.said) + (f"<br/><code>{escape(examples)}</code>" if examples else "")
        state = f'<span class="state {check.state.value}">{check.state.value}</span>'
        rows.append((escape(check.name), state, said, f"{check.looked_at:,}"))
    table = _raw_table(("Check", "State", "Found", "Looked at"), rows, 3)
    return f"<h2>Checks</h2>{table}"


def _latencies(report: Report) -> str:
    if not report.latencies:
        return ""
    shares = list(report.latencies[0].percentiles_us)
    rows = [
        (one.name, f"{one.count:,}", *(_shown_ms(one.percentiles_us.get(share)) for share in shares),
         _shown_ms(one.max_us))
        for one in report.latencies
    ]  # fmt: skip
    head = ("ms", "Count", *(f"{share} %" for share in shares), "Most")
    meanings = "".join(
        f"<li><b>{escape(one.name)}</b>: {escape(one.meaning)}</li>" for one in report.latencies
    )
    return f'<h2>Latencies</h2>{_table(head, rows, 1)}<ul class="soft">{meanings}</ul>'


def _shown_ms(us: int | None) -> str:
    return "" if us is None else f"{us / 1000:,.2f}"


def _parts(report: Report) -> str:
    if not report.parts:
        return ""
    rows = [
        (part.name, f"{figure.name}, {figure.unit}", f"{figure.value:,.4g}")
        for part in report.parts
        for figure in part.figures
    ]
    return f"<h2>Runs</h2>{_table(('Run', 'Figure', 'Value'), rows, 2)}"


def _kills(report: Report) -> str:
    if not report.kills:
        return ""
    rows = [(f"{kill.at_s:.1f}", kill.what, "yes" if kill.took_effect else "no") for kill in report.kills]
    return f"<h2>Kills</h2>{_table(('After s', 'What', 'It took effect'), rows, 9)}"


def _conditions(report: Report) -> str:
    target, machine, versions, about = report.target, report.machine, report.versions, report.settings
    processes = ", ".join(
        f"{name} {count}"
        for name, count in (
            ("API processes", target.api),
            ("matchers", target.matchers),
            ("relays", target.relays),
        )
        if count is not None
    )
    rows = [
        ("Deployment", f"{target.url}, {'started for the run' if target.embedded else 'running already'}"),
        ("Its processes", processes or "not known"),
        ("Durability", target.durability or "not known"),
        ("Machine of the generator", f"{machine.cores} cores, {machine.architecture}, {machine.system}"),
        ("Versions", f"Trunkline {versions.trunkline}, Python {versions.python}, commit "
                     f"{versions.commit or 'not known'}"),
        ("Load", f"{about.generators} generators, mean work {about.handle_ms:g} ms, warm-up {about.warm_up_s:g} s, "
                 f"seed {about.seed}"),
        ("Command", report.command),
        *((f"Tasks {name.replace('_', ' ')}", f"{getattr(report.counts, name):,}")
          for name in ("sent", "created", "refused", "unanswered", "completed", "canceled", "open_at_end")),
    ]  # fmt: skip
    return f"<h2>Measured on</h2>{_table(('', ''), rows, 9)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int) -> str:
    return _raw_table(head, [[escape(cell) for cell in row] for row in rows], numbers_from)


def _raw_table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int) -> str:
    """A table of cells that are HTML already; columns from `numbers_from` on are set as numbers."""

    def line(kind: str, cells: Sequence[str]) -> str:
        classes = (' class="number"' if place >= numbers_from else "" for place in range(len(cells)))
        return "".join(f"<{kind}{one}>{cell}</{kind}>" for one, cell in zip(classes, cells, strict=True))

    titles = f"<thead><tr>{line('th', [escape(cell) for cell in head])}</tr></thead>" if any(head) else ""
    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table>{titles}<tbody>{body}</tbody></table></div>\n'


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    write_page(reports.read(source), target)


if __name__ == "__main__":
    main()
