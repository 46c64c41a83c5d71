"""Reports that nobody measured, with something in every field, and a deployment that is nowhere."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

from benchmarks.suite.latency import Times, latency
from benchmarks.suite.plan import Site
from benchmarks.suite.report import (
    Check,
    Counts,
    Exact,
    Figure,
    Kill,
    Latency,
    Machine,
    Part,
    Report,
    Second,
    Settings,
    State,
    Target,
    Versions,
    verdict_of,
)

SITE: Final = Site(
    url="",
    account_sid="",
    token="",
    workspace="WS1",
    workflow="WW1",
    available="",
    offline="",
    agents=[],
    began_ms=0,
)
NASTY: Final = "<script>alert('x')</script> & \"more\" ]]>"


def seconds(chance: random.Random, count: int, *, rate: float, p99_ms: float) -> list[Second]:
    """Seconds of a load with noise of a tenth; nobody looks at the queues in every fifth."""
    found = []
    for at_s in range(count):
        done = max(0, round(rate * chance.gauss(1.0, 0.1)))
        looked = at_s % 5 != 4
        found.append(
            Second(
                at_s=at_s,
                sent=done,
                created=done,
                asked_per_s=rate,
                offers=done,
                completed=max(0, done - chance.randrange(5)),
                create_p50_us=round(1000 * p99_ms / 5 * chance.gauss(1.0, 0.1)),
                create_p99_us=round(1000 * p99_ms * chance.gauss(1.0, 0.1)),
                waiting=chance.randrange(40) if looked else None,
                reserved=chance.randrange(10) if looked else None,
                assigned=90 + chance.randrange(20) if looked else None,
                wrapping=0 if looked else None,
            )
        )
    return found


@cache
def histogram(name: str, mean_ms: float) -> Latency:
    times, chance = Times(), random.Random(name)
    for _ in range(1_000):
        times.add(chance.lognormvariate(0.0, 0.6) * mean_ms / 1000)
    return latency(name, f"what {name} means", [times.encoded()])


def report(
    *,
    seed: int = 1,
    count: int = 60,
    rate: float = 200.0,
    p99_ms: float = 20.0,
    scenario: str = "lives",
    said: str = "every Task came to its end",
    state: State = State.VALID,
) -> Report:
    chance = random.Random(seed)
    checks = [
        Check(name="loss", state=state, said=said, looked_at=12_000, examples=["WT0001", "WT0002"]),
        Check(name="order", state=State.VALID, said="nobody overtook anybody", looked_at=11_800),
    ]
    return Report(
        began="2026-01-02T03:04:05Z",
        command="trunkline bench lives --rate 200",
        versions=Versions(trunkline="0.1.0", python="3.11.7", commit="abc1234"),
        machine=Machine(cores=2, architecture="x86_64", system="Linux"),
        target=Target(url="http://127.0.0.1:8780", embedded=True, api=1, matchers=1, relays=1, durability="always"),
        settings=Settings(
            scenario=scenario, duration_s=count, warm_up_s=5.0, rate_per_s=rate, workers=120, handle_ms=500.0
        ),
        verdict=verdict_of(checks),
        checks=checks,
        counts=Counts(sent=12_000, created=12_000, offers=12_100, accepted=12_000, completed=12_000),
        figures=[
            Figure(name="created", value=rate, unit="a second", better="higher"),
            Figure(name="create p99", value=p99_ms, unit="ms", better="lower"),
        ],
        latencies=[histogram("create", p99_ms / 4), histogram("offer", p99_ms / 2)],
        series=seconds(chance, count, rate=rate, p99_ms=p99_ms),
        theory=[
            Exact(case="M/M/5", name="P(wait)", exact=0.55, measured=0.56, sd=0.01, samples=9_000),
            Exact(case="M/M/5", name="mean wait, s", exact=1.2, measured=1.02, sd=0.04, samples=9_000),
        ],
        kills=[Kill(at_s=20.0, what="matcher-1", took_effect=True)],
        parts=[Part(name="2 matchers", figures=[Figure(name="completed", value=310.0, unit="a second")])],
    )  # fmt: skip
