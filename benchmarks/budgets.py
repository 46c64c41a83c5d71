"""The budgets that the design sets itself, and what a run of the benchmarks says of each: the verdicts of the tables.

A verdict is one of

met            the measured figure is within its budget
missed by X %  it is not: X is how far beyond, in percent of the budget
unknown: why   the run cannot tell: it was made smaller than the budget asks for, no core was free for what is
               measured, or other programs took so much of the machine that a missed time says nothing
not measured   there is no result, or the benchmark left the figure out
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

MOST_OF_OTHERS: Final = 10.0  # percent of the machine; beyond it a missed time may be theirs
CORES_OF_TWO_MATCHERS: Final = 3  # one for each matcher, one for the server

Document = dict[str, Any]


class Reading(Struct, frozen=True, kw_only=True):
    """One figure against its budget.

    `beyond` is how far it is past the budget, as a part of the budget; 0 or less is within. `small` says why the
    figure settles nothing either way, `doubt` why a missed budget may be the machine's fault.
    """

    shown: str
    beyond: float
    small: str = ""
    doubt: str = ""


class Budget(Struct, frozen=True):
    """A row: what is measured, the budget in words, the benchmark that measures it and how to read its result.

    `read` is given the whole document, and raises KeyError where it lacks the figure.
    """

    what: str
    budget: str
    benchmark: str
    read: Callable[[Document], Reading]


def at_most(value: float, limit: float) -> float:
    return value / limit - 1


def at_least(value: float, limit: float) -> float:
    return 1 - value / limit


def verdict(reading: Reading) -> str:
    """One of the verdicts on top of this file."""
    if reading.small:
        return f"unknown: {reading.small}"
    if reading.beyond <= 0:
        return "met"
    if reading.doubt:
        return f"unknown: {reading.doubt}"
    percent = 100 * reading.beyond
    return f"missed by {percent:.0f} %" if percent >= 9.5 else f"missed by {percent:.1g} %"


def crowded(document: Document) -> str:
    """Why times of this run may be too long, if they may."""
    others = document.get("others_percent")
    if others is None or others <= MOST_OF_OTHERS:
        return ""
    return f"other programs took {others:.0f} % of the machine"


def short_of(found: int, wanted: int, what: str) -> str:
    return f"measured with {found:,} of {wanted:,} {what}" if found < wanted else ""


def life_cpu(document: Document) -> Reading:
    """Against the barest scripts of the same run: 90 µs are 1.67 times the 54 µs that those take where 90 was set."""
    result = document["result"]
    ratio, spent = result["to_barest_scripts"], result["redis_cpu_us_per_life"]
    barest = result["barest_scripts_us_per_life"]
    return Reading(
        shown=f"{ratio} x the barest scripts ({spent:.0f} to {barest:.0f} µs)", beyond=at_most(ratio, 1.67)
    )


def http_ratio(kind: str, least: float) -> Callable[[Document], Reading]:
    """By the requests that one core of an API process answers, which is what their CPU allows.

    Requests a second tell the same only while the process has its core all the time.
    """

    def read(document: Document) -> Reading:
        servers, ratio = document["result"]["servers"], document["result"][f"cpu_{kind}_to_ours"]
        ours, other = (f"{servers[which]['cpu_us']:,.0f}" for which in ("ours", kind))
        return Reading(
            shown=f"{ratio} x ({ours} to {other} µs of CPU a request)", beyond=at_least(ratio, least)
        )

    return read


def against_bullmq(document: Document) -> Reading:
    result = document["result"]
    ratio, bullmq = result["lives_to_bullmq_jobs"], result["peers"]["bullmq"]
    return Reading(
        shown=f"{ratio} x ({result['ours']['per_s']:,.0f} lives to {bullmq['per_s']:,.0f} jobs a second)",
        beyond=at_least(ratio, 1.0),
        doubt=crowded(document),
    )


def growth(which: str, size: str, wanted: int, what: str) -> Callable[[Document], Reading]:
    def read(document: Document) -> Reading:
        found = document["result"][which]
        small, large = (found[side]["server_us"]["p50"] for side in ("small", "large"))
        return Reading(
            shown=f"{found['ratio']} x ({large:.0f} to {small:.0f} µs)",
            beyond=at_most(found["ratio"], 1.5),
            small=short_of(found[size], wanted, what),
        )

    return read


def new_pool(document: Document) -> Reading:
    result = document["result"]
    slowest = result["new_pool_slowest_shape_p50_ms"]
    return Reading(
        shown=f"{slowest} ms for the slowest of 14 shapes, {result['new_pool_p50_ms']} ms for the middle one",
        beyond=at_most(slowest, 5.0),
        small=short_of(result["workers"], 100_000, "Workers"),
    )


def changed_worker(document: Document) -> Reading:
    result = document["result"]
    found = result["changed_worker"]
    return Reading(
        shown=f"{found['p50_ms']} ms, p99 {found['p99_ms']} ms",
        beyond=at_most(found["p50_ms"], 1.0),
        small=short_of(result["pools"], 10_000, "pools"),
    )


def offer(share: str, most_ms: float) -> Callable[[Document], Reading]:
    def read(document: Document) -> Reading:
        result = document["result"]
        found, due = result["accepted_to_visible_ms"][share], result["due_to_visible_ms"][share]
        return Reading(
            shown=f"{found} ms; {due} ms from when the request was due, at {result['rate']:,.0f} a second",
            beyond=at_most(found, most_ms),
            doubt=crowded(document),
        )

    return read


def memory(document: Document) -> Reading:
    result = document["result"]
    found = result["bytes_per_waiting_task"]
    return Reading(
        shown=f"{found:,} B",
        beyond=at_most(found, 1_000),
        small=short_of(result["waiting"]["tasks"], 100_000, "Tasks"),
    )


def two_matchers(document: Document) -> Reading:
    result, cores = document["result"], document["cores"]
    ratio, one, two = result["two_to_one"], result["one"]["per_s"], result["two"]["per_s"]
    doubt = crowded(document)
    if cores < CORES_OF_TWO_MATCHERS:
        doubt = f"no free core ({cores} for two matchers and the server)"
    return Reading(
        shown=f"{ratio} x ({two:,.0f} to {one:,.0f} new pools a second)",
        beyond=at_least(ratio, 1.8),
        doubt=doubt,
    )


FREED: Final = "freed Worker to next Reservation: 1,000,000 Tasks waiting in 10,000 pools, to 1,000 in 10"
BUDGETS: Final = (
    Budget("Redis CPU of a Task's whole life", "at most 90 µs where the barest scripts take 54: 1.67 x them",
           "bench_lives", life_cpu),
    Budget("HTTP creates of one API core, to the same with one bare script for the engine", "at least 0.7 x",
           "bench_http_create", http_ratio("bare", 0.7)),
    Budget("HTTP creates of one API core, to an idiomatic Litestar handler with that script", "at least 4 x",
           "bench_http_create", http_ratio("idiomatic", 4.0)),
    Budget("Task lives (four transitions) a second, no HTTP, to BullMQ's jobs (two) on the same server",
           "at least 1 x", "bench_peers", against_bullmq),
    Budget(FREED, "at most 1.5 x", "bench_growth", growth("waiting", "tasks", 1_000_000, "Tasks")),
    Budget("arriving Task to Reservation: 100,000 Workers, to 100", "at most 1.5 x",
           "bench_growth", growth("workers", "workers", 100_000, "Workers")),
    Budget("a new pool over 100,000 Workers", "at most 5 ms", "bench_index", new_pool),
    Budget("a Worker indexed anew against 10,000 pools", "at most 1 ms", "bench_index", changed_worker),
    Budget("create accepted to Reservation visible, half load, p50", "at most 3 ms", "bench_offer", offer("p50", 3)),
    Budget("the same, p99", "at most 25 ms", "bench_offer", offer("p99", 25)),
    Budget("Redis memory of a waiting Task with 200 B of attributes", "at most 1,000 B", "bench_growth", memory),
    Budget("two matchers instead of one, load of expressions", "at least 1.8 x", "bench_matchers", two_matchers),
)  # fmt: skip


def judged(documents: dict[str, Document]) -> list[tuple[str, str, str, str]]:
    """A row a budget: what, budget, measured, verdict. `documents` by the name of the benchmark."""
    rows = []
    for budget in BUDGETS:
        document = documents.get(budget.benchmark)
        try:
            reading = None if document is None else budget.read(document)
        except KeyError:
            reading = None
        shown, found = ("", "not measured") if reading is None else (reading.shown, verdict(reading))
        rows.append((budget.what, budget.budget, shown, found))
    return rows
