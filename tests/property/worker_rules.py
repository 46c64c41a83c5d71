"""Rules of histories about Workers and their channels."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.property import alphabet as a
from tests.property.base import History, if_match, sid_of


class WorkerRules(History):
    """Create, move and change Workers; their capacity and availability a channel."""

    @rule(
        name=st.sampled_from(a.WORKER_NAMES),
        attributes=a.worker_attributes,
        activity=st.sampled_from([None, "Available", *a.ACTIVITIES]),
    )
    def create_worker(self, name: str, attributes: str, activity: str | None) -> None:
        self.add_worker(name, attributes, activity)

    @precondition(lambda self: self.model.state.workers)
    @rule(
        pick=a.picks,
        activity=st.sampled_from([*a.ACTIVITIES, *a.ACTIVITIES, "Busy"]),
        rejects=st.sampled_from([False, False, True]),
        match=a.matches,
    )
    def move_worker(self, pick: int, activity: str, rejects: bool, match: int | None) -> None:
        worker = self.worker(pick)
        given = {"reject_pending_reservations": True} if rejects else {}
        self.both(
            "update_worker",
            sid=sid_of(worker, "WK"),
            activity_sid=self.activity(activity),
            if_match=if_match(worker, match),
            **given,
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
        rejects=st.sampled_from([False, False, False, True]),
        match=a.matches,
    )
    def update_worker(self, pick: int, changes: dict[str, Any], rejects: bool, match: int | None) -> None:
        given = dict(changes)
        if "activity_sid" in given:
            given["activity_sid"] = self.activity(given["activity_sid"])
        if rejects:
            given["reject_pending_reservations"] = True
        worker = self.worker(pick)
        self.both("update_worker", sid=sid_of(worker, "WK"), if_match=if_match(worker, match), **given)

    @precondition(lambda self: self.model.state.workers)
    @rule(
        pick=a.picks,
        channel=a.channels,
        changes=st.fixed_dictionaries(
            {}, optional={"capacity": st.integers(0, 3), "available": st.sampled_from([True, True, False])}
        ),
    )
    def change_channel(self, pick: int, channel: str, changes: dict[str, Any]) -> None:
        self.both("update_worker_channel", sid=sid_of(self.worker(pick), "WK"), channel=channel, **changes)

    def add_worker(self, name: str, attributes: str, activity: str | None) -> None:
        """A new Worker; without an Activity it takes the Workspace's."""
        given = {} if activity is None else {"activity_sid": self.activity(activity)}
        self.both(
            "create_worker",
            sid=self.engine.mint("WK"),
            friendly_name=name,
            attributes=attributes,
            **given,
        )
