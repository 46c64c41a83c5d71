--[[
  fire_timers: does what is due, oldest deadline first, at most `limit` Tasks of one shard.

  Why one script: a deadline is compared and acted on in one step, so no answer comes between, and any number of
  matchers may call it; what one has done the next finds gone.

  KEYS[1] unused (any key of the shard), KEYS[2] shard: see lib/keys.lua
  ARGV[1] now    ms, '' for the server's clock
  ARGV[2] limit  Tasks a run

  Returns {status, Tasks fired, ms until the next deadline or -1 without one}
  Status  1 OK
  Events  task.canceled (TTL), task-queue.timeout (step), none for a delay that ends, reservation.timeout and worker.activity.update,
          reservation.failed (target Worker), task.system-deleted (24 h assigned); none for the removal 5 minutes after
          the end
  Cost    O(limit x (p + log n))
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
--@include lib/setup.lua
--@include lib/offers.lua
--@include lib/cancel.lua
--@include lib/erase.lua

local timers = shard .. 'timers'
local TTL_EXCEEDED = 'Task TTL Exceeded'
local TARGET_MISSED = 'RoutingTarget SLA for Reservation creation was not met'

-- A Task that is not delayed any more goes back to its step; a matcher finds the pool.
local function end_delay(t)
  t.pool = '-q'
  call('HSET', t.key, 'p', pack_place(t))
  set_waiting_timer(t)
  ask('route', 't', t.sid)
end

local function fire_pending(t)
  load_place(t)
  if t.ttl <= now then return cancel_task(t, TTL_EXCEEDED) end
  local late, ends = t.due > 0 and t.due <= now, delayed_until(t)
  if ends and not late and ends <= now then return end_delay(t) end
  if not late or not (ends or is_placed(t)) then return set_waiting_timer(t) end
  leave_pool(t)
  if string.sub(t.at, 1, 1) == 'k' then
    tell('reservation.failed', t.sid .. '|' .. t.tag)
    return end_task(t, 'canceled', TARGET_MISSED)
  end
  leave_step(t, 't')
end

local function fire(sid)
  local t = load_task(sid, '')
  if not t then return end
  if t.status == 'completed' or t.status == 'canceled' then return erase_task(t) end
  if t.status == 'pending' then return fire_pending(t) end
  if t.status ~= 'reserved' then return remove_task(t, 'task.system-deleted') end
  load_place(t)
  if t.ttl <= now then return cancel_task(t, TTL_EXCEEDED) end
  local lapsed, failed = due_offers(t, open_reservations(t))
  local activity, back = call('HMGET', root .. 'ws', 'timeout_activity', 'timeout_available'), {ids = {}}
  if #lapsed > 0 then withdraw(t, lapsed, 'timeout', activity[1], activity[2], back) end
  if #failed > 0 then withdraw(t, failed, 'canceled', '', '', back) end
  serve_back(back)
end

set_clock(ARGV[1])
local due = call('ZRANGEBYSCORE', timers, '-inf', stamp, 'LIMIT', 0, ARGV[2])
for _, entry in ipairs(due) do
  local sid
  number, sid = string.match(entry, '^(%d+):(.*)$')
  root, pools, preferred = shard .. number .. ':', {}, nil  -- nothing of the Workspace before
  call('ZREM', timers, entry)
  if open_workspace() then
    fire(sid)
    conclude()
  end
end
local next_due = call('ZRANGE', timers, 0, 0, 'WITHSCORES')[2]
return {OK, #due, next_due and math.max(0, next_due - now) or -1}
