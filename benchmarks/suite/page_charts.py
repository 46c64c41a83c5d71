"""The charts of a report's page: what is drawn of its series, histograms, exact figures and kills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hdrh.histogram import HdrHistogram

from benchmarks.suite.chart import Aside, Line, Mark, by_share, over_count, over_time
from benchmarks.suite.chart_rows import Row, against, moments
from benchmarks.suite.report import Kill, Latency, Report, Second

CURVE_POINTS: Final = 20  # for each factor of ten in the share that is left
GAP_S: Final = 10.0  # without a value; beyond it a line is broken
FLOOR_MS: Final = (
    0.1  # below lies what no clock here can tell: waits are known to 1 ms, and 0 has no logarithm
)
# Latencies as they follow each other in the life of a Task; what is the generator's own comes last, as broken lines.
LOOKS: Final = {
    "create": "c0",
    "wait": "c1",
    "offer": "c2",
    "accept": "c3",
    "complete": "c4",
    "notice": "c5 dash",
    "lag": "c6 dash",
}
OTHER: Final = "c7"
MEASURED: Final = {"creates": "created", "lives": "completed"}  # what is counted of a load of `scale`


def charts(report: Report) -> str:
    """All that run over the seconds of the load, and the latencies by share. "" if there is nothing to draw."""
    marks, aside = [_mark(kill) for kill in report.kills], _aside(report)

    def lines(*wanted: tuple[str, str, Callable[[Second], float | None]]) -> list[Line]:
        """Those that are not 0 all the time."""
        curves = [
            Line(name=name, look=look, gap=GAP_S, points=[(one.at_s, of(one)) for one in report.series])
            for name, look, of in wanted
        ]
        return [curve for curve in curves if any(y for _, y in curve.points)]

    throughput = lines(
        ("asked for", "soft dash", lambda one: one.asked_per_s),
        ("created", "c0", lambda one: one.created),
        ("completed", "c1", lambda one: one.completed),
        ("calls that failed", "bad", lambda one: one.failed),
    )
    creates = lines(
        ("p50", "c0", lambda one: _ms(one.create_p50_us)), ("p99", "c1", lambda one: _ms(one.create_p99_us))
    )
    tasks = lines(
        ("waiting", "c1", lambda one: one.waiting),
        ("reserved", "c3", lambda one: one.reserved),
        ("assigned", "c0", lambda one: one.assigned),
        ("wrapping", "c2", lambda one: one.wrapping),
    )
    drawn = [
        over_time("Throughput", "Tasks a second", throughput, marks, aside),
        over_time("Latency of creates", "ms", creates, marks, aside),
        over_time("In the deployment", "Tasks", tasks, marks, aside),
        by_share(
            "Latencies",
            "ms",
            [_curve(one) for one in sorted(report.latencies, key=lambda one: place(one.name))],
        ),
        _kills(report),
    ]
    return f'<div class="charts">{"".join(drawn)}</div>\n' if any(drawn) else ""


def theory(report: Report) -> str:
    """Measured beside exact. What is exactly 0 has no share to be off by, and is in the table only."""
    rows = [
        Row(
            name=f"{one.case}, {one.name}",
            off=one.measured / one.exact - 1,
            sd=one.sd / one.exact,
        )
        for one in report.theory
        if one.exact > 0
    ]
    return against("Measured, with 3 sd to either side, in % of the exact figure", rows)


def scaling(report: Report) -> str:
    """Throughput of each load on more and more processes, beside what a fair share of each would be."""
    lines, most = [], 0
    for place, load in enumerate(dict.fromkeys(part.load for part in report.parts if part.load)):
        points = [
            (float(part.count), figure.value)
            for part in report.parts
            for figure in part.figures
            if part.load == load and figure.name == MEASURED[load]
        ]
        if points:
            most = max(most, int(points[-1][0]))
            ideal = [(at, points[0][1] * at / points[0][0]) for at, _ in points]
            lines.append(Line(name=load, look=f"c{place}", points=points))
            lines.append(Line(name=f"{load}, if each did what one does", look=f"c{place} dash", points=ideal))
    drawn = over_count("Throughput by processes", "a second", lines, most)
    return f'<div class="strip">{drawn}</div>\n' if drawn else ""


def _aside(report: Report) -> Aside:
    about = report.settings
    return Aside(begin=about.warm_up_s, end=about.duration_s, name="warm-up, and after the load")


def _kills(report: Report) -> str:
    roles: dict[str, list[Mark]] = {}
    for kill in report.kills:
        roles.setdefault(kill.what.rpartition("-")[0] or kill.what, []).append(_mark(kill))
    return moments("Kills", sorted(roles.items()), max((one.at_s for one in report.series), default=0.0))


def _mark(kill: Kill) -> Mark:
    failed = "" if kill.took_effect else ", which had no effect"
    return Mark(x=kill.at_s, name=f"{kill.what} killed at {kill.at_s:g} s{failed}")


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000


def place(name: str) -> int:
    """Where a latency stands among all, least first. What is none stands before them."""
    return list(LOOKS).index(name) if name in LOOKS else -1


def _curve(one: Latency) -> Line:
    """The values at shares that lie evenly on the chart, up to the share that its count can tell of."""
    histogram = HdrHistogram.decode(one.hdr)
    points: list[tuple[float, float | None]] = []
    step = 0
    while one.count and (x := 10 ** (step / CURVE_POINTS)) <= min(one.count, 10_000):
        value = histogram.get_value_at_percentile(100 * (1 - 1 / x)) / 1000
        points.append((x, max(FLOOR_MS, value)))
        step += 1
    return Line(name=one.name, look=LOOKS.get(one.name, OTHER), points=points)
