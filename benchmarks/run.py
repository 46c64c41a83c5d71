"""Runs every benchmark and writes the tables: what `make bench` does.

    python -m benchmarks.run [--quick] [--only lives,index]

The whole takes less than ten minutes: each benchmark has its share of the time, the last one what is left, and is
ended beyond it; then its budgets count as not measured. `--quick` takes smaller sizes and two or three minutes; it
prints the verdicts and leaves docs/benchmarks.md and the README as they are, since most budgets ask for the full size.
Exit status: 0, or 1 if a benchmark failed; a missed budget is a finding and no failure.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.budgets import judged
from benchmarks.page import measured_on, read_results

WHOLE_S: Final = 590.0
GRACE_S: Final = 10.0
ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results"


class Run(Struct, frozen=True):
    """A benchmark, its share of the time in seconds, and its options in a full and in a quick run."""

    name: str
    limit_s: float
    full: str = ""
    quick: str = ""


RUNS: Final = (
    Run("bench_lives", 30, "--lives 20000", "--lives 5000"),
    Run("bench_http_create", 55, "--rounds 3", "--rounds 3 --requests 2000"),
    Run("bench_http_read", 50, "--tasks 100000 --rounds 3", "--tasks 10000 --rounds 3 --requests 1000"),
    Run("bench_http_bulk", 45, "--rounds 3", "--rounds 2 --requests 2000 --lines 2000"),
    Run("bench_index", 60, "", "--workers 20000 --pools 2000 --stored 2000"),
    Run("bench_offer", 30, "", "--seconds 4"),
    Run("bench_matchers", 60, "--tasks 500 --rounds 2", "--workers 5000 --tasks 600 --rounds 2"),
    Run("bench_peers", 150, "", "--jobs 1000 --rounds 2"),
    Run("bench_bounded", 70, "--tasks 50000 --timeouts 5000", "--tasks 10000 --timeouts 1000"),
    Run("bench_growth", 360, "", "--tasks 50000 --pools 500 --workers 5000 --samples 200"),
)


def measure(run: Run, options: str, left_s: float, console: Console) -> bool:
    """Run one benchmark; False if it failed or took too long. What it prints goes to a log beside its result."""
    console.print(f"{run.name} {options}".rstrip())
    began, limit_s = time.monotonic(), max(1.0, min(run.limit_s, left_s))
    log = RESULTS / f"{run.name}.log"
    command = [sys.executable, "-m", f"benchmarks.{run.name}", *options.split()]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--json", str(RESULTS / f"{run.name}.json")],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            end(process)
            console.print(f"  ended after {limit_s:.0f} s, its share of the time: not measured")
            return False
    if status:
        last = (log.read_text().strip() or "it said nothing").splitlines()[-1]
        console.print(f"  failed: {last} ({log.relative_to(ROOT)})", markup=False)
        return False
    console.print(f"  {time.monotonic() - began:.0f} s")
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does, so that it stops its server and removes its folder; by force if that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def verdicts(console: Console) -> None:
    """The budgets in the terminal."""
    documents = read_results(RESULTS)
    if not documents:
        return
    table = Table("What", "Budget", "Measured", "Verdict")
    for row in judged(documents):
        table.add_row(*row)
    console.print(table)
    console.print(measured_on(documents.values()), markup=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes; writes no page")
    parser.add_argument("--only", help="names with commas between, as in lives,index; keeps other results")
    args = parser.parse_args()
    console = Console()
    wanted = {f"bench_{name}" for name in args.only.split(",")} if args.only else {run.name for run in RUNS}
    if unknown := wanted - {run.name for run in RUNS}:
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}")
    RESULTS.mkdir(exist_ok=True)
    chosen = [run for run in RUNS if run.name in wanted]
    for old in RESULTS.glob("bench_*") if not args.only else (RESULTS / f"{run.name}.json" for run in chosen):
        old.unlink(missing_ok=True)
    until = time.monotonic() + WHOLE_S
    failed = [
        run.name
        for run in chosen
        if not measure(run, run.quick if args.quick else run.full, until - time.monotonic(), console)
    ]
    verdicts(console)
    if not args.quick and not failed:
        pages = [ROOT / "docs" / "benchmarks.md", ROOT / "README.md"]
        subprocess.run([sys.executable, "-m", "benchmarks.table", RESULTS, *pages], cwd=ROOT, check=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
