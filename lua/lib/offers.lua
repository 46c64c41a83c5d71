--[[
  offers: Reservations that end, and what comes of their Task and their Workers.

  All that one run ends goes back into the market before anything is matched, so that the older Task and the longer idle
  Worker go first: `back` collects it, serve_back matches. back[i] = {sid, n, all} are Workers, `all` when they may be
  offerable on every channel; back.ids the pools that Tasks returned to; back.rest the Tasks for one Worker who refused.
]]
local MAX_ASSIGNMENTS = 1000  -- semantics 2.5
local TOO_MANY = 'Task TTL Exceeded or Max assignment count exceeded'  -- semantics 14, row 29
local TARGET_MS = 60000  -- semantics 2.8: how long a Task that ignores capacity may be without a Reservation

-- Ends these Reservations of a Task, gives their slots back, and moves Workers who did not take up the work to the
-- Activity, or where none is given to the one that the Reservation remembers. Returns fields for the caller to write.
local function close_offers(t, list, status, activity, available, back)
  local fields = {}
  for i, r in ipairs(list) do
    local was = r.status
    fields[2 * i - 1], fields[2 * i] = r.sid, turn_reservation(t, r, status)
    local w = release_slot(r, was)
    write_worker(w)
    local to, free = activity, available
    if to == '' and was == 'pending' and r.more ~= '' then to, free = remembered(r, 1) end
    local came = to and to ~= '' and set_activity(r.worker, to, free)
    back[#back + 1] = {sid = r.worker, n = r.n, all = came or w.dynamic}
  end
  return fields
end

-- Whether the pool of a reserved Task is still in use: nobody counts who is reserved from it.
local function is_in_use(pool)
  local f = call('HMGET', root .. 'p:' .. pool.id, 'digest', 'gone')
  return f[1] and not f[2]
end

-- The Task waits in its step again, or goes where its time or a change meanwhile sends it; with `t.delay`, in ms, it
-- waits in no pool for so long first. `worker` refused it last.
local function wait_again(t, worker, back)
  local later, pool = later_of(t), is_placed(t) and pool_of(t.pool)
  if pool and pool.direct then t.due = now + TARGET_MS end
  if later == '1' then
    t.pool = '-r'
  elseif pool and not pool.target and t.due > 0 and t.due <= now then
    t.pool = '-t'
    tell('task-queue.timeout', t.sid .. '|' .. t.tag .. '|' .. t.at)
  elseif t.delay then
    t.pool = string.format('-w%.0f', now + t.delay)
  elseif later == '2' or not pool or not is_in_use(pool) then
    t.pool = '-q'
  end
  if pool and pool.target and later ~= '1' and not t.delay then
    back.rest = {task = t, pool = pool, worker = worker, next = back.rest}
  end
  call('HSET', t.key, 'p', pack_place(t))
  set_waiting_timer(t)
  if not is_placed(t) then
    if not delayed_until(t) then ask('route', 't', t.sid) end
  elseif not pool.target then
    waiting_put(pool, t)
    back.ids[#back.ids + 1], back.ids[pool.id] = pool.id, true
  end
end

-- Ends pending Reservations without acceptance; the Task is pending when none is left.
local function withdraw(t, list, status, activity, available, back)
  load_place(t)
  local left = {}
  for sid in string.gmatch(t.res, '[^,]+') do
    local ended = false
    for _, r in ipairs(list) do ended = ended or r.sid == sid end
    if not ended then left[#left + 1] = sid end
  end
  t.after = #left > 0 and 'reserved' or tonumber(t.cnt) >= MAX_ASSIGNMENTS and 'canceled' or nil
  local fields = close_offers(t, list, status, activity, available, back)
  if #left > 0 then
    t.res = table.concat(left, ',')  -- the same run may end the rest of them
    call('HSET', t.key, 's', string.match(t.raw, '^.*|') .. t.res, unpack(fields))
  elseif t.after then
    end_task(t, 'canceled', TOO_MANY, unpack(fields))
  else
    call('HSET', t.key, 's', next_state(t, 'pending', '-'), unpack(fields))
    wait_again(t, list[1].worker, back)
  end
end

-- Tasks for one Worker rest at the revision that it has now, so that the next change of it wakes them.
local function lay_to_rest(entry)
  local t = entry.task
  local revision = string.match(call('HGET', root .. 'k:' .. entry.worker, 's'), '%d+$')
  t.at = 'k.' .. revision
  call('HSET', t.key, 'p', pack_place(t))
  if is_placed(t) then rest_put(entry.pool, t, revision) end
end

local function serve_back(back)
  local entry = back.rest
  while entry do
    lay_to_rest(entry)
    entry = entry.next
  end
  for _, worker in ipairs(back) do
    bring_back(worker.sid, worker.all and channels_of(worker.sid) or {worker.n}, back.ids)
  end
  settle(back.ids)
end

-- The Worker takes the Task, which may have been offered to others too or moves it to another Activity.
local function accept(t, r, packed, dynamic)
  local back, others = {ids = {}}, {}
  local activity, available = remembered(r, 2)
  if activity then set_activity(r.worker, activity, available) end
  for _, other in ipairs(open_reservations(t)) do
    if other.sid ~= r.sid then others[#others + 1] = other end
  end
  local fields = close_offers(t, others, 'rescinded', '', '', back)
  call('HSET', t.key, 's', next_state(t, 'assigned', r.sid), r.sid, packed, unpack(fields))
  if dynamic then back[#back + 1] = {sid = r.worker, all = true} end
  serve_back(back)
end

-- The Worker takes the Task; others who were offered it are free again. Returns the Reservation as text.
local function accept_offer(t, r, dynamic)
  local packed = turn_reservation(t, r, 'accepted')
  call('HINCRBY', root .. 'k:' .. r.worker, 'asg' .. r.n, 1)
  set_timer(t, now + ASSIGNED_MS)
  if t.res ~= r.sid or r.more ~= '' then
    accept(t, r, packed, dynamic)
    return packed
  end
  call('HSET', t.key, 's', next_state(t, 'assigned', r.sid), r.sid, packed)
  if dynamic then serve_dynamic(r.worker) end
  return packed
end
