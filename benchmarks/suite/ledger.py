"""What one generator saw, as it is sent to the one that judges. Times are wall-clock seconds since the epoch."""

from __future__ import annotations

from msgspec import Struct, field


class Created(Struct, array_like=True, frozen=True, gc=False):
    """A create that was answered 201. Of a backlog there are a million, and none refers to another record."""

    sid: str
    kind: int
    meant_s: float
    sent_s: float
    answered_s: float


class Offered(Struct, array_like=True, frozen=True):
    """An offer that an agent learned of."""

    reservation: str
    task: str
    worker: str
    at_ms: int  # by the deployment's clock
    learned_s: float


class Second(Struct, array_like=True):
    """What one second saw; creates count where they were meant to be sent."""

    sent: int = 0
    created: int = 0
    offers: int = 0
    completed: int = 0
    failed: int = 0
    create_us: list[int] = field(default_factory=list)


class Totals(Struct, array_like=True):
    """Counts of one generator so far."""

    sent: int = 0
    created: int = 0
    refused: int = 0  # creates answered 429 or 5xx with Retry-After: honest doubt or overload
    wrong: int = 0  # any other answer that nothing in the plan explains
    unanswered_creates: int = 0
    unanswered: int = 0  # of all calls
    not_sent: int = 0  # arrivals beyond what may be under way at a time
    offers: int = 0
    accepted: int = 0
    completed: int = 0
    gone: int = 0  # offers that were taken back before they were accepted
    posting: bool = True  # arrivals are still to come
    filled: bool = False  # the backlog is there, or as much of it as will come


class Share(Struct, kw_only=True):
    """Everything of one generator."""

    totals: Totals
    created: list[Created]
    offered: list[Offered]
    accepted: list[tuple[str, str]]  # Task, Reservation
    completed: list[tuple[str, str, float]]  # Task, Reservation, when it was answered
    in_doubt: list[str] = field(
        default_factory=list
    )  # Tasks whose completion was under way when the run ended
    overruns: list[str]  # Reservations that came to a Worker who was full
    said: list[str]  # the first answers that were wrong, as they came
    latencies: dict[str, bytes]  # name -> encoded histogram
    seconds: dict[int, Second]
    worked: list[tuple[str, float]] = []  # Task, the work that was drawn for it, s


class Opening(Struct, array_like=True, frozen=True):
    """To a generator whose backlog is there: Workers come at this instant, and the log has offers from this ms on."""

    starts_at: float
    since_ms: int


class Message(Struct):
    """From a generator: its totals about four times a second, at last its share, or why it failed."""

    number: int
    totals: Totals | None = None
    share: Share | None = None
    failed: str = ""
