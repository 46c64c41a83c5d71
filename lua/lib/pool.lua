--[[
  pool: Workers that wait for Tasks and Tasks that wait for Workers, under one condition.

  A pool's id says what is needed of it: <slot>.<count><F|L|C><flags><most>, F or L for the order of its Tasks, C for a
  census (lib/activity.lua), flags o (rank by the channel's own last Reservation), b (order_by), d (the condition reads
  the Worker's load), s (Tasks skip the step by a census), k (for a known Worker: an alert while there is none),
  t (for one target Worker), i (and whatever its capacity), u (a Reservation moves the Worker to another Activity),
  and how many Workers a Task is offered to at once, where that is more than one.

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
    local n, order, flags = string.match(id, '^(%d+)%.%d+(%u)(.*)$')
    pool = {id = id, n = n, order = order, idle = root .. 'i:' .. id}
    if flags ~= '' then
      pool.own_rank = string.find(flags, 'o', 1, true) ~= nil
      pool.ordered = string.find(flags, 'b', 1, true) ~= nil
      pool.dynamic = string.find(flags, 'd', 1, true) ~= nil
      pool.skips = string.find(flags, 's', 1, true) ~= nil
      pool.known = string.find(flags, 'k', 1, true) ~= nil
      pool.target = string.find(flags, 't', 1, true) ~= nil
      pool.direct = string.find(flags, 'i', 1, true) ~= nil
      pool.single = string.find(flags, 'u', 1, true) ~= nil
      pool.most = tonumber(string.match(flags, '%d+$'))
      pool.special = pool.direct or pool.single or pool.most
    end
    pools[id] = pool
  end
  return pool
end

-- The pool of this digest if it is in use, noted as used now (to 100 s); nil while it has not all its members.
local function installed(digest)
  local stored = call('HGET', root .. 'pools', digest)
  local comma = stored and string.find(stored, ',', 1, true)
  if not comma then return nil end
  local id, used = string.sub(stored, comma + 1), string.sub(stamp, 1, -6)
  if string.sub(stored, 1, comma - 1) ~= used then call('HSET', root .. 'pools', digest, used .. ',' .. id) end
  return id
end

-- The order prefix and the load program of a Worker in a pool.
local function member_terms(pool, sid)
  return string.match(call('HGET', root .. 'm:' .. pool.id, sid), '^(.-)|(.*)$')
end

-- Whether the Worker satisfies what its load decides of the condition of a load-dependent pool.
local function fits(pool, w)
  local _, program = member_terms(pool, w.sid)
  return worker_holds(program, w.sid)
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

-- The Worker that a direct pool is for, whatever it is doing; nil while it is no member or waits to be indexed.
local function direct_worker(pool)
  local w = load_worker(call('HGET', root .. 'p:' .. pool.id, 'target'), pool.n)
  return w and call('HGET', w.key, 'ix') == '1' and string.find(',' .. pools_of(w), ',' .. pool.id .. ',', 1, true) and w
end

-- The best offerable Worker of a pool, or nil; second result true when the probes ran out before one was found.
local function idle_head(pool)
  if pool.direct then return direct_worker(pool), false end
  while true do
    local head = call('ZRANGE', pool.idle, 0, 0, 'WITHSCORES')
    if not head[1] then return nil, false end
    if probes_left == 0 then return nil, true end
    probes_left = probes_left - 1
    local sid = string.sub(head[1], -34)
    local w = load_worker(sid, pool.n)
    if not w then
      call('ZREM', pool.idle, head[1])
    elseif not offerable(w) or pool.dynamic and not fits(pool, w) then
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
