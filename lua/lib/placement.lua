--[[
  placement: what changes of a Task when it enters another step.
]]
local NO_FILTER = 'No filter of the Workflow matches the Task'

-- Writes the queue; the caller writes the place. Returns whether queue or priority changed.
local function move_task(t, queue, priority, answer)
  local old_queue, workflow, channel = string.match(t.tag, '^(%w+)|(%w+)|(%d+)$')
  local moved = old_queue ~= queue
  local changed = moved or t.pri ~= tonumber(priority)
  if moved then
    count_open(t, -1)
    t.tag = queue .. '|' .. workflow .. '|' .. channel
    count_open(t, 1)
    local made, timeout, _, dirty = string.match(call('HGET', t.key, 'c'), '^(%d+)|(%d+)|(%d+)|(%d)$')
    call('HSET', t.key, 'tag', t.tag, 'c', made .. '|' .. timeout .. '|' .. stamp .. '|' .. dirty)
    tell('task-queue.moved', t.sid .. '|' .. old_queue .. '|' .. queue)
  end
  t.pri, t.rto = tonumber(priority), answer
  return changed
end
