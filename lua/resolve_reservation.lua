--[[
  resolve_reservation: the media adapter has reported; confirmed accepts the Reservation, failed cancels it.

  Said twice, it changes nothing the second time. A failure of what has ended otherwise is no news either.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now          ms, '' for the server's clock
  ARGV[2] task         SID
  ARGV[3] reservation  SID
  ARGV[4] setup        SID, of an instruction that holds nothing; '' otherwise
  ARGV[5] outcome      confirmed, failed; delivered or undelivered of an instruction that holds nothing, only logged
  ARGV[6] reason       text, may be ''
  ARGV[7] attributes   JSON text the Task has from here on, with confirmed; '' to keep
  ARGV[8] revision     of the Task that the attributes were made from

  Returns {status, Task SID, packed Reservation, Worker's name}
  Status  1 OK, -2 NOT_FOUND, -3 REVISION (of the Task), -4 ILLEGAL (then the present status, or `unheld` for one that
          was never set up), -5 GONE (it ended before it was confirmed: the status)
  Events  reservation.instruction; confirmed: task.updated, then those of accept_reservation; failed:
          reservation.canceled, then reservation.created for what could be matched
  Cost    as accept_reservation and reject_reservation
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
local t, r = find_reservation(ARGV[2], '', ARGV[3])
if not r then return {NOT_FOUND} end
local setup, outcome, attributes = ARGV[4], ARGV[5], ARGV[7]
local f = call('HMGET', root .. 'k:' .. r.worker, 'name', 'dy')
local name = f[1]

local function log_outcome()
  tell('reservation.instruction', table.concat({r.sid, t.sid, r.worker, setup, outcome, ARGV[6]}, '|'))
end

if setup ~= '' then
  set_clock(ARGV[1])
  log_outcome()
  publish()
  return {OK, t.sid, t.packed, name}
end

local stored = call('HGET', t.key, 'i:' .. r.sid)
if not stored then return {ILLEGAL, 'unheld'} end
if not r.held then
  local begun = r.status == 'accepted' or r.status == 'wrapping' or r.status == 'completed'
  if begun == (outcome == 'confirmed') then return {OK, t.sid, t.packed, name} end
  if begun then return {ILLEGAL, r.status} end
  return {GONE, r.status}
end
if attributes ~= '' and tonumber(ARGV[8]) ~= t.rev then return {REVISION, t.rev} end

set_clock(ARGV[1])
setup = string.match(stored, '^%w+')
log_outcome()
r.held, r.more = false, (string.gsub(r.more, '|h|', '||'))  -- whoever reported it need not be told of its end
if outcome == 'confirmed' then
  if attributes ~= '' then
    call('HSET', t.key, 'attrs', attributes)
    tell('task.updated', t.sid .. '|' .. t.tag .. '|' .. t.status)
  end
  accept_offer(t, r, f[2] == '1')
else
  local back = {ids = {}}
  withdraw(t, {r}, 'canceled', '', '', back)
  serve_back(back)
end
conclude()
return {OK, t.sid, r.packed, name}
