--[[
  route_task: a pending Task that is in no pool enters the one a matcher found or made for it.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now        ms, '' for the server's clock
  ARGV[2] version    of the configuration that the decision rests on
  ARGV[3] task       SID
  ARGV[4] revision   of the Task that the decision rests on
  ARGV[5] digest     of the pool; '' when no filter matches any more: the Task is canceled
  ARGV[6] queue      SID
  ARGV[7] priority   of the step the Task is now in
  ARGV[8] answer     s a Worker has to answer a Reservation

  Returns {status}
  Status  1 OK (also when the Task is gone, routed or no longer pending), -1 STALE (decide anew),
          -2 NOT_FOUND (the pool is not installed: install it, then call again)
  Events  task.updated if queue or priority changed; reservation.created if a Worker was free; task.canceled
  Cost    O(log n)
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua
--@include lib/waiting.lua
--@include lib/task.lua
--@include lib/market.lua
--@include lib/placement.lua

if not open_workspace() then return {OK} end
local t = load_task(ARGV[3], '')
if not t or t.status ~= 'pending' then return {OK} end
load_place(t)
if t.pool ~= '-' then return {OK} end
if version ~= ARGV[2] or t.rev ~= tonumber(ARGV[4]) then return {STALE} end
set_clock(ARGV[1])
if ARGV[5] == '' then
  end_task(t, 'canceled', NO_FILTER)
  publish()
  return {OK}
end
local pool_id = call('HGET', root .. 'pools', ARGV[5])
if not pool_id or string.sub(pool_id, 1, 1) == '!' then return {NOT_FOUND} end

if move_task(t, ARGV[6], ARGV[7], ARGV[8]) then
  call('HSET', t.key, 's', next_state(t, 'pending', '-'))
  tell('task.updated', t.sid)
end
t.pool = pool_id
call('HSET', t.key, 'p', pack_place(t))
set_dirty(t, false)
enter_pool(t, pool_of(pool_id))
publish()
return {OK}
