"""Reads the tables of this folder: one case a line, `name | context | expression | result`."""

from pathlib import Path
from typing import Any, NamedTuple

from engine.rules import ChannelFacts, Expression, Place, WorkerFacts, parse_expression

HERE = Path(__file__).parent

ALICE = WorkerFacts(
    sid="WKa",
    friendly_name="alice",
    activity_sid="WA1",
    activity_name="Available",
    attributes={
        "skills": ["support", "sales"],
        "languages": ["english"],
        "level": 7,
        "rating": 5.5,
        "tier": "Gold",
        "vip": True,
        "address": {"city": "Lyon", "zips": ["69001", "69002"]},
        "note": None,
        "code": "6",
        "agent_id": "agent01",
        "contact_uri": "client:alice",
    },
    channels={"voice": ChannelFacts(1, 0, 100), "chat": ChannelFacts(4, 2, 50)},
)
TICKET: dict[str, Any] = {
    "type": "ticket",
    "customer_value": "Gold",
    "language": "en",
    "preferred_agents": ["agent01", "agent04"],
    "object": {"array": ["a", "b", "c"], "attr": "bar"},
    "string_const": "foo",
    "skill": 5.1,
    "manual": 1,
    "ok": True,
    "agent_sid": "WKa",
    "required_language": "english",
    "n_text": "10",
}
TYPES: dict[str, Any] = {
    "text": "abc",
    "digits": "10",
    "exponent": "1e5",
    "blank": " 5",
    "empty": "",
    "one": 1,
    "whole": 5.0,
    "half": 0.5,
    "below": -1.5,
    "digit_run": 1234,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": ["a", "b"],
    "mixed": ["10", 7, True, None],
    "nested": [["a"], {"a": 1}],
    "object": {"a": 1},
    "quote": 'it\'s "\\"',
    "language": "en-US",
    "sid": "attribute",
    "channel": "own",
}
EVERY_TYPE = WorkerFacts("WKx", "xenia", "WA2", "Idle", TYPES, {"voice": ChannelFacts(1, 1, 0)})
SHADOWED = WorkerFacts("WKs", "sam", "WA2", "Idle", {"worker": {"text": "inner"}, "outer": 1})
COUNTS = {"available": 3, "unavailable": 2, "WA9": 1}

PLACES = {
    "W": Place.TARGET_WORKERS,
    "X": Place.TARGET_WORKERS,
    "S": Place.TARGET_WORKERS,
    "L": Place.WORKER_LIST,
    "T": Place.TASK_FILTER,
    "TW": Place.STEP,
    "Q": Place.SKIP_IF,
}
WORKERS = {"W": ALICE, "L": ALICE, "X": EVERY_TYPE, "S": SHADOWED}


class Case(NamedTuple):
    name: str
    context: str
    text: str
    result: str

    def parse(self) -> Expression:
        return parse_expression(self.text, PLACES[self.context])

    def holds(self) -> bool:
        expression = self.parse()
        if self.context in WORKERS:
            return expression.matches_worker(WORKERS[self.context])
        if self.context == "T":
            return expression.matches_task(TICKET)
        if self.context == "TW":
            return expression.matches_pair(TICKET, ALICE)
        return expression.matches_counts(COUNTS)


def read_cases(name: str) -> list[Case]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [Case(*line.split(" | ", 3)) for line in lines if line and not line.startswith("#")]
