"""Random histories: the engine against the reference router.

TRUNKLINE_HISTORIES  how many histories, default 150; 10,000 before a release
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

from tests.property.machine import Census, machine_in
from tests.scenarios.lab import Lab

HISTORIES: Final = int(os.environ.get("TRUNKLINE_HISTORIES", "150"))
STEPS: Final = int(os.environ.get("TRUNKLINE_STEPS", "40"))
SEED: Final = int(os.environ.get("TRUNKLINE_SEED", "0"))
PART: Final = min(500, max(75, HISTORIES // 8))  # histories a part: shares for 8 processes, bounded memory
PARTS: Final = -(-HISTORIES // PART)

# A run that never saw these tested something else: the first few show in 75 histories, the others in 300, the last
# ones in the thousands that one process plays in a long run.
MUST_SEE: Final = (
    "create_task ok",
    "create_task Invalid",
    "update_task ok",
    "update_worker ok",
    "offer accepted",
    "offer timeout",
)
MUST_SEE_LATER: Final = (
    "update_task IllegalState",
    "update_task RevisionMismatch",
    "delete_task ok",
    "delete_worker ok",
    "delete_worker IllegalState",
    "answer_of_task ok",
    "answer_of_worker ok",
    "offer rejected",
    "offer canceled",
    "offer wrapping",
    "offer completed",
)
MUST_SEE_RARELY: Final = ("update_task NotFound", "answer_of_task Gone")
ENOUGH: Final = 2_000  # histories in one process


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab")) as opened:
        yield opened


class Totals:
    """What all parts that one process played saw together."""

    def __init__(self) -> None:
        self.histories = 0
        self.seen: set[str] = set()


@pytest.fixture(scope="module")
def totals() -> Iterator[Totals]:
    totals = Totals()
    yield totals
    if totals.histories >= ENOUGH:
        assert [what for what in MUST_SEE_RARELY if what not in totals.seen] == []


@pytest.mark.parametrize("part", [pytest.param(n, id=f"seed-{SEED + n}") for n in range(PARTS)])
def test_engine_and_model_agree_after_every_step(part: int, lab: Lab, totals: Totals) -> None:
    census = Census()
    machine = seed(SEED + part)(machine_in(lab, census))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=min(PART, HISTORIES - part * PART),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    count = min(PART, HISTORIES - part * PART) if STEPS >= 40 else 0
    wanted = (*(MUST_SEE if count >= 75 else ()), *(MUST_SEE_LATER if count >= 300 else ()))
    assert [what for what in wanted if what not in census.seen] == []
    totals.histories += count
    totals.seen |= set(census.seen)
