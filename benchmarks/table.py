"""Writes docs/benchmarks.md and the table of the README from the results of the last `make bench`.

    python -m benchmarks.table benchmarks/results docs/benchmarks.md README.md

The README gets the budgets with their verdicts (benchmarks/budgets.py), docs/benchmarks.md those and all other figures:
a function here for each benchmark.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.page import Rows, budgets, full, read_results

PLACE: Final = re.compile(r"(<!-- benchmarks: begin -->\n).*?(<!-- benchmarks: end -->)", re.DOTALL)


def lives(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            f"engine, no HTTP: Task lives a second ({result['workers']} Workers, durability {result['durability']})",
            f"{result['lives_per_s']:,}",
        ),
        ("Redis CPU a life: create, offer, accept, complete", f"{result['redis_cpu_us_per_life']} µs"),
        (
            "the barest scripts of that kind on the same server, and the ratio",
            f"{result['barest_scripts_us_per_life']} µs, {result['to_barest_scripts']}",
        ),
        ("script calls a life", f"{result['calls_per_life']}"),
        (
            "create to offer as an agent sees it, p50 / p99",
            f"{result['create_to_offer_p50_ms']} / {result['create_to_offer_p99_ms']} ms",
        ),
    ]


def http_create(result: dict[str, Any]) -> list[tuple[str, str]]:
    servers = result["servers"]

    def row(kind: str) -> str:
        one = servers[kind]
        return (
            f"{one['requests_per_s']:,.0f} a second, {one['cpu_us']:.0f} µs CPU, "
            f"p50 / p99 {one['p50_ms']} / {one['p99_ms']} ms"
        )

    return [
        ("HTTP create, one API process", row("ours")),
        ("the same door with one bare script instead of the engine", row("bare")),
        ("an idiomatic Litestar handler with redis-py and that script", row("idiomatic")),
        (
            "ratio of requests a second to bare / to idiomatic",
            f"{result['requests_per_s_ours_to_bare']} / {result['requests_per_s_ours_to_idiomatic']}",
        ),
        (
            "ratio of CPU a request, bare to ours / idiomatic to ours",
            f"{result['cpu_bare_to_ours']} / {result['cpu_idiomatic_to_ours']}",
        ),
    ]


def http_read(result: dict[str, Any]) -> list[tuple[str, str]]:
    servers, pages, ordered = result["fetch"]["servers"], result["pages"], result["ordered_page"]

    def page(which: str) -> str:
        one = pages[which]
        return f"{one['ratio']} ({one['large_ms']} to {one['small_ms']} ms)"

    return [
        (
            "HTTP fetch of a Task, one API process / with one bare HGETALL instead of the engine / ratio",
            f"{servers['ours']['requests_per_s']:,.0f} / {servers['bare']['requests_per_s']:,.0f} a second / "
            f"{result['fetch']['ours_to_bare']}",
        ),
        (
            f"a page of 50 Tasks of {pages['tasks']:,}, to one of 1,000: first, newest, further in",
            ", ".join(page(which) for which in ("first", "newest", "further")),
        ),
        (
            "the same page with `Ordering=Priority:desc`, and CPU of the API process",
            f"{ordered['p50_ms'] / 1000:.1f} s, {ordered['cpu_ms'] / 1000:.1f} s",
        ),
    ]


def http_bulk(result: dict[str, Any]) -> list[tuple[str, str]]:
    bulk, single = result["bulk"], result["single"]
    return [
        (
            f"Tasks a second through Tasks/Bulk, one API process, {result['streams']} requests of {result['lines']:,}",
            f"{bulk['tasks_per_s']:,.0f}; CPU a Task {bulk['cpu_us']:.0f} µs, of Redis {bulk['redis_us']:.0f} µs",
        ),
        (
            "the same Tasks one by one",
            f"{single['tasks_per_s']:,.0f}; CPU a Task {single['cpu_us']:.0f} µs, of Redis {single['redis_us']:.0f} µs",
        ),
        (
            "ratio of Tasks a second, bulk to one by one: median / least",
            f"{result['tasks_per_s_bulk_to_single']} / {result['least_ratio']}",
        ),
    ]


def index(result: dict[str, Any]) -> list[tuple[str, str]]:
    mixed, known = result["changed_worker"], result["changed_worker_known_workers_only"]
    pools = f"{result['pools']:,} pools"
    return [
        (
            f"a new pool over {result['workers']:,} Workers, computed by a matcher: median of 14 shapes / slowest",
            f"{result['new_pool_p50_ms']} / {result['new_pool_slowest_shape_p50_ms']} ms",
        ),
        (
            "the first pool that names an attribute, once a matcher",
            f"{result['first_naming_of_a_reference_ms']:.0f} ms",
        ),
        (
            "adding members to a pool, Redis CPU for 1,000 of them",
            f"{result['redis_ms_per_1000_members']} ms",
        ),
        (
            f"a changed Worker against {pools}, computed by a matcher, p50 / p99",
            f"{mixed['p50_ms']} / {mixed['p99_ms']} ms",
        ),
        (f"the same against {pools} of one known Worker each", f"{known['p50_ms']} / {known['p99_ms']} ms"),
    ]


def growth(result: dict[str, Any]) -> list[tuple[str, str]]:
    def row(which: str) -> str:
        found = result[which]
        small, large = found["small"]["server_us"], found["large"]["server_us"]
        return (
            f"{found['ratio']} ({large['p50']:.0f} to {small['p50']:.0f} µs; p10 and p90 {large['p10']:.0f}, "
            f"{large['p90']:.0f} to {small['p10']:.0f}, {small['p90']:.0f})"
        )

    waiting, workers = result["waiting"], result["workers"]
    return [
        (
            f"freed Worker to next Reservation with {waiting['tasks']:,} Tasks waiting in {waiting['pools']:,} pools, "
            "to that with 1,000 in 10: server time",
            row("waiting"),
        ),
        (
            f"arriving Task to Reservation with {workers['workers']:,} Workers, to that with 100: server time",
            row("workers"),
        ),
        (
            "Redis memory a waiting Task with 200 B of attributes",
            f"{result['bytes_per_waiting_task']:,} B",
        ),
    ]


def bounded(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            f"the longest script run while {name}",
            f"{storm['longest_ms']} ms; {storm['over_budget']} of {storm['runs']:,} over {result['budget_ms']:.0f} ms",
        )
        for name, storm in result["storms"].items()
    ]


def offer(result: dict[str, Any]) -> list[tuple[str, str]]:
    def row(what: str) -> str:
        found = result[what]
        return f"{found['p50']} / {found['p90']} / {found['p99']} ms"

    return [
        ("lives a second over HTTP, one API process, as many as it carries", f"{result['capacity']:,}"),
        (f"create accepted to Reservation visible at {result['rate']:,} a second, p50 / p90 / p99",
         row("accepted_to_visible_ms")),
        ("the same from the moment the request was due", row("due_to_visible_ms")),
        ("how late the generator was", row("late_ms")),
    ]  # fmt: skip


def matchers(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            f"new pools a second, each a search of {result['workers']:,} texts: {name} matcher{plural}",
            f"{result[name]['per_s']:,} ({result[name]['matcher_cpu_ms']} ms of a matcher's CPU each)",
        )
        for name, plural in (("one", ""), ("two", "s"))
    ]


def peers(result: dict[str, Any]) -> list[tuple[str, str]]:
    def row(one: dict[str, Any]) -> str:
        return f"{one['per_s']:,.0f} a second, {one['redis_cpu_us']:.0f} µs of Redis CPU each"

    return [
        ("Trunkline, lives: create, offer, accept, complete", row(result["ours"])),
        *((f"{name} {one['version']}, jobs: put, done", row(one)) for name, one in result["peers"].items()),
        *((name, f"left out: {why}") for name, why in result["absent"].items()),
    ]


ROWS: Final[dict[str, Rows]] = {
    "bench_bounded": bounded,
    "bench_growth": growth,
    "bench_http_bulk": http_bulk,
    "bench_http_create": http_create,
    "bench_http_read": http_read,
    "bench_index": index,
    "bench_lives": lives,
    "bench_matchers": matchers,
    "bench_offer": offer,
    "bench_peers": peers,
}


def main() -> None:
    folder, page, readme = map(Path, sys.argv[1:])
    documents = read_results(folder)
    if not documents:
        sys.exit(f"{folder} has no results: run `make bench` first")
    text = readme.read_text()
    if not PLACE.search(text):
        sys.exit(f"{readme} has no place for benchmarks")
    page.write_text(full(documents, ROWS))
    readme.write_text(PLACE.sub(lambda match: match[1] + budgets(documents) + match[2], text))


if __name__ == "__main__":
    main()
