--[[
  settle: goes on where another script had done its share.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now     ms, '' for the server's clock
  ARGV[2] pools   ids, separated by commas; '' when a Worker is given
  ARGV[3] worker  SID or ''

  Returns {status}
  Status  1 OK (also when the Workspace is gone)
  Events  reservation.created
  Cost    bounded by lib/market.lua and lib/pool.lua; what is left is handed on again
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

if not open_workspace() then return {OK} end
set_clock(ARGV[1])
if ARGV[3] ~= '' then
  serve_all(ARGV[3])
else
  local ids = {}
  for id in string.gmatch(ARGV[2], '[^,]+') do ids[#ids + 1], ids[id] = id, true end
  settle(ids)
end
conclude()
return {OK}
