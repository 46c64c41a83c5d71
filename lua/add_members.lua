--[[
  add_members: Workers join a registered pool; with the last of them it is in use.

  A Worker that has changed since the matcher read it is passed over: its own indexing, which came after the pool was
  registered, puts it in. A census counts those too who wait for theirs, in the Activity they were known in: without
  them it would say for a moment that fewer are there than ever were. Repeating a call changes nothing.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now      ms, '' for the server's clock
  ARGV[2] pool     id
  ARGV[3] last     '1' with the last members
  ARGV[4] born     ms of the channel's creation for pools ranked by the channel, else '0'
  ARGV[5] version  of the configuration whose names (Activities, Task Channels) the matcher read
  ARGV[6]...       for each member (at most 500): Worker SID, dv that was read, terms as in index_worker

  Returns {status}
  Status  1 OK, -1 STALE (find the members anew), -2 NOT_FOUND (Workspace or pool gone)
  Events  none
  Cost    O(members x log n)
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/activity.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua

if not open_workspace() then return {NOT_FOUND} end
if version ~= ARGV[5] then return {STALE} end
local pool = pool_of(ARGV[2])
local digest = call('HGET', root .. 'p:' .. pool.id, 'digest')
if not digest then return {NOT_FOUND} end
set_clock(ARGV[1])

local function add_word(list, word)
  return list .. word .. ','
end

local function count_in(sid, dv)
  local key = root .. 'k:' .. sid
  local f = call('HMGET', key, 'dv', 'ix', 'cen', 'act', 'av', 'was')
  if f[1] ~= dv or f[2] ~= '1' and not f[6] then return end
  local activity, available = f[4], f[5]
  if f[2] ~= '1' then activity, available = string.match(f[6], '^(%w+)|(%d)$') end
  local list = f[3] and string.match(f[3], '[^|]*$') or ''
  if not string.find(',' .. list, ',' .. pool.id .. ',', 1, true) then
    recount(key, f[3], activity, available, add_word(list, pool.id))
  end
end

local function add_member(sid, dv, terms)
  local key = root .. 'k:' .. sid
  local f = call('HMGET', key, 'dv', 'ix', 'chs', 'pl' .. pool.n, 'made')
  if f[1] ~= dv or f[2] ~= '1' then return end
  local list = f[4] or ''
  if string.find(',' .. list, ',' .. pool.id .. ',', 1, true) then return end
  if not string.find(',' .. f[3], ',' .. pool.n .. ',', 1, true) then call('HSET', key, 'chs', add_word(f[3], pool.n)) end
  call('HSET', key, 'pl' .. pool.n, add_word(list, pool.id))
  if pool.ordered or pool.dynamic then call('HSET', root .. 'm:' .. pool.id, sid, terms) end
  if pool.dynamic or pool.target then call('HSET', key, 'dy', '1') end
  if pool.direct then return end
  local w = load_worker(sid, pool.n)
  if pool.own_rank and w.last_n == '' then w.last_n = math.max(tonumber(f[5]), tonumber(ARGV[4])) end
  if offerable(w) then idle_put(pool, w) else w.parked = add_word(w.parked, pool.id) end
  write_worker(w)
end

for i = 6, #ARGV, 3 do
  if pool.order == 'C' then count_in(ARGV[i], ARGV[i + 1]) else add_member(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
end
if ARGV[3] == '1' then
  if call('HGET', root .. 'pools', digest) == '!' .. pool.id then
    call('HSET', root .. 'pools', digest, string.sub(stamp, 1, -6) .. ',' .. pool.id)
  end
end
return {OK}
