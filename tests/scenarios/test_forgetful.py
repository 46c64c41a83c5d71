"""Scenarios with an engine and a matcher that have just been started, again and again.

Whatever a process remembers is a cache: documents that Tasks entered with, pools, Workers, rules. So a deployment
may lose all of its processes between any two steps and nobody notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from engine import scripts
from engine.router import Engine
from tests.redis.fake_lab import FakeLab
from tests.scenarios import counts, known, restarts, steps, targets
from tests.scenarios.catalogue import SCENARIOS, Scenario
from tests.scenarios.lab import EngineDriver
from tests.scenarios.play import Play

# Where something has to be known for longer than one step; what is left out takes time and shows no more.
MODULES = {module.__name__ for module in (counts, known, restarts, steps, targets)}
PLAYED = [scenario for scenario in SCENARIOS if scenario.run.__module__ in MODULES]


class ForgetfulLab(FakeLab):
    """A Lab whose processes know nothing but what is stored."""

    async def rest(self) -> None:
        self._restart()
        self.matcher = self.engine.matcher("lab")
        await self.matcher.start()
        await super().rest()
        self._restart()

    def _restart(self) -> None:
        self.engine = Engine(self.pipeline, self._redis, shards=1, mint=self._sid, now_ms=lambda: self.now_ms)


@pytest.fixture(scope="module")
def lab() -> Iterator[ForgetfulLab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripts, "load_scripts", cache(scripts.load_scripts))  # 0.1 s each time
        opened = ForgetfulLab()
        with opened:
            yield opened


@pytest.mark.parametrize("scenario", PLAYED, ids=lambda s: s.name)
def test_scenario_on_processes_that_have_just_been_started(scenario: Scenario, lab: ForgetfulLab) -> None:
    driver = EngineDriver(lab, scenario.site)
    try:
        scenario.run(Play(driver))
    finally:
        driver.delete()
