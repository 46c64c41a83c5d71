"""Rates are counted for each Account and second, over all processes together."""

import asyncio

from config_support import World, config_server, world

from engine.keys import rate_key
from engine.rates import KEPT_S, Rate, Rates

__all__ = ["config_server", "world"]

LISTS, ALL = Rate("lists", 3), Rate("all", 5)


def rates(world: World) -> Rates:
    """The rates of one more process."""
    return Rates(world.another_process().config, world.clock.now_ms)


async def test_so_many_requests_pass_in_a_second_and_the_next_one_begins_anew(world: World) -> None:
    mine = rates(world)
    counted = [await mine.count(world.account, [LISTS]) for _ in range(5)]
    assert [one.remaining for one in counted] == [2, 1, 0, 0, 0]
    assert [one.over for one in counted] == [False, False, False, True, True]
    world.clock.ms += 999
    assert (await mine.count(world.account, [LISTS])).over
    world.clock.ms += 1
    again = await mine.count(world.account, [LISTS])
    assert (again.remaining, again.over) == (2, False)


async def test_processes_count_together_and_accounts_apart(world: World) -> None:
    one, other = rates(world), rates(world)
    await asyncio.gather(*(process.count(world.account, [LISTS]) for process in (one, other, one)))
    assert (await other.count(world.account, [LISTS])).over
    assert not (await other.count("AC" + "f" * 32, [LISTS])).over


async def test_the_rate_that_has_least_left_is_the_one_told_of(world: World) -> None:
    mine = rates(world)
    told = [await mine.count(world.account, [ALL, LISTS]) for _ in range(4)]
    assert [(one.rate.name, one.remaining, one.over) for one in told] == [
        ("lists", 2, False),
        ("lists", 1, False),
        ("lists", 0, False),
        ("lists", 0, True),
    ]
    assert (await mine.count(world.account, [ALL])).remaining == 0
    both = await mine.count(world.account, [ALL, Rate("others", 9)])
    assert (both.rate.name, both.over) == ("all", True)


async def test_a_count_does_not_stay(world: World) -> None:
    await rates(world).count(world.account, [LISTS])
    left_s = await world.call("TTL", rate_key(world.account, "lists", world.clock.ms // 1000))
    assert 0 < left_s <= KEPT_S
