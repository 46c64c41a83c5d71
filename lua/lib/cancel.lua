--[[
  cancel: ends a pending or reserved Task.
]]
local function cancel_task(t, reason)
  leave_pool(t)
  if t.status == 'pending' then return end_task(t, 'canceled', reason) end
  local r = open_reservation(t)
  end_task(t, 'canceled', reason, r.sid, turn_reservation(t, r, 'canceled'))
  serve_slot(release_slot(r, 'pending'))
end
