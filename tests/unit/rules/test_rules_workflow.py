"""Workflow documents: what a good one becomes, and where a bad one is refused."""

import json
from typing import Any

import pytest
from rule_cases import TICKET

from engine.rules import Place, RuleError, Workflow, parse_workflow, task_value

QUEUES = {"WQ1", "WQ2", "WQ3"}
MISSING = object()  # put into `changed`, takes the key away


def parsed(document: Any) -> Workflow:
    text = document if isinstance(document, str) else json.dumps(document)
    return parse_workflow(text, queue_exists=QUEUES.__contains__)


def routing(*targets: Any, expression: Any = "type == 'ticket'", **more: Any) -> dict[str, Any]:
    return {"task_routing": {"filters": [{"expression": expression, "targets": list(targets), **more}]}}


def changed(**keys: Any) -> dict[str, Any]:
    """A document whose only target is a good one but for these keys."""
    target = {"queue": "WQ1", "timeout": 30, **keys}
    return routing({key: value for key, value in target.items() if value is not MISSING})


FULL = {
    "task_routing": {
        "filters": [
            {
                "filter_friendly_name": "Gold",
                "expression": "customer_value == 'Gold'",
                "colour": "ignored",
                "targets": [
                    {
                        "queue": "WQ1",
                        "expression": "worker.level > task.skill",
                        "priority": "10",
                        "timeout": 30,
                        "order_by": "worker.level DESC",
                        "skip_if": "workers.available == 0",
                        "known_worker_sid": "task.agent_sid",
                    },
                    {"timeout": "20", "priority": None, "known_worker_friendly_name": "task.a.b[1]"},
                    {"queue": "WQ2"},
                ],
            },
            {"friendly_name": "Rest", "expression": "1 == 1", "targets": [{"queue": "WQ1"}]},
        ],
        "default_filter": {"queue": "WQ3", "priority": 0, "timeout": None, "skip_if": "1 == 1"},
    },
    "version": 3,
}


def test_every_key_of_a_full_document_arrives() -> None:
    workflow = parsed(FULL)
    first, second = workflow.filters
    assert (first.friendly_name, second.friendly_name) == ("Gold", "Rest")
    assert first.expression.place is Place.TASK_FILTER
    gold, later, last = first.steps
    assert (gold.queue, gold.priority, gold.timeout, gold.known_worker_sid) == ("WQ1", 10, 30, "agent_sid")
    assert gold.expression is not None
    assert (gold.expression.text, gold.expression.place) == ("worker.level > task.skill", Place.STEP)
    assert gold.order_by is not None
    assert gold.order_by.key == "worker.level DESC"
    assert gold.skip_if is not None
    assert gold.skip_if.matches_counts({"available": 0})
    assert gold.known_worker_friendly_name is None
    assert workflow.default is not None
    assert (workflow.default.queue, workflow.default.priority, workflow.default.timeout) == ("WQ3", 0, None)
    assert workflow.queues == QUEUES
    assert workflow.refers_to("WQ3")
    assert not workflow.refers_to("WQ4")
    assert (last.queue, last.timeout) == ("WQ2", None)
    assert (later.known_worker_sid, later.known_worker_friendly_name) == (None, "a.b[1]")


def test_later_step_inherits_the_queue_and_nothing_else() -> None:
    later = parsed(FULL).filters[0].steps[1]
    assert (later.queue, later.timeout) == ("WQ1", 20)
    assert (later.expression, later.priority, later.order_by, later.skip_if) == (None, None, None, None)


def test_first_matching_filter_is_found_from_a_start() -> None:
    workflow = parsed(FULL)
    assert workflow.match(TICKET) == 0
    assert workflow.match(TICKET, 1) == 1
    assert workflow.match(TICKET, 2) is None
    assert workflow.match({}) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [("agent_sid", "WKa"), ("object.array[2]", "c"), ("gone", None), ("type.x", None), ("in", None)],
)
def test_known_worker_reference_is_read_from_the_task(path: str, value: Any) -> None:
    assert task_value(path, TICKET) == value


TIMED = [
    ([10, 10, 10], [10, 20, 30]),
    ([10, MISSING, 5], [10, None, 15]),
    ([MISSING, "5"], [None, 5]),
    ([2147483647, 2147483647], [2147483647, 4294967294]),
    ([MISSING], [None]),
]


@pytest.mark.parametrize(("timeouts", "deadlines"), TIMED)
def test_deadline_of_a_step_is_the_sum_so_far(timeouts: list[Any], deadlines: list[int | None]) -> None:
    """Semantics 6.5: cumulative, a step without a timeout adds nothing and has no deadline."""
    targets = [{"queue": "WQ1"} | ({} if t is MISSING else {"timeout": t}) for t in timeouts]
    document = routing({"queue": "WQ1", "timeout": 99})
    document["task_routing"]["filters"] += routing(*targets)["task_routing"]["filters"]
    workflow = parsed(document)
    assert [workflow.deadline_s(1, index) for index in range(len(targets))] == deadlines
    assert workflow.deadline_s(0, 0) == 99


def test_default_filter_has_no_deadline() -> None:
    assert parsed(FULL).deadline_s(-1, 0) is None


def test_queue_is_asked_for_once() -> None:
    asked: list[str] = []
    document = json.dumps(routing(*[{"queue": "WQ1"}] * 5))
    parse_workflow(document, queue_exists=lambda queue: not asked.append(queue))  # type: ignore[func-returns-value]
    assert asked == ["WQ1"]


GOOD = [
    ("default only", {"task_routing": {"default_filter": {"queue": "WQ1"}}}),
    ("no filters, no default but the key", {"task_routing": {"filters": []}}),
    ("null is absent", {"task_routing": {"filters": None, "default_filter": {"queue": "WQ1"}}}),
    ("null known worker", changed(known_worker_sid=None, known_worker_friendly_name="task.a")),
    ("greatest priority", changed(priority=2147483647)),
    ("least priority", changed(priority="0")),
    ("least timeout", changed(timeout=1)),
    ("no timeout", changed(timeout=MISSING)),
    ("hyphen in a string", changed(expression="worker.language == 'en-US'")),
    ("unknown keys", changed(max_wait=5, x={"queue": [[[]]]})),
]


@pytest.mark.parametrize("document", [d for _, d in GOOD], ids=[name for name, _ in GOOD])
def test_good_document_is_accepted(document: Any) -> None:
    parsed(document)


TARGET = "task_routing.filters[0].targets[0]"
KNOWN = f"{TARGET}.known_worker_sid"
BAD: list[tuple[str, Any, str | None, str]] = [
    ("not JSON", "{", None, "not JSON"),
    ("empty", "", None, "not JSON"),
    ("NaN", '{"task_routing": NaN}', None, "not JSON"),
    ("infinite", '{"task_routing": -Infinity}', None, "not JSON"),
    ("number of many digits", '{"a": ' + "1" * 5000 + "}", None, "not JSON"),
    ("lone surrogate", '{"a": "\ud800"}', None, "surrogate"),
    ("an array", "[]", None, "expected an object, found an array"),
    ("null", "null", None, "expected an object, found null"),
    ("no wrapper", {"filters": []}, "task_routing", "expected an object under the key"),
    ("wrapper of another type", {"task_routing": []}, "task_routing", "expected an object, found an array"),
    ("nothing to route by", {"task_routing": {}}, "task_routing", "expected filters or default_filter"),
    ("filters an object", {"task_routing": {"filters": {}}}, "task_routing.filters", "expected an array"),
    ("filter a text", {"task_routing": {"filters": ["x"]}}, "task_routing.filters[0]", "found a string"),
    ("filter name a number", routing({"queue": "WQ1"}, filter_friendly_name=1),
     "task_routing.filters[0].filter_friendly_name", "expected a string, found a number"),
    ("no filter expression", {"task_routing": {"filters": [{"targets": [{"queue": "WQ1"}]}]}},
     "task_routing.filters[0].expression", "expected a string under the key"),
    ("null filter expression", routing({"queue": "WQ1"}, expression=None),
     "task_routing.filters[0].expression", "found null"),
    ("empty filter expression", routing({"queue": "WQ1"}, expression=""),
     "task_routing.filters[0].expression", "found the end"),
    ("bad filter expression", routing({"queue": "WQ1"}, expression="a-b == 1"),
     "task_routing.filters[0].expression", "position 1: a hyphen"),
    ("no targets", {"task_routing": {"filters": [{"expression": "1==1"}]}},
     "task_routing.filters[0].targets", "expected an array under the key"),
    ("empty targets", routing(), "task_routing.filters[0].targets", "at least one target"),
    ("target null", routing(None), TARGET, "expected an object, found null"),
    ("no queue in the first step", changed(queue=MISSING), f"{TARGET}.queue", "expected the SID"),
    ("null queue in the first step", changed(queue=None), f"{TARGET}.queue", "expected the SID"),
    ("queue a number", changed(queue=1), f"{TARGET}.queue", "expected a string, found a number"),
    ("unknown queue", changed(queue="WQ9"), f"{TARGET}.queue", "no TaskQueue 'WQ9'"),
    ("unknown queue later", routing({"queue": "WQ1"}, {"queue": "WQ9"}),
     "task_routing.filters[0].targets[1].queue", "no TaskQueue 'WQ9'"),
    ("bad step expression", changed(expression="worker.a"), f"{TARGET}.expression", "position 8: expected"),
    ("bad skip_if", changed(skip_if="workers.available"), f"{TARGET}.skip_if", "position 17"),
    ("skip_if a boolean", changed(skip_if=True), f"{TARGET}.skip_if", "expected a string, found a boolean"),
    ("bad order", changed(order_by="worker.a DESC, b"), f"{TARGET}.order_by", "position 15"),
    ("negative timeout", changed(timeout=-1), f"{TARGET}.timeout", "from 1 to 2147483647"),
    ("no time at all", changed(timeout=0), f"{TARGET}.timeout", "from 1"),
    ("no time at all in text", changed(timeout="0"), f"{TARGET}.timeout", "from 1"),
    ("half a second", changed(timeout=0.5), f"{TARGET}.timeout", "from 1"),
    ("whole float", changed(timeout=30.0), f"{TARGET}.timeout", "from 1"),
    ("timeout true", changed(timeout=True), f"{TARGET}.timeout", "from 1"),
    ("timeout in words", changed(timeout="30s"), f"{TARGET}.timeout", "from 1"),
    ("timeout in foreign digits", changed(timeout="٣"), f"{TARGET}.timeout", "from 1"),
    ("endless timeout", changed(timeout=2147483648), f"{TARGET}.timeout", "from 1"),
    ("negative priority", changed(priority=-1), f"{TARGET}.priority", "from 0 to 2147483647"),
    ("priority too high", changed(priority="2147483648"), f"{TARGET}.priority", "from 0"),
    ("priority an array", changed(priority=[1]), f"{TARGET}.priority", "from 0"),
    ("both known workers", changed(known_worker_sid="task.a", known_worker_friendly_name="task.b"),
     TARGET, "not both"),
    ("known worker a constant", changed(known_worker_sid="WK1"), KNOWN, "task.<attribute>"),
    ("known worker of a worker", changed(known_worker_sid="worker.a"), KNOWN, "'worker.a'"),
    ("known worker with more", changed(known_worker_sid="task.a == 1"), KNOWN, "task.<a"),
    ("known worker is the task", changed(known_worker_sid="task"), KNOWN, "task.<a"),
    ("default without a queue", {"task_routing": {"default_filter": {}}},
     "task_routing.default_filter.queue", "expected the SID"),
    ("default with a timeout", {"task_routing": {"default_filter": {"queue": "WQ1", "timeout": 5}}},
     "task_routing.default_filter.timeout", "no timeout"),
    ("default an array", {"task_routing": {"default_filter": [{"queue": "WQ1"}]}},
     "task_routing.default_filter", "expected an object"),
    ("a key twice", '{"task_routing": {"default_filter": {"queue": "WQ1", "a": 1, "queue": "WQ2"}}}',
     "task_routing.default_filter", "the key 'queue' is there twice"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "path", "message"), [row[1:] for row in BAD], ids=[name for name, *_ in BAD]
)
def test_bad_document_is_refused_with_its_path(document: Any, path: str | None, message: str) -> None:
    with pytest.raises(RuleError) as refusal:
        parsed(document)
    assert refusal.value.path == path
    assert message in str(refusal.value)
    assert str(refusal.value).startswith(path or "")


def test_error_line_has_path_position_and_expectation() -> None:
    with pytest.raises(RuleError) as refusal:
        parsed(routing({"queue": "WQ1"}, {"expression": "worker.level >"}))
    assert str(refusal.value) == (
        "task_routing.filters[0].targets[1].expression: position 14: "
        "expected a value or an attribute, found the end"
    )
