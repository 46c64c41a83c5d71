--[[
  update_worker_channel: capacity or availability of a Worker on one Task Channel. Lowering it ends nothing.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now        ms, '' for the server's clock
  ARGV[2] worker     SID
  ARGV[3] channel    number
  ARGV[4] capacity   whole number, '' to keep
  ARGV[5] available  '1' or '0', '' to keep

  Returns {status}
  Status  1 OK, -2 NOT_FOUND
  Events  worker.capacity.update, worker.channel.availability.update; reservation.created for what it can take now
  Cost    O(p + log n) for p pools of the Worker; a value it has already changes nothing
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

if not open_workspace() then return {NOT_FOUND} end
local sid, n = ARGV[2], ARGV[3]
local w = load_worker(sid, n)
if not w then return {NOT_FOUND} end

set_clock(ARGV[1])
local f = call('HMGET', w.key, 'cap' .. n, 'on' .. n, 'asg' .. n)
local capacity, on = f[1] or '1', f[2] or '1'
local changed = false
local function change(field, value, kind)
  changed, w.rev = true, w.rev + 1
  call('HSET', w.key, field .. n, value, 'upd' .. n, stamp)
  tell(kind, table.concat({sid, n, capacity, on, f[3] or '0', f[1] or '1'}, '|'))
end
if ARGV[4] ~= '' and ARGV[4] ~= capacity then
  capacity = ARGV[4]
  change('cap', capacity, 'worker.capacity.update')
end
if ARGV[5] ~= '' and ARGV[5] ~= on then
  on = ARGV[5]
  change('on', on, 'worker.channel.availability.update')
end
if changed then
  w.limit = on == '1' and tonumber(capacity) or 0
  serve_slot(w)
end
conclude()
return {OK}
