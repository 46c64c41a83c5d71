"""What an Instruction may say: names, defaults and ranges of semantics 3.8, and what is refused in which words."""

from __future__ import annotations

from typing import Any, Final

import pytest

from api.errors import parameter_of
from engine.errors import Invalid
from engine.instructions import PARAMETERS, Instruction, addressed, parse

WA, WK, CA = ("WA" + "1" * 32, "WK" + "2" * 32, "CA" + "3" * 32)
URL: Final = "https://example.com/x"

# The least that each instruction has to be given.
LEAST: Final[dict[str, dict[str, list[str]]]] = {
    "dequeue": {},
    "call": {"call_from": ["+1555"], "call_url": [URL]},
    "redirect": {"redirect_call_sid": [CA], "redirect_url": [URL]},
    "conference": {},
    "supervise": {"supervisor": [WK]},
}

# Every parameter of the original, in its spelling on the wire.
WIRE: Final = {
    "dequeue": """DequeueTo DequeueFrom DequeuePostWorkActivitySid DequeueRecord DequeueTimeout
        DequeueStatusCallbackUrl DequeueStatusCallbackEvent""",
    "call": "CallTo CallFrom CallUrl CallAccept CallRecord CallTimeout CallStatusCallbackUrl",
    "redirect": "RedirectCallSid RedirectUrl RedirectAccept",
    "conference": """To From Timeout PostWorkActivitySid StatusCallback StatusCallbackMethod StatusCallbackEvent
        Record Muted Beep StartConferenceOnEnter EndConferenceOnExit EndConferenceOnCustomerExit
        BeepOnCustomerEntrance WaitUrl WaitMethod EarlyMedia MaxParticipants ConferenceStatusCallback
        ConferenceStatusCallbackMethod ConferenceStatusCallbackEvent ConferenceRecord ConferenceTrim
        RecordingChannels RecordingStatusCallback RecordingStatusCallbackMethod
        ConferenceRecordingStatusCallback ConferenceRecordingStatusCallbackMethod Region SipAuthUsername
        SipAuthPassword JitterBufferSize Transcribe TranscriptionConfiguration""",
    "supervise": "Supervisor SupervisorMode",
}

DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "dequeue": {"record": "do-not-record", "timeout": 60, "status_callback_events": ["completed"]},
    "call": {"accept": False, "record": "do-not-record", "timeout": 60},
    "redirect": {"accept": False},
    "conference": {
        "timeout": 60,
        "status_callback_method": "POST",
        "record": False,
        "muted": False,
        "beep": "true",
        "start_conference_on_enter": True,
        "wait_method": "POST",
        "early_media": True,
        "max_participants": 250,
        "conference_status_callback_method": "POST",
        "conference_record": "false",
        "conference_trim": "trim-silence",
        "recording_channels": "mono",
        "recording_status_callback_method": "POST",
        "conference_recording_status_callback_method": "POST",
    },
    "supervise": {"supervisor_mode": "monitor"},
}


def read(kind: str, **given: str | list[str]) -> Instruction:
    lists = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    return parse(kind, {**LEAST[kind], **lists})


@pytest.mark.parametrize("kind", list(WIRE))
def test_every_parameter_has_the_name_of_the_original_on_the_wire(kind: str) -> None:
    assert [parameter_of(p.field) for p in PARAMETERS[kind]] == WIRE[kind].split()


def test_no_two_parameters_share_a_field() -> None:
    fields = [p.field for parameters in PARAMETERS.values() for p in parameters]
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("kind", list(WIRE))
def test_what_is_not_sent_has_its_default_or_is_left_to_the_adapter(kind: str) -> None:
    parameters = read(kind).parameters
    sent = {p.key for p in PARAMETERS[kind] if p.field in LEAST[kind]}
    assert {k: v for k, v in parameters.items() if k not in sent and v is not None} == DEFAULTS[kind]
    assert set(parameters) == {p.key for p in PARAMETERS[kind]}


def test_what_is_sent_empty_is_not_sent() -> None:
    empty = {p.field: [""] for p in PARAMETERS["conference"]}
    assert parse("conference", empty) == read("conference")


def test_parameters_of_other_instructions_are_ignored() -> None:
    assert read("conference", call_timeout="nonsense", dequeue_to="x") == read("conference")


@pytest.mark.parametrize(
    ("kind", "field", "sent", "key", "value"),
    [
        ("dequeue", "dequeue_timeout", "1", "timeout", 1),
        ("dequeue", "dequeue_timeout", "999", "timeout", 999),
        ("dequeue", "dequeue_post_work_activity_sid", WA, "post_work_activity_sid", WA),
        ("dequeue", "dequeue_record", "record-from-answer", "record", "record-from-answer"),
        ("call", "call_accept", "TRUE", "accept", True),
        ("call", "call_accept", "yes", "accept", True),
        ("redirect", "redirect_accept", "0", "accept", False),
        ("conference", "max_participants", "2", "max_participants", 2),
        ("conference", "beep", "onEnter", "beep", "onEnter"),
        ("conference", "end_conference_on_exit", "false", "end_conference_on_exit", False),
        ("conference", "jitter_buffer_size", "off", "jitter_buffer_size", "off"),
        ("conference", "to", "client:zoë", "to", "client:zoë"),
        ("supervise", "supervisor_mode", "barge", "supervisor_mode", "barge"),
    ],
)  # fmt: skip
def test_a_value_is_read_in_its_type(kind: str, field: str, sent: str, key: str, value: Any) -> None:
    assert read(kind, **{field: sent}).parameters[key] == value


@pytest.mark.parametrize(
    "sent", [["initiated", "answered"], ["initiated,answered"], ["initiated , answered", "initiated"]]
)
def test_events_come_repeated_or_in_comma_lists(sent: list[str]) -> None:
    parameters = read("dequeue", dequeue_status_callback_event=sent).parameters
    assert parameters["status_callback_events"] == ["initiated", "answered"]


def test_a_parameter_sent_twice_counts_with_its_last_value() -> None:
    assert read("conference", timeout=["5", "6"]).parameters["timeout"] == 6


@pytest.mark.parametrize(
    ("kind", "field", "sent", "message"),
    [
        ("dequeue", "dequeue_timeout", "0", "must be an integer from 1 to 999"),
        ("dequeue", "dequeue_timeout", "1000", "must be an integer from 1 to 999"),
        ("dequeue", "dequeue_timeout", "-1", "must be an integer from 1 to 999"),
        ("call", "call_timeout", "6e1", "must be an integer from 1 to 999"),
        ("call", "call_timeout", "9" * 5000, "must be an integer from 1 to 999"),
        ("dequeue", "dequeue_record", "true", "must be one of record-from-answer, do-not-record"),
        ("dequeue", "dequeue_status_callback_event", "completed,hungup", "must be some of initiated, ringing"),
        ("dequeue", "dequeue_post_work_activity_sid", WK, "must be a SID: WA and 32 hexadecimal digits"),
        ("call", "call_accept", "perhaps", "must be true or false"),
        ("call", "call_url", "", "is required for the instruction call"),
        ("call", "call_from", "", "is required for the instruction call"),
        ("call", "call_url", "ftp://x", "must be an absolute http or https URL"),
        ("call", "call_url", "http://" + "x" * 2048, "must have at most 2048 characters"),
        ("redirect", "redirect_call_sid", "", "is required for the instruction redirect"),
        ("redirect", "redirect_call_sid", "CA1", "must be a SID: CA and 32 hexadecimal digits"),
        ("redirect", "redirect_url", "", "is required for the instruction redirect"),
        ("conference", "to", "a\nb", "must have at most 1024 characters, none of them a control character"),
        ("conference", "to", "x" * 1025, "must have at most 1024 characters"),
        ("conference", "max_participants", "1", "must be an integer from 2 to 250"),
        ("conference", "max_participants", "251", "must be an integer from 2 to 250"),
        ("conference", "beep", "never", "must be one of true, false, onEnter, onExit"),
        ("conference", "conference_record", "yes", "must be one of true, false, record-from-start"),
        ("conference", "conference_trim", "trim", "must be one of trim-silence, do-not-trim"),
        ("conference", "conference_status_callback_event", "start,talk", "must be some of start, end, join"),
        ("conference", "wait_method", "PUT", "must be one of GET, POST"),
        ("conference", "recording_channels", "stereo", "must be one of mono, dual"),
        ("conference", "region", "moon1", "must be one of us1, us2, ie1, de1, sg1, br1, au1, jp1"),
        ("supervise", "supervisor", "", "is required for the instruction supervise"),
        ("supervise", "supervisor", "client:bo", "must be a SID: WK and 32 hexadecimal digits"),
        ("supervise", "supervisor_mode", "whistle", "must be one of monitor, whisper, barge"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_field_named(
    kind: str, field: str, sent: str, message: str
) -> None:
    with pytest.raises(Invalid) as refused:
        read(kind, **{field: sent})
    assert refused.value.field == field
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize(
    ("instruction", "accepts"),
    [
        (read("dequeue"), True),
        (read("conference"), True),
        (read("call"), False),
        (read("call", call_accept="true"), True),
        (read("redirect"), False),
        (read("redirect", redirect_accept="true"), True),
        (read("supervise"), False),
    ],
)
def test_only_some_instructions_accept(instruction: Instruction, accepts: bool) -> None:
    assert instruction.accepts is accepts


@pytest.mark.parametrize("kind", ["dequeue", "call", "conference"])
def test_the_address_named_counts_more_than_the_workers(kind: str) -> None:
    field = next(p.field for p in PARAMETERS[kind] if p.key == "to")
    named = read(kind, **{field: "client:named"})
    assert addressed(named, "client:own").parameters["to"] == "client:named"
    assert addressed(named, None).parameters["to"] == "client:named"
    assert addressed(read(kind), "client:own").parameters["to"] == "client:own"
    with pytest.raises(Invalid) as refused:
        addressed(read(kind), None)
    assert refused.value.field == field


def test_a_supervisor_is_rung_at_its_own_address() -> None:
    assert addressed(read("supervise"), "client:boss").parameters["to"] == "client:boss"
    with pytest.raises(Invalid, match="names no address") as refused:
        addressed(read("supervise"), None)
    assert refused.value.field == "supervisor"


def test_a_redirect_rings_nobody() -> None:
    assert addressed(read("redirect"), None) == read("redirect")


@pytest.mark.parametrize(("ring_s", "fine"), [("600", True), ("601", False)])
def test_a_sip_address_rings_600_seconds_at_most(ring_s: str, fine: bool) -> None:
    for named, own in (({"to": "SIP:a@b"}, None), ({}, "sip:a@b")):
        instruction = read("conference", timeout=ring_s, **named)
        if fine:
            assert addressed(instruction, own).parameters["timeout"] == 600
            continue
        with pytest.raises(Invalid, match="600 for a SIP address") as refused:
            addressed(instruction, own)
        assert refused.value.field == "timeout"
