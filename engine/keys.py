"""Every key of the engine is built here and nowhere else (lua/lib/keys.lua mirrors the ones that scripts derive).

A Workspace lives in one shard, and all keys of a shard carry its hash tag, so one script may touch any of them in
Redis Cluster too. Inside a shard a Workspace goes by a short number that is never used again: a Task's key is then
46 bytes rather than 80, and a Workspace's records cannot be named without having looked up that number under the
owner's account.
"""

from __future__ import annotations

from typing import Final, NewType
from zlib import crc32

Key = NewType("Key", str)

ACCOUNTS: Final = Key("{tl}:accounts")  # hash: Account SID -> Account as JSON
API_KEYS: Final = Key("{tl}:api_keys")  # hash: API key SID -> ApiKey as JSON
DEPLOYMENT: Final = Key("{tl}:deployment")  # hash: layout (version of this file), shards, id, secret


def rate_key(account_sid: str, rate: str, second: int) -> Key:
    """string: requests of one Account in one second since the epoch, under one rate."""
    return Key(f"{{tl}}:rate:{account_sid}:{rate}:{second}")


def shard_of(workspace_sid: str, shards: int) -> int:
    """The shard a Workspace lives in. Fixed for its life, since `shards` is fixed for a deployment's."""
    return crc32(workspace_sid.encode()) % shards


def root_of(shard: int, number: int) -> str:
    """What every key of a Workspace begins with. Script calls need only this, and are on the hot path."""
    return f"{{tl:{shard}}}:{number}:"


class ShardKeys:
    """Keys that the Workspaces of one shard share."""

    __slots__ = (
        "calls",
        "dead",
        "directory",
        "events",
        "inbox",
        "log",
        "media",
        "numbers",
        "prefix",
        "shard",
        "timers",
        "unsent",
    )

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.prefix: Key = Key(f"{{tl:{shard}}}:")
        self.directory: Key = Key(self.prefix + "directory")  # hash: Workspace SID -> number
        self.numbers: Key = Key(self.prefix + "numbers")  # string: the last number given
        self.inbox: Key = Key(self.prefix + "inbox")  # stream: work for matchers, group `matchers`
        self.dead: Key = Key(self.prefix + "dead")  # stream: inbox entries that no matcher could do
        self.media: Key = Key(self.prefix + "media")  # stream: what media adapters are told, group `media`
        self.events: Key = Key(self.prefix + "events")  # stream: one entry a transition
        self.log: Key = Key(self.prefix + "log")  # hash: position, the last entry of `events` that was logged
        self.calls: Key = Key(self.prefix + "calls")  # stream: events to deliver to callbacks
        self.timers: Key = Key(self.prefix + "timers")  # zset: "<number>:<Task SID>" -> deadline, ms
        self.unsent: Key = Key(
            self.prefix + "unsent"
        )  # zset: number -> ms of the next try of its kept events

    def created(self, bucket: int | str) -> Key:
        """hash: what Workspaces were created with an Idempotency-Key on even (0) and odd (1) days."""
        return Key(f"{self.prefix}y:{bucket}")

    def owned_by(self, account_sid: str) -> Key:
        """zset: Workspace SID -> ms of its creation, for one Account."""
        return Key(f"{self.prefix}owned:{account_sid}")


class WorkspaceKeys:
    """Keys of one Workspace; `root` is the common beginning that scripts build theirs from."""

    __slots__ = (
        "config",
        "config_log",
        "docs",
        "failing",
        "heads",
        "log",
        "names",
        "open",
        "pool_log",
        "pools",
        "root",
        "tasks",
        "unsent",
        "worker_log",
        "workers",
        "ws",
    )

    def __init__(self, shard: int, number: int) -> None:
        root = root_of(shard, number)
        self.root: Key = Key(root)
        self.ws: Key = Key(root + "ws")  # hash: the hot fields, see lua/lib/keys.lua
        self.config: Key = Key(root + "config")  # hash: SID -> record as JSON
        self.config_log: Key = Key(
            root + "config_log"
        )  # zset: SID -> version that last changed or deleted it
        self.names: Key = Key(root + "names")  # hash: Worker's name, case folded -> Worker SID
        self.workers: Key = Key(root + "workers")  # zset: Worker SID, all scores 0, so ordered by SID
        self.worker_log: Key = Key(
            root + "worker_log"
        )  # zset: Worker SID -> directory version of its last change
        self.log: Key = Key(root + "log")  # stream: the events in full, see engine/events.py
        self.tasks: Key = Key(root + "tasks")  # zset: Task SID -> order of creation
        self.pools: Key = Key(root + "pools")  # hash: pool digest -> pool id
        self.pool_log: Key = Key(root + "pool_log")  # zset: pool id -> pool version that registered it
        self.heads: Key = Key(root + "heads")  # hash: pool id -> order key of its best waiting Task
        self.unsent: Key = Key(root + "unsent")  # zset: events that its URL did not take, by order of commit
        self.docs: Key = Key(root + "docs")  # hash: replaced documents that open Tasks still follow
        self.failing: Key = Key(
            root + "failing"
        )  # hash: Workflows whose callbacks fail, see lua/lib/keys.lua
        self.open: Key = Key(root + "open")  # hash: what is in use, see lua/lib/keys.lua

    def task(self, sid: str) -> Key:
        """hash: one Task with its Reservations, see lua/lib/keys.lua."""
        return Key(f"{self.root}t:{sid}")

    def worker(self, sid: str) -> Key:
        """hash: one Worker with the load of its channels, see lua/lib/keys.lua."""
        return Key(f"{self.root}k:{sid}")

    def reservations(self, worker_sid: str) -> Key:
        """hash: Reservation SID -> Task SID, for the Reservations of one Worker whose Tasks still exist."""
        return Key(f"{self.root}r:{worker_sid}")

    def pool(self, pool_id: str) -> Key:
        """hash: what one pool is, see lua/lib/keys.lua."""
        return Key(f"{self.root}p:{pool_id}")

    def idle(self, pool_id: str) -> Key:
        """zset: Workers of one pool that may be offerable, longest idle first."""
        return Key(f"{self.root}i:{pool_id}")

    def terms(self, pool_id: str) -> Key:
        """hash: Worker SID -> order prefix and load program, in pools that have one or the other."""
        return Key(f"{self.root}m:{pool_id}")

    def waiting(self, pool_id: str) -> Key:
        """zset: order key and SID of the Tasks that wait in one pool, best first, all scores 0."""
        return Key(f"{self.root}q:{pool_id}")

    def resting(self, pool_id: str) -> Key:
        """zset: Tasks for one Worker who refused, by its revision then."""
        return Key(f"{self.root}z:{pool_id}")

    def counts(self, census_id: str) -> Key:
        """hash: Activity SID, + for all available and - for the others -> Workers that one census counts."""
        return Key(f"{self.root}n:{census_id}")

    def created(self, bucket: int | str) -> Key:
        """hash: what was created with an Idempotency-Key on even (0) and odd (1) days, see lua/lib/idempotency.lua."""
        return Key(f"{self.root}y:{bucket}")

    def skippers(self, census_id: str) -> Key:
        """set: pools whose Tasks skip their step by one census."""
        return Key(f"{self.root}s:{census_id}")
