--[[
  tell_alert: notes what was wrong with the answer to an assignment callback.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now          ms, '' for the server's clock
  ARGV[2] task         SID
  ARGV[3] reservation  SID
  ARGV[4] code         of the alert

  Returns {status}
  Status  1 OK, -2 NOT_FOUND
  Events  task.alert
  Cost    O(1)
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/task.lua

local t = open_workspace() and load_task(ARGV[2], '')
if not t then return {NOT_FOUND} end
set_clock(ARGV[1])
tell('task.alert', table.concat({t.sid, ARGV[4], t.tag, ARGV[3]}, '|'))
publish()
return {OK}
