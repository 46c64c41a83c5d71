"""Answers to assignment callbacks: the instruction in them, carried out by the same calls as through the API.

What is wrong with one is told by the codes of semantics 11.7. An instruction that comes too late, since the Reservation
has ended or been accepted otherwise, is wrong in the same way, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from engine.errors import Gone, IllegalState, Invalid, NotFound
from engine.instructions import PARAMETERS, Url
from engine.media_setups import Setups
from engine.reservations import Reservations

NOTHING_SAID: Final = 40005
NO_INSTRUCTION: Final = 55555
BAD_ACTIVITY: Final = 40100
LATE: Final = "late"  # in place of a parameter: the Reservation is in another state
OTHER: Final = "other"  # any parameter without a code of its own, and what the media adapter cannot do

# Code by instruction and the engine's name of the parameter.
CODES: Final[dict[str, dict[str, int]]] = {
    "accept": {OTHER: NO_INSTRUCTION},
    "reject": {"worker_activity_sid": BAD_ACTIVITY, OTHER: NO_INSTRUCTION},
    "call": {
        "call_to": 40110,
        "call_from": 40111,
        "call_url": 40112,
        OTHER: 40113,
        LATE: 40114,
        "call_status_callback_url": 40158,
    },
    "redirect": {"redirect_url": 40120, "redirect_call_sid": 40121, OTHER: 40122, LATE: 40123},
    "dequeue": {
        "dequeue_post_work_activity_sid": 40130,
        "dequeue_to": 40131,
        "dequeue_from": 40132,
        OTHER: 40133,
        "dequeue_status_callback_event": 40134,
        LATE: 40135,
        "dequeue_status_callback_url": 40157,
    },
    "conference": {
        LATE: 40136,
        "to": 40137,
        "from": 40138,
        "post_work_activity_sid": 40143,
        OTHER: 40145,
        "status_callback": 40159,
        "conference_status_callback": 40159,
        "recording_status_callback": 40159,
        "conference_recording_status_callback": 40159,
    },
    "supervise": {LATE: 40146, "supervisor": 40147, OTHER: NO_INSTRUCTION},
}


class Whose(Struct, frozen=True):
    """The Reservation that an answer is about."""

    account: str
    workspace: str
    task: str
    reservation: str


class Wrong(Exception):
    """An answer that is not carried out. Nothing has changed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Answers:
    """Carries out what answers say.

    `base_url` is where media adapters report to; `refused` says why a URL may not be called, "" for one that may.
    """

    def __init__(
        self, reservations: Reservations, setups: Setups, *, base_url: str, refused: Callable[[str], str]
    ) -> None:
        self._reservations, self._setups = reservations, setups
        self._base_url, self._refused = base_url, refused

    async def carry_out(self, whose: Whose, said: Mapping[str, Any]) -> None:
        """Do what the object says; an empty one leaves the Reservation to others. Raises Wrong, Unavailable."""
        if not said:
            return
        if "instruction" not in said:
            raise Wrong(NOTHING_SAID, "has no instruction")
        named = said["instruction"]
        instruction = named.lower() if isinstance(named, str) else ""
        if instruction not in CODES:
            raise Wrong(NO_INSTRUCTION, f"instruction must be one of {', '.join(CODES)}")
        try:
            await self._do(whose, instruction, said)
        except Invalid as wrong:
            raise Wrong(code_of(instruction, wrong.field), f"{wrong.field} {wrong.message}") from wrong
        except (Gone, IllegalState) as late:
            raise Wrong(code_of(instruction, LATE), late.message) from late
        except NotFound as gone:
            raise Wrong(code_of(instruction, LATE), gone.message) from gone

    async def _do(self, whose: Whose, instruction: str, said: Mapping[str, Any]) -> None:
        place = (whose.account, whose.workspace)
        if instruction in PARAMETERS:
            await self._setups.instruct(
                *place,
                whose.reservation,
                task=whose.task,
                instruction=instruction,
                given=self._given(instruction, said),
                base_url=self._base_url,
            )
        elif instruction == "accept":
            await self._reservations.answer_of_task(*place, whose.task, whose.reservation, status="accepted")
        else:
            activity = texts_of("worker_activity_sid", said.get("activity_sid"))
            await self._reservations.answer_of_task(
                *place,
                whose.task,
                whose.reservation,
                status="rejected",
                worker_activity_sid=activity[-1] if activity and activity[-1] else None,
            )

    def _given(self, instruction: str, said: Mapping[str, Any]) -> dict[str, Sequence[str]]:
        """The instruction's parameters by the engine's names. Raises Invalid."""
        given: dict[str, Sequence[str]] = {}
        for parameter in PARAMETERS[instruction]:
            texts = texts_of(parameter.field, said.get(parameter.key))
            if isinstance(parameter.kind, Url) and texts and texts[-1]:
                why = self._refused(texts[-1])
                if why:
                    raise Invalid(parameter.field, why)
            given[parameter.field] = texts
        return given


def code_of(instruction: str, what: str) -> int:
    """The code for a parameter of an instruction, or for one that comes LATE."""
    codes = CODES[instruction]
    return codes.get(what, codes[OTHER])


def texts_of(field: str, value: Any) -> list[str]:
    """A JSON value as the texts of a form: one, several, or none for null. Raises Invalid."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    texts = []
    for one in values:
        if not isinstance(one, str | int):
            raise Invalid(field, "must be a text, an integer, true or false, or a list of them")
        texts.append(str(one).lower() if isinstance(one, bool) else str(one))
    return texts
