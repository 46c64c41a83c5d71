--[[
  placement: what changes of a Task when it enters another step.

  A place is what engine/placement.py says of it: digest of the pool, queue, priority ('' to keep), answer (s, '' to keep), at
  (without the ms; q or k for a target), due (s from the entry of the filter, '' without a deadline), enter ('1' when
  the Task enters another filter), document.
]]
local NO_FILTER = 'No filter of the Workflow matches the Task'

-- Where the filter was entered, in ms since the creation.
local function base_of(t, created, enter)
  if enter then return now - created end
  return tonumber(string.match(t.at, '(%d+)$') or 0)
end

-- Puts a pending Task into a step; the caller writes `p`. Returns whether queue or priority changed.
local function move_task(t, place)
  local old_queue, workflow, channel = string.match(t.tag, '^([%w-]+)|(%w+)|(%d+)|')
  local created, timeout, entered, later = string.match(call('HGET', t.key, 'c'), '^(%d+)|(%d+)|([%d-]+)|(%d)$')
  local moved = old_queue ~= place.queue
  local tag = place.queue .. '|' .. workflow .. '|' .. (place.channel or channel) .. '|' .. place.document
  if tag ~= t.tag then
    count_open(t, -1)
    t.tag = tag
    count_open(t, 1)
    call('HSET', t.key, 'tag', tag)
  end
  if moved then
    entered = now - created
    tell('task-queue.moved', t.sid .. '|' .. old_queue .. '|' .. tag)
  end
  if moved or later ~= '0' then
    call('HSET', t.key, 'c', created .. '|' .. timeout .. '|' .. entered .. '|0')
  end
  if #place.at > 1 then
    local base = base_of(t, tonumber(created), place.enter)
    t.due = place.due == '' and 0 or created + base + place.due * 1000
    t.at = place.at .. '.' .. base
  elseif place.enter then
    t.at = place.at
  end
  local changed = moved or (place.priority ~= '' and t.pri ~= tonumber(place.priority))
  if place.priority ~= '' then t.pri = tonumber(place.priority) end
  if place.answer ~= '' then t.rto = place.answer end
  return changed
end

-- The Task has come to another step; a target of its own is none.
local function tell_matched(t)
  if #t.at > 1 and string.sub(t.at, 1, 1) ~= 'k' then
    tell('workflow.target-matched', t.sid .. '|' .. t.tag .. '|' .. t.at)
  end
end

-- Puts a placed Task into its pool and writes `p`; one for a Worker who refused, and has not changed since, rests.
local function take_place(t, pool)
  t.pool = pool.id
  local refused = pool.target and string.match(t.at, '^k%.(%d+)$')
  if refused then
    local worker = call('HGET', root .. 'p:' .. pool.id, 'target')
    if string.match(call('HGET', root .. 'k:' .. worker, 's') or '', '%d+$') ~= refused then refused = nil end
  end
  call('HSET', t.key, 'p', pack_place(t))
  set_waiting_timer(t)
  if refused then return rest_put(pool, t, refused) end
  enter_pool(t, pool)
end
