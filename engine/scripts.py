"""The Lua scripts: loads lua/, and calls a script by its name. In the server they are functions of one library."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from engine.linker import link
from engine.redis import Pipeline, Script, ServerRefused
from engine.redis.script import PREFIX

LUA: Final = Path(__file__).resolve().parent.parent / "lua"


class Status(IntEnum):
    """What a script answers with first; lua/lib/keys.lua has the same numbers."""

    OK = 1
    MADE = 2  # an earlier call with the same Idempotency-Key made it
    STALE = -1  # the decision rested on a version that is not the present one; decide anew
    NOT_FOUND = -2
    REVISION = -3  # the caller expected another revision
    ILLEGAL = -4  # not allowed in the present state
    GONE = -5  # the Reservation ended before the answer came
    IN_USE = -6
    EXISTS = -7  # another one has the name
    KEY_USED = -8  # the Idempotency-Key, for other content


class Scripts:
    """Every script of `lua/`, callable through one pipeline. A missing file or include fails here, at start."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._scripts = load_scripts()

    def run(
        self, name: str, keys: Sequence[str | bytes | int], args: Sequence[str | bytes | int]
    ) -> Coroutine[Any, Any, Any]:
        """Call a script; its reply is a list that begins with a Status. Awaiting it raises PipelineError."""
        return self._pipeline.script(self._scripts[name], keys, args)


@cache
def load_scripts(folder: Path = LUA) -> Mapping[str, Script]:
    """All scripts of a folder by name; some 40 ms, once in a process.

    Raises FileNotFoundError for a folder without any, and for a missing include.
    """
    texts, fragments = files(folder)
    if not texts:
        raise FileNotFoundError(f"no Lua scripts in {folder}: the installation is incomplete")
    try:
        return {script.name: script for script in link(texts, fragments)}
    except KeyError as missing:
        raise FileNotFoundError(f"no {missing} in {folder}: the installation is incomplete") from None


def files(folder: Path = LUA) -> tuple[dict[str, str], dict[str, str]]:
    """The scripts of a folder by name and the fragments by path, as `link` takes them."""
    scripts = {path.stem: path.read_text() for path in sorted(folder.glob("*.lua"))}
    return scripts, {f"lib/{path.name}": path.read_text() for path in (folder / "lib").glob("*.lua")}


async def install(redis: Redis) -> list[str]:
    """Load the scripts, and delete the libraries that other versions of this program left; the names of those.

    Where such a version still runs, it loads its own again at its next call. Two round trips, and one for each; loading
    keeps the server busy for some ms, which no caller should wait for. Raises ServerRefused for a server that does not
    let us, and RedisError for one that does not answer.
    """
    library = next(iter(load_scripts().values())).library
    try:
        await redis.function_load(library.text, replace=True)
    except ResponseError as error:
        raise ServerRefused(
            f"The Redis server does not take our scripts: {error}. Allow the user FCALL and FUNCTION."
        ) from error
    listed = await redis.function_list(f"{PREFIX}*")
    old = sorted({_text(name) for found in listed for name in found[1:2]} - {library.name})
    for name in old:
        try:
            await redis.function_delete(name)
        except ResponseError:  # another process that starts deleted it first
            continue
    return old


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
