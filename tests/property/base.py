"""What all rules of a history share: both routers, what is at hand, and the comparison after every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from engine.errors import TrunklineError
from tests.model.records import OPEN_OFFER, OfferRow, TaskRow, WorkerRow
from tests.model.router import Router
from tests.property import alphabet as a
from tests.property.census import Census
from tests.property.compare import assert_same
from tests.property.fold import assert_gives
from tests.property.integrity import check_integrity, check_promises
from tests.property.raw import read_all
from tests.scenarios.drivers import Driver, ModelDriver
from tests.scenarios.lab import EngineDriver, Lab
from tests.scenarios.site import Site, model_of

T = TypeVar("T")


class History(RuleBasedStateMachine):
    """One history. Without a laboratory the reference router plays alone and only its promises are checked."""

    lab: ClassVar[Lab | None]
    census: ClassVar[Census]

    def __init__(self) -> None:
        super().__init__()
        self.driver: Driver | None = None
        self.last: tuple[str, dict[str, Any]] | None = None

    def begin(self, site: Site) -> None:
        """Opens the Workspace on both sides."""
        self.site = site
        self.model: Router
        if self.lab is None:
            alone = ModelDriver(site)
            self.driver, self.model = alone, alone.router
        else:
            self.driver = EngineDriver(self.lab, site)
            self.model = model_of(site, self.driver.names)

    def teardown(self) -> None:
        if self.driver is None:
            return
        self.census.seen.update(self.model.state.journal)
        if isinstance(self.driver, EngineDriver):
            try:
                assert_same(self.driver.snapshot(), self.model.snapshot())
                assert self.driver.alerts() == self.model.state.alerts
                self.fold()
            finally:
                self.driver.delete()

    # Both sides

    @property
    def engine(self) -> Driver:
        assert self.driver is not None
        return self.driver

    def both(self, method: str, **arguments: Any) -> None:
        """The same call on both sides, which must answer alike."""
        now_ms = self.engine.now_ms
        expected = outcome(lambda: getattr(self.model, method)(now_ms=now_ms, **arguments))
        if self.lab is not None:
            actual = outcome(lambda: self.engine.call(method, **arguments))
            assert actual == expected, f"{method}: the engine answers {actual}, the model {expected}"
        self.census.count(f"{method} {expected}")
        if not method.startswith("create"):
            self.last = (method, arguments)
        self.compare()

    def sweep(self) -> None:
        """What is due is done on both sides."""
        self.model.fire_timers(now_ms=self.engine.now_ms)
        if self.lab is not None:
            self.engine.sweep()
        self.compare()

    def fold(self) -> None:
        """What was told so far is logged, with the records as they are now, and folded it gives the state."""
        if isinstance(self.driver, EngineDriver):
            assert_gives(self.driver.logged(), self.driver.snapshot(), self.driver.last_seq())

    def compare(self) -> None:
        """Everything a client sees, and what the engine counts, against the reference router."""
        self.census.look(self.model)
        check_promises(self.model)
        engine = self.engine
        if not isinstance(engine, EngineDriver):
            return
        expected = self.model.snapshot()
        workers = expected["workers"]
        actual, recount = engine.observe(read_all(engine))
        offers = {sid: offer for sid, offer in expected["offers"].items() if offer["worker"] in workers}
        assert_same(actual, {**expected, "offers": offers})
        check_integrity(engine, self.model, recount)

    # What is at hand: the newest first, and one time in twelve something that does not exist

    def task(self, pick: int, *, first: Sequence[str] = ()) -> TaskRow | None:
        """Those in one of the statuses `first` come before the others."""
        tasks = sorted(self.model.state.tasks.values(), key=lambda task: task.status in first)
        return _picked(tasks, pick)

    def worker(self, pick: int) -> WorkerRow | None:
        return _picked(list(self.model.state.workers.values()), pick)

    def offer(self, pick: int) -> OfferRow | None:
        offers = list(self.model.state.offers())
        return _picked(sorted(offers, key=lambda o: (o.status in OPEN_OFFER, o.created_ms)), pick)

    def activity(self, name: str) -> str:
        """The SID of an Activity, by its name in the alphabet."""
        names = a.SINGLE_NAMES if self.site.single else a.MULTI_NAMES
        return self.engine.names.activities[names[name]]

    def attributes(self, kind: str, level: int, pick: int) -> str:
        """Attributes of a Task; a VIP's name a Worker by SID and by friendly name, or in vain."""
        if kind != "vip":
            return a.task_attributes(kind, level)
        worker = self.worker(pick)
        in_vain: dict[int, Any] = {8: "nobody", 9: None, 10: 7}
        agent = in_vain.get(pick, sid_of(worker, "WK"))
        name = in_vain.get(pick, a.WORKER_NAMES[pick % len(a.WORKER_NAMES)])
        return a.task_attributes(kind, level, agent=agent, name=name)


def outcome(call: Any) -> str:
    """ "ok", or which error it was."""
    try:
        call()
    except TrunklineError as error:
        return type(error).__name__
    return "ok"


def sid_of(thing: TaskRow | WorkerRow | OfferRow | None, prefix: str) -> str:
    return prefix + a.GHOST if thing is None else thing.sid


def if_match(thing: TaskRow | WorkerRow | OfferRow | None, match: int | None) -> int | None:
    """What If-Match says: nothing, or a revision that far from the present one."""
    return None if match is None else (0 if thing is None else thing.revision) + match


def _picked(things: list[T], pick: int) -> T | None:
    return None if pick == 11 or not things else things[-1 - pick % len(things)]
