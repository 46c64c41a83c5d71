--[[
  drop_pool: a pool that nobody has used for a while is out of use; its members are taken out of it, then it is gone.

  Called again and again: at first with no members, which puts it out of use if it still is unused; then with members,
  a portion at a time; the last time with `last`.  A matcher that dies on the way leaves an inbox entry by which another
  goes on. A Task that comes for it meanwhile gets a new pool.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now     ms, '' for the server's clock
  ARGV[2] digest
  ARGV[3] pool    id
  ARGV[4] unused  ms without use after which it goes
  ARGV[5] last    '1' with the last members
  ARGV[6]...      Workers that are members (at most 500)

  Returns {status}
  Status  1 OK, -6 IN_USE (nothing changed), -2 NOT_FOUND (it is gone)
  Events  none: a pool is an index, not state
  Cost    O(members x (pools of the Worker + log n))
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/activity.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua

if not open_workspace() then return {NOT_FOUND} end
set_clock(ARGV[1])
local pool, key = pool_of(ARGV[3]), root .. 'p:' .. ARGV[3]
local spec = call('HMGET', key, 'gone', 'census')
if call('EXISTS', key) == 0 then return {NOT_FOUND} end

-- How many Tasks wait or rest in it, or pools skip by it.
local function users()
  if pool.order == 'C' then return call('SCARD', root .. 's:' .. pool.id) end
  return call('ZCARD', root .. 'q:' .. pool.id) + call('ZCARD', root .. 'z:' .. pool.id)
end

if spec[1] ~= '1' then
  local stored = call('HGET', root .. 'pools', ARGV[2])
  local used = stored and string.match(stored, '^(%d+),' .. string.gsub(pool.id, '%.', '%%.') .. '$')
  if not used or now - used * 100000 < tonumber(ARGV[4]) or users() > 0 then return {IN_USE} end
  local pool_version = call('HINCRBY', root .. 'ws', 'pool_version', 1)
  call('HSET', key, 'gone', '1')
  call('HDEL', root .. 'pools', ARGV[2])
  call('ZADD', root .. 'pool_log', pool_version, pool.id)
  if spec[2] then call('SREM', root .. 's:' .. spec[2], pool.id) end
  ask('drop', 'p', pool.id)
  return {OK}
end

local function without(list)
  local gone, kept = ',' .. pool.id .. ',', ',' .. list
  local at = string.find(kept, gone, 1, true)
  if not at then return nil end
  return string.sub(kept, 2, at) .. string.sub(kept, at + #gone)
end

local function leave_census(sid)
  local worker = root .. 'k:' .. sid
  local f = call('HMGET', worker, 'cen', 'act', 'av')
  local head, list = string.match(f[1] or '', '^(.*|)([^|]*)$')
  local left = list and without(list)
  if left == '' then call('HDEL', worker, 'cen') elseif left then call('HSET', worker, 'cen', head .. left) end
end

local function leave_pool_for_good(sid)
  local worker = root .. 'k:' .. sid
  local list = call('HGET', worker, 'pl' .. pool.n)
  local left = list and without(list)
  if not left then return end
  call('HSET', worker, 'pl' .. pool.n, left)
  local w = load_worker(sid, pool.n)
  local parked = without(w.parked)
  if parked then
    w.parked = parked
    write_worker(w)
  end
end

for i = 6, #ARGV do
  if pool.order == 'C' then leave_census(ARGV[i]) else leave_pool_for_good(ARGV[i]) end
end
if ARGV[5] == '1' then
  local version_then = call('ZSCORE', root .. 'pool_log', pool.id)
  if tonumber(call('HGET', root .. 'ws', 'pool_floor') or 0) < tonumber(version_then) then
    call('HSET', root .. 'ws', 'pool_floor', version_then)
  end
  call('ZREM', root .. 'pool_log', pool.id)
  for _, kind in ipairs({'p:', 'm:', 'i:', 'q:', 'z:', 'n:', 's:'}) do call('UNLINK', root .. kind .. pool.id) end
end
return {OK}
