"""One Idempotency-Key, one effect, one answer, for 24 h; on the server and on fakeredis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from msgspec.structs import replace

from engine.errors import Invalid, KeyReused, NotFound, Vanished
from engine.idempotency import KEPT_MS, once
from engine.model import Found
from engine.new_task import NewTask
from engine.router import Engine
from tests.redis.fake_lab import FakeLab
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.registry import one_queue

DAY: Final = KEPT_MS
DOCUMENT: Final = '{"task_routing": {"filters": []}}'
# What is created, in which * stands for a name of the test's own; and what is different in another content.
KINDS: Final[Mapping[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "workspaces": ({"friendly_name": "*"}, {"events_filter": "task.created"}),
    "activities": ({"friendly_name": "*", "available": True}, {"available": False}),
    "task_channels": ({"friendly_name": "F", "unique_name": "*"}, {"friendly_name": "G"}),
    "task_queues": ({"friendly_name": "*"}, {"target_workers": "1 == 2"}),
    "workflows": ({"friendly_name": "*", "configuration": DOCUMENT}, {"configuration": DOCUMENT + " "}),
    "workers": ({"friendly_name": "*"}, {"attributes": '{"level": 1}'}),
    "tasks": ({"attributes": '{"n": "*"}', "priority": 5}, {"priority": 6}),
}
UNIQUE: Final = {"task_channels", "workers"}  # a second one of the same content is refused for its name
kinds = pytest.mark.parametrize("kind", list(KINDS))


@pytest.fixture(scope="module", params=["server", "fakeredis"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with FakeLab() if request.param == "fakeredis" else Lab(tmp_path_factory.mktemp("once")) as opened:
        yield opened


class Desk:
    """One Workspace, and creations in it; each test has a name of its own, which is its key too."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.driver = lab, EngineDriver(lab, one_queue())
        self.account, self.workspace = lab.account, self.driver.workspace
        self.flow = self.driver.names.workflows["main"]
        self.name = "n0"

    def place(self, kind: str) -> tuple[str, ...]:
        return (self.account,) if kind == "workspaces" else (self.account, self.workspace)

    def content(self, kind: str, **changed: Any) -> dict[str, Any]:
        usual = {
            name: value.replace("*", self.name) if isinstance(value, str) else value
            for name, value in KINDS[kind][0].items()
        }
        if kind == "tasks":
            usual["workflow_sid"] = self.flow
        return {**usual, **changed}

    def create(self, kind: str, key: str | None = "", **changed: Any) -> Found[Any]:
        """With the test's own key, unless there is another one or none."""
        return self.lab.run(self.creating(self.lab.engine, kind, key, **changed))

    async def creating(self, engine: Engine, kind: str, key: str | None = "", **changed: Any) -> Found[Any]:
        found: Found[Any] = await getattr(engine, kind).create(
            *self.place(kind),
            **self.content(kind, **changed),
            idempotency_key=self.name if key == "" else key,
        )
        return found

    def there(self, kind: str) -> list[str]:
        """The SIDs of this kind that exist."""
        listed = self.lab.run(getattr(self.lab.engine, kind).list(*self.place(kind), limit=1000))
        items = listed.items if kind == "workspaces" else listed.value.items
        return [item.value.sid if kind == "workspaces" else item.sid for item in items]

    def delete(self, kind: str, sid: str) -> None:
        at = (self.account,) if kind == "workspaces" else self.place(kind)
        self.lab.run(getattr(self.lab.engine, kind).delete(*at, sid))

    def call(self, *command: str | int) -> Any:
        return self.lab.run(self.lab.pipeline.call(*command))

    def events(self) -> int:
        return int(self.call("XLEN", self.driver.shard_keys.events))


@pytest.fixture(scope="module")
def standing(lab: Lab) -> Desk:
    return Desk(lab)


@pytest.fixture
def desk(standing: Desk) -> Desk:
    standing.name = f"n{int(standing.name[1:]) + 1}"
    return standing


@pytest.fixture(scope="module")
def another_process(lab: Lab) -> Engine:
    return Engine(lab.pipeline, lab._redis, mint=lab._sid, now_ms=lambda: lab.now_ms)


@kinds
def test_a_repeat_answers_with_what_the_first_call_created_and_does_nothing(desk: Desk, kind: str) -> None:
    before = desk.there(kind)
    first = desk.create(kind)
    events = desk.events()
    again = desk.create(kind)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.value == first.value
    assert set(desk.there(kind)) - set(before) == {first.value.sid}
    assert desk.events() == events


@kinds
def test_the_same_key_with_other_content_is_refused_and_changes_nothing(desk: Desk, kind: str) -> None:
    desk.create(kind)
    before, events = desk.there(kind), desk.events()
    with pytest.raises(KeyReused):
        desk.create(kind, **KINDS[kind][1])
    assert (desk.there(kind), desk.events()) == (before, events)
    assert desk.create(kind).replayed


@kinds
def test_another_key_is_another_creation(desk: Desk, kind: str) -> None:
    first, name = desk.create(kind), desk.name
    desk.name += "b"
    other = desk.create(kind)
    desk.name = name
    assert other.value.sid != first.value.sid
    assert not other.replayed


@kinds
def test_a_key_counts_for_24_hours(desk: Desk, kind: str) -> None:
    first = desk.create(kind)
    desk.lab.now_ms += DAY - 1
    assert desk.create(kind).value.sid == first.value.sid
    desk.lab.now_ms += 1
    if kind in UNIQUE:
        with pytest.raises(Invalid):
            desk.create(kind)
        return
    later = desk.create(kind)
    assert not later.replayed
    assert later.value.sid != first.value.sid
    assert desk.create(kind).value.sid == later.value.sid


@kinds
def test_what_was_deleted_meanwhile_does_not_come_back(desk: Desk, kind: str) -> None:
    sid = desk.create(kind).value.sid
    desk.delete(kind, sid)
    before = desk.there(kind)
    with pytest.raises(Vanished) as gone:
        desk.create(kind)
    assert gone.value.sid == sid
    assert desk.there(kind) == before


@kinds
def test_two_at_the_same_moment_have_one_effect(desk: Desk, kind: str, another_process: Engine) -> None:
    """From two processes, and more from each of them."""
    before = desk.there(kind)

    async def race() -> list[Found[Any]]:
        engines = (desk.lab.engine, another_process, another_process, desk.lab.engine)
        return await asyncio.gather(*(desk.creating(engine, kind) for engine in engines))

    found = desk.lab.run(race())
    assert len({one.value.sid for one in found}) == 1
    assert sorted(one.replayed for one in found) == [False, True, True, True]
    assert len(desk.there(kind)) == len(before) + 1


@kinds
def test_of_two_contents_at_the_same_moment_one_is_refused(
    desk: Desk, kind: str, another_process: Engine
) -> None:
    before = desk.there(kind)

    async def race() -> list[Any]:
        one = desk.creating(desk.lab.engine, kind)
        other = desk.creating(another_process, kind, **KINDS[kind][1])
        return list(await asyncio.gather(one, other, return_exceptions=True))

    refused = [one for one in desk.lab.run(race()) if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [KeyReused]
    assert len(desk.there(kind)) == len(before) + 1


def test_a_key_counts_for_one_kind_in_one_place(desk: Desk, lab: Lab) -> None:
    sids = {desk.create(kind).value.sid for kind in KINDS}
    now_ms, mint, elsewhere = lab.now_ms, lab.mint, Desk(lab)
    # Its clock and its SIDs begin anew, and those would be there already in the Workspace of the other tests.
    lab.now_ms, lab.mint, elsewhere.name = now_ms, mint, desk.name
    sids |= {elsewhere.create(kind).value.sid for kind in KINDS if kind != "workspaces"}
    elsewhere.account = "AC" + "9" * 32
    sids.add(elsewhere.create("workspaces").value.sid)
    assert len(sids) == 2 * len(KINDS)
    elsewhere.account = lab.account
    elsewhere.driver.delete()


@kinds
def test_a_refused_creation_takes_no_key(desk: Desk, kind: str) -> None:
    wrong = {"attributes": "[]"} if kind == "tasks" else {"friendly_name": " "}
    with pytest.raises(Invalid):
        desk.create(kind, **wrong)
    assert not desk.create(kind).replayed


def test_a_name_that_is_taken_takes_no_key(desk: Desk) -> None:
    for kind in UNIQUE:
        desk.create(kind, None)
        with pytest.raises(Invalid):
            desk.create(kind)
        other = {"unique_name" if kind == "task_channels" else "friendly_name": f"{desk.name}b"}
        assert not desk.create(kind, **other).replayed


def test_values_that_mean_the_same_are_the_same_content(desk: Desk) -> None:
    sid = desk.create("tasks", priority=None).value.sid
    assert desk.create("tasks", timeout=86_400, priority=None).value.sid == sid
    with pytest.raises(KeyReused):
        desk.create("tasks", timeout=86_399, priority=None)


def test_a_repeat_shows_the_task_as_it_is_now(desk: Desk) -> None:
    lab, at = desk.lab, (desk.account, desk.workspace)
    sid = desk.create("tasks").value.sid
    lab.run(lab.engine.tasks.update(*at, sid, priority=9))
    again = desk.create("tasks").value
    assert (again.priority, again.revision) == (9, 1)
    lab.run(lab.engine.tasks.update(*at, sid, assignment_status="canceled"))
    assert desk.create("tasks").value.status == "canceled"
    desk.lab.now_ms += 300_000  # semantics 2.3: it is kept for 5 minutes
    desk.lab.run(desk.lab.rest())
    with pytest.raises(Vanished):
        desk.create("tasks")


def test_what_would_be_refused_by_now_is_still_answered(desk: Desk) -> None:
    """The Workflow of the Task, and the TaskQueue of the Workflow, are gone when the calls come again."""
    queue = desk.create("task_queues").value.sid
    text = DOCUMENT.replace("[]", f'[], "default_filter": {{"queue": "{queue}"}}')
    flow = {"configuration": text}
    workflow = desk.create("workflows", **flow).value.sid
    task = desk.create("tasks", workflow_sid=workflow).value.sid
    lab, at = desk.lab, (desk.account, desk.workspace)
    lab.run(lab.engine.tasks.update(*at, task, assignment_status="canceled"))
    lab.run(lab.engine.workflows.update(*at, workflow, configuration=DOCUMENT))
    desk.delete("task_queues", queue)
    assert desk.create("workflows", **flow).value.sid == workflow
    desk.delete("workflows", workflow)
    assert desk.create("tasks", workflow_sid=workflow).value.sid == task
    with pytest.raises(Invalid):
        desk.create("tasks", "another", workflow_sid=workflow)
    with pytest.raises(KeyReused):
        desk.create("tasks", workflow_sid=workflow, priority=1)


def test_tasks_of_one_call_may_have_the_same_key(desk: Desk) -> None:
    lab, key, before = desk.lab, desk.name, len(desk.there("tasks"))
    plain = NewTask(workflow_sid=desk.flow)
    keyed, other = replace(plain, priority=2, idempotency_key=key), replace(plain, idempotency_key=f"{key}b")
    wishes = [keyed, plain, keyed, replace(keyed, priority=3), other]
    first, free, again, refused, last = lab.run(
        lab.engine.tasks.create_many(desk.account, desk.workspace, wishes)
    )
    assert isinstance(first, Found)
    assert isinstance(again, Found)
    assert (again.value.sid, again.replayed) == (first.value.sid, True)
    assert isinstance(refused, KeyReused)
    assert len({first.value.sid, free.value.sid, last.value.sid}) == 3  # type: ignore[union-attr]
    assert len(desk.there("tasks")) == before + 3


def test_a_call_that_is_made_twice_finds_the_key_in_its_own_name(desk: Desk) -> None:
    """As after an answer that was lost on the way to the process: it is no repeat of the caller's."""
    desk.lab.mint.next_sid = "WT" + f"{desk.name[1:]:0>32}"
    try:
        first, again = desk.create("tasks"), desk.create("tasks")
    finally:
        desk.lab.mint.next_sid = None
    assert first == again
    assert desk.create("tasks").value == first.value


def test_only_the_keys_of_two_days_are_kept(lab: Lab) -> None:
    desk = Desk(lab)
    keys = desk.driver.keys
    buckets = (keys.created(0), keys.created(1))
    desk.create("tasks", None)
    assert desk.call("EXISTS", *buckets) == 0
    sizes = []
    for day in range(4):
        for name in range(3):
            desk.create("tasks", f"key {name} of day {day}")
        sizes.append(sorted(desk.call("HLEN", bucket) for bucket in buckets))
        desk.lab.now_ms += DAY
    assert sizes == [[0, 4], [4, 4], [4, 4], [4, 4]]
    assert all(0 < desk.call("TTL", bucket) <= 259_200 for bucket in buckets)
    desk.driver.delete()


def test_a_clock_that_was_set_back_makes_no_key_new(lab: Lab) -> None:
    """For 24 h after the instant that the clock showed then."""
    desk = Desk(lab)
    desk.lab.now_ms += 10 * DAY
    ahead = desk.create("tasks", "ahead").value.sid
    desk.lab.now_ms -= 10 * DAY
    for day in range(3):
        today = desk.create("tasks", f"day {day}").value.sid
        assert desk.create("tasks", f"day {day}").value.sid == today
        assert desk.create("tasks", "ahead").value.sid == ahead
        desk.lab.now_ms += DAY
    desk.driver.delete()


def test_a_deleted_workspace_takes_its_keys_along(lab: Lab) -> None:
    desk = Desk(lab)
    desk.create("tasks")
    desk.lab.now_ms += DAY
    desk.create("tasks")
    keys = desk.driver.keys
    desk.driver.delete()
    assert desk.call("EXISTS", keys.created(0), keys.created(1)) == 0
    with pytest.raises(NotFound):
        desk.create("tasks")


def test_a_workspace_is_created_once_in_whatever_shard(lab: Lab) -> None:
    shards = 16
    engines = [
        Engine(lab.pipeline, lab._redis, shards=shards, mint=lab._sid, now_ms=lambda: lab.now_ms)
        for _ in range(2)
    ]
    account, seen = f"AC{shards:032}", set()
    for number in range(shards):
        found = [
            lab.run(engine.workspaces.create(account, friendly_name="W", idempotency_key=f"k{number}"))
            for engine in engines
        ]
        assert found[0].value == found[1].value
        assert [one.replayed for one in found] == [False, True]
        seen.add(found[0].config.shard)
    assert len(seen) >= shards // 3
    assert len(lab.run(engines[0].workspaces.list(account, limit=100)).items) == shards


def test_the_order_of_the_parameters_does_not_matter_and_their_types_do() -> None:
    assert once(None, "Task", {"a": 1}) == ""
    assert once("k", "Task", {"a": 1, "b": None}) == once("k", "Task", {"b": None, "a": 1}) != ""
    assert once("k", "Task", {"a": 1}) == once("k", "Task", {"a": 1, "later": None})
    assert once("k", "Task", {"a": "1"}) != once("k", "Task", {"a": 1})
    assert len({once("k", kind, {})[:24] for kind in ("Task", "Worker")}) == 2
    assert len(once("k" * 255, "Task", {"a": "\ud800"})) == 40
