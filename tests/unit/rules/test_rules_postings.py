"""Workers by the values at a path: every operator on every type, and values that come and go."""

from typing import Any

import pytest

from engine.rules import ChannelFacts, Place, WorkerFacts, WorkerIndex, parse_expression, specialise


def worker(number: int, **attributes: Any) -> WorkerFacts:
    return WorkerFacts(
        f"WK{number}", f"w{number}", "WA1", "Idle", attributes, {"voice": ChannelFacts(1, 0, 100)}
    )


def sids(index: WorkerIndex, text: str) -> list[str]:
    condition = specialise(parse_expression(text, Place.TARGET_WORKERS), None, {})
    return sorted(w.sid for w in index.members(condition))


MIXED = [
    5,
    5.0,
    "5",
    "5.0",
    True,
    None,
    ["5"],
    [5, 5],
    [True],
    [None],
    {"a": 1},
    "",
    "x",
    17,
    -1.5,
    [],
    [[5]],
]


@pytest.mark.parametrize("constant", ["5", "'5'", "'5.0'", "true", "null", "''", "'x'", "-1.5", "17"])
@pytest.mark.parametrize(
    "op", ["==", "!=", "<", "<=", ">", ">=", "CONTAINS", "HAS", "IN", "NOT IN", "has not"]
)
def test_postings_of_every_operator_and_type(op: str, constant: str) -> None:
    texts = {
        "IN": f"v IN [{constant}, 17, 'y']",
        "NOT IN": f"v NOT IN [{constant}, 17, 'y']",
        "has not": f"{constant} NOT IN v",
    }
    text = texts.get(op, f"v {op} {constant}")
    index = WorkerIndex(few=0)
    for number, value in enumerate(MIXED):
        index.put(worker(number, v="soon replaced"))
        index.put(worker(number, v=value))
    index.put(worker(len(MIXED)))
    for asked in (text, f"NOT ({text})"):
        expression = parse_expression(asked, Place.TARGET_WORKERS)
        expected = [i for i in range(len(MIXED) + 1) if expression.matches_worker(index.get(f"WK{i}"))]  # type: ignore[arg-type]
        assert sids(index, asked) == sorted(f"WK{i}" for i in expected)


def test_postings_follow_changes_and_removals() -> None:
    index = WorkerIndex(few=0)
    for number in range(4):
        index.put(worker(number, level=number, skills=["a", "a"] if number % 2 else ["b"]))
    assert sids(index, "level > 1") == ["WK2", "WK3"]
    assert sids(index, "skills HAS 'a'") == ["WK1", "WK3"]
    index.put(worker(1, level=9, skills=["b"]))
    index.remove("WK3")
    index.remove("WK3")
    index.put(worker(7, level=2, skills=["a"]))
    assert sids(index, "level > 1") == ["WK1", "WK2", "WK7"]
    assert sids(index, "skills HAS 'a'") == ["WK7"]
    assert sids(index, "1 == 1") == ["WK0", "WK1", "WK2", "WK7"]
    assert index.get("WK3") is None


def test_values_of_one_worker_and_of_several_come_and_go_alike() -> None:
    index = WorkerIndex(few=0)
    for number, name in enumerate(["a", "b", "b", "5", "5.0", "5"]):
        index.put(worker(number, v=name, w=[name, name]))
    asked = [
        "v == 'a'",
        "v == 'b'",
        "v == 5",
        "v >= 'b'",
        "v CONTAINS '5'",
        "w HAS 'a'",
        "w HAS 'b'",
        "w HAS 5",
    ]
    before = [["WK0"], ["WK1", "WK2"], ["WK3", "WK4", "WK5"], ["WK1", "WK2"], ["WK3", "WK4", "WK5"]]
    assert [sids(index, text) for text in asked] == [*before, *before[:3]]
    for number, name in enumerate(["b", "a", "b", "5.0", "5", "x"]):
        index.put(worker(number, v=name, w=[name, name]))
    after = [["WK1"], ["WK0", "WK2"], ["WK3", "WK4"], ["WK0", "WK2", "WK5"], ["WK3", "WK4"]]
    assert [sids(index, text) for text in asked] == [*after, *after[:3]]
    for number in range(6):
        index.remove(f"WK{number}")
    assert [sids(index, text) for text in asked] == [[]] * 8


def test_ranges_follow_values_that_come_and_go_after_the_first_question() -> None:
    index = WorkerIndex(few=0)
    for number in (5, 1, 9):
        index.put(worker(number, level=number))
    assert sids(index, "level < 6") == ["WK1", "WK5"]
    for number in (3, 0, 7):
        index.put(worker(number, level=number))
    index.remove("WK1")
    assert sids(index, "level < 6") == ["WK0", "WK3", "WK5"]
    assert sids(index, "level >= 3") == ["WK3", "WK5", "WK7", "WK9"]
    assert sids(index, "level <= 3") == ["WK0", "WK3"]
    assert sids(index, "level > 7") == ["WK9"]
