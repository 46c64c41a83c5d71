--[[
  setup: Reservations that are being set up by a media adapter.

  Such a Reservation is pending, and its time to answer does not run; the adapter's does. It is marked in its packed
  text, so that no other script has to look anywhere to know.
]]

-- When an open Reservation of a reserved Task ends by itself, ms. The Task's place is loaded.
local function due_of(t, r)
  if r.held then return tonumber(string.match(call('HGET', t.key, 'i:' .. r.sid), '^%w+|(%d+)|')) end
  return r.made + t.rto * 1000
end

-- The next deadline of a reserved Task whose open Reservations are these.
local function next_due(t, open)
  local due = t.ttl
  for _, r in ipairs(open) do due = math.min(due, due_of(t, r)) end
  return due
end

-- Which of a Task's open Reservations end now: those that were not answered in time, and those that were not set up
-- in time. Sets the timer for what stays: the Task may have been offered again since its timer went off.
local function due_offers(t, open)
  local lapsed, failed, stay = {}, {}, {}
  for _, r in ipairs(open) do
    local kind = due_of(t, r) > now and stay or r.held and failed or lapsed
    kind[#kind + 1] = r
  end
  if #stay > 0 then set_timer(t, next_due(t, stay)) end
  return lapsed, failed
end
