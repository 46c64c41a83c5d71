--[[
  reject_reservation: the Worker refuses; the Task is pending again, unless it is still offered to others, and both are
  matched at once.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now          ms, '' for the server's clock
  ARGV[2] task         SID; '' when the Worker is given
  ARGV[3] worker       SID; '' when the Task is given
  ARGV[4] reservation  SID
  ARGV[5] revision     the caller expects of the Reservation, '' for any
  ARGV[6] version      of the configuration that names the Activity; '' without one
  ARGV[7] activity     SID the Worker moves to, '' for where it was before the Reservation
  ARGV[8] available    '1' or '0', of that Activity

  Returns {status, Task SID, packed Reservation, Worker's name}
  Status  1 OK, -1 STALE, -2 NOT_FOUND, -3 REVISION (then the stored one), -4 ILLEGAL (then the present status)
  Events  reservation.rejected, worker.activity.update, then reservation.created for what could be matched;
          task.canceled when this was the last of 1,000 assignments
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

if not open_workspace() then return {NOT_FOUND} end
if ARGV[6] ~= '' and ARGV[6] ~= version then return {STALE} end
local t, r = find_reservation(ARGV[2], ARGV[3], ARGV[4])
if not r then return {NOT_FOUND} end
if ARGV[5] ~= '' and tonumber(ARGV[5]) ~= r.rev then return {REVISION, r.rev} end
if r.status ~= 'pending' then return {ILLEGAL, r.status} end

set_clock(ARGV[1])
local back = {ids = {}}
withdraw(t, {r}, 'rejected', ARGV[7], ARGV[8], back)
serve_back(back)
conclude()
return {OK, t.sid, r.packed, call('HGET', root .. 'k:' .. r.worker, 'name')}
