"""Setups: instructions given to Reservations, held until the media adapter has reported, and what it reports.

A Reservation that is being set up stays `pending` and its time to answer does not run; the adapter has SETUP_S. What
is sent to the adapter goes through a stream, written by the step that holds the Reservation (lua/hold_reservation.lua),
and is delivered by relays (engine/media.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine import checks
from engine.errors import Gone, IllegalState, Invalid, NotFound, RevisionMismatch, Unavailable
from engine.instructions import ADDRESS, PARAMETERS, Instruction, addressed, parse
from engine.live import ATTEMPTS, Live, expected
from engine.model import Found, Reservation, WorkspaceConfig
from engine.records import reservation as reservation_of
from engine.records import revision_of, text
from engine.scripts import Status
from engine.sids import Mint, is_sid, mint

SETUP_S: Final = 600  # a setup that nobody reported by then has failed
LONGEST_ATTRIBUTES: Final = 4_096  # characters of a Task's attributes
LONGEST_REASON: Final = 1_024  # characters that are kept of why a setup failed
OUTCOMES: Final = ("confirmed", "failed")

_encode: Final = msgspec.json.Encoder().encode


class Held(Struct, frozen=True):
    """An instruction as it is stored and sent on."""

    instruction: str
    parameters: dict[str, Any]
    base_url: str  # scheme and host under which the adapter reaches the API


class Setups:
    """The setups of all Workspaces. Every method raises NotFound and Unavailable."""

    def __init__(self, live: Live, *, mint: Mint = mint) -> None:
        self._live, self._mint = live, mint

    async def instruct(
        self,
        account: str,
        workspace: str,
        sid: str,
        *,
        task: str = "",
        worker: str = "",
        instruction: str,
        given: Mapping[str, Sequence[str]],
        base_url: str,
        if_match: int | None = None,
    ) -> Found[Reservation]:
        """Hand an instruction to the media adapter; the Reservation is reached through `task` or `worker`.

        One that accepts holds the Reservation, which comes back pending. Four round trips. Raises Invalid (also where
        the Workspace has no adapter), IllegalState, Gone, RevisionMismatch; nothing has changed then.
        """
        if instruction not in PARAMETERS:
            raise Invalid("instruction", f"must be one of accept, reject, {', '.join(PARAMETERS)}")
        parsed = parse(instruction, given)
        for _ in range(ATTEMPTS):
            config = await self._live.config.get(account, workspace)
            if not config.workspace.media_adapter_url:
                needs = f"{instruction} needs a media adapter: set MediaAdapterUrl of the Workspace"
                raise Invalid("instruction", needs)
            whom = await self._worker(config, task, worker, sid)
            ready = await self._addressed(config, parsed, whom)
            reply = await self._live.script(
                "hold_reservation",
                config,
                (
                    *(config.version, task, worker, sid, expected(if_match), self._mint("SU"), _mode(ready)),
                    *(SETUP_S, _after(config, ready), instruction),
                    _encode(Held(instruction, ready.parameters, base_url)),
                ),
            )
            if reply[0] != Status.STALE:
                return _found(config, reply, sid, instruction)
        raise Unavailable(f"{workspace} changes faster than it can be read", outcome_unknown=False)

    async def report(
        self,
        account: str,
        workspace: str,
        task: str,
        sid: str,
        *,
        outcome: str,
        reason: str = "",
        task_attributes: Mapping[str, Any] | None = None,
    ) -> Found[Reservation]:
        """What became of a setup: `confirmed` accepts the Reservation, `failed` cancels it. Repeatable.

        `task_attributes` are put over the Task's, with `confirmed` only. Raises Invalid, IllegalState, and Gone for
        a confirmation of what has ended meanwhile.
        """
        if outcome not in OUTCOMES:
            raise Invalid("outcome", f"must be one of {', '.join(OUTCOMES)}")
        if task_attributes and outcome != "confirmed":
            raise Invalid("task_attributes", "is only allowed with the outcome confirmed")
        if not (is_sid(task, "WT") and is_sid(sid, "WR")):
            raise NotFound(sid)
        config = await self._live.known(account, workspace)
        for _ in range(ATTEMPTS):
            merged, revision = await self._merged(config, task, task_attributes)
            args = (task, sid, "", outcome, reason[:LONGEST_REASON], merged, revision)
            reply = await self._live.script("resolve_reservation", config, args)
            if reply[0] != Status.REVISION:
                return _found(config, reply, sid, outcome)
        raise Unavailable(f"Task {task} changes faster than it can be read", outcome_unknown=False)

    async def note(
        self,
        account: str,
        workspace: str,
        task: str,
        sid: str,
        setup: str,
        *,
        delivered: bool,
        reason: str,
    ) -> None:
        """Log what became of an instruction that holds nothing. No error where its Task is gone."""
        config = await self._live.known(account, workspace)
        outcome = "delivered" if delivered else "undelivered"
        args = (task, sid, setup, outcome, reason[:LONGEST_REASON], "", "")
        await self._live.script("resolve_reservation", config, args)

    async def _worker(self, config: WorkspaceConfig, task: str, worker: str, sid: str) -> str:
        """The SID of the Worker whom the Reservation was offered to."""
        keys = self._live.keys(config)
        if not is_sid(sid, "WR"):
            raise NotFound(sid)
        if worker:
            return worker  # whether the Reservation is under it, the script says
        packed = await self._live.ask("HGET", keys.task(task), sid)
        if packed is None:
            raise NotFound(sid)
        return text(packed).split("|")[1]

    async def _addressed(self, config: WorkspaceConfig, parsed: Instruction, worker: str) -> Instruction:
        """With the address to ring: the Worker's, or the supervisor's where one is to listen in."""
        supervisor = parsed.parameters.get("supervisor")
        key = self._live.keys(config).worker(supervisor or worker)
        attributes = await self._live.ask("HGET", key, "attrs")
        if attributes is None:
            if supervisor:
                raise Invalid("supervisor", "is not the SID of a Worker of this Workspace")
            raise NotFound(worker)
        contact = checks.json_object("attributes", text(attributes)).get(ADDRESS)
        return addressed(parsed, contact if isinstance(contact, str) else None)

    async def _merged(
        self, config: WorkspaceConfig, task: str, changes: Mapping[str, Any] | None
    ) -> tuple[str, int | str]:
        """The Task's attributes with `changes` over them, and the revision they were read at; '' for no change."""
        if not changes:
            return "", ""
        (fields,) = await self._live.hashes([self._live.keys(config).task(task)])
        if not fields:
            raise NotFound(task)
        merged = _encode({**checks.json_object("attributes", fields[b"attrs"].decode()), **changes}).decode()
        if len(merged) > LONGEST_ATTRIBUTES:
            raise Invalid(
                "task_attributes",
                f"must leave the Task at most {LONGEST_ATTRIBUTES} characters of attributes",
            )
        return merged, revision_of(fields)


def _mode(instruction: Instruction) -> str:
    if instruction.accepts:
        return "hold"
    return "supervise" if instruction.kind == "supervise" else "send"


def _after(config: WorkspaceConfig, instruction: Instruction) -> str:
    """The Activity for after the work with its availability, as a Reservation remembers it; '' for none."""
    if instruction.activity is None:
        return ""
    field = "dequeue_post_work_activity_sid" if instruction.kind == "dequeue" else "post_work_activity_sid"
    checks.member(field, instruction.activity, config.activities, "Activity")
    return f"{instruction.activity}:{int(config.activities[instruction.activity].available)}"


def _found(config: WorkspaceConfig, reply: list[Any], sid: str, wanted: str) -> Found[Reservation]:
    match reply:
        case [Status.OK, task, packed, name]:
            found = reservation_of(sid, text(task), packed, text(name))
            return Found(config=config, value=found, now_ms=found.updated_ms)
        case [Status.NOT_FOUND]:
            raise NotFound(sid)
        case [Status.REVISION, int(revision)]:
            raise RevisionMismatch(sid, revision)
        case [Status.ILLEGAL, b"setup"]:
            raise IllegalState(f"Reservation {sid} is being set up and takes no other instruction meanwhile")
        case [Status.ILLEGAL, b"unheld"]:
            raise IllegalState(f"Reservation {sid} is not being set up")
        case [Status.ILLEGAL | Status.GONE as kind, present]:
            message = (
                f"Reservation {sid} is already in state [{text(present)}] and cannot be updated by [{wanted}]"
            )
            raise Gone(message) if kind == Status.GONE else IllegalState(message)
    raise AssertionError(f"unexpected reply {reply!r}")
