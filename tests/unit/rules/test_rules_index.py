"""The indexes answer what asking every Worker, or every condition, would."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rule_strategies import CALM, load_trees, objects, workers

from engine.rules import (
    ChannelFacts,
    Condition,
    ConditionIndex,
    Place,
    WorkerFacts,
    WorkerIndex,
    parse_expression,
    specialise,
)
from engine.rules.canonical import canonical
from engine.rules.compile import Scope
from engine.rules.condition_index import _Entry

conditions = load_trees.map(canonical).map(Condition)


def worker(number: int, **attributes: Any) -> WorkerFacts:
    return WorkerFacts(
        f"WK{number}", f"w{number}", "WA1", "Idle", attributes, {"voice": ChannelFacts(1, 0, 100)}
    )


def condition(text: str) -> Condition:
    return specialise(parse_expression(text, Place.TARGET_WORKERS), None, {})


def sids(index: WorkerIndex, text: str) -> list[str]:
    return sorted(w.sid for w in index.members(condition(text)))


class IndexMachine(RuleBasedStateMachine):
    """Puts and removes at random, with few postings allowed; both indexes against the plain scan."""

    @initialize(asked=st.lists(conditions, min_size=1, max_size=5), few=st.sampled_from([0, 2]))
    def start(self, asked: list[Condition], few: int) -> None:
        self.workers: dict[str, WorkerFacts] = {}
        self.pools: dict[str, Condition] = {}
        self.index = WorkerIndex(references=3, few=few)
        self.conditions = ConditionIndex()
        self.asked = [*asked, condition("friendly_name IN ['x', '5']"), condition("sid == 'WK1'")]

    @rule(w=workers, sid=st.sampled_from([f"WK{i}" for i in range(5)]))
    def put(self, w: WorkerFacts, sid: str) -> None:
        w.sid = sid
        self.workers[sid] = w
        self.index.put(w)

    @rule(sid=st.sampled_from([f"WK{i}" for i in range(5)]), attributes=objects)
    def change(self, sid: str, attributes: dict[str, Any]) -> None:
        if sid in self.workers:
            old = self.workers[sid]
            new = WorkerFacts(sid, old.friendly_name, "WA2", old.activity_name, attributes, old.channels)
            self.workers[sid] = new
            self.index.put(new)

    @rule(sid=st.sampled_from([f"WK{i}" for i in range(5)]), name=st.sampled_from(["x", "it's", "5", "5.0"]))
    def rename(self, sid: str, name: str) -> None:
        if sid in self.workers:
            old = self.workers[sid]
            new = WorkerFacts(sid, name, old.activity_sid, old.activity_name, old.attributes, old.channels)
            self.workers[sid] = new
            self.index.put(new)

    @rule(sid=st.sampled_from([f"WK{i}" for i in range(5)]))
    def remove(self, sid: str) -> None:
        self.workers.pop(sid, None)
        self.index.remove(sid)

    @rule(pool=st.sampled_from("abcdef"), c=conditions)
    def put_pool(self, pool: str, c: Condition) -> None:
        self.pools[pool] = c
        self.conditions.put(pool, c)

    @rule(pool=st.sampled_from("abcdef"))
    def remove_pool(self, pool: str) -> None:
        self.pools.pop(pool, None)
        self.conditions.remove(pool)

    @invariant()
    def members_are_those_a_scan_finds(self) -> None:
        assert len(self.index) == len(self.workers)
        for c in self.asked:
            found = [w.sid for w in self.index.members(c)]
            assert sorted(found) == sorted(
                sid for sid, w in self.workers.items() if c.residual(w) is not None
            ), c

    @invariant()
    def pools_are_those_a_scan_finds(self) -> None:
        assert len(self.conditions) == len(self.pools)
        for w in self.workers.values():
            expected = sorted(pool for pool, c in self.pools.items() if c.residual(w) is not None)
            assert sorted(self.conditions.matching(w)) == expected

    @invariant()
    def workers_are_kept_as_put(self) -> None:
        for i in range(5):
            assert self.index.get(f"WK{i}") is self.workers.get(f"WK{i}")


TestIndexes = IndexMachine.TestCase
TestIndexes.settings = settings(CALM, max_examples=25, stateful_step_count=15)


@given(st.lists(workers, min_size=1, max_size=12), st.lists(conditions, min_size=1, max_size=6))
@CALM
def test_members_and_matching_agree_with_evaluation(facts: list[WorkerFacts], asked: list[Condition]) -> None:
    index, pools = WorkerIndex(few=0), ConditionIndex()
    for number, w in enumerate(facts):
        w.sid = f"WK{number}"
        index.put(w)
    for number, c in enumerate(asked):
        pools.put(str(number), c)
        assert {w.sid for w in index.members(c)} == {w.sid for w in facts if c.residual(w) is not None}
    for w in facts:
        assert sorted(pools.matching(w)) == [str(n) for n, c in enumerate(asked) if c.residual(w) is not None]


def test_members_include_those_who_match_under_another_load() -> None:
    index = WorkerIndex()
    index.put(worker(1, level=1))
    busy = worker(2, level=5)
    busy.channels = {"voice": ChannelFacts(1, 1, 0)}
    index.put(busy)
    without = worker(3, level=5)
    without.channels = {}
    index.put(without)
    step = parse_expression("worker.channel.voice.assigned_tasks == 0 AND worker.level > 2", Place.STEP)
    c = specialise(parse_expression("1 == 1", Place.TARGET_WORKERS), step, {})
    assert [w.sid for w in index.members(c)] == ["WK2"]
    pools = ConditionIndex()
    pools.put("p", c)
    assert pools.matching(busy) == ["p"]
    assert pools.matching(without) == []


def test_pools_of_one_condition_are_found_together_and_removed_apart() -> None:
    pools = ConditionIndex()
    c = condition("skills HAS 'x' AND level > 3")
    pools.put("p", c)
    pools.put("q", condition("level > 3.0 AND 'x' IN skills"))
    w = worker(1, skills=["x"], level=4)
    assert sorted(pools.matching(w)) == ["p", "q"]
    pools.remove("p")
    pools.remove("p")
    assert pools.matching(w) == ["q"]
    pools.put("q", condition("skills HAS 'y'"))
    assert pools.matching(w) == []
    pools.remove("q")
    assert len(pools) == 0
    assert not pools._shelves  # nothing is left behind by what has gone


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("v == 6", ["6", 6.0, "6.0"], [True, "x", None, ["6"]]),
        ("v == '6'", ["6", 6, 6.0], ["6.0", ["6"]]),
        ("v == true", [True], [1, "true", [True]]),
        ("v == null", [None], [0, "", [None]]),
        ("v IN [1, 'x', null]", [1, "1", "x", None], [True, "y", ["x"]]),
        ("v HAS 6", [["6.0"], ["a", 6]], [6, ["a"], [[6]], [True]]),
        ("v HAS '6'", [[6], ["6"]], ["6", ["6.0"]]),
        ("v HAS null", [[None]], [None, []]),
        ("v == 'a' OR v HAS 'b'", ["a", ["b"]], ["b", ["a"]]),
        ("v == 'a' OR v > 5", ["a", 6], ["b", 5]),
        ("v == 'a' AND w == 'x'", [], ["a"]),
        ("(v == 'a' AND w == 'x') OR u == 'z'", [], ["a"]),
        ("(v == 'a' OR w == 'x') AND u == null", ["a"], ["b"]),
        ("v == '5' AND v != 5", [], [5, "5", "5.0"]),
        ("NOT v == 'a'", ["b", None, ["a"]], ["a"]),
    ],
)
def test_condition_is_found_by_every_spelling_of_its_value(
    text: str, matching: list[Any], other: list[Any]
) -> None:
    pools = ConditionIndex()
    pools.put("p", condition(text))
    assert [value for value in matching + other if pools.matching(worker(1, v=value))] == matching


def test_changed_worker_asks_only_the_conditions_it_could_satisfy(monkeypatch: pytest.MonkeyPatch) -> None:
    pools = ConditionIndex()
    for number in range(1_000):
        pools.put(
            f"p{number}",
            condition(f"all == true AND skill == 's{number % 100}' AND level > {number // 100}"),
        )
    asked: list[str] = []
    original = _Entry.may_hold

    def counting(self: _Entry, scope: Scope) -> bool:
        asked.append(self.condition.key)
        return original(self, scope)

    monkeypatch.setattr(_Entry, "may_hold", counting)
    w = worker(1, all=True, skill="s5", level=5)
    assert len(pools.matching(w)) == 5
    assert len(asked) < 20  # 10 have the skill; a few were filed under `all` while that shelf was empty


def test_worker_index_looks_values_up_instead_of_evaluating(monkeypatch: pytest.MonkeyPatch) -> None:
    index = WorkerIndex(few=0)
    for number in range(200):
        index.put(worker(number, skills=[f"s{number % 10}"], level=number // 20, other=number))
    evaluated: list[Scope] = []

    def counting(s: Scope) -> bool:
        evaluated.append(s)
        return True

    monkeypatch.setattr("engine.rules.index.compile_node", lambda node: counting)
    found = index.members(condition("skills HAS 's1' AND level > 5 AND (level < 8 OR NOT level == 1)"))
    assert (len(found), evaluated) == (8, [])
    assert len(index.members(condition("skills HAS 's1' AND level == 5 AND other == level"))) == 2
    assert len(evaluated) == 2  # a comparison of two attributes has no postings, and is left for last
