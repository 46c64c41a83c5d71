--[[
  waiting: the Tasks that wait in a pool, best first, and the heads of all pools.

  A Task for one Worker who refused it rests: it waits again once that Worker has changed (semantics 2.8).
]]
-- Order keys: text that sorts as semantics 5.4 says inside one order type. Priority falls, the rest rises for FIFO;
-- LIFO ignores the priority and turns the rest around. 2208988800000 ms lie between 1900 and 1970.
local function order_key(pool, pri, vst, n)
  if pool.order == 'F' then
    return string.format('%08x%012x%010x', 2147483647 - pri, vst + 2208988800000, n)
  end
  return string.format('%08x%012x%010x', 0, 281474976710655 - vst - 2208988800000, 1099511627775 - n)
end

local function set_head(pool, entry)
  if entry then call('HSET', root .. 'heads', pool.id, pool.order .. entry)
  else call('HDEL', root .. 'heads', pool.id) end
end

local function waiting_put(pool, t)
  local entry = order_key(pool, t.pri, t.vst, t.n) .. t.sid
  call('ZADD', root .. 'q:' .. pool.id, 0, entry)
  local head = call('HGET', root .. 'heads', pool.id)
  if not head or pool.order .. entry < head then set_head(pool, entry) end
end

-- Takes the head off and returns the next one, or nil.
local function waiting_pop(pool, entry)
  call('ZREM', root .. 'q:' .. pool.id, entry)
  local next_entry = call('ZRANGE', root .. 'q:' .. pool.id, 0, 0)[1]
  set_head(pool, next_entry)
  return next_entry
end

local function waiting_drop(pool, t)
  local entry = order_key(pool, t.pri, t.vst, t.n) .. t.sid
  if call('HGET', root .. 'heads', pool.id) == pool.order .. entry then return waiting_pop(pool, entry) end
  call('ZREM', root .. 'q:' .. pool.id, entry)
end

local function rest_put(pool, t, revision)
  call('ZADD', root .. 'z:' .. pool.id, revision, order_key(pool, t.pri, t.vst, t.n) .. t.sid)
end

-- Lets the Tasks wait that rest since an earlier revision of their Worker.
local function wake(pool, revision)
  local resting = root .. 'z:' .. pool.id
  for _, entry in ipairs(call('ZRANGEBYSCORE', resting, '-inf', '(' .. revision)) do
    call('ZREM', resting, entry)
    call('ZADD', root .. 'q:' .. pool.id, 0, entry)
    local head = call('HGET', root .. 'heads', pool.id)
    if not head or pool.order .. entry < head then set_head(pool, entry) end
  end
end
