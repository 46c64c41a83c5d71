--[[
  answer: finds the Reservation that a call is about, through its Task or through its Worker.
]]

-- The Task and the Reservation; nil where the Reservation is not under that path.
local function find_reservation(task, worker, reservation)
  if task == '' then
    task = call('HGET', root .. 'r:' .. worker, reservation)
    if not task then return nil end
  end
  local t = load_task(task, reservation)
  if not t then return nil end
  return t, unpack_reservation(reservation, t.packed)
end
