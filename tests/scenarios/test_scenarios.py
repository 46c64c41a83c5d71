"""Every scenario on the reference router and on the engine: the judge and the judged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.catalogue import SCENARIOS, Scenario
from tests.scenarios.drivers import ModelDriver
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.play import Play


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_scenario_on_the_model(scenario: Scenario) -> None:
    scenario.run(Play(ModelDriver(scenario.site)))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_scenario_on_the_engine(scenario: Scenario, lab: Lab) -> None:
    driver = EngineDriver(lab, scenario.site)
    try:
        scenario.run(Play(driver))
    finally:
        driver.delete()
