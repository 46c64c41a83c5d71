"""A hundred random histories, up to the first that fails; the shortest such is not wanted here.

Not found by itself, for tests/property/test_histories.py plays more of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.census import Census
from tests.property.machine import machine_in
from tests.scenarios.lab import Lab

HISTORIES: Final = 100
STEPS: Final = 40
SEED: Final = 7


def test_random_histories(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab") as lab:
        run_state_machine_as_test(
            seed(SEED)(machine_in(lab, Census())),
            settings=settings(
                max_examples=HISTORIES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
