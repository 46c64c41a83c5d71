--[[
  cancel_task: a pending or reserved Task is given up; its Reservation is withdrawn with it.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now       ms, '' for the server's clock
  ARGV[2] task      SID
  ARGV[3] revision  the caller expects, '' for any
  ARGV[4] reason    text, may be ''

  Returns {status}
  Status  1 OK, -2 NOT_FOUND, -3 REVISION (then the stored one), -4 ILLEGAL (then the present status)
  Events  task.canceled, reservation.canceled, then reservation.created for what the freed Worker could take
  Cost    O(p + log n) for p pools of the freed Worker
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
--@include lib/cancel.lua

if not open_workspace() then return {NOT_FOUND} end
local t = load_task(ARGV[2], '')
if not t then return {NOT_FOUND} end
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= t.rev then return {REVISION, t.rev} end
if t.status ~= 'pending' and t.status ~= 'reserved' then return {ILLEGAL, t.status} end

set_clock(ARGV[1])
cancel_task(t, ARGV[4])
conclude()
return {OK}
