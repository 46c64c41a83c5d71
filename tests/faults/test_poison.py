"""An inbox entry that no matcher can do is set aside after MAX_DELIVERIES, and stops none of the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from engine.errors import Unavailable
from engine.matcher import GROUP, MAX_DELIVERIES, Matcher
from engine.matching import Matching
from engine.redis import EmbeddedServer, Pipeline, RedisURL
from engine.scripts import Scripts
from tests.faults.floor import SHARD


class Touchy(Matching):
    """Does every entry by noting it, but fails at those that name an error."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()

    async def do(self, kind: str, shard: int, number: int, fields: Mapping[str, str]) -> None:
        self.tries[fields["t"]] += 1
        if fields["t"] == "bug":
            raise ValueError("a mistake of ours")
        if fields["t"] == "busy":
            raise Unavailable("it changes faster than it can be routed", outcome_unknown=False)


@pytest.fixture
async def pipeline(tmp_path: Path) -> AsyncIterator[Pipeline]:
    with EmbeddedServer(tmp_path / "data", durability="everysec") as server:
        async with Pipeline(RedisURL.parse(server.url)) as opened:
            yield opened


async def put(pipeline: Pipeline, *names: str) -> None:
    for name in names:
        await pipeline.call("XADD", SHARD.inbox, "*", "k", "route", "w", 1, "t", name)


async def test_an_entry_that_always_fails_is_set_aside_and_the_others_are_done(pipeline: Pipeline) -> None:
    poison = "bug"
    matching = Touchy()
    matcher = Matcher(matching, pipeline, Scripts(pipeline), name="one")
    await matcher.start()
    await put(pipeline, "before", poison, "after")
    await matcher.run_once()
    assert matching.tries == {"before": 1, poison: 1, "after": 1}
    for tries in range(2, MAX_DELIVERIES + 1):
        await put(pipeline, f"beside-{tries}")
        await matcher.run_once()
        assert await matcher.claim(SHARD, 0) == 1
        assert matching.tries[poison] == tries
        assert await pipeline.call("XLEN", SHARD.dead) == 0

    assert await matcher.claim(SHARD, 0) == 0
    assert matching.tries[poison] == MAX_DELIVERIES
    assert [fields for _, fields in await pipeline.call("XRANGE", SHARD.dead, "-", "+")] == [
        [b"k", b"route", b"w", b"1", b"t", poison.encode()]
    ]
    assert (await pipeline.call("XPENDING", SHARD.inbox, GROUP))[0] == 0
    assert await pipeline.call("XLEN", SHARD.inbox) == 0
    others = {name: count for name, count in matching.tries.items() if name != poison}
    assert set(others.values()) == {1}
    assert len(others) == matcher.handled == 2 + MAX_DELIVERIES - 1


async def test_other_entries_of_the_same_claim_are_done_beside_a_poisoned_one(pipeline: Pipeline) -> None:
    matching = Touchy()
    await Matcher(matching, pipeline, Scripts(pipeline), name="dead").start()
    await put(pipeline, "left", "bug", "behind")
    await pipeline.call("XREADGROUP", "GROUP", GROUP, "dead", "COUNT", 3, "STREAMS", SHARD.inbox, ">")
    heir = Matcher(matching, pipeline, Scripts(pipeline), name="heir")
    assert await heir.claim(SHARD, 0) == 3
    assert matching.tries == {"left": 1, "bug": 1, "behind": 1}
    assert (await pipeline.call("XPENDING", SHARD.inbox, GROUP))[0] == 1


async def test_an_entry_is_not_set_aside_for_a_server_that_could_not_be_asked(pipeline: Pipeline) -> None:
    matching = Touchy()
    matcher = Matcher(matching, pipeline, Scripts(pipeline), name="one")
    await matcher.start()
    await put(pipeline, "busy")
    await matcher.run_once()
    for _ in range(2 * MAX_DELIVERIES):
        assert await matcher.claim(SHARD, 0) == 1
    assert matching.tries == {"busy": 1 + 2 * MAX_DELIVERIES}
    assert await pipeline.call("XLEN", SHARD.dead) == 0


async def test_slow_work_is_neither_begun_twice_nor_counted_as_failed(pipeline: Pipeline) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    class Slow(Touchy):
        async def do(self, kind: str, shard: int, number: int, fields: Mapping[str, str]) -> None:
            await super().do(kind, shard, number, fields)
            begun.set()
            await finish.wait()

    matching = Slow()
    matcher = Matcher(matching, pipeline, Scripts(pipeline), name="one")
    await matcher.start()
    await put(pipeline, "slow")
    async with asyncio.TaskGroup() as group:
        group.create_task(matcher.run_once())
        await begun.wait()
        for _ in range(2 * MAX_DELIVERIES):
            assert await matcher.claim(SHARD, 0) == 0
        finish.set()
    assert matching.tries == {"slow": 1}
    assert matcher.handled == 1
    assert await pipeline.call("XLEN", SHARD.dead) == 0
