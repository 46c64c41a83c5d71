"""The reference router's commands about Workers and their channels."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from engine.errors import IllegalState, Invalid, NotFound
from engine.model import ReservationStatus
from tests.model.activities import move
from tests.model.checks import check_attributes, check_revision
from tests.model.records import SlotRow, WorkerRow
from tests.model.workspace import Workspace


class WorkerCommands(Workspace):
    """Create, update and delete Workers; their capacity and availability a channel."""

    def create_worker(
        self,
        *,
        now_ms: int,
        sid: str,
        friendly_name: str,
        attributes: str = "{}",
        activity_sid: str | UnsetType = UNSET,
    ) -> None:
        """A new Worker, one slot on every channel. Invalid for a taken name, bad attributes or Activity."""
        self._check_name(friendly_name, None)
        check_attributes(attributes)
        activity = self.default_activity_sid if activity_sid is UNSET else activity_sid
        self.check_activity("activity_sid", activity)
        worker = self.state.workers[sid] = WorkerRow(
            sid=sid,
            name=friendly_name,
            attributes=attributes,
            activity_sid=activity,
            created_ms=now_ms,
            updated_ms=now_ms,
            status_changed_ms=now_ms,
            last_reserved_ms=now_ms,
            slots={
                row.unique_name: SlotRow(max(now_ms, row.created_ms), max(now_ms, row.created_ms))
                for row in self.state.channels.values()
            },
        )
        self.state.put_off_worker(worker)
        self.settle(now_ms)

    def update_worker(
        self,
        *,
        now_ms: int,
        sid: str,
        friendly_name: str | UnsetType = UNSET,
        attributes: str | UnsetType = UNSET,
        activity_sid: str | UnsetType = UNSET,
        reject_pending_reservations: bool = False,
        if_match: int | None = None,
    ) -> None:
        """Name and attributes are one change, the Activity another; a value that is there already is none.

        After them its pending Reservations are rejected, if that is wanted, which takes an unavailable
        Activity. The Worker stays in the Activity that it has then.
        """
        if attributes is not UNSET:
            check_attributes(attributes)
        if activity_sid is not UNSET:
            self.check_activity("activity_sid", activity_sid)
        if reject_pending_reservations and activity_sid is not UNSET:
            self._check_unavailable(activity_sid)
        worker = self.worker(sid)
        check_revision(sid, worker.revision, if_match)
        if reject_pending_reservations and activity_sid is UNSET:
            self._check_unavailable(worker.activity_sid)
        if friendly_name is not UNSET:
            self._check_name(friendly_name, sid)
        name = worker.name if friendly_name is UNSET else friendly_name
        text = worker.attributes if attributes is UNSET else attributes
        if (name, text) != (worker.name, worker.attributes):
            worker.name, worker.attributes = name, text
            worker.updated_ms = now_ms
            worker.revision += 1
            self.state.put_off_worker(worker)
        if activity_sid is not UNSET:
            move(self.state, worker, activity_sid, now_ms)
        if reject_pending_reservations:
            for offer in self.state.held(sid):
                if offer.status is ReservationStatus.PENDING:
                    self.state.note("rejected by update_worker")
                    self.endings.reject(offer, None, now_ms, stays=True)
        self.settle(now_ms)

    def delete_worker(self, *, now_ms: int, sid: str, if_match: int | None = None) -> None:
        """IllegalState while the Worker holds an open Reservation. Its ended ones stay with their Tasks."""
        worker = self.worker(sid)
        check_revision(sid, worker.revision, if_match)
        if self.state.held(sid):
            raise IllegalState(f"{sid} holds an open Reservation")
        del self.state.workers[sid]
        self.settle(now_ms)

    def update_worker_channel(
        self,
        *,
        now_ms: int,
        sid: str,
        channel: str,
        capacity: int | UnsetType = UNSET,
        available: bool | UnsetType = UNSET,
    ) -> None:
        """Capacity and availability of one channel; what is open already stays open."""
        worker = self.worker(sid)
        slot = worker.slots.get(channel)
        if slot is None:
            raise NotFound(channel)
        if capacity is not UNSET and capacity != slot.capacity:
            slot.capacity = capacity
            slot.updated_ms = now_ms
            worker.revision += 1
        if available is not UNSET and available != slot.available:
            slot.available = available
            slot.updated_ms = now_ms
            worker.revision += 1
        self.settle(now_ms)

    def _check_unavailable(self, activity_sid: str) -> None:
        if self.state.activities[activity_sid].available:
            raise Invalid("reject_pending_reservations", "goes with an unavailable Activity only")

    def _check_name(self, name: str, but_sid: str | None) -> None:
        others = [worker for worker in self.state.workers.values() if worker.sid != but_sid]
        if any(worker.name.casefold() == name.casefold() for worker in others):
            raise Invalid("friendly_name", "is taken")
