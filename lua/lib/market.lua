--[[
  market: makes matchable what a transition made matchable, inside the same step.

  After every script no pool has both a waiting Task and an offerable Worker, but for work a script handed on to a
  matcher because it had done its share (MAX_OFFERS, MAX_PROBES).
]]
local MAX_OFFERS = 32  -- Reservations one run makes, some 3 ms; what is left goes to a matcher
local offers_left = MAX_OFFERS
local MAX_SKIPS = 32  -- Tasks that one run lets skip a step
local skips_left = MAX_SKIPS
local preferred  -- F or L, the order type that goes first
local NOT_IN_QUEUE = 40152  -- semantics 6.6

-- Takes a slot of a Worker for a Task; whoever calls this writes the Worker. Returns the Reservation.
local function take_slot(t, w)
  local sid = 'WR' .. string.sub(redis.sha1hex(t.sid .. ':' .. t.cnt .. ':' .. w.sid), 1, 32)
  call('HSET', root .. 'r:' .. w.sid, sid, t.sid)
  w.open, w.rev = w.open + 1, w.rev + 1
  if tonumber(w.last) < now then w.last = stamp end
  w.last_n = w.last
  tell('reservation.created', sid .. '|' .. t.sid .. '|' .. w.sid .. '|' .. t.tag)
  return sid, 'pending|' .. w.sid .. '|' .. stamp .. '|' .. stamp .. '|0|' .. w.n
end

-- Offers a Task to a Worker of an ordinary pool and writes both. `met` is true when the Worker was found at the head of the pool's idle
-- set. The Task's waiting entry is the caller's business; `t.fresh` are fields of a Task that is not stored yet.
local function offer(t, pool, w, met)
  t.cnt = t.cnt + 1
  local sid, packed = take_slot(t, w)
  call('HSET', t.key, 's', next_state(t, 'reserved', sid), sid, packed, unpack(t.fresh or {}))
  set_timer(t, math.min(t.ttl, now + t.rto * 1000))
  if met then
    if offerable(w) then idle_put(pool, w) else park(pool, w) end
  end
  write_worker(w)
end

-- Which of two heads goes first: the preferred order type, then the order key.
local function goes_before(a, b)
  local x, y = string.sub(a, 1, 1), string.sub(b, 1, 1)
  if x == y then return a < b end
  preferred = preferred or string.sub(call('HGET', root .. 'ws', 'order'), 1, 1)
  return x == preferred
end

-- The pools among `ids` that have a waiting Task, with their heads. O(min(#ids, pools with waiting Tasks)).
local function waiting_heads(ids)
  local found, heads = {}, root .. 'heads'
  local count = call('HLEN', heads)
  if count < #ids then
    local wanted = {}
    for _, id in ipairs(ids) do wanted[id] = true end
    local all = call('HGETALL', heads)
    for i = 1, #all, 2 do
      if wanted[all[i]] then found[#found + 1] = {pool = pool_of(all[i]), head = all[i + 1]} end
    end
    return found
  end
  for first = 1, #ids, 1000 do
    local last = math.min(first + 999, #ids)
    local values = call('HMGET', heads, unpack(ids, first, last))
    for i = first, last do
      local head = values[i - first + 1]
      if head then found[#found + 1] = {pool = pool_of(ids[i]), head = head} end
    end
  end
  return found
end

local function best_of(found)
  local best
  for _, candidate in ipairs(found) do
    if candidate.head and (not best or goes_before(candidate.head, best.head)) then best = candidate end
  end
  return best
end

-- Moves a Worker to the Activity of a pool's Reservations, if it has one, and keeps the table true.
local function occupy(w, activity, available)
  if not activity then return end
  set_activity(w.sid, activity, available)
  local f = call('HMGET', w.key, 'ok', 's')
  w.ready, w.rev = f[1] == '1', string.match(f[2], '%d+$')
end

-- A Worker who is being served is parked in the pool still: whoever serves it puts it back.
local function put_or_park(pool, w)
  if pool.direct or string.find(',' .. w.parked, ',' .. pool.id .. ',', 1, true) then return end
  if offerable(w) then idle_put(pool, w) else park(pool, w) end
end

-- Offers a Task to as many Workers as its pool asks for, beginning with this one, and writes all. Returns those
-- whose other load opens or closes pools to them.
local function offer_round(t, pool, w)
  local chosen, sids, fields, most = {}, {}, {}, pool.most or 1
  local moves = pool.single and call('HMGET', root .. 'p:' .. pool.id, 'reserve', 'assign')
  t.cnt = t.cnt + 1
  while w do
    if not pool.direct then idle_drop(pool, w.sid) end
    local place = #chosen + 1
    local sid, packed = take_slot(t, w)
    if moves then
      local before = table.concat(call('HMGET', w.key, 'act', 'av'), ':')
      packed = packed .. '|' .. before .. ',' .. (moves[2] or '') .. '||'
    end
    chosen[place], sids[place], fields[2 * place - 1], fields[2 * place] = w, sid, sid, packed
    write_worker(w)
    w = place < most and idle_head(pool)
  end
  offers_left = math.max(0, offers_left - #chosen + 1)  -- the first one is the caller's
  for _, field in ipairs(t.fresh or {}) do fields[#fields + 1] = field end
  call('HSET', t.key, 's', next_state(t, 'reserved', table.concat(sids, ',')), unpack(fields))
  set_timer(t, math.min(t.ttl, now + t.rto * 1000))
  local dynamic = {}
  for _, one in ipairs(chosen) do
    if moves then occupy(one, string.match(moves[1] or '', '^(%w+):(%d)$')) end
    put_or_park(pool, one)
    write_worker(one)
    if one.dynamic then dynamic[#dynamic + 1] = one.sid end
  end
  return dynamic
end

-- Takes a waiting Task out of its step, which it leaves by time-out (t) or skip (s); a matcher finds the next one.
local function leave_step(t, cause)
  t.pool = '-' .. cause
  if cause == 't' then tell('task-queue.timeout', t.sid .. '|' .. t.tag .. '|' .. t.at) end
  if not t.fresh then
    call('HSET', t.key, 'p', pack_place(t))
    set_waiting_timer(t)
  end
  ask('route', 't', t.sid)
end

local function skipped(pool)
  local f = call('HMGET', root .. 'p:' .. pool.id, 'skip', 'census')
  return census_holds(f[1], f[2])
end

-- A Task that found nobody leaves its step at once if that is to be skipped, or its time is over (semantics 6.3).
local function leaves_at_once(t, pool)
  if pool.skips and skipped(pool) then
    leave_step(t, 's')
    return true
  end
  if pool.target or t.due == 0 or t.due > now then return false end
  leave_step(t, 't')
  return true
end

-- The Worker that a known pool is for, as its record says: by SID, or by a name with the form that is unique.
local function known_worker(pool, who, folded)
  local sid = folded and call('HGET', root .. 'names', folded) or not folded and who
  local w = sid and load_worker(sid, pool.n)
  return w and (not folded or call('HGET', w.key, 'name') == who) and w
end

-- Tells of a Task that waits for a known Worker who cannot take it (semantics 6.6), if that is not meant.
local function warn(t, pool)
  local f = call('HMGET', root .. 'p:' .. pool.id, 'lost', 'who', 'folded')
  if not f[1] then return end
  local w = known_worker(pool, f[2], f[3])
  if w and call('HGET', w.key, 'ix') ~= '1' then return end  -- a matcher is about to find its pools
  local member = w and string.find(',' .. pools_of(w), ',' .. pool.id .. ',', 1, true)
  if not member then tell('task.alert', t.sid .. '|' .. (w and NOT_IN_QUEUE or f[1]) .. '|' .. t.tag) end
end

-- Offers the head of a pool and moves on to the next one that waits there.
local function offer_head(candidate, w, met)
  local pool, entry = candidate.pool, string.sub(candidate.head, 2)
  offers_left = offers_left - 1
  local t = load_task(string.sub(entry, -34), '')
  load_place(t)
  local next_entry = waiting_pop(pool, entry)
  candidate.head = next_entry and pool.order .. next_entry
  if pool.special then return offer_round(t, pool, w) end
  offer(t, pool, w, met)
  return w.dynamic and {w.sid} or {}
end

local function add_pools(ids, list)
  for id in string.gmatch(list, '([^,]+),') do
    if not ids[id] then
      ids[id] = true
      ids[#ids + 1] = id
    end
  end
end

local function channels_of(sid)
  local list = {}
  for n in string.gmatch(call('HGET', root .. 'k:' .. sid, 'chs') or '', '([^,]+),') do list[#list + 1] = n end
  return list
end

-- Wakes the Tasks that rest until this Worker changes, and adds the pools it serves whatever its capacity.
local function wake_all(w, ids)
  for id in string.gmatch(pools_of(w), '([^,]+),') do
    local pool = pool_of(id)
    if pool.target then wake(pool, w.rev) end
    if pool.direct then add_pools(ids, id .. ',') end
  end
end

-- Puts a Worker back into the market on these channels, as far as it is offerable, and adds its pools to `ids`.
local function bring_back(sid, channels, ids)
  for _, n in ipairs(channels) do
    local w = load_worker(sid, n)
    if w and w.dynamic then wake_all(w, ids) end
    if w and offerable(w) then
      unpark(w)
      write_worker(w)
      add_pools(ids, pools_of(w))
    end
  end
end

-- All Tasks that wait in these pools leave their steps, in global order, where those are to be skipped now.
local function skip_over(ids)
  local wanted = {}
  for _, id in ipairs(ids) do
    if pool_of(id).skips then wanted[#wanted + 1] = id end
  end
  if #wanted == 0 then return end
  local found = {}
  for _, candidate in ipairs(waiting_heads(wanted)) do
    if skipped(candidate.pool) then found[#found + 1] = candidate end
  end
  local best = best_of(found)
  while best do
    if skips_left == 0 then return ask('settle', 'p', table.concat(wanted, ',')) end
    skips_left = skips_left - 1
    local entry = string.sub(best.head, 2)
    local t = load_task(string.sub(entry, -34), '')
    load_place(t)
    local next_entry = waiting_pop(best.pool, entry)
    best.head = next_entry and best.pool.order .. next_entry
    leave_step(t, 's')
    best = best_of(found)
  end
end

-- What follows from other numbers of a census.
local function skip_touched()
  local ids = {}
  for census in pairs(touched) do
    for _, id in ipairs(call('SMEMBERS', root .. 's:' .. census)) do ids[#ids + 1] = id end
  end
  touched = nil
  skip_over(ids)
end

-- Gives the waiting Tasks of the pools, in global order, their best Workers, until none can be matched.
local function settle(ids)
  local found = waiting_heads(ids)
  while true do
    local best = best_of(found)
    if not best then return skip_over(ids) end
    if offers_left == 0 then return ask('settle', 'p', table.concat(ids, ',')) end
    local w, exhausted = idle_head(best.pool)
    if w then
      local dynamic = offer_head(best, w, true)  -- their load is another now, and may open pools that were closed
      for _, sid in ipairs(dynamic) do bring_back(sid, channels_of(sid), ids) end
      if #dynamic > 0 then found = waiting_heads(ids) end
    else
      if exhausted then ask('settle', 'p', best.pool.id) end
      best.head = nil
    end
  end
end

-- Everything Workers may be offered whose load has changed and decides what that is.
local function serve_dynamic(...)
  local ids = {}
  for _, sid in ipairs({...}) do bring_back(sid, channels_of(sid), ids) end
  settle(ids)
end

-- Gives one Worker, offerable on these channels since just now, the best Tasks that wait in its pools. No other
-- Worker of those pools is offerable (else its Tasks would not wait), so the idle sets need not be read.
-- `views` are the Worker as each channel sees it.
local function serve_waiting(views)
  local ids, by_channel = {}, {}
  for _, w in ipairs(views) do
    by_channel[w.n] = w
    if offerable(w) then add_pools(ids, pools_of(w)) end
  end
  local found = waiting_heads(ids)
  local best = best_of(found)
  while best do
    local w = by_channel[best.pool.n]
    if not offerable(w) then
      best.head = nil
    elseif offers_left == 0 then
      return ask('settle', 't', w.sid)
    else
      offer_head(best, w, false)
      for _, other in ipairs(views) do other.last, other.rev = w.last, w.rev end
    end
    best = best_of(found)
  end
end

-- Every channel of this Worker may have become offerable.
local function serve_all(sid)
  local views = {}
  for i, n in ipairs(channels_of(sid)) do views[i] = load_worker(sid, n) end
  if #views == 0 then return end
  if views[1].dynamic then return serve_dynamic(sid) end
  serve_waiting(views)
  for _, w in ipairs(views) do
    if offerable(w) then
      unpark(w)
      write_worker(w)
    end
  end
end

-- A slot of this Worker came free; it is written here.
local function serve_slot(w)
  if w.dynamic then
    write_worker(w)
    return serve_dynamic(w.sid)
  end
  if offerable(w) then
    if call('EXISTS', root .. 'heads') == 1 then serve_waiting({w}) end
    if offerable(w) then unpark(w) end
  end
  write_worker(w)
end

-- A pending Task takes its place in a pool: reserved at once if nobody waits there and a Worker is offerable.
local function enter_pool(t, pool)
  local exhausted = false
  if call('HEXISTS', root .. 'heads', pool.id) == 0 then
    local w
    w, exhausted = idle_head(pool)
    if w and pool.special then
      local dynamic = offer_round(t, pool, w)
      if #dynamic > 0 then serve_dynamic(unpack(dynamic)) end
      return
    elseif w then
      offer(t, pool, w, true)
      if w.dynamic then serve_dynamic(w.sid) end
      return
    end
  end
  if pool.known and not t.stays then warn(t, pool) end
  if exhausted then
    ask('settle', 'p', pool.id)
  elseif (pool.skips or t.due > 0) and leaves_at_once(t, pool) then
    return
  end
  waiting_put(pool, t)
end

-- The end of every run that may have moved a Worker to another Activity.
local function conclude()
  if touched then skip_touched() end
  publish()
end
