"""Random histories: the engine against the reference router.

TRUNKLINE_HISTORIES  how many histories, default 75; 20,000 before a release
TRUNKLINE_STEPS      rules a history, default 40
TRUNKLINE_SEED       where the randomness begins, default 0; the part's number is added to it

The histories come in parts, each with a seed of its own, so that pytest-xdist spreads them over processes. A
failure prints the shortest history that shows it, and the seed of its part is in the name of the test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.census import Census
from tests.property.machine import HistoryMachine, machine_in
from tests.scenarios.lab import Lab

HISTORIES: Final = int(os.environ.get("TRUNKLINE_HISTORIES", "75"))
STEPS: Final = int(os.environ.get("TRUNKLINE_STEPS", "40"))
SEED: Final = int(os.environ.get("TRUNKLINE_SEED", "0"))
PART: Final = min(500, max(75, HISTORIES // 8))  # histories a part: shares for 8 processes, bounded memory
ALONE: Final = min(HISTORIES, 100)
PARTS: Final = -(-HISTORIES // PART)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab")) as opened:
        yield opened


class Totals:
    """What all parts that one process played saw together."""

    def __init__(self) -> None:
        self.histories = 0
        self.census = Census()


@pytest.fixture(scope="module")
def totals() -> Iterator[Totals]:
    totals = Totals()
    yield totals
    assert totals.census.missing(totals.histories) == []


@pytest.mark.parametrize("part", [pytest.param(n, id=f"seed-{SEED + n}") for n in range(PARTS)])
def test_engine_and_model_agree_after_every_step(part: int, lab: Lab, totals: Totals) -> None:
    histories = min(PART, HISTORIES - part * PART)
    play(machine_in(lab, totals.census), SEED + part, histories)
    totals.histories += histories if STEPS >= 40 else 0


def test_the_reference_router_alone_keeps_its_promises() -> None:
    census = Census()
    play(machine_in(None, census), SEED, ALONE)
    assert census.missing(ALONE if STEPS >= 40 else 0) == []


def play(machine: type[HistoryMachine], begin: int, histories: int) -> None:
    """So many histories of a machine."""
    run_state_machine_as_test(
        seed(begin)(machine),
        settings=settings(
            max_examples=histories,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
