"""The parameters of a Reservation's update: the answer itself, and what the instructions take."""

from __future__ import annotations

from typing import Final

from api.surface.common import PUBLIC
from api.surface.model import BOOLEAN, URL, Parameter, Type, form, integer, rows, sid, text, words

STATUSES: Final = words(
    "pending", "accepted", "rejected", "timeout", "canceled", "rescinded", "wrapping", "completed"
)
_LINE: Final = text(0, 1024)
_RING: Final = integer(1, 999)
_METHOD: Final = words("GET", "POST")
_LEG: Final = words("record-from-answer", "do-not-record")
# Words may also come as one comma list, so the description says texts; the notes say which.
_WORDS: Final = rows(Type(kind="text"))
_CALL_EVENTS: Final = "`initiated`, `ringing`, `answered`, `completed`; repeated, or as a comma list"
_CONFERENCE_EVENTS: Final = (
    "`start`, `end`, `join`, `leave`, `mute`, `hold`, `speaker`; repeated, or as a comma list"
)

ANSWER: Final = (
    form(
        "ReservationStatus",
        STATUSES,
        "`accepted`, `rejected`, `wrapping` or `completed`",
        chosen="The other four are refused with 400; `accepted` once more changes nothing and answers 200. Accepting"
        " one that has ended is 410, rejecting it 400.",
    ),
    form(
        "WorkerActivitySid",
        sid("WA"),
        "with a rejection: the Worker's new Activity",
        chosen="Optional. Left out, a single-tasking Worker goes back to its Activity from before; a multi-tasking"
        " one stays.",
    ),
    form(
        "Instruction",
        Type(kind="text"),
        "`accept`, `reject`, `dequeue`, `call`, `redirect`, `conference` or `supervise`, in any case",
        chosen="`accept` and `reject` mean the statuses. The others are for your media adapter (media-adapter.md).",
        refused="Without a media adapter the others are refused with 400.",
    ),
)

_DEQUEUE: Final = (
    form("DequeuePostWorkActivitySid", sid("WA"), "dequeue: the Worker's Activity afterwards"),
    form("DequeueFrom", _LINE, "dequeue: caller id", default="the number dialled"),
    form("DequeueRecord", _LEG, "dequeue: what is recorded", default="do-not-record"),
    form("DequeueTimeout", _RING, "dequeue: seconds it rings; at most 600 with SIP", default="60"),
    form("DequeueTo", _LINE, "dequeue: the Worker's address", default="the Worker's `contact_uri`"),
    form("DequeueStatusCallbackUrl", URL, "dequeue: told when the call ends", refused=PUBLIC),
)
_CALL: Final = (
    form("CallFrom", _LINE, "call: caller id; required"),
    form("CallRecord", _LEG, "call: what is recorded", default="do-not-record"),
    form("CallTimeout", _RING, "call: seconds it rings; at most 600 with SIP", default="60"),
    form("CallTo", _LINE, "call: the Worker's address", default="the Worker's `contact_uri`"),
    form("CallUrl", URL, "call: what is run when the Worker answers; required", refused=PUBLIC),
    form("CallStatusCallbackUrl", URL, "call: told when the call ends", refused=PUBLIC),
    form("CallAccept", BOOLEAN, "call: also accept the Reservation", default="false"),
)
_REDIRECT: Final = (
    form("RedirectCallSid", sid("CA"), "redirect: the waiting call; required"),
    form("RedirectAccept", BOOLEAN, "redirect: also accept the Reservation", default="false"),
    form("RedirectUrl", URL, "redirect: what the call goes on with; required", refused=PUBLIC),
)
_CONFERENCE: Final = (
    form("To", _LINE, "conference: the Worker's address", default="the Worker's `contact_uri`"),
    form("From", _LINE, "conference: caller id"),
    form("StatusCallback", URL, "conference: told about the call", refused=PUBLIC),
    form("StatusCallbackMethod", _METHOD, "conference: how", default="POST"),
    form("StatusCallbackEvent", _WORDS, f"conference: of what: {_CALL_EVENTS}"),
    form("Timeout", _RING, "conference: seconds it rings; at most 600 with SIP", default="60"),
    form("Record", BOOLEAN, "conference: record the Worker", default="false"),
    form("Muted", BOOLEAN, "conference: the Worker joins muted", default="false"),
    form(
        "Beep",
        words("true", "false", "onEnter", "onExit"),
        "conference: beep on entrance and exit",
        default="true",
    ),
    form("StartConferenceOnEnter", BOOLEAN, "conference: start when the Worker joins", default="true"),
    form("EndConferenceOnExit", BOOLEAN, "conference: end when the Worker leaves"),
    form("WaitUrl", URL, "conference: what is heard while waiting", refused=PUBLIC),
    form("WaitMethod", _METHOD, "conference: how that is fetched", default="POST"),
    form("EarlyMedia", BOOLEAN, "conference: the Worker hears ringing", default="true"),
    form("MaxParticipants", integer(2, 250), "conference: how many may join", default="250"),
    form("ConferenceStatusCallback", URL, "conference: told about the conference", refused=PUBLIC),
    form("ConferenceStatusCallbackMethod", _METHOD, "conference: how", default="POST"),
    form("ConferenceStatusCallbackEvent", _WORDS, f"conference: of what: {_CONFERENCE_EVENTS}"),
    form(
        "ConferenceRecord",
        words("true", "false", "record-from-start", "do-not-record"),
        "conference: record all of it",
        default="false",
    ),
    form(
        "ConferenceTrim",
        words("trim-silence", "do-not-trim"),
        "conference: silence in the recording",
        default="trim-silence",
    ),
    form("RecordingChannels", words("mono", "dual"), "conference: channels of the recording", default="mono"),
    form("RecordingStatusCallback", URL, "conference: told about the Worker's recording", refused=PUBLIC),
    form("RecordingStatusCallbackMethod", _METHOD, "conference: how", default="POST"),
    form(
        "ConferenceRecordingStatusCallback",
        URL,
        "conference: told about the conference's recording",
        refused=PUBLIC,
    ),
    form("ConferenceRecordingStatusCallbackMethod", _METHOD, "conference: how", default="POST"),
    form(
        "Region",
        words("us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1"),
        "conference: where it is mixed",
    ),
    form("SipAuthUsername", _LINE, "conference: SIP user"),
    form("SipAuthPassword", _LINE, "conference: SIP password"),
    form("DequeueStatusCallbackEvent", _WORDS, f"dequeue: of what: {_CALL_EVENTS}", default="completed"),
    form("PostWorkActivitySid", sid("WA"), "conference: the Worker's Activity afterwards"),
    form("EndConferenceOnCustomerExit", BOOLEAN, "conference: end when the customer leaves"),
    form("BeepOnCustomerEntrance", BOOLEAN, "conference: beep when the customer joins"),
    form("JitterBufferSize", words("small", "medium", "large", "off"), "conference: buffer for a bad line"),
    form("Transcribe", BOOLEAN, "conference: transcribe it, as the browser SDK may ask", extension=True),
    form("TranscriptionConfiguration", _LINE, "conference: how, as the browser SDK says it", extension=True),
)
SUPERVISE: Final = (
    form("SupervisorMode", words("monitor", "whisper", "barge"), "supervise: how", default="monitor"),
    form(
        "Supervisor",
        sid("WK"),
        "supervise: the Worker who listens in; required",
        refused="An address is refused with 400: it has to be a Worker's SID.",
    ),
)

MEDIA: Final[tuple[Parameter, ...]] = (*_DEQUEUE, *_CALL, *_REDIRECT, *_CONFERENCE)
