--[[
  settle_unsent: a round of tries is over; what was told, or is given up, waits no more.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1]    now    ms, '' for the server's clock
  ARGV[2]    pause  ms to the next round, if anything is left
  ARGV[3]... events SIDs that wait no more

  Returns {status, events that wait still}
  Status  1 OK (also when the Workspace is gone: then nothing waits)
  Cost    O(events x log n)
]]
--@include lib/keys.lua
set_clock(ARGV[1])
local waiting, due = root .. 'unsent', shard .. 'unsent'
for i = 3, #ARGV do call('ZREM', waiting, ARGV[i]) end
local left = call('ZCARD', waiting)
if left == 0 then call('ZREM', due, number) else call('ZADD', due, now + ARGV[2], number) end
return {OK, left}
