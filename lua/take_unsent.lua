--[[
  take_unsent: a Workspace whose kept events are to be tried again now, for one relay.

  KEYS[1] unused (any key of the shard), KEYS[2] shard: see lib/keys.lua
  ARGV[1] now   ms, '' for the server's clock
  ARGV[2] hold  ms for which no other relay gets it; longer than a round of tries takes

  Returns {status, number of the Workspace, '' for none}
  Status  1 OK
  Cost    O(log n)
]]
--@include lib/keys.lua
set_clock(ARGV[1])
local due = shard .. 'unsent'
local found = call('ZRANGEBYSCORE', due, '-inf', stamp, 'LIMIT', 0, 1)[1]
if not found then return {OK, ''} end
call('ZADD', due, now + ARGV[2], found)
return {OK, found}
