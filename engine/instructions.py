"""Instructions: what a Reservation may be told to do beyond accept and reject, and with which parameters.

    dequeue, conference   connect the Worker; the Reservation is accepted once that has worked
    call, redirect        place or move a call; the Reservation is accepted only where `accept` says so
    supervise             let another Worker listen in on an accepted Reservation

The engine moves no media: an instruction is checked here, held with the Reservation and handed to the Workspace's
media adapter (engine/media.py). Parameters have two names: `field` as the engine's callers know it, unique over all
instructions, and `key` as it is stored and told to the adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import Invalid
from engine.sids import is_sid

LONGEST_TEXT: Final = 1_024  # characters of an address or name
LONGEST_URL: Final = 2_048
LONGEST_RING_S: Final = 999
LONGEST_SIP_RING_S: Final = 600  # semantics 3.8
ADDRESS: Final = "contact_uri"  # attribute of a Worker: where to reach it when the instruction names nothing

_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


class Kind(Protocol):
    """How the texts sent for one parameter are read. Raises ValueError that says what would be right."""

    def read(self, texts: Sequence[str]) -> Any: ...


class Text(Struct, frozen=True):
    longest: int = LONGEST_TEXT

    def read(self, texts: Sequence[str]) -> str:
        text = texts[-1]
        if len(text) > self.longest or not text.isprintable():
            raise ValueError(f"must have at most {self.longest} characters, none of them a control character")
        return text


class Url(Text, frozen=True):
    """An absolute http or https URL. Whether it may be reached is for whoever knows the network to say."""

    longest: int = LONGEST_URL

    def read(self, texts: Sequence[str]) -> str:
        text = Text.read(self, texts)
        if not text.lower().startswith(("http://", "https://")):
            raise ValueError("must be an absolute http or https URL")
        return text


class Sid(Struct, frozen=True):
    prefix: str

    def read(self, texts: Sequence[str]) -> str:
        if not is_sid(texts[-1], self.prefix):
            raise ValueError(f"must be a SID: {self.prefix} and 32 hexadecimal digits")
        return texts[-1]


class Integer(Struct, frozen=True):
    low: int
    high: int

    def read(self, texts: Sequence[str]) -> int:
        text = texts[-1]
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
        if not self.low <= number <= self.high:
            raise ValueError(f"must be an integer from {self.low} to {self.high}")
        return number


class Boolean(Struct, frozen=True):
    def read(self, texts: Sequence[str]) -> bool:
        word = texts[-1].lower()
        if word not in _TRUE and word not in _FALSE:
            raise ValueError("must be true or false")
        return word in _TRUE


class OneOf(Struct, frozen=True):
    words: tuple[str, ...]

    def read(self, texts: Sequence[str]) -> str:
        if texts[-1] not in self.words:
            raise ValueError(f"must be one of {', '.join(self.words)}")
        return texts[-1]


class SomeOf(Struct, frozen=True):
    """Several words, sent as repeated values or as comma lists."""

    words: tuple[str, ...]

    def read(self, texts: Sequence[str]) -> list[str]:
        chosen = [word.strip() for text in texts for word in text.split(",")]
        if not all(word in self.words for word in chosen):
            raise ValueError(f"must be some of {', '.join(self.words)}")
        return list(dict.fromkeys(chosen))


class Parameter(Struct, frozen=True):
    """One parameter of an instruction. A `default` of None leaves the choice to the adapter."""

    field: str
    key: str
    kind: Kind
    default: Any = None
    required: bool = False


class Instruction(Struct, frozen=True):
    """A checked instruction; `parameters` has every key of its kind."""

    kind: str
    parameters: dict[str, Any]

    @property
    def accepts(self) -> bool:
        """Whether the Reservation is held until the adapter has confirmed, and accepted then."""
        return self.kind in {"dequeue", "conference"} or self.parameters.get("accept") is True

    @property
    def activity(self) -> str | None:
        """The Activity that the Worker moves to when the work is done."""
        found: str | None = self.parameters.get("post_work_activity_sid")
        return found


_METHOD: Final = OneOf(("GET", "POST"))
_LEG: Final = OneOf(("record-from-answer", "do-not-record"))
_CALL_EVENTS: Final = SomeOf(("initiated", "ringing", "answered", "completed"))
_CONFERENCE_EVENTS: Final = SomeOf(("start", "end", "join", "leave", "mute", "hold", "speaker"))
_REGIONS: Final = OneOf(("us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1"))
_RING: Final = Integer(1, LONGEST_RING_S)


def _prefixed(prefix: str, *parameters: tuple[Any, ...]) -> tuple[Parameter, ...]:
    return tuple(Parameter(f"{prefix}_{key}", key, *rest) for key, *rest in parameters)


def _plain(*parameters: tuple[Any, ...]) -> tuple[Parameter, ...]:
    return tuple(Parameter(key, key, *rest) for key, *rest in parameters)


# Names, defaults and ranges: semantics 3.8.
PARAMETERS: Final[dict[str, tuple[Parameter, ...]]] = {
    "dequeue": (
        *_prefixed(
            "dequeue",
            ("to", Text()),
            ("from", Text()),
            ("post_work_activity_sid", Sid("WA")),
            ("record", _LEG, "do-not-record"),
            ("timeout", _RING, 60),
            ("status_callback_url", Url()),
        ),
        Parameter("dequeue_status_callback_event", "status_callback_events", _CALL_EVENTS, ["completed"]),
    ),
    "call": _prefixed(
        "call",
        ("to", Text()),
        ("from", Text(), None, True),
        ("url", Url(), None, True),
        ("accept", Boolean(), False),
        ("record", _LEG, "do-not-record"),
        ("timeout", _RING, 60),
        ("status_callback_url", Url()),
    ),
    "redirect": _prefixed(
        "redirect",
        ("call_sid", Sid("CA"), None, True),
        ("url", Url(), None, True),
        ("accept", Boolean(), False),
    ),
    "conference": _plain(
        ("to", Text()),
        ("from", Text()),
        ("timeout", _RING, 60),
        ("post_work_activity_sid", Sid("WA")),
        ("status_callback", Url()),
        ("status_callback_method", _METHOD, "POST"),
        ("status_callback_event", _CALL_EVENTS),
        ("record", Boolean(), False),
        ("muted", Boolean(), False),
        ("beep", OneOf(("true", "false", "onEnter", "onExit")), "true"),
        ("start_conference_on_enter", Boolean(), True),
        ("end_conference_on_exit", Boolean()),
        ("end_conference_on_customer_exit", Boolean()),
        ("beep_on_customer_entrance", Boolean()),
        ("wait_url", Url()),
        ("wait_method", _METHOD, "POST"),
        ("early_media", Boolean(), True),
        ("max_participants", Integer(2, 250), 250),
        ("conference_status_callback", Url()),
        ("conference_status_callback_method", _METHOD, "POST"),
        ("conference_status_callback_event", _CONFERENCE_EVENTS),
        ("conference_record", OneOf(("true", "false", "record-from-start", "do-not-record")), "false"),
        ("conference_trim", OneOf(("trim-silence", "do-not-trim")), "trim-silence"),
        ("recording_channels", OneOf(("mono", "dual")), "mono"),
        ("recording_status_callback", Url()),
        ("recording_status_callback_method", _METHOD, "POST"),
        ("conference_recording_status_callback", Url()),
        ("conference_recording_status_callback_method", _METHOD, "POST"),
        ("region", _REGIONS),
        ("sip_auth_username", Text()),
        ("sip_auth_password", Text()),
        ("jitter_buffer_size", OneOf(("small", "medium", "large", "off"))),
        ("transcribe", Boolean()),
        ("transcription_configuration", Text()),
    ),
    "supervise": _plain(
        ("supervisor", Sid("WK"), None, True),
        ("supervisor_mode", OneOf(("monitor", "whisper", "barge")), "monitor"),
    ),
}


def parse(kind: str, given: Mapping[str, Sequence[str]]) -> Instruction:
    """The instruction that these texts spell; `given` goes by field. What was sent empty was not sent.

    Parameters of other instructions are ignored. Raises Invalid naming the field.
    """
    read: dict[str, Any] = {}
    for parameter in PARAMETERS[kind]:
        texts = [text for text in given.get(parameter.field, ()) if text]
        try:
            read[parameter.key] = parameter.kind.read(texts) if texts else parameter.default
        except ValueError as wrong:
            raise Invalid(parameter.field, str(wrong)) from None
        if parameter.required and not texts:
            raise Invalid(parameter.field, f"is required for the instruction {kind}")
    return Instruction(kind, read)


def addressed(instruction: Instruction, contact: str | None) -> Instruction:
    """The instruction with the address it rings; `contact` is the attribute of whoever is to be reached.

    What the instruction names itself counts more. Raises Invalid where neither names one, and for a SIP address
    that may ring longer than SIP allows.
    """
    kind, parameters = instruction.kind, instruction.parameters
    if kind == "redirect":
        return instruction
    if not parameters.get("to"):
        field = "supervisor" if kind == "supervise" else _field(kind, "to")
        if not contact:
            raise Invalid(field, f"names no address, and the Worker's attributes have no {ADDRESS}")
        parameters = {**parameters, "to": contact}
    ring_s = parameters.get("timeout", 0)
    if parameters["to"][:4].lower() == "sip:" and ring_s > LONGEST_SIP_RING_S:
        raise Invalid(
            _field(kind, "timeout"), f"must be an integer from 1 to {LONGEST_SIP_RING_S} for a SIP address"
        )
    return replace(instruction, parameters=parameters)


def _field(kind: str, key: str) -> str:
    return next(parameter.field for parameter in PARAMETERS[kind] if parameter.key == key)
