"""The page of a report: well-formed, nothing of a report is taken for HTML, and nothing is loaded."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec import structs

from benchmarks.suite.chart import Aside, Line, by_share, even_ticks, over_time, short
from benchmarks.suite.chart_rows import Row, against, moments
from benchmarks.suite.page import page, write_page
from benchmarks.suite.report import Figure, Part, Report, State
from tests.bench import made_up


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own page


def headings(text: str) -> list[str]:
    return ["".join(one.itertext()) for one in parsed(text).iter() if one.tag in ("h2", "h3")]


def bare(report: Report) -> Report:
    """What a run that was ended at once has."""
    return structs.replace(
        report,
        checks=[],
        figures=[],
        latencies=[],
        series=[],
        theory=[],
        kills=[],
        parts=[],
        interrupted=True,
    )


def test_a_page_is_well_formed_and_has_every_part() -> None:
    text = page(made_up.report())
    assert headings(text) == [
        "Charts",
        "Throughput, Tasks a second",
        "Latency of creates, ms",
        "In the deployment, Tasks",
        "Latencies, ms",
        "Kills",
        "Against theory",
        "Measured, with 3 sd to either side, in % of the exact figure",
        "Checks",
        "Latencies",
        "Runs",
        "Measured on",
    ]
    assert "matcher-1 killed at 20 s" in text


def test_the_verdict_and_its_reasons_come_before_anything_else() -> None:
    body = parsed(page(made_up.report(state=State.INVALID, said="3 Tasks are gone"))).find("body")
    assert body is not None
    verdict = body[2]
    assert verdict.get("class") == "verdict invalid"
    assert "".join(verdict.itertext()) == "invalid This is proved wrong:loss: 3 Tasks are gone"


def test_a_page_of_several_cases_says_whose_charts_it_has() -> None:
    report = made_up.report(scenario="theory: M/M/5")
    assert "<h1>Load run: theory: M/M/5</h1>" in page(report)
    other = structs.replace(report.theory[0], case="M/M/3")
    text = page(structs.replace(report, theory=[other, *report.theory]))
    assert "<h1>Load run: theory</h1>" in text
    assert "2 cases. Load, figures and charts are of the last, M/M/5: " in text


def test_nothing_in_a_report_is_taken_for_html() -> None:
    text = page(made_up.report(scenario=made_up.NASTY, said=made_up.NASTY, state=State.INVALID))
    root = parsed(text)
    assert list(root.iter("script")) == []
    assert made_up.NASTY in "".join(root.itertext())


def test_nothing_is_loaded_from_anywhere() -> None:
    text = page(made_up.report())
    assert re.findall(r"\b(?:src|href|@import|url\()", text) == []


def test_a_run_that_was_ended_at_once_has_a_page(tmp_path: Path) -> None:
    write_page(bare(made_up.report()), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert headings(text) == ["Measured on"]
    assert "It was ended early." in text


def test_a_line_goes_on_over_a_second_without_a_look_and_breaks_where_many_are_missing() -> None:
    points = [(0.0, 1.0), (1.0, None), (2.0, 2.0), (30.0, 1.0)]
    drawn = over_time("t", "u", [Line(name="n", look="c0", points=points, gap=10.0)])
    path = re.search(r' d="([^"]+)"', drawn)
    assert path is not None
    assert re.findall(r"[ML]", path[1]) == ["M", "L", "L", "M", "L"]


def test_every_curve_of_a_page_begins_with_a_move_and_stays_within_its_chart() -> None:
    paths = re.findall(r'<path class="line [a-z0-9 ]+" d="([^"]*)"', page(made_up.report()))
    assert len(paths) == 3 + 2 + 3 + 2
    for path in paths:
        assert re.fullmatch(r"(M[\d.]+ [\d.]+L[\d.]+ [\d.]+)(L[\d.]+ [\d.]+)*", path)
        places = [float(number) for number in re.findall(r"[\d.]+", path)]
        assert all(58 <= x <= 470 for x in places[::2])
        assert all(14 <= y <= 206 for y in places[1::2])


def test_charts_without_values_are_left_out() -> None:
    assert over_time("t", "u", [Line(name="n", look="c0", points=[(0.0, None)])]) == ""
    assert by_share("t", "u", [Line(name="n", look="c0", points=[])]) == ""
    assert against("t", []) == ""
    assert moments("t", [("api", [])], 10.0) == ""


def test_a_figure_beyond_three_deviations_stands_out() -> None:
    assert '<circle class="fill c0"' in against("t", [Row(name="in", off=0.029, sd=0.01)])
    out = against("t", [Row(name="out", off=-0.031, sd=0.01)])
    assert '<rect class="fill bad"' in out
    assert "-3.1 %, -3.1 sd" in out


def test_error_bars_reach_three_deviations_to_either_side_of_what_was_measured() -> None:
    drawn = against("t", [Row(name="n", off=0.02, sd=0.01)])
    bar = re.search(r'class="line c0" x1="([\d.]+)" x2="([\d.]+)" y1="30"', drawn)
    point = re.search(r'cx="([\d.]+)"', drawn)
    axis = re.search(r'class="axis" x1="([\d.]+)"', drawn)
    assert bar is not None
    assert point is not None
    assert axis is not None
    low, high, middle, exact = (float(one) for one in (*bar.groups(), point[1], axis[1]))
    assert (low + high) / 2 == pytest.approx(middle, abs=0.1)
    assert (middle - low) / 3 == pytest.approx((middle - exact) / 2, abs=0.1)  # 3 sd and 2 sd of the same


def test_a_card_has_the_median_and_the_99th_percentile_of_a_latency() -> None:
    figures = [Figure(name=f"offer p{percent}", value=percent / 2, unit="ms") for percent in (50, 99)]
    text = page(structs.replace(made_up.report(), figures=figures))
    assert "<div><b>25</b><i>p50</i> <b>49.5</b><i>p99</i></div><span>offer, ms</span>" in text


def test_throughput_by_processes_is_drawn_beside_a_fair_share() -> None:
    parts = [
        Part(name=f"{load} {count}", load=load, count=count,
             figures=[Figure(name=name, value=rate * count**0.5, unit="a second")])
        for load, name, rate in (("creates", "created", 100.0), ("lives", "completed", 40.0))
        for count in (1, 2, 4)
    ]  # fmt: skip
    text = page(structs.replace(made_up.report(), parts=parts))
    assert "Throughput by processes, a second" in headings(text)
    chart = text.partition("Throughput by processes")[2].partition("</figure>")[0]
    assert len(re.findall("<circle", chart)) == 12
    assert chart.count('class="line c0') == chart.count('class="line c1') == 2
    four = [float(y) for x, y in re.findall(r'c0[^"]*" cx="([\d.]+)" cy="([\d.]+)"', chart)]
    assert 206 - four[-1] == pytest.approx(2 * (206 - four[2]), abs=0.2)  # 4 x as much against 2 x


def test_what_is_not_counted_is_shaded() -> None:
    line = Line(name="n", look="c0", points=[(float(at), 1.0) for at in range(101)])
    drawn = over_time("t", "u", [line], aside=Aside(begin=10, end=80, name="aside"))
    bands = re.findall(r'class="band" x="([\d.]+)" y="14" width="([\d.]+)"', drawn)
    assert [(round(float(x)), round(float(width))) for x, width in bands] == [(58, 41), (388, 82)]
    assert "aside</span>" in drawn


def test_a_day_is_told_from_a_steady_rate() -> None:
    report = made_up.report()
    day = structs.replace(report, settings=structs.replace(report.settings, arrivals="day"))
    assert "200 Tasks a second," in page(report)
    assert "200 Tasks a second on average over a day" in page(day)


@pytest.mark.parametrize(
    ("most", "last", "count"),
    [(0.0, 1.0, 2), (1.0, 1.0, 6), (7.0, 8.0, 5), (300.0, 300.0, 4), (0.03, 0.03, 4)],
)
def test_ticks_are_round_and_reach_the_greatest_value(most: float, last: float, count: int) -> None:
    ticks = even_ticks(most)
    assert ticks[-1][0] == pytest.approx(last)
    assert len(ticks) == count


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.254, "0.254"), (12.0, "12"), (3400.0, "3400"), (12_345.0, "12.3k"), (2e6, "2M")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text
