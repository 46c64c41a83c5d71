--[[
  update_worker: another name, Activity or other attributes. Reservations stay with the Worker whatever changes.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1]  now         ms, '' for the server's clock
  ARGV[2]  version     of the configuration that names the Activity
  ARGV[3]  worker      SID
  ARGV[4]  revision    the caller expects, '' for any
  ARGV[5]  name        '' to keep
  ARGV[6]  folded      the name in the form that must be unique
  ARGV[7]  activity    SID, '' to keep
  ARGV[8]  available   '1' or '0', of that Activity
  ARGV[9]  attributes  JSON text, '' to keep
  ARGV[10] reject     '1' to reject its pending Reservations

  Returns {status, all fields of the Worker}
  Status  1 OK, -1 STALE, -2 NOT_FOUND, -3 REVISION (then the stored one), -4 ILLEGAL (nothing is
          rejected while it is available), -7 EXISTS (another Worker has the name)
  Events  worker.attributes.update, worker.activity.update, reservation.rejected; then reservation.created for what it can take now
  Cost    O(p + log n) for p pools of the Worker; a value it has already changes nothing
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

if not open_workspace() then return {NOT_FOUND} end
local sid, key = ARGV[3], root .. 'k:' .. ARGV[3]
local f = call('HMGET', key, 's', 'name', 'folded', 'attrs', 'av')
if not f[1] then return {NOT_FOUND} end
local rev = string.match(f[1], '%d+$')
if ARGV[4] ~= '' and ARGV[4] ~= rev then return {REVISION, tonumber(rev)} end
if version ~= ARGV[2] then return {STALE} end
if ARGV[10] == '1' and (ARGV[7] ~= '' and ARGV[8] or f[5]) == '1' then return {ILLEGAL} end
local renamed = ARGV[5] ~= '' and ARGV[5] ~= f[2]
if renamed then
  local owner = call('HGET', root .. 'names', ARGV[6])
  if owner and owner ~= sid then return {EXISTS} end
end

set_clock(ARGV[1])
local changed = renamed or (ARGV[9] ~= '' and ARGV[9] ~= f[4])
if renamed then
  call('HDEL', root .. 'names', f[3])
  call('HSET', root .. 'names', ARGV[6], sid)
  call('HSET', key, 'name', ARGV[5], 'folded', ARGV[6])
end
if ARGV[9] ~= '' then call('HSET', key, 'attrs', ARGV[9]) end
if changed then
  call('HSET', key, 'upd', stamp)
  raise_revision(key)
  tell('worker.attributes.update', sid)
  reindex(sid)
end
local came = ARGV[7] ~= '' and set_activity(sid, ARGV[7], ARGV[8]) and not changed
if not (ARGV[10] == '1' and reject_pending(sid, now)) and came then serve_all(sid) end
conclude()
return {OK, call('HGETALL', key)}
