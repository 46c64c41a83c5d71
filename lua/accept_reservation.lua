--[[
  accept_reservation: the Worker takes the Task.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now          ms, '' for the server's clock
  ARGV[2] task         SID; '' when the Worker is given
  ARGV[3] worker       SID; '' when the Task is given
  ARGV[4] reservation  SID
  ARGV[5] revision     the caller expects of the Reservation, '' for any

  Returns {status, Task SID, packed Reservation, Worker's name}; see lib/keys.lua for the packing
  Status  1 OK (also when it was accepted before: nothing changes then), -2 NOT_FOUND, -3 REVISION (then the stored
          one), -4 ILLEGAL (then the present status, or setup while an instruction is carried out), -5 GONE (it ended before: the status)
  Events  reservation.accepted, reservation.rescinded of those that were offered the Task with it, and
          worker.activity.update in single-tasking Workspaces; then reservation.created for what their Workers could take
  Cost    O(log n), for each of those O(p + log n) for p pools of its Worker
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
local t, r = find_reservation(ARGV[2], ARGV[3], ARGV[4])
if not r then return {NOT_FOUND} end
if ARGV[5] ~= '' and tonumber(ARGV[5]) ~= r.rev then return {REVISION, r.rev} end
local worker = root .. 'k:' .. r.worker
local f = call('HMGET', worker, 'name', 'dy')
if r.status == 'accepted' then return {OK, t.sid, t.packed, f[1]} end
if r.status == 'wrapping' or r.status == 'completed' then return {ILLEGAL, r.status} end
if r.status ~= 'pending' then return {GONE, r.status} end
if r.held then return {ILLEGAL, 'setup'} end

set_clock(ARGV[1])
local packed = accept_offer(t, r, f[2] == '1')
conclude()
return {OK, t.sid, packed, f[1]}
