--[[
  keep_event: an event that its Workspace's URL did not take, or that comes behind such a one, waits to be told later.

  Why a script: whether others wait and joining them is one step, so nothing is told past what waits.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now     ms, '' for the server's clock
  ARGV[2] event   SID
  ARGV[3] failed  '1' where it was not taken; '' where it is to wait only if others do
  ARGV[4] pause   ms to the first try
  ARGV[5] most    events that wait at most; the oldest goes

  Returns {status, 1 if it waits, events that went}
  Status  1 OK, -2 NOT_FOUND
  Events  none
  Cost    O(log n)
]]
--@include lib/keys.lua
--@include lib/events.lua

if not open_workspace() then return {NOT_FOUND} end
set_clock(ARGV[1])
local waiting, due = root .. 'unsent', shard .. 'unsent'
local begun = call('ZSCORE', due, number)
if not begun and ARGV[3] == '' then return {OK, 0, 0} end
call('ZADD', waiting, 0, ARGV[2])
if not begun then call('ZADD', due, now + ARGV[4], number) end
if call('ZCARD', waiting) <= tonumber(ARGV[5]) then return {OK, 1, 0} end
call('ZPOPMIN', waiting)
return {OK, 1, 1}
