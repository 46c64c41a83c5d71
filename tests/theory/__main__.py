"""All cases in full, on two servers at once: prints the tables, and writes them into a document.

    python -m tests.theory [--scale 1.0] [--write docs/theory.md]

Exit code 1 when a figure is off, a Reservation differs from the plain router's, or a wrong router passes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Final

from tests.theory import report
from tests.theory.cases import CASES, SHOWN_BY, Case
from tests.theory.judge import Measure, furthest_off, judge
from tests.theory.replications import Played, engine_job, memory_job

SERVERS: Final = 2
PLAYS: Final = 12  # replications a server


def run(scale: float, target: Path | None, command: str) -> bool:
    """Whether everything holds. In full 16 minutes of CPU time."""
    began = time.monotonic()
    sizes = [round(case.tasks * scale / SERVERS / PLAYS) for case in CASES]
    systems = [case.system for case in CASES]
    wrong = [(way, systems.index(system)) for way, system in SHOWN_BY]
    with ProcessPoolExecutor(SERVERS, multiprocessing.get_context("spawn")) as pool:
        played = [
            [pool.submit(engine_job, case, range(first, first + PLAYS), tasks) for first in (0, PLAYS)]
            for case, tasks in enumerate(sizes)
        ]
        everyone = range(SERVERS * PLAYS)
        memory = [pool.submit(memory_job, case, way, everyone, sizes[case]) for way, case in wrong]
        measures = [case.measures() for case in CASES]  # meanwhile: the chain takes half a minute
        results = []
        for case, known, parts in zip(CASES, measures, played, strict=True):
            results.append(_result(case, known, parts))
            print(f"{time.monotonic() - began:4.0f} s  {case.system.name}", file=sys.stderr, flush=True)
        caught = [
            report.WayResult(
                way.value, systems[case].name, furthest_off(judge(measures[case], part.result()))
            )
            for (way, case), part in zip(wrong, memory, strict=True)
        ]
    text = report.document(results, caught, command, _cpu_s())
    print(text)
    if target is not None:
        report.write(target, text)
    return all(result.holds for result in results) and not any(way.worst.holds for way in caught)


def _result(case: Case, measures: tuple[Measure, ...], parts: list[Future[Played]]) -> report.CaseResult:
    played = [part.result() for part in parts]
    tallies = [tally for part in played for tally in part.tallies]
    return report.CaseResult(
        system=case.system.name,
        known_from=case.known_from,
        tasks=sum(len(waits) for tally in tallies for waits in tally.waits),
        routed=sum(part.routed for part in played),
        verdicts=judge(measures, tallies),
        differs=next((part.differs for part in played if part.differs), ""),
    )


def _cpu_s() -> float:
    """CPU time of this process and of those that have ended: workers of the pool and their servers."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the Tasks of a full run")
    parser.add_argument("--write", type=Path, help="a document with a place for the tables")
    args = parser.parse_args()
    command = "make theory" if args.scale == 1.0 else f"python -m tests.theory --scale {args.scale:g}"
    sys.exit(not run(args.scale, args.write, command))


if __name__ == "__main__":
    main()
