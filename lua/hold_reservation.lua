--[[
  hold_reservation: an instruction goes to the media adapter; one that accepts holds the Reservation meanwhile.

  Why a script: the Reservation is held and the adapter's letter written in one step, so neither is there without the
  other, and no two instructions are set up at the same time.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1]  now          ms, '' for the server's clock
  ARGV[2]  version      of the configuration that the instruction was checked against
  ARGV[3]  task         SID; '' when the Worker is given
  ARGV[4]  worker       SID; '' when the Task is given
  ARGV[5]  reservation  SID
  ARGV[6]  revision     the caller expects of the Reservation, '' for any
  ARGV[7]  setup        SID, minted by the caller
  ARGV[8]  mode         hold; send (the Reservation does not change); supervise (the same, for an accepted one)
  ARGV[9]  limit        s the adapter has to report
  ARGV[10] after        the Activity that the Worker moves to after the work and its availability, <WA>:1 or <WA>:0;
                        '' for none
  ARGV[11] kind         of the instruction
  ARGV[12] instruction  JSON text

  Returns {status, Task SID, packed Reservation, Worker's name}
  Status  1 OK, -1 STALE, -2 NOT_FOUND, -3 REVISION (then the stored one), -4 ILLEGAL (then the present status, or
          `setup` while another instruction is set up), -5 GONE (it ended before: the status)
  Events  reservation.instruction
  Cost    O(log n)
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua
--@include lib/waiting.lua
--@include lib/task.lua
--@include lib/answer.lua
--@include lib/setup.lua

if not open_workspace() then return {NOT_FOUND} end
if version ~= ARGV[2] then return {STALE} end
local t, r = find_reservation(ARGV[3], ARGV[4], ARGV[5])
if not r then return {NOT_FOUND} end
if ARGV[6] ~= '' and tonumber(ARGV[6]) ~= r.rev then return {REVISION, r.rev} end
local setup, mode, kind = ARGV[7], ARGV[8], ARGV[11]
local begun = r.status == 'accepted' or r.status == 'wrapping' or r.status == 'completed'
if r.held then return {ILLEGAL, 'setup'} end
if mode == 'supervise' then
  if r.status ~= 'accepted' then return {ILLEGAL, r.status} end
elseif begun then
  return {ILLEGAL, r.status}
elseif r.status ~= 'pending' then
  return {GONE, r.status}
end

set_clock(ARGV[1])
local about = {'w', number, 't', t.sid, 'r', r.sid}
if mode == 'hold' then
  local limit_ms = string.format('%.0f', now + ARGV[9] * 1000)
  r.more = '|' .. (string.match(r.more, '^|([^|]*)') or '') .. '|h|' .. ARGV[10]
  t.packed = pack_reservation(r, 'pending')
  call('HSET', t.key, r.sid, t.packed, 'i:' .. r.sid, setup .. '|' .. limit_ms .. '|' .. ARGV[12])
  load_place(t)
  set_timer(t, next_due(t, open_reservations(t)))
  call('XADD', shard .. 'media', '*', 'k', 'setup', unpack(about))
else
  call('XADD', shard .. 'media', '*', 'k', 'send', 'u', setup, 'j', ARGV[12], unpack(about))
end
local outcome = mode == 'hold' and 'held' or 'sent'
tell('reservation.instruction', table.concat({r.sid, t.sid, r.worker, setup, kind, outcome}, '|'))
publish()
return {OK, t.sid, t.packed, call('HGET', root .. 'k:' .. r.worker, 'name')}
