"""What is fixed for the life of a deployment: its id, a secret, the number of shards and the layout of its keys.

All of them are in one hash, written once at the first start. A process that finds something else refuses to
start, because it would read and write the wrong keys: with another number of shards a Workspace would be
looked for where it is not, and an emptied server would look like a new one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import SettingError
from engine.keys import ACCOUNTS, DEPLOYMENT, ShardKeys
from engine.redis import ServerRefused

if TYPE_CHECKING:
    from redis.asyncio import Redis

LAYOUT: Final = 2  # raised with every change of the stored keys that older code would misread

# Why data of an earlier layout cannot be used.
_REPLACED: Final = {
    1: "layout 1 kept only hashes of auth tokens, and the tokens are needed to sign callbacks"
}


class Deployment(Struct, frozen=True, kw_only=True):
    """The facts every process of a deployment agrees on."""

    id: str  # 32 hexadecimal digits, random
    shards: int
    layout: int
    secret: str = ""  # 32 hexadecimal digits, random; signs what callers are to hand back unchanged
    is_new: bool  # this call made it: there was no data before


async def open_deployment(redis: Redis, *, shards: int, default_shards: int, expected_id: str) -> Deployment:
    """The deployment in this server, made now if there is none. Three round trips.

    `shards` 0 takes the stored number, or `default_shards` at the first start. `expected_id` "" takes any
    deployment and lets a new one be made. Raises SettingError for another number of shards, ServerRefused for
    another deployment, a lost one, or a layout that this version does not know.
    """
    found = await _read(redis)
    made = not found
    if made:
        await _refuse_remains(redis, expected_id)
        found = await _create(redis, shards or default_shards)
    facts = Deployment(id=found["id"], shards=int(found["shards"]), layout=int(found["layout"]), is_new=made)
    _check(facts, shards, expected_id)
    return replace(facts, secret=found.get("secret") or await _with_secret(redis))


async def _read(redis: Redis) -> dict[str, str]:
    return {_text(k): _text(v) for k, v in (await redis.hgetall(DEPLOYMENT)).items()}


async def _create(redis: Redis, shards: int) -> dict[str, str]:
    """HSETNX in one transaction: of two that start at once, one writes all of it and one nothing."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hsetnx(DEPLOYMENT, "id", os.urandom(16).hex())
        pipe.hsetnx(DEPLOYMENT, "secret", os.urandom(16).hex())
        pipe.hsetnx(DEPLOYMENT, "shards", str(shards))
        pipe.hsetnx(DEPLOYMENT, "layout", str(LAYOUT))
        await pipe.execute()
    return await _read(redis)


async def _with_secret(redis: Redis) -> str:
    """The secret of a deployment that an older version began: made now, the same for all that start at once."""
    await redis.hsetnx(DEPLOYMENT, "secret", os.urandom(16).hex())
    return (await _read(redis))["secret"]


async def _refuse_remains(redis: Redis, expected_id: str) -> None:
    if expected_id:
        raise ServerRefused(
            f"this server has no data, but deployment {expected_id} was expected: it was emptied, or it is"
            " another one; restore its data, or unset TRUNKLINE_DEPLOYMENT to begin anew"
        )
    for key in (ACCOUNTS, ShardKeys(0).numbers):
        if await redis.exists(key):
            raise ServerRefused(
                f"this server has lost the key {DEPLOYMENT} but still has {key}: part of the data is gone;"
                " restore it, or empty the database to begin anew"
            )


def _check(found: Deployment, shards: int, expected_id: str) -> None:
    if found.layout != LAYOUT:
        why = f"; {_REPLACED[found.layout]}" if found.layout in _REPLACED else ""
        raise ServerRefused(
            f"the data has layout {found.layout} and this version reads layout {LAYOUT}{why};"
            " start the version of Trunkline that wrote it, or give this one an empty database"
        )
    if expected_id and found.id != expected_id:
        raise ServerRefused(
            f"this server holds deployment {found.id}, not {expected_id}; point redis at the right server,"
            " or unset TRUNKLINE_DEPLOYMENT"
        )
    if shards and found.shards != shards:
        raise SettingError(
            f"shards (--shards, TRUNKLINE_SHARDS) is {shards}; must be {found.shards} or left out:"
            " it was fixed at the first start of this deployment"
        )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
