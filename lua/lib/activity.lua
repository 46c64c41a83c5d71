--[[
  activity: moves a Worker to another Activity.

  Rules may read the Activity. Where an installed pool does (ws.uses_activity), the Worker is not offerable until a
  matcher has looked at its pools again; elsewhere only its availability changes.

  A census counts the Workers of a TaskQueue by Activity, for the steps that skip by such numbers. A Worker that waits
  to be looked at is still counted as it was.
]]
local touched  -- the censuses whose numbers changed in this run

local function count_member(census, activity, available, by)
  local key = root .. 'n:' .. census
  call('HINCRBY', key, activity, by)
  call('HINCRBY', key, available == '1' and '+' or '-', by)
  touched = touched or {}
  touched[census] = true
end

-- Counts a Worker in the censuses of `list` instead of those that its field `cen` names.
local function recount(key, cen, activity, available, list)
  local now_in = activity .. '|' .. available .. '|' .. list
  if cen == now_in then return end
  if cen then
    local old_activity, old_available, old = string.match(cen, '^(%w+)|(%d)|(.*)$')
    for id in string.gmatch(old, '([^,]+),') do count_member(id, old_activity, old_available, -1) end
  end
  for id in string.gmatch(list, '([^,]+),') do count_member(id, activity, available, 1) end
  if list ~= '' then call('HSET', key, 'cen', now_in) elseif cen then call('HDEL', key, 'cen') end
end

-- Notes in the directory that something matchers keep in memory about this Worker has changed. Returns the version.
local function log_worker(sid)
  local directory = call('HINCRBY', root .. 'ws', 'directory', 1)
  call('ZADD', root .. 'worker_log', directory, sid)
  return directory
end

-- The Worker is out of the market until a matcher has found its pools anew.
local function reindex(sid)
  call('HSET', root .. 'k:' .. sid, 'ok', '0', 'ix', '0', 'dv', log_worker(sid))
  ask('index', 't', sid)
end

local function raise_revision(key)
  local last, rev = string.match(call('HGET', key, 's'), '^(%d+)|(%d+)$')
  call('HSET', key, 's', last .. '|' .. rev + 1)
end

-- Returns whether there may be Tasks that it can take by now. Writes nothing when it is there already.
local function set_activity(sid, activity, available)
  local key = root .. 'k:' .. sid
  local old = call('HMGET', key, 'act', 'av', 'ix', 'cen', 'dy', 'chg')
  if old[1] == activity then return false end
  local ok, uses = available == '1' and old[3] == '1', call('HGET', root .. 'ws', 'uses_activity') == '1'
  local was = old[3] == '1' and not uses and {'was', activity .. '|' .. available} or {}
  call('HSET', key, 'ok', ok and '1' or '0', 'act', activity, 'av', available, 'chg', stamp, 'upd', stamp, unpack(was))
  raise_revision(key)
  call('HINCRBY', root .. 'open', 'a:' .. old[1], -1)
  call('HINCRBY', root .. 'open', 'a:' .. activity, 1)
  tell('worker.activity.update', sid .. '|' .. activity .. '|' .. old[1] .. '|' .. old[6])
  if uses then
    reindex(sid)
    return false
  end
  log_worker(sid)
  if old[4] and old[3] == '1' then recount(key, old[4], activity, available, string.match(old[4], '[^|]*$')) end
  return old[5] == '1' or ok and old[2] ~= '1'
end
