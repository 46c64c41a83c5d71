"""Tries the mistakes of the table. Exits with 1 when one is not caught, or the tests fail without any."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import pytest

from tests.mutations.table import Mutation, mutations
from tests.mutations.trial import ROOT, SUITE, Trials, Verdict

BY_WIDTH = 110


class Report:
    """Prints verdicts as they come, and the sum of them."""

    def __init__(self, wanted: Sequence[Mutation]) -> None:
        self.wanted = wanted
        self.verdicts: dict[int, Verdict] = {}
        self.missed: list[str] = []

    def hear(self, mutation: Mutation | None, verdict: Verdict) -> None:
        if mutation is None:
            words = (
                "pass"
                if verdict.outcome == "survived"
                else f"do not pass, so nothing can be said ({verdict.by})"
            )
            print(f"Without a mistake the tests {words}: {verdict.seconds:.0f} s.", flush=True)
            return
        self.verdicts[mutation.number] = verdict
        line = f"{verdict.outcome:8} {verdict.seconds:4.0f} s  {mutation.number:3} {mutation}"
        print(f"{len(self.verdicts):3}/{len(self.wanted)} {line}\n{'':22}{verdict.by[:BY_WIDTH]}", flush=True)
        if verdict.outcome != "caught":
            self.missed.append(line)

    def close(self) -> int:
        """The exit status."""
        caught = len(self.verdicts) - len(self.missed)
        print(f"{caught} of {len(self.wanted)} mistakes were caught.")
        print("\n".join(self.missed))
        return 0 if caught == len(self.wanted) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--list", action="store_true", help="only show the table")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="these lines of it")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time (2)")
    parser.add_argument("--limit", type=float, default=120.0, metavar="S", help="s a trial may take (120)")
    parser.add_argument("--tests", nargs="+", default=SUITE, metavar="PATH", help="instead of the quick ones")
    given = parser.parse_args(arguments)
    wanted = [m for m in mutations() if not given.only or m.number in given.only]
    if given.list:
        print("\n".join(f"{mutation.number:3} {mutation}" for mutation in wanted))
        return 0
    os.chdir(ROOT)
    report = Report(wanted)
    ended = pytest.main(
        ["-s", "-qq", *given.tests], plugins=[Trials(wanted, given.jobs, given.limit, report.hear)]
    )
    if not report.wanted or ended != pytest.ExitCode.OK:
        print(f"pytest ended with {ended}")
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
