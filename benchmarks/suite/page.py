"""A report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere.

    python -m benchmarks.suite.page REPORT.json PAGE.html

The verdict with its reasons comes first, then figures, charts, checks and what it all was measured on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from benchmarks.suite import report as reports
from benchmarks.suite.chart import short
from benchmarks.suite.page_charts import charts, place, scaling, theory
from benchmarks.suite.report import Report, Settings, State

STYLE: Final = (Path(__file__).parent / "page.css").read_text()
LEAST_MS: Final = 0.001  # a histogram has no 0: this stands for it
MEANS: Final = {
    State.INVALID: "This is proved wrong:",
    State.UNKNOWN: "Nothing is proved wrong, but not all was shown:",
}


def write_page(report: Report, path: Path) -> None:
    """Write the page of a report. Raises OSError."""
    path.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    """The page, which is well-formed XML too."""
    title = f"{_cases(report)[0]}: {report.verdict.state.value}"
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
    scenario, whose = _cases(report)
    ended = " It was ended early." if report.interrupted else ""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    held = (
        f"All {len(report.checks)} checks hold."
        if not reasons
        else f"{MEANS[verdict.state]}<ul>{reasons}</ul>"
    )
    began = report.began.replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")
    return (
        f"<h1>Load run: {escape(scenario)}</h1>"
        f'<p class="soft">{escape(began)}: {escape(whose + _load(about))}, {about.workers:,} Workers, '
        f"{about.duration_s:g} s.{ended}</p>"
        f'<div class="verdict {verdict.state.value}"><strong>{verdict.state.value}</strong> {held}</div>\n'
    )


def _cases(report: Report) -> tuple[str, str]:
    """What was played; and whose load, figures and charts these are, where that was several cases of theory."""
    scenario, cases = report.settings.scenario, len({one.case for one in report.theory})
    if cases < 2:
        return scenario, ""
    name, _, last = scenario.partition(": ")
    return name, f"{cases} cases. Load, figures and charts are of the last, {last}: "


def _load(about: Settings) -> str:
    if about.closed is not None:
        return f"{about.closed:,} posters in a loop"
    if about.rate_per_s is None:
        return "a backlog"
    day = " on average over a day's curve" if about.arrivals == "day" else ""
    return f"{about.rate_per_s:g} Tasks a second{day}"


def _cards(report: Report) -> str:
    """A card a figure; the median and the 99th percentile of a latency share one."""
    cards: dict[str, list[str]] = {}
    for figure in sorted(report.figures, key=lambda one: place(one.name.rpartition(" p")[0])):
        name, _, percent = figure.name.rpartition(" p")
        if name and percent.isdigit():
            cards.setdefault(f"{name}, {figure.unit}", []).append(
                f"<b>{short(figure.value if figure.value > LEAST_MS else 0)}</b><i>p{percent}</i>"
            )
        else:
            cards[f"{figure.name}, {figure.unit}"] = [f"<b>{short(figure.value)}</b>"]
    drawn = "".join(
        f'<div class="card"><div>{" ".join(values)}</div><span>{escape(name)}</span></div>'
        for name, values in cards.items()
    )
    return f'<div class="cards">{drawn}</div>\n' if cards else ""


def _charts(report: Report) -> str:
    drawn = charts(report)
    return f"<h2>Charts</h2>{drawn}" if drawn else ""


def _theory(report: Report) -> str:
    if not report.theory:
        return ""
    rows = []
    for one in report.theory:
        z = f"{(one.measured - one.exact) / one.sd:+.1f}" if one.sd > 0 else ""
        rows.append((one.case, one.name, f"{one.exact:.4g}", f"{one.measured:.4g}", f"{one.sd:.2g}", z))
    table = _table(("Case", "Figure", "Exact", "Measured", "sd", "Distance, sd"), rows, 2)
    return f'<h2>Against theory</h2><div class="strip">{theory(report)}</div>{table}'


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
    return f"<h2>Runs</h2>{scaling(report)}{_table(('Run', 'Figure', 'Value'), rows, 2)}"


def _kills(report: Report) -> str:
    if not report.kills:
        return ""
    rows = [
        (
            f"{kill.at_s:.1f}",
            kill.what,
            "yes" if kill.took_effect else "no",
            "not before the next kill" if kill.back_s is None else f"after {kill.back_s:.2f} s",
        )
        for kill in report.kills
    ]
    table = _table(("After s", "What", "It took effect", "Calls were answered again"), rows, 9)
    return f"<details><summary>All {len(rows)} kills</summary>{table}</details>"


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
    generators = f"{about.generators} generator{'s' if about.generators > 1 else ''}"
    rows = [
        ("Deployment", f"{target.url}, {'started for the run' if target.embedded else 'running already'}"),
        ("Its processes", processes or "not known"),
        ("Durability", target.durability or "not known"),
        ("Machine of the generator", f"{machine.cores} cores, {machine.architecture}, {machine.system}"),
        ("Versions", f"Trunkline {versions.trunkline}, Python {versions.python}, commit "
                     f"{versions.commit or 'not known'}"),
        ("Load", f"{generators}, mean work {about.handle_ms:g} ms, warm-up {about.warm_up_s:g} s, "
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
