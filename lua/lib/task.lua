--[[
  task: one Task, its Reservations, and the ways both end.

  A Task has one deadline at a time, so one timer: pending, the earlier of its TTL and its step's; reserved, the earlier
  of TTL and the answer; assigned or wrapping, 24 h after acceptance; completed or canceled, 5 minutes after the end.
]]
local ASSIGNED_MS = 86400000  -- semantics 2.5: fixed by the vendor
local ONE_SLOT = '1000000'  -- the number of the slot that a Worker has in single-tasking Workspaces
local RETENTION_MS = 300000  -- semantics 2.3

-- A Task as most transitions need it; nil when there is none. `reservation` is the SID of a Reservation wanted with
-- it, packed, in `t.packed`; '' for none.
local function load_task(sid, reservation)
  local key = root .. 't:' .. sid
  local f = call('HMGET', key, 's', 'tag', reservation)
  if not f[1] then return nil end
  local status, rev, cnt, res = string.match(f[1], '^(%l+)|(%d+)|%d+|(%d+)|(.*)$')
  return {
    sid = sid, key = key, status = status, rev = tonumber(rev), cnt = cnt, res = res, tag = f[2], packed = f[3], raw = f[1],
  }
end

-- The `s` field of a Task in its next status.
local function next_state(t, status, res)
  t.status, t.rev, t.res = status, t.rev + 1, res
  return status .. '|' .. t.rev .. '|' .. stamp .. '|' .. t.cnt .. '|' .. res
end

-- Adds where the Task waits, in what order, and for how long.
local function load_place(t)
  local pri, vst, n, ttl, rto, due, at, pool =
    string.match(call('HGET', t.key, 'p'), '^(%d+)|(-?%d+)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
  t.pri, t.vst, t.n, t.ttl, t.rto, t.due = tonumber(pri), tonumber(vst), n, tonumber(ttl), rto, tonumber(due)
  t.at, t.pool = at, pool
end

local function pack_place(t)
  return t.pri .. '|' .. t.vst .. '|' .. t.n .. '|' .. t.ttl .. '|' .. t.rto .. '|' .. t.due .. '|' .. t.at .. '|' .. t.pool
end

-- Whether it waits in a pool, which a matcher has found for it.
local function is_placed(t)
  return string.sub(t.pool, 1, 1) ~= '-'
end

-- What a reserved Task has to do when it is pending again: '0' nothing, '1' restart, '2' be placed anew.
local function later_of(t)
  return string.sub(call('HGET', t.key, 'c'), -1)
end

local function set_later(t, what)
  call('HSET', t.key, 'c', (string.gsub(call('HGET', t.key, 'c'), '%d$', what)))
end

local function set_timer(t, due)
  call('ZADD', shard .. 'timers', due, number .. ':' .. t.sid)
end

-- Until when a Task is delayed because nobody answered its Workflow's callback, ms; nil for one that is not.
local DELAYED = '^%-w(%d+)$'
local function delayed_until(t)
  return tonumber(string.match(t.pool, DELAYED))
end

-- The deadline of a pending Task. Between two steps it is its TTL; while it is delayed its step's counts too.
local function set_waiting_timer(t)
  local due, placed = t.ttl, is_placed(t)
  local ends = not placed and string.match(t.pool, DELAYED)
  if ends then due = math.min(due, ends) end
  if t.due > 0 and (ends or placed) then due = math.min(due, t.due) end
  set_timer(t, due)
end

local function unpack_reservation(sid, packed)
  if not packed then return nil end
  local status, worker, made, _, rev, n, more = string.match(packed, '^(%a+)|(%w+)|(%d+)|(%d+)|(%d+)|(%d+)(.*)$')
  local held = more ~= '' and string.find(more, '|h|', 1, true) ~= nil  -- an instruction is being carried out
  return {sid = sid, status = status, worker = worker, made = made, rev = tonumber(rev), n = n, more = more, held = held}
end

-- Those that are open, in order of their SIDs: several pending ones, or one accepted or wrapping.
local function open_reservations(t)
  local sids, list = {}, {}
  for sid in string.gmatch(t.res, '[^,]+') do sids[#sids + 1] = sid end
  table.sort(sids)
  for i, packed in ipairs(call('HMGET', t.key, unpack(sids))) do list[i] = unpack_reservation(sids[i], packed) end
  return list
end

local function pack_reservation(r, status)
  return status .. '|' .. r.worker .. '|' .. r.made .. '|' .. stamp .. '|' .. r.rev + 1 .. '|' .. r.n .. r.more
end

-- The Reservation in its next status, as text; whoever calls this writes it with the Task. One that ends while it is
-- being set up ends the setting up: the media adapter is told. `t.after` is the Task's status then, where the
-- Reservation's does not say it (lib/events.lua).
local function turn_reservation(t, r, status)
  if r.held then
    call('XADD', shard .. 'media', '*', 'k', 'withdrawn', 'w', number, 't', t.sid, 'r', r.sid, 's', status,
      'i', call('HGET', t.key, 'i:' .. r.sid))
    r.held, r.more = false, (string.gsub(r.more, '|h|', '||'))
  end
  r.status = status
  local what = r.sid .. '|' .. t.sid .. '|' .. r.worker .. '|' .. t.tag
  tell('reservation.' .. (status == 'wrapping' and 'wrapup' or status), t.after and what .. '|' .. t.after or what)
  r.packed = pack_reservation(r, status)
  return r.packed
end

-- The Activity and its availability that a Reservation remembers: 1 before it, 2 for the work, 3 after the work; nil for
-- none, or one that was deleted.
local function remembered(r, which)
  local before, during, after = string.match(r.more, '^|([^|,]*),?([^|]*)|[^|]*|([^|]*)$')
  local activity, available = string.match(({before, during, after})[which] or '', '^(%w+):(%d)$')
  if activity and call('HEXISTS', root .. 'config', activity) == 1 then return activity, available end
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

-- Leaves its waiting set, or the rest, if it is in one. Returns whether it rested.
local function leave_pool(t)
  if t.status ~= 'pending' then return end
  load_place(t)
  if not is_placed(t) then return end
  local pool = pool_of(t.pool)
  if pool.target and call('ZREM', root .. 'z:' .. t.pool, order_key(pool, t.pri, t.vst, t.n) .. t.sid) == 1 then
    return true
  end
  waiting_drop(pool, t)
end

-- Completed or canceled. What follows the reason are further fields of the Task (its Reservation's new text).
local function end_task(t, status, reason, ...)
  call('HSET', t.key, 's', next_state(t, status, '-'), 'e', stamp .. '|' .. reason, ...)
  set_timer(t, now + RETENTION_MS)
  count_open(t, -1)
  tell('task.' .. status, t.sid .. '|' .. t.tag .. '|' .. reason)
end
