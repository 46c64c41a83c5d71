--[[
  pool: Workers that wait for Tasks and Tasks that wait for Workers, under one condition.

  A pool's id says what is needed of it: <channel number>.<count><F|L><flags>, F or L for the order of its Tasks, and
  flags o (rank by the channel's own last Reservation), b (order_by), d (the condition reads the Worker's load).

  Idle sets are lazy. A Worker's rank, the ms of its last Reservation, only grows, so an entry with an old rank is a
  lower bound: whoever meets it at the head re-inserts it. A Worker met there that is not offerable is parked: out
  of the set, the pool noted in c<n> of the Worker, and put back when it becomes offerable. Amortised O(log n).
]]
local MAX_PROBES = 256  -- idle entries one run may look at; beyond that the rest goes to a matcher
local probes_left = MAX_PROBES
local pools = {}

local function pool_of(id)
  local pool = pools[id]
  if not pool then
    local n, order, flags = string.match(id, '^(%d+)%.%d+(%u)(%l*)$')
    pool = {id = id, n = n, order = order, idle = root .. 'i:' .. id}
    if flags ~= '' then
      pool.own_rank = string.find(flags, 'o', 1, true) ~= nil
      pool.ordered = string.find(flags, 'b', 1, true) ~= nil
      pool.dynamic = string.find(flags, 'd', 1, true) ~= nil
    end
    pools[id] = pool
  end
  return pool
end

-- The order prefix and the load program of a Worker in a pool.
local function member_terms(pool, sid)
  return string.match(call('HGET', root .. 'm:' .. pool.id, sid), '^(.-)|(.*)$')
end

-- Whether the Worker satisfies what its load decides of the pool's condition.
local function fits(pool, w)
  if not pool.dynamic then return true end
  local _, program = member_terms(pool, w.sid)
  return holds(program, w.sid)
end

local function rank_of(pool, w)
  return pool.own_rank and w.last_n or w.last
end

local function idle_put(pool, w)
  local rank = rank_of(pool, w)
  if not pool.ordered then
    call('ZADD', pool.idle, rank, w.sid)
    return
  end
  local terms, at = root .. 'm:' .. pool.id, '@' .. w.sid
  local prefix = member_terms(pool, w.sid)
  local entry = prefix .. string.format('%012x', tonumber(rank)) .. w.sid
  local old = call('HGET', terms, at)
  if old == entry then return end
  if old then call('ZREM', pool.idle, old) end
  call('ZADD', pool.idle, 0, entry)
  call('HSET', terms, at, entry)
end

local function idle_drop(pool, sid)
  local entry = sid
  if pool.ordered then
    local terms, at = root .. 'm:' .. pool.id, '@' .. sid
    entry = call('HGET', terms, at)
    if not entry then return end
    call('HDEL', terms, at)
  end
  call('ZREM', pool.idle, entry)
end

-- Takes a Worker out of the idle set; the caller writes the Worker.
local function park(pool, w)
  idle_drop(pool, w.sid)
  w.parked = w.parked .. pool.id .. ','
end

-- Puts a Worker back into the idle sets it was parked out of; the caller writes the Worker. O(parked x log n).
local function unpark(w)
  for id in string.gmatch(w.parked, '([^,]+),') do idle_put(pool_of(id), w) end
  w.parked = ''
end

-- The best offerable Worker of a pool, or nil; second result true when the probes ran out before one was found.
local function idle_head(pool)
  while true do
    local head = call('ZRANGE', pool.idle, 0, 0, 'WITHSCORES')
    if not head[1] then return nil, false end
    if probes_left == 0 then return nil, true end
    probes_left = probes_left - 1
    local sid = string.sub(head[1], -34)
    local w = load_worker(sid, pool.n)
    if not w then
      call('ZREM', pool.idle, head[1])
    elseif not offerable(w) or not fits(pool, w) then
      park(pool, w)
      write_worker(w)
    else
      local seen
      if pool.ordered then seen = tonumber(string.sub(head[1], -46, -35), 16) else seen = tonumber(head[2]) end
      if seen >= tonumber(rank_of(pool, w)) then return w, false end
      idle_put(pool, w)
    end
  end
end
