--[[
  reap_workspace: delete some of the keys of a deleted Workspace.

  Why a script: a run deletes at most `limit` things (one to four keys each) and looks first whether the Workspace is
  deleted at all, in the same step, so a stray order to reap cannot harm a living one.

  KEYS[1] root    beginning of the Workspace's keys; from it are built
            ws, config, config_log, names, worker_log, pool_log, heads, open, failing, log
            ws, config, config_log, names, worker_log, pool_log, heads, open, y:0, y:1
            ws, config, config_log, names, worker_log, pool_log, heads, open, failing, unsent, log
            tasks      zset  Task SIDs; of each t:<SID>
            workers    zset  Worker SIDs; of each k:<SID>, r:<SID>
            pools      hash  digest -> pool id, behind '!' while it is being made; of each p:<id>, m:<id>, i:<id>, q:<id>
  KEYS[2] shard   beginning of the shard's keys; from it is built
            timers     zset  '<number>:<Task SID>' -> deadline
  ARGV[1] limit   integer > 0, Tasks, Workers and pools together to delete in this run

  Returns {status, more}; more is 1 while something is left
  Status  OK; ILLEGAL (the Workspace is not deleted; nothing was changed)
  Cost    O(limit x log N) for N timers. The last run unlinks what is left, whose memory is freed in the background.
]]
--@include lib/keys.lua
if call('HEXISTS', root .. 'ws', 'account') == 1 then return {ILLEGAL, 0} end

local number, left = string.match(root, ':(%d+):$'), tonumber(ARGV[1])
for _, sid in ipairs(call('ZRANGE', root .. 'tasks', 0, left - 1)) do
  call('DEL', root .. 't:' .. sid)
  call('ZREM', shard .. 'timers', number .. ':' .. sid)
  call('ZREM', root .. 'tasks', sid)
  left = left - 1
end
if left == 0 then return {OK, 1} end

for _, sid in ipairs(call('ZRANGE', root .. 'workers', 0, left - 1)) do
  call('DEL', root .. 'k:' .. sid, root .. 'r:' .. sid)
  call('ZREM', root .. 'workers', sid)
  left = left - 1
end

-- HRANDFIELD takes a bounded number from a hash of any size, which HSCAN does not promise for a compact one.
local pools = call('HRANDFIELD', root .. 'pools', left, 'WITHVALUES') or {}
for i = 1, #pools, 2 do
  local id = string.match(pools[i + 1], '[^,!]+$')
  for _, kind in ipairs({'p:', 'm:', 'i:', 'q:', 'z:', 'n:', 's:'}) do call('UNLINK', root .. kind .. id) end
  call('HDEL', root .. 'pools', pools[i])
  left = left - 1
end
if left == 0 then return {OK, 1} end

for _, name in ipairs({'config', 'config_log', 'names', 'worker_log', 'pool_log', 'docs', 'heads', 'open', 'failing', 'unsent', 'log', 'ws'}) do
  call('UNLINK', root .. name)
end
call('UNLINK', root .. 'y:' .. 0, root .. 'y:' .. 1)
return {OK, 0}
