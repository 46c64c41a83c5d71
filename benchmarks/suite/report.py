"""The report of a run as JSON: what was measured, on what, and whether it was right. docs/bench.md explains each field.

A field that is added later has a default, none is renamed or gets another meaning; what changes that is a new `schema`.
Times are in the unit that a name ends with; where none does, the record says which.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

SCHEMA: Final = 1


class State(Enum):
    """Of a check, and of a run."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"  # too few samples, or something that is not the deployment's fault disturbed it


class Check(Struct, frozen=True, kw_only=True):
    """One thing that must hold, and what was found."""

    name: str
    state: State
    said: str  # one sentence for people
    looked_at: int = 0  # how many Tasks, offers or seconds it rests on
    examples: list[str] = []  # SIDs of what is wrong, ten at most


class Verdict(Struct, frozen=True, kw_only=True):
    """Invalid if one check is; else unknown if one is; else valid. `reasons` say which, and are empty when valid."""

    state: State
    reasons: list[str] = []


class Machine(Struct, frozen=True, kw_only=True):
    """Where the generator ran. With an embedded deployment that is where everything ran."""

    cores: int
    architecture: str
    system: str


class Versions(Struct, frozen=True, kw_only=True):
    trunkline: str
    python: str
    commit: str = ""  # of the checkout the generator ran from, `-dirty` with changes; "" for an installed one


class Target(Struct, frozen=True, kw_only=True):
    """The deployment. The process counts and durability are known only of an embedded one."""

    url: str  # without credentials
    embedded: bool
    api: int | None = None
    matchers: int | None = None
    relays: int | None = None
    durability: str | None = None


class Settings(Struct, frozen=True, kw_only=True):
    """What was asked for. The same settings and seed give the same arrivals, kinds and handle times."""

    scenario: str
    duration_s: float  # of the load; warm-up is part of it, the drain afterwards is not
    warm_up_s: float  # from the start; what was intended to be sent in it counts in no latency
    rate_per_s: float | None = None  # open loop: intended arrivals, all generators together
    closed: int | None = None  # closed loop: posters that each wait for their answer
    arrivals: str = "poisson"  # open loop: at one rate, or "day": `rate_per_s` is the mean of a curve
    day: list[
        float
    ] = []  # that curve: times the mean on the hour, from midnight on, the duration being a day
    workers: int = 0
    handle_ms: float = 0.0  # mean work on a Task
    generators: int = 1  # processes
    seed: int = 1


class Counts(Struct, frozen=True, kw_only=True):
    """What the generator itself saw, warm-up and drain included."""

    sent: int = 0  # creates
    created: int = 0  # answered 201
    refused: int = 0  # answered anything else
    unanswered: int = 0  # of any call: no answer in time, or the connection broke; its outcome is not known
    offers: int = 0
    accepted: int = 0
    completed: int = 0
    canceled: int = 0
    rejected: int = 0
    open_at_end: int = 0


class Latency(Struct, frozen=True, kw_only=True):
    """One histogram, in us. `hdr` is the base64 text of the HdrHistogram V2 compressed encoding."""

    name: str  # create, offer, accept, complete, lag ...
    meaning: str
    count: int
    min_us: int
    mean_us: float
    max_us: int
    percentiles_us: dict[str, int]  # "50", "90", "95", "99", "99.9", "99.99"
    hdr: str


class Second(Struct, frozen=True, kw_only=True):
    """What happened in one second, counted from the start of the load. None: nobody looked."""

    at_s: int
    sent: int = 0
    created: int = 0
    offers: int = 0
    completed: int = 0
    failed: int = 0
    asked_per_s: float | None = None  # the rate that the plan asked for in the middle of this second
    create_p50_us: int | None = None
    create_p99_us: int | None = None
    waiting: int | None = None  # Tasks pending, by the deployment's statistics
    reserved: int | None = None
    assigned: int | None = None
    wrapping: int | None = None


class Figure(Struct, frozen=True, kw_only=True):
    """One number for the summary and for comparing runs."""

    name: str
    value: float
    unit: str
    better: str | None = None  # "higher", "lower"; None where neither is


class Exact(Struct, frozen=True, kw_only=True):
    """A figure that theory knows exactly. It holds within 3 sd."""

    case: str
    name: str
    exact: float
    measured: float
    sd: float
    samples: int


class Kill(Struct, frozen=True, kw_only=True):
    """A SIGKILL. It took effect if the process was alive before and gone after."""

    at_s: float
    what: str  # matcher-1, api-2, relay-1, server
    took_effect: bool
    back_s: float | None = None  # until a call was answered again; None: not before the next kill


class Part(Struct, frozen=True, kw_only=True):
    """One of several runs of a scenario that compares, such as `scale`."""

    name: str
    figures: list[Figure]
    load: str = ""  # of `scale`: what was measured, on so many API and matcher processes
    count: int = 0


class Report(Struct, frozen=True, kw_only=True):
    """One run."""

    schema: int = SCHEMA
    began: str  # ISO 8601, UTC
    command: str  # without credentials
    versions: Versions
    machine: Machine
    target: Target
    settings: Settings
    verdict: Verdict
    checks: list[Check]
    counts: Counts
    figures: list[Figure] = []
    latencies: list[Latency] = []
    series: list[Second] = []
    theory: list[Exact] = []
    kills: list[Kill] = []
    parts: list[Part] = []
    interrupted: bool = False


def verdict_of(checks: list[Check]) -> Verdict:
    """The verdict that these checks give. None at all is unknown: nothing was shown."""
    for state in (State.INVALID, State.UNKNOWN):
        if reasons := [f"{check.name}: {check.said}" for check in checks if check.state is state]:
            return Verdict(state=state, reasons=reasons)
    if not checks:
        return Verdict(state=State.UNKNOWN, reasons=["nothing was checked"])
    return Verdict(state=State.VALID)


def write(report: Report, path: Path) -> None:
    """Write it, indented. Raises OSError."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def read(path: Path) -> Report:
    """Read one. Raises OSError, and ValueError for what is none or has another schema."""
    raw = path.read_bytes()
    head = msgspec.json.decode(raw, type=_Head)
    if head.schema != SCHEMA:
        raise ValueError(f"{path} has schema {head.schema}, and this version reads {SCHEMA}")
    return msgspec.json.decode(raw, type=Report)


class _Head(Struct):
    schema: int
