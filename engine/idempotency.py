"""Idempotency keys: a creation that may be repeated for 24 h and has one effect.

A key counts for one kind of thing in one Workspace, for Workspaces in one Account. Redis has digests of it and of the
content it came with beside the SID of what was created, written by the script that created it; the layout and the time
are the business of lua/lib/idempotency.lua. A call that is refused takes no key.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from engine.config_records import Snapshot
from engine.errors import KeyReused, NotFound, Vanished
from engine.keys import WorkspaceKeys
from engine.model import Found, WorkspaceConfig

if TYPE_CHECKING:
    from engine.config import ConfigCache

T = TypeVar("T")

KEPT_MS: Final = 86_400_000
KEY_BYTES: Final = 18  # of a digest; no caller can find another's key
KEY_CHARACTERS: Final = 24  # the same in Base64
CONTENT_BYTES: Final = 12  # nobody gains by deceiving himself


def once(key: str | None, kind: str, content: Mapping[str, Any]) -> str:
    """A key and the content it came with, as scripts take them; "" without a key.

    `kind` is what the key counts for. Content is compared by the values that were sent, so neither their order nor
    their encoding matters, and one that was not sent is like one that did not exist then.
    """
    if key is None:
        return ""
    sent = sorted(item for item in content.items() if item[1] is not None and item[1] is not UNSET)
    return _digest(f"{kind} {key}", KEY_BYTES) + _digest(ascii(sent), CONTENT_BYTES)


def _digest(text: str, size: int) -> str:
    return b64encode(blake2b(text.encode(), digest_size=size).digest()).decode()


async def made_before(cache: ConfigCache, config: WorkspaceConfig, once: str) -> str | None:
    """The SID of what this key created in the Workspace within 24 h, None if it is new. One round trip.

    Raises KeyReused, Unavailable.
    """
    key, content = once[:KEY_CHARACTERS], once[KEY_CHARACTERS:].encode()
    keys = WorkspaceKeys(config.shard, config.workspace.number)
    commands: list[tuple[str, ...]] = [("HGET", keys.created(bucket), key) for bucket in (0, 1)]
    if cache.now_ms is None:
        commands.append(("TIME",))
    even, odd, *time = await cache.together(*commands)
    now_ms = cache.instant_ms(time)
    for entry in (even, odd):
        created_ms, sid, of = (entry or b"0||").split(b"|")
        if sid and now_ms - int(created_ms) < KEPT_MS:
            if of != content:
                raise KeyReused
            return str(sid.decode())
    return None


async def again(
    fetch: Callable[[str, str, str], Awaitable[Found[T]]], account: str, workspace: str, sid: str
) -> Found[T]:
    """What an earlier call with the same key created, as it is now. Raises Vanished, and what `fetch` does."""
    try:
        return replace(await fetch(account, workspace, sid), replayed=True)
    except NotFound as gone:
        if gone.sid != sid:
            raise
        raise Vanished(sid) from None


def created(now: Snapshot, sid: str, of: Callable[[WorkspaceConfig, str], T]) -> Found[T]:
    """What a change of the configuration has created, now or by an earlier call with the same key.

    `of` finds it in a configuration. Raises Vanished.
    """
    if not now.made:
        return Found(config=now.config, value=of(now.config, sid), now_ms=now.now_ms)
    try:
        return Found(config=now.config, value=of(now.config, now.made), now_ms=now.now_ms, replayed=True)
    except NotFound:
        raise Vanished(now.made) from None
