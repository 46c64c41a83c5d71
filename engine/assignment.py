"""Assignment callbacks: the URL of a Workflow is told of every Reservation, and may say what becomes of it.

Once a Reservation (again only where a relay died between the call and taking note of it), while it may still be
answered. The URL has one try, its fallback another; where neither gives an answer that counts the Reservation is
canceled and its Task delayed (engine/callbacks.py).
"""

from __future__ import annotations

import logging
from typing import Final

from msgspec import Struct

from engine.callback_answers import Answers, Whose, Wrong
from engine.callback_letters import (
    Events,
    Letter,
    Outcome,
    Post,
    Reply,
    fallback_letter,
    offer_letter,
)
from engine.callback_stream import ASSIGNMENT, CallStreams
from engine.callbacks import UNREACHABLE, Callbacks
from engine.errors import IllegalState, NotFound
from engine.lanes import Lanes, Overflow
from engine.live import Live
from engine.model import Workflow
from engine.owners import Owners
from engine.redis import Pipeline
from engine.relay import Relay, Stopped
from engine.stream import Entry

AT_ONCE: Final = 400  # calls under way in one relay
LANE: Final = 50  # of them, for one Workspace: 500 Reservations a second at 0.1 s an answer
LONGEST: Final = (
    1_000  # that wait for one Workspace; more could not be told before their time to answer is over
)
ENDED: Final = frozenset({b"rejected", b"timeout", b"canceled", b"rescinded", b"completed"})
TOO_MANY: Final = f"over {LONGEST} Reservations waited to be told"
GIVEN_UP: Final = "the relays that tried to tell of it failed"

log = logging.getLogger("trunkline.relay")


class Job(Struct, frozen=True):
    """One Reservation to tell of."""

    whose: Whose
    workflow: Workflow
    letter: Letter


class AssignmentRelay(Relay):
    """One relay. `post` posts a letter; it has its own time limit and raises nothing."""

    def __init__(
        self,
        live: Live,
        events: Events,
        owners: Owners,
        callbacks: Callbacks,
        answers: Answers,
        pipeline: Pipeline,
        post: Post,
        *,
        name: str,
        shards: int = 1,
        reader: Pipeline | None = None,
    ) -> None:
        streams = CallStreams(pipeline, name, shards, ASSIGNMENT)
        super().__init__(live, streams, Lanes(LANE, AT_ONCE, LONGEST), reader=reader or pipeline)
        self._events, self._owners, self._post = events, owners, post
        self._callbacks, self._answers = callbacks, answers

    async def _do(self, entry: Entry) -> None:
        try:
            async with self._lanes.turn((entry.shard, entry.number), {entry.id}):
                if self._stopping.is_set():
                    raise Stopped
                job = await self._job(entry)
                if job is not None:
                    await self._tell(job)
        except Overflow:
            await self._gave_up(entry, TOO_MANY)

    async def _gave_up(self, entry: Entry, why: str = GIVEN_UP) -> None:
        job = await self._job(entry)
        if job is not None:
            await self._fail(job, Reply(Outcome.BROKEN, UNREACHABLE, why))

    async def _job(self, entry: Entry) -> Job | None:
        """What an entry asks for, as things are now; None where nobody is to be told, or it is too late."""
        config = await self._config(entry)
        account, workspace = config.workspace.account_sid, config.workspace.sid
        event = (await self._events.fetch(account, workspace, entry.fields.get("v", ""))).value
        task, sid = event.data["task_sid"], event.data["reservation_sid"]
        workflow = config.workflows.get(event.data["workflow_sid"])
        if workflow is None or not workflow.assignment_callback_url:
            return None
        packed = await self._live.ask("HGET", self._live.keys(config).task(task), sid)
        if packed is None or packed.split(b"|", 1)[0] in ENDED:
            return None
        owner = await self._owners.get(account)
        if owner is None:
            raise NotFound(account)
        letter = offer_letter(workflow.assignment_callback_url, owner, event)
        return Job(Whose(account, workspace, task, sid), workflow, letter)

    async def _tell(self, job: Job) -> None:
        reply = await self._post(job.letter)
        first = reply
        fallback = job.workflow.fallback_assignment_callback_url
        if reply.outcome is Outcome.BROKEN and fallback:
            _warn(job, reply)
            reply = await self._post(fallback_letter(fallback, job.letter, reply))
        if reply.outcome is Outcome.BROKEN:
            await self._fail(job, reply)
            return
        await self._callbacks.answered(job.whose.account, job.whose.workspace, job.workflow.sid)
        if first is not reply:
            await self._alert(job, first)
        await self._act(job, reply)

    async def _act(self, job: Job, reply: Reply) -> None:
        """Do what an answer says, or tell what is wrong with it."""
        if reply.outcome is Outcome.ANSWERED:
            try:
                await self._answers.carry_out(job.whose, reply.said)
            except Wrong as wrong:
                reply = Reply(Outcome.WRONG, wrong.code, wrong.reason)
        if reply.outcome is Outcome.WRONG:
            _warn(job, reply)
            await self._alert(job, reply)

    async def _alert(self, job: Job, reply: Reply) -> None:
        whose = job.whose
        try:
            await self._callbacks.alert(
                *(whose.account, whose.workspace, whose.task, whose.reservation), reply.code or UNREACHABLE
            )
        except NotFound:
            return  # its Task is gone, and the log has it

    async def _fail(self, job: Job, reply: Reply) -> None:
        _warn(job, reply)
        whose, code = job.whose, reply.code or UNREACHABLE
        place = (whose.account, whose.workspace, whose.task, whose.reservation)
        try:
            delay_ms = await self._callbacks.failed(*place, code=code)
        except (IllegalState, NotFound) as late:
            log.info(
                "the failure of the callback about %s came too late: %s", whose.reservation, late.message
            )
            return
        log.warning(
            "Reservation %s is canceled, and Tasks of Workflow %s are delayed by %g s",
            whose.reservation,
            job.workflow.sid,
            delay_ms / 1_000,
        )


def _warn(job: Job, reply: Reply) -> None:
    log.warning(
        "alert %d, assignment callback of Workflow %s about Reservation %s: %s",
        reply.code or UNREACHABLE,
        job.workflow.sid,
        job.whose.reservation,
        reply.reason,
    )
