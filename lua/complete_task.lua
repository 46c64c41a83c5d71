--[[
  complete_task: the Task is finished; its Worker's slot goes to the best Task that waits for it, in the same step.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now          ms, '' for the server's clock
  ARGV[2] task         SID; '' when Worker and Reservation are given
  ARGV[3] worker       SID or ''
  ARGV[4] reservation  SID; '' when the Task itself is set to completed
  ARGV[5] revision     the caller expects of the Reservation, or of the Task without one; '' for any
  ARGV[6] reason       text, '' to keep what was given with the wrap-up

  Returns {status, Task SID, packed Reservation, Worker's name}
  Status  1 OK, -2 NOT_FOUND, -3 REVISION (then the stored one), -4 ILLEGAL (then the present status)
  Events  reservation.completed, task.completed, worker.activity.update where an instruction said so, then reservation.created for what could be matched
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
--@include lib/assigned.lua

if not open_workspace() then return {NOT_FOUND} end
local t, r, refusal = find_assigned(ARGV[2], ARGV[3], ARGV[4], ARGV[5])
if refusal then return refusal end

set_clock(ARGV[1])
local was, reason = r.status, ARGV[6]
if reason == '' and was == 'wrapping' then reason = string.match(call('HGET', t.key, 'e') or '', '|(.*)$') or '' end
local packed = turn_reservation(t, r, 'completed')
end_task(t, 'completed', reason, r.sid, packed)
local w = release_slot(r, was)
if r.more ~= '' then leave_work(w, r) else serve_slot(w) end
conclude()
return {OK, t.sid, packed, w.name}
