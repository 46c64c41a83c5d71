--[[
  task: one Task, its open Reservation, and the ways both end.

  A Task has one deadline at a time, so one timer: pending, its TTL; reserved, the earlier of TTL and the answer;
  assigned or wrapping, 24 h after acceptance; completed or canceled, 5 minutes after the end.
]]
local ASSIGNED_MS = 86400000  -- semantics 2.5: fixed by the vendor
local RETENTION_MS = 300000  -- semantics 2.3

-- A Task as most transitions need it; nil when there is none. `reservation` is the SID of a Reservation wanted with
-- it, packed, in `t.packed`; '' for none.
local function load_task(sid, reservation)
  local key = root .. 't:' .. sid
  local f = call('HMGET', key, 's', 'tag', reservation)
  if not f[1] then return nil end
  local status, rev, cnt, res = string.match(f[1], '^(%l+)|(%d+)|%d+|(%d+)|(.*)$')
  return {sid = sid, key = key, status = status, rev = tonumber(rev), cnt = cnt, res = res, tag = f[2], packed = f[3]}
end

-- The `s` field of a Task in its next status.
local function next_state(t, status, res)
  t.status, t.rev, t.res = status, t.rev + 1, res
  return status .. '|' .. t.rev .. '|' .. stamp .. '|' .. t.cnt .. '|' .. res
end

-- Adds where the Task waits, in what order, and for how long.
local function load_place(t)
  local pri, vst, n, ttl, rto, pool = string.match(call('HGET', t.key, 'p'), '^(%d+)|(-?%d+)|(%d+)|(%d+)|(%d+)|(.*)$')
  t.pri, t.vst, t.n, t.ttl, t.rto, t.pool = tonumber(pri), tonumber(vst), n, tonumber(ttl), rto, pool
end

local function pack_place(t)
  return t.pri .. '|' .. t.vst .. '|' .. t.n .. '|' .. t.ttl .. '|' .. t.rto .. '|' .. t.pool
end

local function is_dirty(t)
  return string.sub(call('HGET', t.key, 'c'), -2) == '|1'
end

local function set_dirty(t, dirty)
  call('HSET', t.key, 'c', (string.gsub(call('HGET', t.key, 'c'), '|%d$', dirty and '|1' or '|0')))
end

local function set_timer(t, due)
  call('ZADD', shard .. 'timers', due, number .. ':' .. t.sid)
end

local function unpack_reservation(sid, packed)
  if not packed then return nil end
  local status, worker, made, _, rev, n = string.match(packed, '^(%a+)|(%w+)|(%d+)|(%d+)|(%d+)|(%d+)$')
  return {sid = sid, status = status, worker = worker, made = made, rev = tonumber(rev), n = n}
end

-- The one that is open: pending, accepted or wrapping.
local function open_reservation(t)
  return unpack_reservation(t.res, call('HGET', t.key, t.res))
end

-- The Reservation in its next status, as text; whoever calls this writes it with the Task.
local function turn_reservation(t, r, status)
  r.status = status
  tell('reservation.' .. (status == 'wrapping' and 'wrapup' or status), r.sid .. '|' .. t.sid .. '|' .. r.worker)
  r.packed = status .. '|' .. r.worker .. '|' .. r.made .. '|' .. stamp .. '|' .. r.rev + 1 .. '|' .. r.n
  return r.packed
end

-- Gives the slot of a Reservation that ends back to its Worker. Returns the Worker as that channel sees it; the
-- caller writes it.
local function release_slot(r, was)
  local w = load_worker(r.worker, r.n)
  w.open, w.rev = w.open - 1, w.rev + 1
  if was == 'accepted' then call('HINCRBY', w.key, 'asg' .. r.n, -1) end
  return w
end

-- One counter for each combination of queue, Workflow and channel; who needs a sum adds up.
local function count_open(t, by)
  call('HINCRBY', root .. 'open', 't:' .. t.tag, by)
end

-- Leaves its waiting set, if it is in one.
local function leave_pool(t)
  if t.status ~= 'pending' then return end
  load_place(t)
  if t.pool ~= '-' then waiting_drop(pool_of(t.pool), t) end
end

-- Completed or canceled. What follows the reason are further fields of the Task (its Reservation's new text).
local function end_task(t, status, reason, ...)
  call('HSET', t.key, 's', next_state(t, status, '-'), 'e', stamp .. '|' .. reason, ...)
  set_timer(t, now + RETENTION_MS)
  count_open(t, -1)
  tell('task.' .. status, t.sid .. '|' .. reason)
end
