"""Random expressions, Workers and Tasks, from a vocabulary small enough that they meet."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from engine.rules import ChannelFacts, WorkerFacts
from engine.rules.tree import And, Compare, Lit, Node, Not, Operand, Or, Ref

# The machine may be busy with other work, so nothing here fails for being slow.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)

KEYS = ["a", "b", "level"]
TEXTS = ["", "x", "5", "5.0", "it's", "a5b17", "en-US", "\\", '"', "é\n", "WA1"]
NUMBERS: list[int | float] = [0, 1, 5, 5.0, 17, 0.5, -1.5, -0.0, 2**53, 1e22, 10**30, 50, 100]

scalars = st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.booleans(), st.none())
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)
    ),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from([*KEYS, "worker", "sid"]), json_values, max_size=4)
tasks: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(KEYS), json_values, max_size=3)

channel_facts = st.builds(
    ChannelFacts,
    configured_capacity=st.integers(0, 6) | st.just(50_000),
    assigned_tasks=st.integers(0, 6) | st.just(175),
    available_capacity_percentage=st.integers(0, 100),
)
workers = st.builds(
    WorkerFacts,
    sid=st.sampled_from(["WK1", "WK2", "5"]),
    friendly_name=st.sampled_from(["x", "it's", "5"]),
    activity_sid=st.sampled_from(["WA1", "WA2"]),
    activity_name=st.sampled_from(["x", "Idle"]),
    attributes=objects,
    channels=st.dictionaries(st.sampled_from(["voice", "chat"]), channel_facts, max_size=2),
)

_keys = st.sampled_from(KEYS)
_paths = st.one_of(
    st.tuples(_keys),
    st.tuples(_keys),
    st.tuples(_keys, st.one_of(_keys, st.integers(0, 2))),
)
_special = st.sampled_from(["sid", "friendly_name", "activity_sid", "activity_name"]).map(lambda key: (key,))
_channels = st.tuples(
    st.just("channel"),
    st.sampled_from(["voice", "chat", "fax"]),
    st.sampled_from(["configured_capacity", "assigned_tasks", "available_capacity_percentage"]),
)
_literals = st.one_of(scalars, st.lists(scalars, max_size=4).map(tuple)).map(Lit)
_attributes = st.builds(Ref, st.sampled_from(["worker", "worker_or_self"]), st.one_of(_paths, _special))
_loads = st.builds(Ref, st.just("worker"), _channels)
_of_tasks = st.builds(Ref, st.just("task"), _paths)
_operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "CONTAINS", "IN", "NOT IN"])


def trees(operands: st.SearchStrategy[Operand], leaves: int = 6) -> st.SearchStrategy[Node]:
    """Trees over these operands, as the parser makes them: AND and OR have two items or more."""

    def joined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(several.map(And), several.map(Or), inner.map(Not))

    return st.recursive(st.builds(Compare, _operators, operands, operands), joined, max_leaves=leaves)


target_trees = trees(st.one_of(_literals, _attributes))
load_trees = trees(st.one_of(_literals, _attributes, _loads))
step_trees = trees(
    st.one_of(_literals, _attributes.map(lambda ref: Ref("worker", ref.path)), _loads, _of_tasks)
)
