--[[
  delete_task: the Task and its Reservations are gone, whatever its state.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now       ms, '' for the server's clock
  ARGV[2] task      SID
  ARGV[3] revision  the caller expects, '' for any

  Returns {status}
  Status  1 OK, -2 NOT_FOUND, -3 REVISION (then the stored one)
  Events  task.deleted; reservation.canceled if one was pending, reservation.completed if one was accepted;
          then reservation.created for what the freed Worker could take
  Cost    O(r + p + log n) for r Reservations of the Task and p pools of the freed Worker
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
--@include lib/offers.lua
--@include lib/erase.lua

if not open_workspace() then return {NOT_FOUND} end
local t = load_task(ARGV[2], '')
if not t then return {NOT_FOUND} end
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= t.rev then return {REVISION, t.rev} end

set_clock(ARGV[1])
remove_task(t, 'task.deleted')
conclude()
return {OK}
