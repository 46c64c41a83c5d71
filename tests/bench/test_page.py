"""The page of a report: well-formed, nothing of a report is taken for HTML, and nothing is loaded."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec import structs

from benchmarks.suite.chart import Line, by_share, deviations, even_ticks, over_time, short
from benchmarks.suite.page import page, write_page
from benchmarks.suite.report import Report, State
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
        "Over time",
        "Throughput, a second",
        "Latency of creates, ms",
        "In the deployment, Tasks",
        "Latencies, ms",
        "Against theory",
        "Distance from the exact figures",
        "Checks",
        "Latencies",
        "Runs",
        "Kills",
        "Measured on",
    ]
    assert "matcher-1 killed at 20 s" in text


def test_the_verdict_and_its_reasons_come_before_anything_else() -> None:
    body = parsed(page(made_up.report(state=State.INVALID, said="3 Tasks are gone"))).find("body")
    assert body is not None
    verdict = body[2]
    assert verdict.get("class") == "verdict invalid"
    assert "".join(verdict.itertext()) == "invalid loss: 3 Tasks are gone"


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
    drawn = over_time("t", "u", [Line(name="n", points=points, gap=10.0)])
    path = re.search(r' d="([^"]+)"', drawn)
    assert path is not None
    assert re.findall(r"[ML]", path[1]) == ["M", "L", "L", "M", "L"]


def test_every_curve_of_a_page_begins_with_a_move_and_stays_within_its_chart() -> None:
    paths = re.findall(r'<path class="line c\d" d="([^"]*)"', page(made_up.report()))
    assert len(paths) == 4 + 2 + 3 + 2
    for path in paths:
        assert re.fullmatch(r"(M[\d.]+ [\d.]+L[\d.]+ [\d.]+)(L[\d.]+ [\d.]+)*", path)
        places = [float(number) for number in re.findall(r"[\d.]+", path)]
        assert all(58 <= x <= 470 for x in places[::2])
        assert all(14 <= y <= 206 for y in places[1::2])


def test_charts_without_values_are_left_out() -> None:
    assert over_time("t", "u", [Line(name="n", points=[(0.0, None)])]) == ""
    assert by_share("t", "u", [Line(name="n", points=[])]) == ""
    assert deviations("t", []) == ""


def test_a_figure_beyond_three_deviations_stands_out() -> None:
    assert 'class="fill c0"' in deviations("t", [("in", 2.9)])
    assert 'class="fill bad"' in deviations("t", [("out", -3.1)])


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
