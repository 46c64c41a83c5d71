--[[
  update_task: new attributes, priority, virtual start or channel of a Task, and its place in the market with them.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1]  now         ms, '' for the server's clock
  ARGV[2]  version     of the configuration that the decision rests on
  ARGV[3]  task        SID
  ARGV[4]  revision    that the decision rests on
  ARGV[5]  attributes  JSON text, '' to keep
  ARGV[6]  priority    '' to keep
  ARGV[7]  virtual     ms since the epoch, '' to keep
  ARGV[8]  channel     number, '' to keep
  ARGV[9]  restart     '1': attributes or channel change, so a pending Task starts at the first filter again
  ARGV[10] digest      of its pool then; '' when no filter matches: the Task is canceled
  ARGV[11] queue       SID, '-' for none; what follows is a place, see lib/placement.lua
  ARGV[12] step        priority of the step, '' without one
  ARGV[13] answer      s a Worker has to answer a Reservation
  ARGV[14] document    number
  ARGV[15] at          without the ms
  ARGV[16] due         s from now to the deadline of the step, '' without one

  Returns {status, all fields of the Task}
  Status  1 OK, -1 STALE (decide anew), -2 NOT_FOUND, -3 REVISION (then the stored one),
          -4 ILLEGAL (the virtual start lies in the future)
  Events  task.updated if it is another Task then, and task-queue.moved, reservation.created, task.canceled as they come
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
--@include lib/placement.lua

if not open_workspace() then return {NOT_FOUND} end
local t = load_task(ARGV[3], '')
if not t then return {NOT_FOUND} end
if tonumber(ARGV[4]) ~= t.rev then return {REVISION, t.rev} end
if version ~= ARGV[2] then return {STALE} end
set_clock(ARGV[1])
if ARGV[7] ~= '' and tonumber(ARGV[7]) > now then return {ILLEGAL} end

local attributes, priority, virtual, channel, restart = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9] == '1'
local rested = leave_pool(t)
load_place(t)
if priority ~= '' then t.pri = tonumber(priority) end
if virtual ~= '' then t.vst = tonumber(virtual) end
local changes = attributes .. priority .. virtual .. channel ~= ''
if changes then call('HSET', t.key, 's', next_state(t, t.status, t.res), 'p', pack_place(t)) end
if attributes ~= '' then call('HSET', t.key, 'attrs', attributes) end
if channel ~= '' then
  local open = t.status ~= 'completed' and t.status ~= 'canceled'
  if open then count_open(t, -1) end
  t.tag = string.gsub(t.tag, '%d+|(%d+)$', channel .. '|%1')
  if open then count_open(t, 1) end
  call('HSET', t.key, 'tag', t.tag)
end
if changes then tell('task.updated', t.sid .. '|' .. t.tag .. '|' .. t.status) end

local function restart_pending()
  if ARGV[10] == '' then
    tell('workflow.timeout', t.sid .. '|' .. t.tag)
    return end_task(t, 'canceled', NO_FILTER)
  end
  local moved = move_task(t, {
    queue = ARGV[11], priority = ARGV[12], answer = ARGV[13], document = ARGV[14], at = ARGV[15], due = ARGV[16],
    enter = true,
  })
  if moved and not changes then
    call('HSET', t.key, 's', next_state(t, t.status, t.res))
    tell('task.updated', t.sid .. '|' .. t.tag .. '|' .. t.status)
  end
  tell_matched(t)
  local pool_id = installed(ARGV[10])
  if pool_id then return take_place(t, pool_of(pool_id)) end
  t.pool = '-'
  call('HSET', t.key, 'p', pack_place(t))
  set_waiting_timer(t)
  ask('route', 't', t.sid)
end

if t.status == 'pending' and restart then
  restart_pending()
elseif t.status == 'pending' and is_placed(t) then
  local pool = pool_of(t.pool)
  if rested then rest_put(pool, t, string.match(t.at, '%d+$')) else waiting_put(pool, t) end
elseif t.status == 'reserved' and restart then
  set_later(t, '1')
end
conclude()
return {OK, call('HGETALL', t.key)}
