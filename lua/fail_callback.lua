--[[
  fail_callback: nobody answered the assignment callback of a Reservation, so it is canceled; if it was the last that its
  Task had open, the Task is delayed before it is routed again.

  The delay doubles with each failure of the Workflow in a row, from 1 s to 30 s. What fails while the last delay still
  runs is the same failure: a short break that many Reservations meet at once counts once. An answer ends
  the row (engine/callbacks.py).

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now          ms, '' for the server's clock
  ARGV[2] task         SID
  ARGV[3] reservation  SID
  ARGV[4] code         of the alert

  Returns {status, ms that Tasks of the Workflow are delayed now}
  Status  1 OK, -2 NOT_FOUND, -4 ILLEGAL (then the present status, or setup while an instruction is carried out: nothing
          has changed)
  Events  task.alert, reservation.canceled, worker.activity.update in single-tasking Workspaces, then reservation.created
          for what the Worker could take; task-queue.timeout where the time of its step was over, task.canceled when this
          was the last of 1,000 assignments
  Cost    O(p + log n) for p pools of the Worker on the channel
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
--@include lib/answer.lua
--@include lib/offers.lua

local FIRST_MS, LONGEST_MS = 1000, 30000  -- semantics 8.2

-- The delay of the Workflow after one more failure.
local function delay_of(workflow)
  local failing = root .. 'failing'
  local count, ends = string.match(call('HGET', failing, workflow) or '0|0', '^(%d+)|(%d+)$')
  if now < tonumber(ends) then return math.min(LONGEST_MS, FIRST_MS * 2 ^ (count - 1)) end
  local delay = math.min(LONGEST_MS, FIRST_MS * 2 ^ count)
  call('HSET', failing, workflow, string.format('%d|%.0f', math.min(count + 1, 9), now + delay))
  return delay
end

if not open_workspace() then return {NOT_FOUND} end
local t, r = find_reservation(ARGV[2], '', ARGV[3])
if not r then return {NOT_FOUND} end
if r.status ~= 'pending' then return {ILLEGAL, r.status} end
if r.held then return {ILLEGAL, 'setup'} end

set_clock(ARGV[1])
t.delay = delay_of(string.match(t.tag, '^[%w-]+|(%w+)'))
tell('task.alert', table.concat({t.sid, ARGV[4], t.tag, r.sid}, '|'))
local back = {ids = {}}
withdraw(t, {r}, 'canceled', '', '', back)
serve_back(back)
conclude()
return {OK, t.delay}
