--[[
  market: makes matchable what a transition made matchable, inside the same step.

  After every script no pool has both a waiting Task and an offerable Worker, but for work a script handed on to a
  matcher because it had done its share (MAX_OFFERS, MAX_PROBES).

  The common ways, a Task that meets a free Worker and a Worker for whom nothing waits, stand by themselves. The rest
  is made by general() when first needed: a closure costs 0.1 us, and most runs need none of these.
]]
local MAX_OFFERS = 64
local offers_left = MAX_OFFERS

-- Offers a Task to a Worker and writes both. `met` is true when the Worker was found at the head of the pool's idle
-- set. The Task's waiting entry is the caller's business; `t.fresh` are fields of a Task that is not stored yet.
local function offer(t, pool, w, met)
  local count = t.cnt + 1
  local sid = 'WR' .. string.sub(redis.sha1hex(t.sid .. ':' .. count .. ':' .. w.sid), 1, 32)
  t.cnt = count
  call('HSET', t.key, 's', next_state(t, 'reserved', sid),
    sid, 'pending|' .. w.sid .. '|' .. stamp .. '|' .. stamp .. '|0|' .. w.n, unpack(t.fresh or {}))
  set_timer(t, math.min(t.ttl, now + t.rto * 1000))
  call('HSET', root .. 'r:' .. w.sid, sid, t.sid)
  w.open, w.rev = w.open + 1, w.rev + 1
  if tonumber(w.last) < now then w.last = stamp end
  w.last_n = w.last
  if met then
    if offerable(w) then idle_put(pool, w) else park(pool, w) end
  end
  write_worker(w)
  tell('reservation.created', sid .. '|' .. t.sid .. '|' .. w.sid)
end

local made
local function general()
  if made then return made end
  local M = {}
  made = M
  local preferred  -- F or L, the order type that goes first

  -- Which of two heads goes first: the preferred order type, then the order key.
  local function before(a, b)
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
      if candidate.head and (not best or before(candidate.head, best.head)) then best = candidate end
    end
    return best
  end

  -- Offers the head of a pool and moves on to the next one that waits there.
  local function offer_head(candidate, w, met)
    local pool, entry = candidate.pool, string.sub(candidate.head, 2)
    offers_left = offers_left - 1
    local t = load_task(string.sub(entry, -34), '')
    load_place(t)
    offer(t, pool, w, met)
    local next_entry = waiting_pop(pool, entry)
    candidate.head = next_entry and pool.order .. next_entry
  end

  local function add_pools(ids, list)
    for id in string.gmatch(list, '([^,]+),') do
      if not ids[id] then
        ids[id] = true
        ids[#ids + 1] = id
      end
    end
  end

  function M.channels_of(sid)
    local list = {}
    for n in string.gmatch(call('HGET', root .. 'k:' .. sid, 'chs') or '', '([^,]+),') do list[#list + 1] = n end
    return list
  end

  -- Puts a Worker back into the market on these channels, as far as it is offerable, and adds its pools to `ids`.
  function M.bring_back(sid, channels, ids)
    for _, n in ipairs(channels) do
      local w = load_worker(sid, n)
      if w and offerable(w) then
        unpark(w)
        write_worker(w)
        add_pools(ids, pools_of(w))
      end
    end
  end

  -- Gives the waiting Tasks of the pools, in global order, their best Workers, until none can be matched.
  function M.settle(ids)
    local found = waiting_heads(ids)
    while true do
      local best = best_of(found)
      if not best then return end
      if offers_left == 0 then return ask('settle', 'p', table.concat(ids, ',')) end
      local w, exhausted = idle_head(best.pool)
      if w then
        offer_head(best, w, true)
        if w.dynamic then  -- its load is another now, and may open pools that were closed to it
          M.bring_back(w.sid, M.channels_of(w.sid), ids)
          found = waiting_heads(ids)
        end
      else
        if exhausted then ask('settle', 'p', best.pool.id) end
        best.head = nil
      end
    end
  end

  -- Everything a Worker may be offered whose load has changed and decides what that is.
  function M.serve_dynamic(sid)
    local ids = {}
    M.bring_back(sid, M.channels_of(sid), ids)
    M.settle(ids)
  end

  -- Gives one Worker, offerable on these channels since just now, the best Tasks that wait in its pools. No other
  -- Worker of those pools is offerable (else its Tasks would not wait), so the idle sets need not be read.
  -- `views` are the Worker as each channel sees it.
  function M.serve_waiting(views)
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
  function M.serve_all(sid)
    local views = {}
    for i, n in ipairs(M.channels_of(sid)) do views[i] = load_worker(sid, n) end
    if #views == 0 then return end
    if views[1].dynamic then return M.serve_dynamic(sid) end
    M.serve_waiting(views)
    for _, w in ipairs(views) do
      if offerable(w) then
        unpark(w)
        write_worker(w)
      end
    end
  end
  return M
end

-- A slot of this Worker came free; it is written here.
local function serve_slot(w)
  if w.dynamic then
    write_worker(w)
    return general().serve_dynamic(w.sid)
  end
  if offerable(w) then
    if call('EXISTS', root .. 'heads') == 1 then general().serve_waiting({w}) end
    if offerable(w) then unpark(w) end
  end
  write_worker(w)
end

-- A pending Task takes its place in a pool: reserved at once if nobody waits there and a Worker is offerable.
local function enter_pool(t, pool)
  if call('HEXISTS', root .. 'heads', pool.id) == 0 then
    local w, exhausted = idle_head(pool)
    if w then
      offer(t, pool, w, true)
      if w.dynamic then general().serve_dynamic(w.sid) end
      return
    end
    if exhausted then ask('settle', 'p', pool.id) end
  end
  waiting_put(pool, t)
end
