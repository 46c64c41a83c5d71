--[[
  refuse_offers: goes on rejecting the pending Reservations of a Worker where update_worker had done its share.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now     ms, '' for the server's clock
  ARGV[2] worker  SID
  ARGV[3] until   ms: Reservations made later are not meant

  Returns {status}
  Status  1 OK (also when there is none left)
  Events  reservation.rejected, then reservation.created for what could be matched
  Cost    O(Reservations of the Worker), bounded by lib/refusals.lua in those it rejects
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
--@include lib/refusals.lua

if not open_workspace() then return {OK} end
set_clock(ARGV[1])
reject_pending(ARGV[2], tonumber(ARGV[3]))
conclude()
return {OK}
