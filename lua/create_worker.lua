--[[
  create_worker: a Worker is in the directory; a matcher finds its pools before it is offered anything.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now         ms, '' for the server's clock
  ARGV[2] version     of the configuration that names the Activity
  ARGV[3] worker      SID, minted by the caller
  ARGV[4] name        as given
  ARGV[5] folded      the name in the form that must be unique
  ARGV[6] activity    SID
  ARGV[7] available   '1' or '0', of that Activity
  ARGV[8] attributes  JSON text
  ARGV[9] once        key and content as in lib/idempotency.lua, '' without a key

  Returns {status, created ms} or {2, SID}
  Status  1 OK (also when this very Worker is there already), -1 STALE, -2 NOT_FOUND (no such Workspace),
          -7 EXISTS (another Worker has the name), 2 MADE (an earlier call with this key made that Worker),
          -8 KEY_USED (for other content)
  Events  worker.created
  Cost    O(log n)
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/activity.lua
--@include lib/idempotency.lua

if not open_workspace() then return {NOT_FOUND} end
if version ~= ARGV[2] then return {STALE} end
local sid, key = ARGV[3], root .. 'k:' .. ARGV[3]
local made = call('HGET', key, 'made')
if made then return {OK, tonumber(made)} end
set_clock(ARGV[1])
local earlier = ARGV[9] ~= '' and recall(root .. 'y:', ARGV[9])
if earlier then return earlier end
if call('HEXISTS', root .. 'names', ARGV[5]) == 1 then return {EXISTS} end

if ARGV[9] ~= '' then remember(root .. 'y:', ARGV[9], sid) end
call('HSET', key, 'act', ARGV[6], 'av', ARGV[7], 'ok', '0', 'ix', '0', 'dv', 0, 's', stamp .. '|0', 'chs', '', 'dy', '0',
  'name', ARGV[4], 'folded', ARGV[5], 'made', stamp, 'upd', stamp, 'chg', stamp, 'attrs', ARGV[8])
call('HSET', root .. 'names', ARGV[5], sid)
call('ZADD', root .. 'workers', 0, sid)
call('HINCRBY', root .. 'open', 'a:' .. ARGV[6], 1)
tell('worker.created', sid .. '|' .. ARGV[6])
reindex(sid)
publish()
return {OK, now}
