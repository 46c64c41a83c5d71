"""Rules of histories about Tasks and Reservations."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.records import OPEN_OFFER, OfferRow
from tests.property import alphabet as a
from tests.property.base import History, if_match, sid_of

WORKED_ON: Final = ("wrapping", "completed")


class TaskRules(History):
    """Create, change, end and delete Tasks; answer Reservations."""

    @rule(
        kind=a.kinds,
        level=a.levels,
        pick=a.picks,
        priority=a.priorities,
        channel=a.channels,
        timeout=st.sampled_from(a.TTLS_S),
        age_ms=a.ages_ms,
        workflow=st.sampled_from(["main", "main", "strict", "strict", None]),
    )
    def create_task(
        self,
        kind: str,
        level: int,
        pick: int,
        priority: int | None,
        channel: str,
        timeout: int,
        age_ms: int | None,
        workflow: str | None,
    ) -> None:
        self.both(
            "create_task",
            sid=self.engine.mint("WT"),
            attributes=self.attributes(kind, level, pick),
            priority=priority,
            timeout=timeout,
            task_channel=channel,
            workflow_sid=None if workflow is None else self.engine.names.workflows[workflow],
            virtual_start_ms=None if age_ms is None else self.engine.now_ms - age_ms,
        )

    @rule(kind=a.kinds, pick=a.picks, channel=a.channels, count=st.integers(1, 3))
    def create_ordinary_tasks(self, kind: str, pick: int, channel: str, count: int) -> None:
        for _ in range(count):
            self.both(
                "create_task",
                sid=self.engine.mint("WT"),
                attributes=self.attributes(kind, 1, pick),
                task_channel=channel,
                workflow_sid=self.engine.names.workflows["main"],
            )

    @rule(
        kind=st.sampled_from(["WK", "WK", "WK", "WQ", "WW", "WT"]),
        pick=a.picks,
        ignore_capacity=st.sampled_from([None, None, None, True, False, False]),
        queue=st.sampled_from([None, None, None, None, *a.QUEUES]),
        priority=a.priorities,
        channel=a.channels,
        timeout=st.sampled_from([10, 86400, 86400]),
    )
    def create_targeted_task(
        self,
        kind: str,
        pick: int,
        ignore_capacity: bool | None,
        queue: str | None,
        priority: int | None,
        channel: str,
        timeout: int,
    ) -> None:
        names = self.engine.names
        wanted = {
            "WK": sid_of(self.worker(pick), "WK"),
            "WQ": names.queues[a.QUEUES[pick % len(a.QUEUES)]],
            "WW": names.workflows["strict" if pick % 2 else "main"],
        }.get(kind, kind + a.GHOST)
        # What goes with a Worker only is sent with another target now and then, to be refused.
        odd = kind == "WK" or pick > 8
        self.both(
            "create_task",
            sid=self.engine.mint("WT"),
            attributes=self.attributes("call", 1, pick),
            priority=priority,
            timeout=timeout,
            task_channel=channel,
            workflow_sid=None if kind == "WW" else names.workflows["main"],
            routing_target=wanted,
            ignore_capacity=ignore_capacity if odd else None,
            task_queue_sid=names.queues[queue] if odd and queue is not None else None,
        )

    @precondition(lambda self: self.model.state.tasks)
    @rule(
        pick=a.picks,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "attributes": st.tuples(a.kinds, a.levels, a.picks),
                "priority": st.sampled_from([0, 1, 5]),
                "task_channel": a.channels,
                "virtual_start_ms": st.sampled_from([0, 1, 60_000]),
            },
        ),
        match=a.matches,
    )
    def update_task(self, pick: int, changes: dict[str, Any], match: int | None) -> None:
        given = dict(changes)
        if "attributes" in given:
            given["attributes"] = self.attributes(*given["attributes"])
        if "virtual_start_ms" in given:
            given["virtual_start_ms"] = self.engine.now_ms - given["virtual_start_ms"]
        task = self.task(pick)
        self.both("update_task", sid=sid_of(task, "WT"), if_match=if_match(task, match), **given)

    @precondition(lambda self: self.model.state.tasks)
    @rule(
        pick=a.picks,
        status=st.sampled_from(["canceled", "wrapping", "completed", "assigned"]),
        reason=a.reasons,
        mixed=st.sampled_from([False, False, False, True]),
        match=a.matches,
    )
    def end_task(self, pick: int, status: str, reason: str | None, mixed: bool, match: int | None) -> None:
        task = self.task(pick)
        given: dict[str, Any] = {"assignment_status": status}
        if reason is not None:
            given["reason"] = reason
        if mixed:
            given["attributes"] = "{}"
        self.both("update_task", sid=sid_of(task, "WT"), if_match=if_match(task, match), **given)

    @rule(pick=a.picks, of_tasks=st.booleans(), worked_on=st.booleans(), match=a.matches)
    def delete(self, pick: int, of_tasks: bool, worked_on: bool, match: int | None) -> None:
        """A Task or a Worker goes; a Task that has been worked on rather than another, if that is wanted."""
        if of_tasks:
            task = self.task(pick, first=WORKED_ON if worked_on else ())
            self.both("delete_task", sid=sid_of(task, "WT"), if_match=if_match(task, match))
        else:
            worker = self.worker(pick)
            self.both("delete_worker", sid=sid_of(worker, "WK"), if_match=if_match(worker, match))

    @precondition(lambda self: any(self.model.state.offers()))
    @rule(
        pick=a.picks,
        status=st.sampled_from(["accepted", "rejected", "wrapping", "completed", "timeout"]),
        activity=st.sampled_from([None, None, *a.ACTIVITIES]),
        by_task=st.booleans(),
        match=a.matches,
    )
    def answer(self, pick: int, status: str, activity: str | None, by_task: bool, match: int | None) -> None:
        moves = activity if status == "rejected" else None
        self._answer(self.offer(pick), status, moves, by_task, match)

    @precondition(lambda self: any(o.status not in OPEN_OFFER for o in self.model.state.offers()))
    @rule(pick=a.picks, status=st.sampled_from(["accepted", "accepted", "rejected"]), by_task=st.booleans())
    def answer_late(self, pick: int, status: str, by_task: bool) -> None:
        """An answer to a Reservation that has ended; those that others were quicker to accept come first."""
        ended = [offer for offer in self.model.state.offers() if offer.status not in OPEN_OFFER]
        ended.sort(key=lambda o: (o.status == "rescinded", o.created_ms))
        self._answer(ended[-1 - pick % len(ended)], status, None, by_task, None)

    @precondition(lambda self: any(o.status in OPEN_OFFER for o in self.model.state.offers()))
    @rule(pick=a.picks, through=st.sampled_from(["task", "worker", "status"]), reason=a.reasons)
    def work(self, pick: int, through: str, reason: str | None) -> None:
        """What an agent does: accepts, then wraps up or not, again in vain now and then, then completes."""
        offers = [offer for offer in self.model.state.offers() if offer.status in OPEN_OFFER]
        offer = offers[pick % len(offers)]
        follows = {
            "pending": "accepted",
            "accepted": "completed" if pick % 3 == 0 else "wrapping",
            "wrapping": "completed" if pick % 2 else "wrapping",
        }
        status = follows[offer.status]
        if through == "status" and offer.status != "pending":
            given = {} if reason is None else {"reason": reason}
            self.both("update_task", sid=offer.task_sid, assignment_status=status, **given)
        else:
            self._answer(offer, status, None, through == "task", None)

    @precondition(lambda self: any(o.status == "pending" for o in self.model.state.offers()))
    @rule(pick=a.picks, activity=st.sampled_from([None, None, None, *a.ACTIVITIES]))
    def refuse(self, pick: int, activity: str | None) -> None:
        """What an agent may do instead."""
        offers = [offer for offer in self.model.state.offers() if offer.status == "pending"]
        self._answer(offers[-1 - pick % len(offers)], "rejected", activity, pick % 2 == 0, None)

    @precondition(lambda self: any(o.status == "pending" for o in self.model.state.offers()))
    @rule(pick=a.picks, times=st.sampled_from([1, 1, 3]))
    def fail_callback(self, pick: int, times: int) -> None:
        """Nobody answers the callbacks of some Reservations: pending ones, and now and then one that has ended."""
        for _ in range(times):
            pending = [offer for offer in self.model.state.offers() if offer.status == "pending"]
            offer = pending[pick % len(pending)] if pending else self.offer(pick)
            task = "WT" + a.GHOST if offer is None else offer.task_sid
            self.both("fail_callback", sid=sid_of(offer, "WR"), task_sid=task)

    @precondition(lambda self: self.model.state.failing)
    @rule(pick=a.picks)
    def answer_callback(self, pick: int) -> None:
        failing = sorted(self.model.state.failing)
        self.both("answer_callback", sid=failing[pick % len(failing)])

    def _answer(
        self, offer: OfferRow | None, status: str, activity: str | None, by_task: bool, match: int | None
    ) -> None:
        through = (
            {"task_sid": "WT" + a.GHOST if offer is None else offer.task_sid}
            if by_task
            else {"worker_sid": "WK" + a.GHOST if offer is None else offer.worker_sid}
        )
        self.both(
            "answer_of_task" if by_task else "answer_of_worker",
            sid=sid_of(offer, "WR"),
            status=status,
            worker_activity_sid=None if activity is None else self.activity(activity),
            if_match=if_match(offer, match),
            **through,
        )
