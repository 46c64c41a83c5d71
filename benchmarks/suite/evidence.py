"""All that is known of a run when it is judged: what the generators saw, and what the deployment says of itself."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

from benchmarks.suite.history import History
from benchmarks.suite.journal import Sample, Totals
from benchmarks.suite.latency import merged
from benchmarks.suite.ledger import Created, Share
from benchmarks.suite.ledger import Totals as Counted
from benchmarks.suite.plan import Plan, Site


class Evidence(Struct):
    """One run. Times are wall-clock seconds unless a name says ms."""

    plan: Plan
    site: Site
    starts_at: float
    shares: list[Share]
    created: dict[str, Created]  # by SID
    counts: dict[str, int]  # sums of the generators' totals
    last: Sample | None  # the real-time view after the drain
    totals: Totals | None
    history: History | None  # None: the log could not be read
    whole: bool  # the log has the run from its beginning
    read_to_ms: int | None = None  # it was read up to here; None: to its end
    samples: list[Sample] = field(default_factory=list)
    statuses: dict[str, str] = field(
        default_factory=dict
    )  # of Tasks that were read at the end; "" for not found
    generators_failed: list[str] = field(default_factory=list)
    disturbed: bool = False  # processes of the deployment were killed on purpose

    @property
    def completed(self) -> dict[str, int]:
        """Completions that were answered 200, by Task."""
        return Counter(task for share in self.shares for task, _, _ in share.completed)

    @property
    def in_doubt(self) -> set[str]:
        """Tasks that may have been completed: the run ended before an answer said so."""
        return {task for share in self.shares for task in share.in_doubt}

    def lag_p99_s(self) -> float:
        return (
            float(merged(share.latencies["lag"] for share in self.shares).get_value_at_percentile(99)) / 1e6
        )


def gathered(shares: list[Share]) -> tuple[dict[str, Created], dict[str, int]]:
    """Creates by SID, and the sums of all counts."""
    created = {one.sid: one for share in shares for one in share.created}
    sums: Counter[str] = Counter(dict.fromkeys(Counted.__struct_fields__, 0))
    for share in shares:
        for name in share.totals.__struct_fields__:
            sums[name] += int(getattr(share.totals, name))
    return created, dict(sums)
