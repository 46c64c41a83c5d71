--[[
  worker: one Worker as one channel sees it.

  A table is read once, kept current by whoever changes the Worker, and written back once.
]]
local function load_worker(sid, n)
  local key = root .. 'k:' .. sid
  local f = call('HMGET', key, 'ok', 'dy', 's', 'c' .. n, 'name')
  if not f[1] then return nil end
  local last, rev = string.match(f[3], '^(%d+)|(%d+)$')
  local open, limit, last_n, parked = string.match(f[4] or '0|1||', '^(%d+)|(%d+)|(%d*)|(.*)$')
  return {
    sid = sid, n = n, key = key, ready = f[1] == '1', dynamic = f[2] == '1', last = last, rev = rev,
    open = tonumber(open), limit = tonumber(limit), last_n = last_n, parked = parked,
    name = f[5],
  }
end

local function write_worker(w)
  call('HSET', w.key, 's', w.last .. '|' .. w.rev,
    'c' .. w.n, w.open .. '|' .. w.limit .. '|' .. w.last_n .. '|' .. w.parked)
end

-- Activity available, pools up to date, channel on, a slot free.
local function offerable(w)
  return w.ready and w.open < w.limit
end

local function pools_of(w)
  return call('HGET', w.key, 'pl' .. w.n) or ''
end
