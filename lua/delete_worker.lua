--[[
  delete_worker: the Worker leaves every pool and the directory. Refused while it holds an open Reservation.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now       ms, '' for the server's clock
  ARGV[2] worker    SID
  ARGV[3] revision  the caller expects, '' for any

  Returns {status}
  Status  1 OK, -2 NOT_FOUND, -3 REVISION (then the stored one), -6 IN_USE (then the open Reservations)
  Events  worker.deleted
  Cost    O(p log n) for p pools of the Worker
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/activity.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua
--@include lib/waiting.lua
--@include lib/task.lua
--@include lib/market.lua

if not open_workspace() then return {NOT_FOUND} end
local sid, key = ARGV[2], root .. 'k:' .. ARGV[2]
local fields = call('HGETALL', key)
if #fields == 0 then return {NOT_FOUND} end
local worker, open = {}, 0
for i = 1, #fields, 2 do
  worker[fields[i]] = fields[i + 1]
  if string.find(fields[i], '^c%d') then open = open + tonumber(string.match(fields[i + 1], '^%d+')) end
end
local rev = string.match(worker.s, '%d+$')
if ARGV[3] ~= '' and ARGV[3] ~= rev then return {REVISION, tonumber(rev)} end
if open > 0 then return {IN_USE, open} end

set_clock(ARGV[1])
for n in string.gmatch(worker.chs, '([^,]+),') do
  for id in string.gmatch(worker['pl' .. n], '([^,]+),') do
    local pool = pool_of(id)
    idle_drop(pool, sid)
    if pool.ordered or pool.dynamic then call('HDEL', root .. 'm:' .. id, sid) end
    if pool.target then wake(pool, 'inf') end
    -- A clause that only this Worker's value made void counts again.
    if pool.ordered and (call('HGET', root .. 'p:' .. id, 'ignored') or '0') ~= '0' then ask('order', 'p', id) end
  end
end
if worker.cen then recount(key, worker.cen, worker.act, worker.av, '') end
call('HDEL', root .. 'names', worker.folded)
call('ZREM', root .. 'workers', sid)
call('HINCRBY', root .. 'open', 'a:' .. worker.act, -1)
call('DEL', key, root .. 'r:' .. sid)
log_worker(sid)
tell('worker.deleted', table.concat({sid, worker.act, rev, #worker.name, worker.name .. worker.attrs}, '|'))
conclude()
return {OK}
