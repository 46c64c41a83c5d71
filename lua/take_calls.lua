--[[
  take_calls: entries of a shard's `calls` for one kind of relay, unless another one has some in hand.

  Why a script: what is told in order must not be in two hands. The group's pending entries say who has some; the look
  and the taking are one step, so there is no leader and no lease. Entries of other kinds are acknowledged for this group,
  and stay for theirs.

  KEYS[1] unused (any key of the shard), KEYS[2] shard: see lib/keys.lua
  ARGV[1] group     consumer group, which has the name of the kind that it takes
  ARGV[2] consumer  name of the relay
  ARGV[3] count     entries to read at most

  Returns {status, entries of the kind, how many entries were read, 1 while another relay has entries in hand}
  Status  1 OK
  Cost    O(count + consumers of the group)
]]
--@include lib/keys.lua
local calls, group, consumer = shard .. 'calls', ARGV[1], ARGV[2]

local function is_of(item, kind)
  local fields = item[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'k' then return fields[i + 1] == kind end
  end
end

for _, other in ipairs(call('XPENDING', calls, group)[4] or {}) do
  if other[1] ~= consumer and tonumber(other[2]) > 0 then return {OK, {}, 0, 1} end
end
local reply = call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', ARGV[3], 'STREAMS', calls, '>')
local read = reply and reply[1] and reply[1][2] or {}
local mine, others = {}, {}
for _, item in ipairs(read) do
  local list = is_of(item, group) and mine or others
  list[#list + 1] = list == mine and item or item[1]
end
if #others > 0 then call('XACK', calls, group, unpack(others)) end
return {OK, mine, #read, 0}
