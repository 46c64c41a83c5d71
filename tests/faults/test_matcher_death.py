"""A matcher that dies, or stands still, while it holds inbox entries: another one does them, each Task once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from engine.matcher import CLAIM_MS, UPKEEP_PERIOD_S
from tests.cli.cli_support import Program
from tests.faults.floor import SHARD, Floor, assert_each_routed_once, open_floor
from tests.faults.processes import kill, resume

BATCH: Final = 192  # Tasks posted at once: three reads of a matcher, so there is time to catch it
TAKE_OVER_S: Final = (
    CLAIM_MS / 1000 + UPKEEP_PERIOD_S + 7.0
)  # a crowded machine may add 7 s, a quiet one 0.1 s


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path / "data", workers=2, capacity=4 * BATCH) as opened:
        yield opened


@contextmanager
def role(floor: Floor, name: str) -> Iterator[Program]:
    """A real matcher process beside the test's own engine."""
    where = ("--redis", floor.url, "--allow-weak-durability")
    with Program("matcher", *where, "--name", name) as program:
        program.line("connected to")
        yield program


async def test_another_matcher_does_what_a_killed_one_held(floor: Floor) -> None:
    with role(floor, "victim") as victim:
        held = await floor.freeze_holding(victim.process.pid, "-victim", BATCH)
        kill(victim.process.pid)
    heir = floor.engine.matcher("heir")
    await heir.run_once()
    assert (await floor.statuses())["pending"] > 0, "nothing depended on the entries that the victim held"
    assert await heir.claim(SHARD, 3_600_000) == 0, "what is not old enough was claimed"

    assert await heir.claim(SHARD, 0) == held
    assert_each_routed_once(await floor.tasks(), await floor.offers())
    assert await floor.held() == []


async def test_a_running_matcher_takes_over_from_a_killed_one_by_itself(floor: Floor) -> None:
    with role(floor, "victim") as victim:
        held = await floor.freeze_holding(victim.process.pid, "-victim", BATCH)
        with role(floor, "heir") as heir:
            kill(victim.process.pid)

            async def is_done() -> bool:
                return set(await floor.statuses()) == {"reserved"}

            await floor.until(is_done, "the other matcher to route every Task", TAKE_OVER_S)
            heir.line(rf"claimed {held} entries", TAKE_OVER_S)
    assert_each_routed_once(await floor.tasks(), await floor.offers())


async def test_a_matcher_that_stood_still_routes_nothing_twice_when_it_goes_on(floor: Floor) -> None:
    with role(floor, "victim") as victim:
        held = await floor.freeze_holding(victim.process.pid, "-victim", BATCH)
        heir = floor.engine.matcher("heir")
        await heir.run_once()
        assert await heir.claim(SHARD, 0) == held
        before = await floor.created_events()
        resume(victim.process.pid)
        victim.process.send_signal(signal.SIGTERM)  # it ends its round first
        assert victim.end() == 0
    assert await floor.created_events() == before == dict.fromkeys(floor.posted, 1)
    assert_each_routed_once(await floor.tasks(), await floor.offers())
