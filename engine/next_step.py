"""Next step: where a Task belongs that is in no pool, or whose queue changed."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from engine import checks
from engine.live import Live
from engine.model import TaskChannel, WorkspaceConfig
from engine.placement import Placement, Placers
from engine.records import Fields, Where, spot, target, where
from engine.rules import Workflow, parse_workflow

MAX_DOCUMENTS: Final = 256  # replaced documents kept parsed; one of 1 MB takes some 10 MB
NO_FILTER: Final = "No filter of the Workflow matches the Task"
TIMED_OUT: Final = "Workflow timed out"
SKIPPED: Final = "Workflow skipped"


class Decision(Struct, frozen=True):
    """A place, or the event and reason with which a Task leaves its Workflow."""

    placement: Placement | None
    event: str = ""
    reason: str = ""
    stays: bool = False  # in its step, and keeps the answer time it entered with

    @property
    def arguments(self) -> tuple[str | int, ...]:
        """As lua/route_task.lua takes it."""
        if self.placement is None:
            return ("", "-", "", 0, 0, "", "", "0", self.event, self.reason)
        digest, queue, priority, answer, *rest = self.placement.arguments
        enter = "1" if self.placement.enter else "0"
        if self.stays:
            priority, answer = "", ""
        return (digest, queue, priority, answer, *rest, enter, "", "")


class NextStep:
    """Decides where Tasks go. `decide` raises Unavailable."""

    def __init__(self, live: Live, placers: Placers) -> None:
        self._live, self._placers = live, placers
        self._documents: dict[tuple[str, str, int], Workflow] = {}  # least recently used first

    async def decide(
        self, config: WorkspaceConfig, fields: Fields, *, restart: bool = False, stay: bool = False
    ) -> Decision:
        """By what the Task left: its place again, the next step, or the first filter of the newest document.

        One round trip where the Task follows a replaced document that is not here, else none.
        """
        belongs, place = where(fields), spot(fields)
        cause = "" if stay or not place.is_between else place.pool[1:]
        channel = config.channel_numbered(belongs.channel)
        assert channel is not None, "a Task Channel with open Tasks cannot be deleted"
        targeted = self._targeted(config, fields, belongs, channel, enter=restart or cause == "r")
        if targeted is not None:
            return targeted
        values = checks.json_object("attributes", fields[b"attrs"].decode())
        placer, workflow = self._placers.of(config), belongs.workflow_sid
        rules = None
        if not restart and cause != "r":
            rules = await self._rules(config, workflow, belongs.document)
        if rules is not None:
            try:
                if cause in {"", "q"}:
                    return Decision(placer.stay(workflow, rules, place.at, values, channel), stays=True)
                skipped = cause == "s"
                following = placer.leave(workflow, rules, place.at, values, channel, skipped=skipped)
                return Decision(following) if following is not None else _ended(skipped=skipped)
            except KeyError:
                pass  # a queue that only the replaced document named was deleted: the newest one decides
        first = placer.start(workflow, values, channel)
        return Decision(first) if first is not None else Decision(None, "workflow.timeout", NO_FILTER)

    def _targeted(
        self, config: WorkspaceConfig, fields: Fields, belongs: Where, channel: TaskChannel, *, enter: bool
    ) -> Decision | None:
        sid, direct = target(fields)
        placer, workflow = self._placers.of(config), belongs.workflow_sid
        if sid is None or sid.startswith("WW"):
            return None
        if sid.startswith("WQ"):
            return Decision(placer.for_queue(workflow, sid, channel, enter=enter), stays=not enter)
        queue = belongs.queue_sid
        placement = placer.for_worker(workflow, sid, queue, channel, direct=direct, enter=enter)
        return Decision(placement, stays=not enter)

    async def _rules(self, config: WorkspaceConfig, workflow: str, document: int) -> Workflow | None:
        """The document of that number; None when nobody kept it."""
        if config.workflows[workflow].document == document:
            return self._placers.compiled.of(config).workflow(workflow)
        key = (config.workspace.sid, workflow, document)
        known = self._documents.pop(key, None)
        if known is None:
            text = await self._live.ask("HGET", self._live.keys(config).docs, f"{workflow}.{document}")
            if text is None:
                return None
            known = parse_workflow(text.decode(), queue_exists=lambda _: True)
        self._documents[key] = known
        if len(self._documents) > MAX_DOCUMENTS:
            del self._documents[next(iter(self._documents))]
        return known


def _ended(*, skipped: bool) -> Decision:
    return (
        Decision(None, "workflow.skipped", SKIPPED)
        if skipped
        else Decision(None, "workflow.timeout", TIMED_OUT)
    )
