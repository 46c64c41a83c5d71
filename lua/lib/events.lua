--[[
  events: what this run has to tell, collected and appended as one stream entry.

  Entry: w = workspace number, then e = seq|type|now ms|what, once a transition. `seq` is gapless in a Workspace.

  `what` has what a reader could not find afterwards; the rest stands in the records (engine/chronicle_facts.py).
  <tag> is four parts: queue, Workflow, channel and document, see lib/keys.lua.

  task.created                     WT|<tag>|priority|at without the ms
  task.updated                     WT|<tag>|status
  task.canceled, .completed        WT|<tag>|reason
  task.deleted, .system-deleted    WT|<tag>|status|priority|created ms|ms from there to its entry of the queue|attributes
  task.wrapup, reservation.failed, workflow.timeout, workflow.skipped    WT|<tag>
  task-queue.timeout, workflow.target-matched    WT|<tag>|at
  task-queue.moved                 WT|queue before|<tag>
  task.alert                       WT|code|<tag>, and |WR where it is about the answer to a callback
  reservation.instruction          WR|WT|WK|setup|kind or outcome|outcome or reason
  reservation.*                    WR|WT|WK|<tag>, and |status of the Task where that of the Reservation does not say it
  worker.created                   WK|WA
  worker.deleted                   WK|WA|revision|bytes of the name|name and attributes
  worker.activity.update           WK|WA|WA before|ms since when
  worker.attributes.update         WK
  worker.capacity.update, .channel.availability.update    WK|channel|capacity|available|accepted Tasks|capacity before
  of the configuration             SID|JSON
]]
local version, seq  -- of the Workspace at hand
local told, told_count = {}, 0

-- Reads the Workspace; false when it was deleted or never was.
local function open_workspace()
  local f = call('HMGET', root .. 'ws', 'account', 'version', 'seq')
  version, seq = f[2], tonumber(f[3])
  return f[1] ~= false
end

-- Takes the next number for a transition and remembers what to tell.
local function tell(kind, what)
  seq = seq + 1
  told[told_count + 1] = 'e'
  told[told_count + 2] = seq .. '|' .. kind .. '|' .. stamp .. '|' .. what
  told_count = told_count + 2
end

-- Writes what was told: one XADD and one HSET, none where nothing happened.
local function publish()
  if told_count == 0 then return end
  call('HSET', root .. 'ws', 'seq', seq)
  call('XADD', shard .. 'events', '*', 'w', number, unpack(told, 1, told_count))
  told_count = 0
end

-- Leaves work for a matcher, in the same step as the change that made it necessary.
local function ask(kind, field, value)
  call('XADD', shard .. 'inbox', '*', 'k', kind, 'w', number, field, value)
end
