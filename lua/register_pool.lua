--[[
  register_pool: a pool has an id, and from now on every Worker that is indexed is looked at for it.

  The pool is not in use yet: its digest maps to '!' and the id until add_members has run for every member. Two
  matchers may do this at once; they get the same id and add the same members.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] digest    of condition, order, channel and kind
  ARGV[2] channel   number
  ARGV[3] flags     as in lib/pool.lua, with F, L or C first
  ARGV[4] spec      JSON, what a matcher needs to rebuild the condition
  ARGV[5] activity  '1' if the condition reads the Worker's Activity
  ARGV[6]...        what its flags call for: names of fields, each with its value, '' to leave it out

  Returns {status, pool id, ready ('1' or '0')}
  Status  1 OK, -1 STALE (the census was dropped meanwhile: install it again), -2 NOT_FOUND (no such Workspace)
  Events  none: a pool is an index, not state
  Cost    O(log n)
]]
--@include lib/keys.lua
--@include lib/events.lua

if not open_workspace() then return {NOT_FOUND} end
local known = call('HGET', root .. 'pools', ARGV[1])
if known then
  if string.sub(known, 1, 1) == '!' then return {OK, string.sub(known, 2), '0'} end
  return {OK, string.match(known, ',(.*)$'), '1'}
end
for i = 6, #ARGV, 2 do
  if ARGV[i] == 'census' and ARGV[i + 1] ~= '' then
    local census = call('HMGET', root .. 'p:' .. ARGV[i + 1], 'digest', 'gone')
    if not census[1] or census[2] then return {STALE} end
  end
end
local id = ARGV[2] .. '.' .. call('HINCRBY', root .. 'ws', 'last_pool', 1) .. ARGV[3]
local version = call('HINCRBY', root .. 'ws', 'pool_version', 1)
if ARGV[5] == '1' then call('HSET', root .. 'ws', 'uses_activity', '1') end
call('HSET', root .. 'p:' .. id, 'digest', ARGV[1], 'spec', ARGV[4])
for i = 6, #ARGV, 2 do
  if ARGV[i + 1] ~= '' then call('HSET', root .. 'p:' .. id, ARGV[i], ARGV[i + 1]) end
  if ARGV[i] == 'census' and ARGV[i + 1] ~= '' then call('SADD', root .. 's:' .. ARGV[i + 1], id) end
end
call('ZADD', root .. 'pool_log', version, id)
call('HSET', root .. 'pools', ARGV[1], '!' .. id)
return {OK, id, '0'}
