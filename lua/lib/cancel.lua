--[[
  cancel: ends a pending or reserved Task.
]]
local function cancel_task(t, reason)
  leave_pool(t)
  if t.status == 'pending' then return end_task(t, 'canceled', reason) end
  local back = {ids = {}}
  t.after = 'canceled'
  local fields = close_offers(t, open_reservations(t), 'canceled', '', '', back)
  end_task(t, 'canceled', reason, unpack(fields))
  serve_back(back)
end
