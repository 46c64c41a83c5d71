--[[
  fire_timers: does what is due, oldest deadline first, at most `limit` Tasks of one shard.

  Why one script: a deadline is compared and acted on in one step, so no answer comes between, and any number of
  matchers may call it; what one has done the next finds gone.

  KEYS[1] unused (any key of the shard), KEYS[2] shard: see lib/keys.lua
  ARGV[1] now    ms, '' for the server's clock
  ARGV[2] limit  Tasks a run

  Returns {status, Tasks fired, ms until the next deadline or -1 without one}
  Status  1 OK
  Events  task.canceled (TTL), reservation.timeout and worker.activity.update, task.system-deleted (24 h assigned);
          none for the removal 5 minutes after the end
  Cost    O(limit x (p + log n))
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua
--@include lib/waiting.lua
--@include lib/task.lua
--@include lib/market.lua
--@include lib/answer.lua
--@include lib/activity.lua
--@include lib/withdraw.lua
--@include lib/cancel.lua
--@include lib/erase.lua

local timers = shard .. 'timers'

local function fire(sid)
  local t = load_task(sid, '')
  if not t then return end
  if t.status == 'pending' then return cancel_task(t, 'Task TTL Exceeded') end
  if t.status == 'completed' or t.status == 'canceled' then return erase_task(t) end
  if t.status ~= 'reserved' then return remove_task(t, 'task.system-deleted') end
  load_place(t)
  if t.ttl <= now then return cancel_task(t, 'Task TTL Exceeded') end
  local activity = call('HMGET', root .. 'ws', 'timeout_activity', 'timeout_available')
  withdraw_offer(t, open_reservation(t), 'timeout', activity[1], activity[2])
end

set_clock(ARGV[1])
local due = call('ZRANGEBYSCORE', timers, '-inf', stamp, 'LIMIT', 0, ARGV[2])
for _, entry in ipairs(due) do
  local sid
  number, sid = string.match(entry, '^(%d+):(.*)$')
  root, pools, made = shard .. number .. ':', {}, nil  -- nothing of the Workspace before
  call('ZREM', timers, entry)
  if open_workspace() then
    fire(sid)
    publish()
  end
end
local next_due = call('ZRANGE', timers, 0, 0, 'WITHSCORES')[2]
return {OK, #due, next_due and math.max(0, next_due - now) or -1}
