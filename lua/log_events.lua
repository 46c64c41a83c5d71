--[[
  log_events: what was told in a shard is in the logs of its Workspaces, once and in order.

  Why a script: any number of relays read the shard's `events` and make full events of them. Whoever is first to write
  moves the position on in the same step, so that the others, who started from the same one, change nothing.

  KEYS[1] unused (any key of the shard), KEYS[2] shard: see lib/keys.lua
  ARGV[1] position    in `events` that the caller went on from, '' for its beginning
  ARGV[2] next        position after what is written here
  ARGV[3] workspaces  count, then of each its number, most entries to keep, oldest ms to keep, what its field `logged`
                      becomes, a list of entries and one of deliveries
  ARGV[..] entries    count, then id in the log and packed entry of each (engine/events.py)
  ARGV[..] deliveries count, then kind and EV of each

  Returns {status, position}
  Status  1 OK, -1 STALE (another relay was here: go on from the position answered; nothing was changed)
  Cost    O(entries); a Workspace that was deleted is passed over
]]
--@include lib/keys.lua
local MAX_CALLS = 1000000  -- deliveries a shard holds for whoever makes them; the oldest go

local at = 3
local function take(count)
  local first = at + 1
  at = at + count
  return first
end

local function take_list(width)
  local count = tonumber(ARGV[take(1)])
  return take(count * width), at
end

local function log_workspace()
  local first = take(4)
  number = ARGV[first]
  local kept, oldest, logged = ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local entry, last_entry = take_list(2)
  local delivery, last_delivery = take_list(2)
  root = shard .. number .. ':'
  if call('HEXISTS', root .. 'ws', 'account') == 0 then return end
  local log = root .. 'log'
  for i = entry, last_entry, 2 do call('XADD', log, ARGV[i], 'e', ARGV[i + 1]) end
  call('XTRIM', log, 'MAXLEN', '~', kept)
  call('XTRIM', log, 'MINID', '~', oldest)
  call('HSET', root .. 'ws', 'logged', logged)
  for i = delivery, last_delivery, 2 do
    call('XADD', shard .. 'calls', 'MAXLEN', '~', MAX_CALLS, '*', 'k', ARGV[i], 'w', number, 'v', ARGV[i + 1])
  end
end

local position = call('HGET', shard .. 'log', 'position') or ''
if position ~= ARGV[1] then return {STALE, position} end
for _ = 1, tonumber(ARGV[3]) do log_workspace() end
call('HSET', shard .. 'log', 'position', ARGV[2])
return {OK, ARGV[2]}
