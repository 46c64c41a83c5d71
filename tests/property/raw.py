"""One Workspace as it lies in Redis, read in one round trip."""

from __future__ import annotations

from typing import Any, Final

from tests.scenarios.lab import Command, EngineDriver

# For tests only: KEYS walks the whole database.
READ_ALL: Final = """
local root, shard, call = KEYS[1], KEYS[2], redis.call

local function hashes(prefix, sids)
  local found = {}
  for i, sid in ipairs(sids) do found[i] = call('HGETALL', root .. prefix .. sid) end
  return found
end

local function all(prefix, command, ...)
  local found = {}
  for i, key in ipairs(call('KEYS', root .. prefix .. '*')) do
    found[i] = {string.sub(key, #root + #prefix + 1), call(command, key, ...)}
  end
  return found
end

local tasks = call('ZRANGE', root .. 'tasks', 0, -1)
local workers = call('ZRANGE', root .. 'workers', 0, -1)
return {
  call('HGET', root .. 'ws', 'uses_activity') or '0', call('XLEN', shard .. 'inbox'),
  tasks, hashes('t:', tasks), workers, hashes('k:', workers), hashes('r:', workers),
  call('HGETALL', root .. 'open'), call('HGETALL', root .. 'docs'),
  call('ZRANGE', shard .. 'timers', 0, -1, 'WITHSCORES'),
  call('HGETALL', root .. 'heads'), call('HGETALL', root .. 'pools'), all('p:', 'HGETALL'),
  all('q:', 'ZRANGE', 0, -1), all('z:', 'ZRANGE', 0, -1, 'WITHSCORES'), all('i:', 'ZRANGE', 0, -1, 'WITHSCORES'),
  all('n:', 'HGETALL'), all('s:', 'SMEMBERS'),
}
"""


def read_all(engine: EngineDriver) -> Command:
    """The command whose reply Raw takes."""
    return ("EVAL", READ_ALL, 2, engine.keys.root, engine.shard_keys.prefix)


class Raw:
    """The reply, as text; pools go by their ids."""

    def __init__(self, reply: list[Any]) -> None:
        texts: list[Any] = _text(reply)
        self.reads_activity = texts[0] == "1"
        self.inbox: int = texts[1]
        self.tasks: list[str] = texts[2]
        self.records = dict(zip(self.tasks, map(_pairs, texts[3]), strict=True))
        self.workers = dict(zip(texts[4], map(_pairs, texts[5]), strict=True))
        self.held = dict(zip(texts[4], map(_pairs, texts[6]), strict=True))
        self.usage, self.documents = _pairs(texts[7]), _pairs(texts[8])
        self._timers = _pairs(texts[9])
        self.heads, self.digests = _pairs(texts[10]), _pairs(texts[11])
        self.specs = {pool: _pairs(flat) for pool, flat in texts[12]}
        self.waiting: dict[str, list[str]] = dict(texts[13])
        self.resting = {pool: _pairs(flat) for pool, flat in texts[14]}
        self.idle = {pool: _pairs(flat) for pool, flat in texts[15]}
        self.censuses = {pool: _pairs(flat) for pool, flat in texts[16]}
        self.skipping: dict[str, list[str]] = dict(texts[17])

    def timers(self, number: int) -> dict[str, int]:
        """Deadline of each Task of the Workspace with this number, ms."""
        mine = f"{number}:"
        return {name[len(mine) :]: int(due) for name, due in self._timers.items() if name.startswith(mine)}


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [_text(item) for item in value] if isinstance(value, list) else value


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
