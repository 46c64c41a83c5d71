--[[
  wrap_task: the work is done, after-work begins; reached through the Task or its Reservation.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now          ms, '' for the server's clock
  ARGV[2] task         SID; '' when Worker and Reservation are given
  ARGV[3] worker       SID or ''
  ARGV[4] reservation  SID; '' when the Task itself is set to wrapping
  ARGV[5] revision     the caller expects of the Reservation, or of the Task without one; '' for any
  ARGV[6] reason       text, '' to keep the Task's

  Returns {status, Task SID, packed Reservation, Worker's name}
  Status  1 OK, -2 NOT_FOUND, -3 REVISION (then the stored one), -4 ILLEGAL (then the present status,
          or single: there is no after-work in a single-tasking Workspace)
  Events  reservation.wrapup, task.wrapup
  Cost    O(log n)
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
if r.status ~= 'accepted' then return {ILLEGAL, ARGV[4] == '' and t.status or r.status} end
if r.n == ONE_SLOT then return {ILLEGAL, 'single'} end

set_clock(ARGV[1])
local packed = turn_reservation(t, r, 'wrapping')
tell('task.wrapup', t.sid .. '|' .. t.tag)
call('HSET', t.key, 's', next_state(t, 'wrapping', t.res), r.sid, packed)
if ARGV[6] ~= '' then call('HSET', t.key, 'e', '|' .. ARGV[6]) end
local worker = root .. 'k:' .. r.worker
call('HINCRBY', worker, 'asg' .. r.n, -1)
local f = call('HMGET', worker, 'name', 'dy')
if f[2] == '1' then serve_dynamic(r.worker) end
conclude()
return {OK, t.sid, packed, f[1]}
