--[[
  events: what this run has to tell, collected and appended as one stream entry.

  Entry: w = workspace number, then e = seq|type|now ms|what, once a transition. `seq` is gapless in a Workspace.
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
