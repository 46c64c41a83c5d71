"""One random history, told to the reference router and to the engine, which must agree after every step.

Agree means: the same error, or none; the same visible state to the last revision and instant; and data in
Redis that recounts to it. Time is an integer that only the history moves.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from engine.errors import TrunklineError
from tests.model.records import OPEN_OFFER, OfferRow, TaskRow, WorkerRow
from tests.model.router import Router
from tests.property import alphabet as a
from tests.property.integrity import check_integrity, check_promises, read_all
from tests.scenarios.drivers import Snapshot
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.site import Site, model_of

T = TypeVar("T")
MAX_STOPS = 6  # a Task nobody answers comes back every 10 s: a day of that would be 8,640 sweeps
GHOST = "0" * 32  # ends the SID of something that was never there


class Census:
    """What the histories of a run have seen; a run that never saw the interesting things proves nothing."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


class HistoryMachine(RuleBasedStateMachine):
    """Use `machine_in(lab)`, which says where the engine is."""

    lab: ClassVar[Lab]
    census: ClassVar[Census]

    def __init__(self) -> None:
        super().__init__()
        self.engine: EngineDriver | None = None
        self.last: tuple[str, dict[str, Any]] | None = None

    @initialize(site=a.sites, skills=st.lists(a.worker_attributes, min_size=1, max_size=3))
    def open(self, site: Site, skills: list[str]) -> None:
        self.engine = EngineDriver(self.lab, site)
        self.model: Router = model_of(site, self.engine.names)
        for name, text in zip(("ann", "bo", "cy"), skills, strict=False):
            self._create_worker(name, text, "Available")

    def teardown(self) -> None:
        if self.engine is None:
            return
        try:
            assert_same(self.engine.snapshot(), self.model.snapshot())
        finally:
            self.engine.delete()

    # Tasks

    @rule(
        attributes=a.attributes,
        priority=a.priorities,
        channel=a.channels,
        timeout=st.sampled_from(a.TTLS_S),
        age_ms=a.ages_ms,
        workflow=st.sampled_from(["main", "main", "main", "strict", None]),
    )
    def create_task(
        self,
        attributes: str,
        priority: int | None,
        channel: str,
        timeout: int,
        age_ms: int | None,
        workflow: str | None,
    ) -> None:
        names = self._engine.names
        self._both(
            "create_task",
            sid=self._engine.mint("WT"),
            attributes=attributes,
            priority=priority,
            timeout=timeout,
            task_channel=channel,
            workflow_sid=None if workflow is None else names.workflows[workflow],
            virtual_start_ms=None if age_ms is None else self._engine.now_ms - age_ms,
        )

    @rule(kind=st.sampled_from(a.KINDS), channel=a.channels, count=st.integers(1, 3))
    def create_ordinary_tasks(self, kind: str, channel: str, count: int) -> None:
        for _ in range(count):
            self._both(
                "create_task",
                sid=self._engine.mint("WT"),
                attributes=a.task_attributes(kind, 1),
                task_channel=channel,
                workflow_sid=self._engine.names.workflows["main"],
            )

    @precondition(lambda self: self.model.state.tasks)
    @rule(
        pick=a.picks,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "attributes": a.attributes,
                "priority": st.sampled_from([0, 1, 5]),
                "task_channel": a.channels,
                "virtual_start_ms": st.sampled_from([0, 1, 60_000]),
            },
        ),
        match=a.matches,
    )
    def update_task(self, pick: int, changes: dict[str, Any], match: int | None) -> None:
        given = dict(changes)
        if "virtual_start_ms" in given:
            given["virtual_start_ms"] = self._engine.now_ms - given["virtual_start_ms"]
        task = self._task(pick)
        self._both("update_task", sid=_sid(task, "WT"), if_match=_if_match(task, match), **given)

    @precondition(lambda self: self.model.state.tasks)
    @rule(
        pick=a.picks,
        status=st.sampled_from(["canceled", "wrapping", "completed", "assigned"]),
        reason=a.reasons,
        mixed=st.sampled_from([False, False, False, True]),
        match=a.matches,
    )
    def end_task(self, pick: int, status: str, reason: str | None, mixed: bool, match: int | None) -> None:
        task = self._task(pick)
        given: dict[str, Any] = {"assignment_status": status}
        if reason is not None:
            given["reason"] = reason
        if mixed:
            given["attributes"] = "{}"
        self._both("update_task", sid=_sid(task, "WT"), if_match=_if_match(task, match), **given)

    @rule(pick=a.picks, of_tasks=st.booleans(), match=a.matches)
    def delete(self, pick: int, of_tasks: bool, match: int | None) -> None:
        if of_tasks:
            task = self._task(pick)
            self._both("delete_task", sid=_sid(task, "WT"), if_match=_if_match(task, match))
        else:
            worker = self._worker(pick)
            self._both("delete_worker", sid=_sid(worker, "WK"), if_match=_if_match(worker, match))

    # Reservations

    @precondition(lambda self: any(self.model.state.offers()))
    @rule(
        pick=a.picks,
        status=st.sampled_from(["accepted", "rejected", "wrapping", "completed", "timeout"]),
        activity=st.sampled_from([None, None, *a.ACTIVITIES]),
        by_task=st.booleans(),
        match=a.matches,
    )
    def answer(self, pick: int, status: str, activity: str | None, by_task: bool, match: int | None) -> None:
        self._answer(self._offer(pick), status, activity if status == "rejected" else None, by_task, match)

    @precondition(lambda self: any(o.status in OPEN_OFFER for o in self.model.state.offers()))
    @rule(pick=a.picks, through=st.sampled_from(["task", "worker", "status"]), reason=a.reasons)
    def work(self, pick: int, through: str, reason: str | None) -> None:
        """What an agent does: accepts, or now and then rejects, then wraps up or not, then completes."""
        offers = [offer for offer in self.model.state.offers() if offer.status in OPEN_OFFER]
        offer = offers[pick % len(offers)]
        follows = {
            "pending": "rejected" if pick % 4 == 3 else "accepted",
            "accepted": "wrapping" if pick % 2 else "completed",
        }
        status = follows.get(offer.status, "completed")
        if through == "status" and offer.status != "pending":
            given = {} if reason is None else {"reason": reason}
            self._both("update_task", sid=offer.task_sid, assignment_status=status, **given)
        else:
            self._answer(offer, status, None, through == "task", None)

    # Workers

    @rule(
        name=st.sampled_from(a.WORKER_NAMES),
        attributes=a.worker_attributes,
        activity=st.sampled_from([None, "Available", *a.ACTIVITIES]),
    )
    def create_worker(self, name: str, attributes: str, activity: str | None) -> None:
        self._create_worker(name, attributes, activity)

    @precondition(lambda self: self.model.state.workers)
    @rule(pick=a.picks, activity=a.activities, match=a.matches)
    def move_worker(self, pick: int, activity: str, match: int | None) -> None:
        worker = self._worker(pick)
        sid = self._engine.names.activities[activity]
        self._both(
            "update_worker", sid=_sid(worker, "WK"), activity_sid=sid, if_match=_if_match(worker, match)
        )

    @precondition(lambda self: self.model.state.workers)
    @rule(
        pick=a.picks,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "attributes": a.worker_attributes,
                "friendly_name": st.sampled_from(a.WORKER_NAMES),
                "activity_sid": a.activities,
            },
        ),
        match=a.matches,
    )
    def update_worker(self, pick: int, changes: dict[str, Any], match: int | None) -> None:
        given = dict(changes)
        if "activity_sid" in given:
            given["activity_sid"] = self._engine.names.activities[given["activity_sid"]]
        worker = self._worker(pick)
        self._both("update_worker", sid=_sid(worker, "WK"), if_match=_if_match(worker, match), **given)

    @precondition(lambda self: self.model.state.workers)
    @rule(
        pick=a.picks,
        channel=a.channels,
        changes=st.fixed_dictionaries(
            {}, optional={"capacity": st.integers(0, 3), "available": st.sampled_from([True, True, False])}
        ),
    )
    def change_channel(self, pick: int, channel: str, changes: dict[str, Any]) -> None:
        self._both("update_worker_channel", sid=_sid(self._worker(pick), "WK"), channel=channel, **changes)

    # Time, and the same call again

    @rule(step_ms=a.steps_ms)
    def advance(self, step_ms: int) -> None:
        """Time passes, and whatever falls due is done at its very instant, up to MAX_STOPS times."""
        until_ms = self._engine.now_ms + step_ms
        for _ in range(MAX_STOPS):
            due_ms = self.model.next_deadline_ms()
            self._engine.now_ms = until_ms if due_ms is None else min(due_ms, until_ms)
            self._sweep()
            if self._engine.now_ms == until_ms:
                return

    @rule(step_ms=a.steps_ms)
    def oversleep(self, step_ms: int) -> None:
        """Time passes while nobody looks; then everything due is done in one go."""
        self._engine.now_ms += step_ms
        self._sweep()

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat(self) -> None:
        """The last call once more, as from a client that lost the answer."""
        assert self.last is not None
        self._both(*self.last[:1], **self.last[1])

    # Both sides

    @property
    def _engine(self) -> EngineDriver:
        assert self.engine is not None
        return self.engine

    def _create_worker(self, name: str, attributes: str, activity: str | None) -> None:
        given = {} if activity is None else {"activity_sid": self._engine.names.activities[activity]}
        self._both(
            "create_worker",
            sid=self._engine.mint("WK"),
            friendly_name=name,
            attributes=attributes,
            **given,
        )

    def _answer(
        self, offer: OfferRow | None, status: str, activity: str | None, by_task: bool, match: int | None
    ) -> None:
        through = (
            {"task_sid": "WT" + GHOST if offer is None else offer.task_sid}
            if by_task
            else {"worker_sid": "WK" + GHOST if offer is None else offer.worker_sid}
        )
        self._both(
            "answer_of_task" if by_task else "answer_of_worker",
            sid=_sid(offer, "WR"),
            status=status,
            worker_activity_sid=None if activity is None else self._engine.names.activities[activity],
            if_match=_if_match(offer, match),
            **through,
        )

    def _both(self, method: str, **arguments: Any) -> None:
        engine, now_ms = self._engine, self._engine.now_ms
        expected = _outcome(lambda: getattr(self.model, method)(now_ms=now_ms, **arguments))
        actual = _outcome(lambda: engine.call(method, **arguments))
        assert actual == expected, f"{method}: the engine answers {actual}, the model {expected}"
        self.census.count(f"{method} {expected}")
        if not method.startswith("create"):
            self.last = (method, arguments)
        self._compare()

    def _sweep(self) -> None:
        self.model.fire_timers(now_ms=self._engine.now_ms)
        self._engine.sweep()
        self._compare()

    def _compare(self) -> None:
        expected = self.model.snapshot()
        for status in {offer["status"] for offer in expected["offers"].values()}:
            self.census.count(f"offer {status}")
        engine, workers = self._engine, expected["workers"]
        actual, recount = engine.observe(read_all(engine))
        offers = {sid: offer for sid, offer in expected["offers"].items() if offer["worker"] in workers}
        assert_same(actual, {**expected, "offers": offers})
        check_promises(self.model)
        self.model.state.rules_read_activity = check_integrity(engine, self.model, recount)

    # What is at hand: the newest first, and one time in twelve something that does not exist

    def _task(self, pick: int) -> TaskRow | None:
        return _picked(list(self.model.state.tasks.values()), pick)

    def _worker(self, pick: int) -> WorkerRow | None:
        return _picked(list(self.model.state.workers.values()), pick)

    def _offer(self, pick: int) -> OfferRow | None:
        offers = list(self.model.state.offers())
        return _picked(sorted(offers, key=lambda o: (o.status in OPEN_OFFER, o.created_ms)), pick)


def machine_in(lab: Lab, census: Census) -> type[HistoryMachine]:
    """A machine whose histories happen in this laboratory."""
    return type("History", (HistoryMachine,), {"lab": lab, "census": census})


def assert_same(actual: Snapshot, expected: Snapshot) -> None:
    """Raises AssertionError that names only what differs."""
    if actual == expected:
        return
    lines = []
    for kind in expected:
        for sid in sorted(actual[kind].keys() | expected[kind].keys()):
            ours, theirs = expected[kind].get(sid), actual[kind].get(sid)
            if ours is None or theirs is None:
                lines.append(
                    f"{sid}: only the {'engine' if ours is None else 'model'} has it: {ours or theirs}"
                )
            elif ours != theirs:
                lines += [
                    f"{sid} {k}: engine {theirs[k]!r}, model {ours[k]!r}"
                    for k in ours
                    if ours[k] != theirs[k]
                ]
    raise AssertionError("\n".join(lines))


def _outcome(call: Any) -> str:
    try:
        call()
    except TrunklineError as error:
        return type(error).__name__
    return "ok"


def _picked(things: list[T], pick: int) -> T | None:
    return None if pick == 11 or not things else things[-1 - pick % len(things)]


def _sid(thing: TaskRow | WorkerRow | OfferRow | None, prefix: str) -> str:
    return prefix + GHOST if thing is None else thing.sid


def _if_match(thing: TaskRow | WorkerRow | OfferRow | None, match: int | None) -> int | None:
    return None if match is None else (0 if thing is None else thing.revision) + match
