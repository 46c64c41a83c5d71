"""New Tasks: what is checked and decided of them before lua/create_task.lua stores them, one or some at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from engine import checks
from engine.errors import Invalid, KeyReused, NotFound, TrunklineError, Unavailable
from engine.idempotency import again, made_before, once
from engine.live import ATTEMPTS, Live
from engine.model import Found, Task, TaskChannel, TaskStatus, WorkspaceConfig
from engine.placement import Placement, Placers
from engine.scripts import Status
from engine.sids import Mint, mint
from engine.task_targets import NO_TARGET, Target, Targets, workflow_of

MAX_PRIORITY: Final = 2_147_483_647
MAX_TIMEOUT_S: Final = 1_209_600  # two weeks
DEFAULT_TIMEOUT_S: Final = 86_400
MOST: Final = 16  # Tasks in one call: about 1 ms of the server, 2 where each meets a Worker

Outcome = Found[Task] | TrunklineError
Arguments = tuple[str | bytes | int, ...]
Fetch = Callable[[str, str, str], Awaitable[Found[Task]]]  # of one Task by its Account, Workspace and SID


class NewTask(Struct, frozen=True, kw_only=True):
    """What a caller asks for.

    `routing_target` is a Worker, a TaskQueue or a Workflow; `ignore_capacity` (True unless sent) and `task_queue_sid`
    go with a Worker (semantics 2.8).
    """

    attributes: str = "{}"
    priority: int | None = None
    timeout: int = DEFAULT_TIMEOUT_S  # seconds
    task_channel: str | None = None  # SID or unique name
    workflow_sid: str | None = None
    virtual_start_ms: int | None = None
    routing_target: str | None = None
    ignore_capacity: bool | None = None
    task_queue_sid: str | None = None
    idempotency_key: str | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What the key came with."""
        return {**asdict(self), "idempotency_key": None}


class _Draft(Struct):
    """A Task on its way into the script."""

    wish: NewTask
    sid: str
    values: dict[str, Any]  # its attributes
    target: Target | None
    once: str
    # What was decided by one version of the configuration:
    channel: int = 0
    workflow: str = ""
    placement: Placement | None = None
    priority: int = 0
    outcome: Outcome | None = None

    def arguments(self) -> Arguments:
        """What the script is told of the Task."""
        wish, placement, virtual_ms = self.wish, self.placement, self.wish.virtual_start_ms
        assert placement is not None
        due_s = placement.due_s
        return (
            self.sid, placement.digest, placement.queue_sid or "-", self.workflow, self.channel, self.priority,
            "" if virtual_ms is None else virtual_ms, wish.timeout, wish.attributes, placement.answer_s,
            placement.document, placement.at, "" if due_s is None else due_s,
            "" if self.target is None else self.target.stored, self.once,
        )  # fmt: skip

    def created(self, config: WorkspaceConfig, now_ms: int) -> Found[Task]:
        """The Task as the script made it."""
        wish, placement = self.wish, self.placement
        assert placement is not None
        queue = placement.queue_sid
        task = Task(
            sid=self.sid,
            status=TaskStatus.PENDING,
            attributes=wish.attributes,
            priority=self.priority,
            timeout=wish.timeout,
            task_queue_sid=queue,
            task_queue_entered_ms=None if queue is None else now_ms,
            workflow_sid=self.workflow,
            task_channel_number=self.channel,
            virtual_start_ms=now_ms if wish.virtual_start_ms is None else wish.virtual_start_ms,
            routing_target=wish.routing_target,
            ignore_capacity=self.target is not None and self.target.direct,
            created_ms=now_ms,
            updated_ms=now_ms,
            revision=0,
        )
        return Found(config=config, value=task, now_ms=now_ms)


class NewTasks:
    """Creates Tasks."""

    def __init__(self, live: Live, placers: Placers, fetch: Fetch, *, mint: Mint = mint) -> None:
        self._live, self._placers, self._fetch, self._mint = live, placers, fetch, mint
        self._targets = Targets(live, placers)

    async def create(
        self,
        account: str,
        workspace: str,
        *,
        attributes: str = "{}",
        priority: int | None = None,
        timeout: int = DEFAULT_TIMEOUT_S,
        task_channel: str | None = None,
        workflow_sid: str | None = None,
        virtual_start_ms: int | None = None,
        routing_target: str | None = None,
        ignore_capacity: bool | None = None,
        task_queue_sid: str | None = None,
        idempotency_key: str | None = None,
    ) -> Found[Task]:
        """Add a Task and start it on its Workflow; see NewTask. Raises Invalid, KeyReused, Vanished.

        One round trip, two for a Task for one Worker, and up to two more for one that is refused or was created before.

        The record returned is the Task as it was created, pending; by the time the caller reads it, it may be reserved.
        One that an earlier call with the same key created is returned as it is now.
        """
        wish = NewTask(
            attributes=attributes,
            priority=priority,
            timeout=timeout,
            task_channel=task_channel,
            workflow_sid=workflow_sid,
            virtual_start_ms=virtual_start_ms,
            routing_target=routing_target,
            ignore_capacity=ignore_capacity,
            task_queue_sid=task_queue_sid,
            idempotency_key=idempotency_key,
        )
        draft = self._draft(wish)
        await self._create(account, workspace, (draft,))
        if isinstance(draft.outcome, TrunklineError):
            raise draft.outcome
        assert draft.outcome is not None
        return draft.outcome

    async def create_many(self, account: str, workspace: str, wishes: Sequence[NewTask]) -> list[Outcome]:
        """What `create` returns or raises for each of up to 16 Tasks, as if created one after the other.

        Cost: the round trips of one creation, and about half of it in Redis for each Task.
        """
        assert len(wishes) <= MOST, "the server is not to be held up"
        outcomes: list[_Draft | Invalid] = []
        for wish in wishes:
            try:
                outcomes.append(self._draft(wish))
            except Invalid as error:
                outcomes.append(error)
        drafts = [draft for draft in outcomes if isinstance(draft, _Draft)]
        try:
            await self._create(account, workspace, drafts)
        except TrunklineError as error:
            for draft in drafts:
                draft.outcome = draft.outcome or error
        told = (one.outcome if isinstance(one, _Draft) else one for one in outcomes)
        return [outcome for outcome in told if outcome is not None]

    def _draft(self, wish: NewTask) -> _Draft:
        """Raises Invalid for values that are wrong by themselves."""
        if wish.priority is not None:
            checks.integer("priority", wish.priority, 0, MAX_PRIORITY)
        checks.integer("timeout", wish.timeout, 1, MAX_TIMEOUT_S)
        values = checks.json_object("attributes", wish.attributes)
        target = None
        if (
            wish.routing_target is not None
            or wish.ignore_capacity is not None
            or wish.task_queue_sid is not None
        ):
            target = Target(wish.routing_target, wish.ignore_capacity, wish.task_queue_sid)
        key = "" if wish.idempotency_key is None else once(wish.idempotency_key, "Task", wish.content)
        return _Draft(wish, self._mint("WT"), values, target, key)

    async def _create(self, account: str, workspace: str, drafts: Sequence[_Draft]) -> None:
        """Give each draft its outcome. Raises NotFound and Unavailable where that is the same for all of them."""
        cache = self._live.config
        config = cache.cached(account, workspace) or await cache.get(account, workspace)
        for _ in range(ATTEMPTS):
            decided: list[_Draft] = []
            args: list[str | bytes | int] = [config.version]
            for draft in drafts:
                draft.outcome = None
                try:
                    if draft.target is None:
                        self._decide(config, draft)
                    else:
                        await self._decide_target(config, draft, draft.target)
                except Invalid as error:
                    draft.outcome = error
                else:
                    decided.append(draft)
                    args += draft.arguments()
            stale = bool(decided) and not await self._commit(account, config, decided, args)
            if not stale and len(decided) == len(drafts):
                return
            # What we know of the Workspace may be old: nobody is refused what is allowed by now.
            newest = await self._live.config.refresh(account, workspace)
            if not stale:
                drafts = [draft for draft in drafts if isinstance(draft.outcome, Invalid)]
                if newest.version == config.version:
                    await self._look_back(account, config, drafts)
                    return
            config = newest
        raise Unavailable(f"{workspace} changes faster than it can be read", outcome_unknown=False)

    async def _commit(
        self, account: str, config: WorkspaceConfig, drafts: list[_Draft], args: list[str | bytes | int]
    ) -> bool:
        """Run the script; False when it goes by a newer configuration, and has done nothing."""
        reply = await self._live.script("create_task", config, args)
        if reply[0] == Status.STALE:
            return False
        workspace = config.workspace.sid
        if reply[0] == Status.NOT_FOUND:
            self._live.config.forget(workspace)
            raise NotFound(workspace)
        assert reply[0] == Status.OK, reply
        for draft, told in zip(drafts, reply[1:], strict=True):
            if told[0] == Status.OK:
                draft.outcome = draft.created(config, told[1])
            else:
                draft.outcome = await self._not_created(account, workspace, told)
        return True

    async def _not_created(self, account: str, workspace: str, told: list[Any]) -> Outcome:
        """What it means that the script has not created a Task."""
        match told:
            case [Status.ILLEGAL]:
                return Invalid("virtual_start_time", "must not lie in the future")
            case [Status.KEY_USED]:
                return KeyReused()
            case [Status.MADE, bytes(sid)]:
                return await self._again(account, workspace, sid.decode())
        raise AssertionError(f"create_task replied {told!r}")

    async def _look_back(self, account: str, config: WorkspaceConfig, drafts: list[_Draft]) -> None:
        """What cannot be created any more may have been created by an earlier call with the same key."""
        for draft in drafts:
            if draft.once:
                try:
                    made = await made_before(self._live.config, config, draft.once)
                except TrunklineError as error:
                    draft.outcome = error
                else:
                    if made is not None:
                        draft.outcome = await self._again(account, config.workspace.sid, made)

    async def _again(self, account: str, workspace: str, sid: str) -> Outcome:
        try:
            return await again(self._fetch, account, workspace, sid)
        except TrunklineError as error:
            return error

    def _decide(self, config: WorkspaceConfig, draft: _Draft) -> None:
        wish = draft.wish
        channel = channel_of(config, "default" if wish.task_channel is None else wish.task_channel)
        workflow = workflow_of(config, wish.workflow_sid)
        placement = self._placers.of(config).start(workflow, draft.values, channel)
        if placement is None:
            raise Invalid("attributes", NO_TARGET)
        draft.channel, draft.workflow, draft.placement = channel.number, workflow, placement
        draft.priority = placement.priority if placement.priority is not None else wish.priority or 0

    async def _decide_target(self, config: WorkspaceConfig, draft: _Draft, target: Target) -> None:
        wish = draft.wish
        channel = channel_of(config, "default" if wish.task_channel is None else wish.task_channel)
        workflow, placement = await self._targets.decide(
            config, target, wish.workflow_sid, draft.values, channel
        )
        draft.channel, draft.workflow, draft.placement = channel.number, workflow, placement
        draft.priority = placement.priority if placement.priority is not None else wish.priority or 0


def channel_of(config: WorkspaceConfig, name: str) -> TaskChannel:
    """The Task Channel of this SID or unique name. Raises Invalid."""
    channel = config.channel(name)
    if channel is None:
        raise Invalid("task_channel", f"is neither SID nor unique name of a Task Channel: {name[:64]!r}")
    return channel
