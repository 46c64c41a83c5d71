"""What the original's documents leave open beyond single parameters, and what holds here."""

from __future__ import annotations

from typing import Final

Choices = tuple[tuple[str, str], ...]

_TASKS: Final[Choices] = (
    ("Age of a Task that has ended", "Stands still."),
    ("Whether the time-to-live waits for the virtual start", "It counts from the creation."),
    (
        "A Task for one Worker that cannot be offered",
        "Canceled after 60 s where capacity is ignored, else at the end of its time-to-live.",
    ),
    (
        "A Task for one Worker who refused or let it pass",
        "Stays pending for that Worker, and is offered again once its Activity, a channel of its or its load changes.",
    ),
    ("New attributes of a reserved Task", "Reservations stay; the attributes count when it is next routed."),
    ("A revision as text", '`"7"` in the ETag; `7`, `"7"`, `W/"7"` and `*` in If-Match.'),
)
_RESERVATIONS: Final[Choices] = (
    ("Where `wrapping` exists", "In every multi-tasking Workspace."),
    (
        "Answering one that has ended",
        "Accepting: 410. Rejecting: 400. Accepting an accepted one: 200, no change.",
    ),
    ("Activity after a rejection", "Multi-tasking: changed only where one is named."),
    ("Other offers of a Worker who let one pass", "Stay as they are."),
    ("A round of several offers", "Is not filled up; the next one begins when the Task is pending again."),
    ("Activity of a single-tasking Worker who was rescinded", "The one from before the offer."),
    ("Events of one change", "That of the Reservation first, then `worker.activity.update`."),
    (
        "A single-tasking Worker who rejects",
        "Goes to the Activity that is named, else to that from before the offer.",
    ),
)
_WORKERS: Final[Choices] = (
    ("Capacity on a Task Channel that is new", "1, and available."),
    ("Largest capacity", "50,000."),
    ("Percentage with capacity 0", "0."),
    ("`RejectPendingReservations`", "The Activity changes first, so that nothing new is offered meanwhile."),
    ("Making a Workspace single-tasking later", "Refused with 400; it can be created so."),
)
_MATCHING: Final[Choices] = (
    ("Going offline and back", "Keeps a Worker's place: what counts is its last Reservation."),
    ("Two Workers alike", "The lower SID first."),
    ("Tasks of several FIFO queues", "Compared together: priority, then virtual start."),
    ("Two Tasks alike", "In order of creation; in LIFO queues the other way round."),
    ("A step into the queue where the Task is", "No events, and the date it entered stays."),
    ("A new expression of a queue", "Open Reservations stay."),
)
_WORKFLOWS: Final[Choices] = (
    ("Keys that are not known", "Kept, returned and without effect."),
    ("The document as returned", "Byte for byte as sent."),
    ("No filter takes a Task that is routed anew, and there is no default", "Canceled, `workflow.timeout`."),
    ("After a Reservation has failed", "The Task stays in its step until the step's deadline."),
    ("Time-outs of steps that were skipped", "Count in the sum."),
    ("Begin of the sum in a later filter", "The Task's age when it entered the filter."),
    ("`known_worker_sid` together with `known_worker_friendly_name`", "Refused with 400."),
    ("`order_by` without a direction", "Ascending."),
    ("A value in `order_by` that is no integer", "That clause is void, for all Workers."),
    (
        "When `skip_if` is asked",
        "On entry, at every new routing, and when a Worker of the queue changes Activity.",
    ),
    ("A variable of `skip_if` that is not known", "0."),
)
_EXPRESSIONS: Final[Choices] = (
    (
        "`worker.` or `task.` where none is needed",
        "Taken literally, and where no such attribute exists, left off.",
    ),
    ("`TRUE`, `FALSE`, `NULL`", "In any case."),
    ("`<>`, and `NOT` before an expression", "Taken."),
    (
        "A hyphen outside a string or number",
        "Refused with 400. Inside a string it is a letter like any other.",
    ),
    ("Negative numbers", "Taken."),
    ("Escapes in strings", r"`\\`, `\'` and `\"`."),
    ("An attribute alone as a condition", "Refused with 400."),
    ("`AND` and `OR` without parentheses", "`AND` binds tighter."),
    ("Longest expression", "4,096 characters for a queue; in a Workflow, what its document holds."),
    ("Comparing with `null`", "Asks whether there is a value, of whatever type."),
    ("A number with a text that spells one", "As numbers."),
    ("Two texts", "Code point by code point, case-sensitive, also where both spell numbers."),
    ("A boolean with anything else", "`!=` is true, all others are false."),
    ("`CONTAINS` with numbers", "As their shortest texts."),
    ("An attribute named like a special key", "The special key counts."),
    (
        "Special keys in `TargetWorkers`",
        "`sid`, `friendly_name`, `activity_sid`, `activity_name`; those of channels are null.",
    ),
    ("Data of add-ons", "`addons.<name>`."),
)
_CALLBACKS: Final[Choices] = (
    ("`Timestamp` of an assignment callback", "Sent, in seconds. No other parameters are added."),
    ("An instruction that is not known", "The Reservation stays pending."),
    ("An endpoint that goes on failing", "Growing pauses for its Workflow, of 30 s at most."),
    ("What the fallback URL is told", "The same, and `ErrorCode` and `ErrorUrl`."),
    ("Redirects", "Not followed: a failure."),
    ("An answer that comes too late", "Without effect, and logged."),
)
_EVENTS: Final[Choices] = (
    ("Order of delivery", "In order of what happened, for each Task and each Worker."),
    ("Delivering again", "Not unless switched on."),
    ("How long Events are kept", "30 days, by default."),
)
_STATISTICS: Final[Choices] = (
    ("A wait of exactly the threshold", "Counts as above."),
    ("Nothing happened", "Zeros."),
    ("`split_by_wait_time` without its parameter", "null."),
    ("Activities nobody was in", "Listed, with zeros."),
    ("`tasks_by_status`", "pending, reserved, assigned and wrapping."),
    ("`tasks_by_priority`", "Counts are numbers."),
    ("Which fields the combined views have", "All that the single ones have."),
    ("Waiting", "Pending or reserved."),
)
_ERRORS: Final[Choices] = (
    ("A token without the policy", "403, code 20403."),
    ("Accepting what was rescinded", "410, code 20410."),
    ("Another revision", "412, code 20412."),
    ("A page by number alone; statistics from too long ago", "400, code 20001."),
    (
        "A database that does not answer",
        "503, code 20503; the message says whether the change may have been made.",
    ),
)

TOPICS: Final[tuple[tuple[str, Choices], ...]] = (
    ("Tasks", _TASKS),
    ("Reservations", _RESERVATIONS),
    ("Workers and their channels", _WORKERS),
    ("Matching", _MATCHING),
    ("Workflows", _WORKFLOWS),
    ("Expressions", _EXPRESSIONS),
    ("Callbacks", _CALLBACKS),
    ("Events", _EVENTS),
    ("Statistics", _STATISTICS),
    ("Errors", _ERRORS),
)
