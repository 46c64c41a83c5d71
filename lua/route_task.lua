--[[
  route_task: a pending Task takes the place that a matcher found for it: from no pool, or from another one.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1]  now        ms, '' for the server's clock
  ARGV[2]  version    of the configuration that the decision rests on
  ARGV[3]  task       SID
  ARGV[4]  revision   of the Task that the decision rests on
  ARGV[5]  from       its `at`|pool that the decision rests on
  ARGV[6]  digest     of the pool; '' when its Workflow has no step left for it: the Task is canceled
  ARGV[7]  queue      SID, '-' for none; what follows is a place, see lib/placement.lua
  ARGV[8]  priority   of the step, '' to keep
  ARGV[9]  answer     s a Worker has to answer a Reservation, '' to keep
  ARGV[10] document   number
  ARGV[11] at         without the ms
  ARGV[12] due        s from the entry of the filter to the deadline of the step, '' without one
  ARGV[13] enter      '1' when the Task enters another filter
  ARGV[14] event      with which a Task without a step leaves its Workflow: workflow.timeout or workflow.skipped
  ARGV[15] reason     it is canceled with then

  Returns {status}
  Status  1 OK (also when the Task is gone, placed by another or no longer pending), -1 STALE (decide anew),
          -2 NOT_FOUND (the pool is not installed: install it, then call again)
  Events  workflow.target-matched; task.updated if queue or priority changed; reservation.created if a Worker was free;
          task.canceled
  Cost    O(log n)
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
--@include lib/placement.lua

if not open_workspace() then return {OK} end
local t = load_task(ARGV[3], '')
if not t then return {OK} end
load_place(t)
if t.at .. '|' .. t.pool ~= ARGV[5] then return {OK} end
if version ~= ARGV[2] or t.rev ~= tonumber(ARGV[4]) then return {STALE} end
set_clock(ARGV[1])
if t.status == 'reserved' then  -- its queue changed: it follows when it is pending again
  if later_of(t) == '0' then set_later(t, '2') end
  return {OK}
end
if t.status ~= 'pending' then return {OK} end
if ARGV[6] == '' then
  leave_pool(t)
  tell(ARGV[14], t.sid .. '|' .. t.tag)
  end_task(t, 'canceled', ARGV[15])
  publish()
  return {OK}
end
local pool_id = installed(ARGV[6])
if not pool_id then return {NOT_FOUND} end
if pool_id == t.pool then return {OK} end

t.stays = is_placed(t) or t.pool == '-q'
local leaves = t.pool == '-t' or t.pool == '-s'
leave_pool(t)
local place = {
  queue = ARGV[7], priority = ARGV[8], answer = ARGV[9], document = ARGV[10], at = ARGV[11], due = ARGV[12],
  enter = ARGV[13] == '1',
}
if move_task(t, place) then
  call('HSET', t.key, 's', next_state(t, 'pending', '-'))
  tell('task.updated', t.sid .. '|' .. t.tag .. '|' .. t.status)
end
if leaves or place.enter then tell_matched(t) end
take_place(t, pool_of(pool_id))
conclude()
return {OK}
