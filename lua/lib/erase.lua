--[[
  erase: removes every trace of a Task and its Reservations; the slot, if it held one, is the caller's business.
]]
local function erase_task(t)
  local fields = call('HGETALL', t.key)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'WR' then
      local worker = string.match(fields[i + 1], '^%a+|(%w+)|')
      call('HDEL', root .. 'r:' .. worker, fields[i])
    end
  end
  call('DEL', t.key)
  call('ZREM', root .. 'tasks', t.sid)
  call('ZREM', shard .. 'timers', number .. ':' .. t.sid)
end

-- Takes a Task away in whatever state it is, by request or because its 24 h are over.
local function remove_task(t, kind)
  leave_pool(t)
  if t.status ~= 'completed' and t.status ~= 'canceled' then count_open(t, -1) end
  local f = call('HMGET', t.key, 'p', 'c', 'attrs')
  local created, entered = string.match(f[2], '^(%d+)|%d+|([%d-]+)')
  tell(kind, table.concat({t.sid, t.tag, t.status, string.match(f[1], '^%d+'), created, entered, f[3]}, '|'))
  t.after = t.status
  local list, back = t.res == '-' and {} or open_reservations(t), {ids = {}}
  close_offers(t, list, list[1] and list[1].status ~= 'pending' and 'completed' or 'canceled', '', '', back)
  erase_task(t)
  if #back > 0 then serve_back(back) end
end
