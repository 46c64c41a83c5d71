--[[
  create_workspace: make a Workspace with the configuration it begins with.

  Why a script: a Workspace is found through the directory, so it must not be there before its Activities and Task
  Channels are. The number was taken before with INCR; a number that is never used is no harm.

  KEYS[1] root    beginning of the Workspace's keys; from it are built
            ws          hash  the hot fields
            config      hash  SID -> record as JSON
            config_log  zset  SID -> version that last changed or deleted it
  KEYS[2] shard   beginning of the shard's keys; from it are built
            directory     hash    Workspace SID -> number
            owned:<AC>    zset    Workspace SID -> ms of its creation
            events        stream  one entry a transition
            y:<n>         hash    as in lib/idempotency.lua
  ARGV[1] account    SID of the owner
  ARGV[2] sid        SID of the Workspace
  ARGV[3] now_ms     integer, ms since the epoch, by the clock that the records were dated with
  ARGV[4] once       key and content as in lib/idempotency.lua, '' without a key
  ARGV[5] fields     count of fields of `ws`, then name and value of each; then
  ARGV[..] puts      count of records, then SID and JSON of each

  Returns {status, number} or {2, SID}
  Status  1 OK. A repeat changes nothing and is answered with the number of the first time. 2 MADE (an earlier call with
          this key made that Workspace), -8 KEY_USED (for other content)
  Cost    O(records).
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/idempotency.lua
local account, sid = ARGV[1], ARGV[2]
set_clock(ARGV[3])
local directory, owned = shard .. 'directory', shard .. 'owned:' .. account

local known = call('HGET', directory, sid)
if known then return {OK, tonumber(known)} end
local earlier = ARGV[4] ~= '' and recall(shard .. 'y:', ARGV[4])
if earlier then return earlier end

local first_field = 6
local first_put = first_field + 2 * tonumber(ARGV[5]) + 1
local last_put = first_put + 2 * tonumber(ARGV[first_put - 1]) - 1
call('HSET', root .. 'ws', 'account', account, 'sid', sid, 'version', 1, 'seq', 0)
for i = first_field, first_put - 2, 2 do call('HSET', root .. 'ws', ARGV[i], ARGV[i + 1]) end
for i = first_put, last_put, 2 do
  call('HSET', root .. 'config', ARGV[i], ARGV[i + 1])
  call('ZADD', root .. 'config_log', 1, ARGV[i])
end
if ARGV[4] ~= '' then remember(shard .. 'y:', ARGV[4], sid) end
call('HSET', directory, sid, number)
call('ZADD', owned, stamp, sid)
open_workspace()
tell('workspace.created', sid)
publish()
return {OK, tonumber(number)}
