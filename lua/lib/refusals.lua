--[[
  refusals: a Worker who leaves refuses what it was offered.
]]
local MAX_REFUSALS = 32  -- Reservations that one run rejects

-- Rejects the pending Reservations of a Worker that were made until then, in order of their SIDs, and matches once if
-- there was one, which it returns.
-- What is beyond one run's share is left to a matcher; the Worker, whose Activity is unavailable, gets no new ones.
local function reject_pending(sid, until_ms)
  local offers, sids, back = call('HGETALL', root .. 'r:' .. sid), {}, {ids = {}}
  for i = 1, #offers, 2 do
    sids[#sids + 1] = offers[i]
    sids[offers[i]] = offers[i + 1]
  end
  table.sort(sids)
  local done = 0
  for _, reservation in ipairs(sids) do
    local t = load_task(sids[reservation], reservation)
    local r = t and unpack_reservation(reservation, t.packed)
    if r and r.status == 'pending' and tonumber(r.made) <= until_ms then
      if done == MAX_REFUSALS then
        ask('refuse', 't', sid .. '|' .. until_ms)
        break
      end
      done = done + 1
      withdraw(t, {r}, 'rejected', call('HGET', root .. 'k:' .. sid, 'act'), '0', back)
    end
  end
  if done > 0 then serve_back(back) end
  return done > 0
end
