--[[
  activity: moves a Worker to another Activity.

  Rules may read the Activity. Where an installed pool does (ws.uses_activity), the Worker is not offerable until a
  matcher has looked at its pools again; elsewhere only its availability changes.
]]

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

-- Returns whether the Worker became available by it. Writes nothing when it is there already.
local function set_activity(sid, activity, available)
  local key = root .. 'k:' .. sid
  local old = call('HMGET', key, 'act', 'av', 'ix')
  if old[1] == activity then return false end
  local ok = available == '1' and old[3] == '1'
  call('HSET', key, 'ok', ok and '1' or '0', 'act', activity, 'av', available, 'chg', stamp, 'upd', stamp)
  raise_revision(key)
  call('HINCRBY', root .. 'open', 'a:' .. old[1], -1)
  call('HINCRBY', root .. 'open', 'a:' .. activity, 1)
  tell('worker.activity.update', sid .. '|' .. activity)
  if call('HGET', root .. 'ws', 'uses_activity') == '1' then
    reindex(sid)
    return false
  end
  log_worker(sid)
  return ok and old[2] ~= '1'
end
