--[[
  index_worker: a matcher has found the pools of a Worker; from here on it may be offered work again.

  Why checked: the matcher's finding rests on what it read of the Worker (dv), of the pools (pool_version) and of the
  names in the configuration; if any has changed meanwhile it has to look again, so no Worker is offered work by an old skill.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now           ms, '' for the server's clock
  ARGV[2] worker        SID
  ARGV[3] dv            version of the Worker that the matcher read
  ARGV[4] pool_version  version of the pools that the matcher read
  ARGV[5] version       of the configuration whose names (Activities, Task Channels) the matcher read
  ARGV[6]...            for each of its pools: id, terms ('prefix|program' for ordered and load-dependent pools,
                        else ''), ms of the channel's creation for pools ranked by the channel, else '0'

  Returns {status}
  Status  1 OK (also when the Worker is gone), -1 STALE
  Events  reservation.created for what it can take now
  Cost    O(p log n) for p pools, old and new
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/activity.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua
--@include lib/waiting.lua
--@include lib/task.lua
--@include lib/market.lua

if not open_workspace() then return {OK} end
local sid, key = ARGV[2], root .. 'k:' .. ARGV[2]
local f = call('HMGET', key, 'dv', 'chs', 'made', 'av', 'act', 'cen')
if not f[1] then return {OK} end
local pool_version = call('HGET', root .. 'ws', 'pool_version') or '0'
if f[1] ~= ARGV[3] or pool_version ~= ARGV[4] or version ~= ARGV[5] then return {STALE} end

set_clock(ARGV[1])
local terms, channels, dynamic = {}, {}, '0'
local function add_word(list, word)
  return list .. word .. ','
end
local function channel_of(n)
  if not channels[n] then channels[n] = {pools = '', parked = ''} end
  return channels[n]
end
for i = 6, #ARGV, 3 do terms[ARGV[i]] = {ARGV[i + 1], ARGV[i + 2]} end

-- Old pools: out of those it has left, and out of the idle set of those where its terms changed.
local kept, view = {}, {}
for n in string.gmatch(f[2], '([^,]+),') do
  local w = load_worker(sid, n)
  for id in string.gmatch(pools_of(w), '([^,]+),') do
    local pool, new = pool_of(id), terms[id]
    local same = new and (not (pool.ordered or pool.dynamic) or call('HGET', root .. 'm:' .. id, sid) == new[1])
    if same then
      kept[id] = string.find(',' .. w.parked, ',' .. id .. ',', 1, true) and 'parked' or 'idle'
    else
      idle_drop(pool, sid)
      if not new and (pool.ordered or pool.dynamic) then call('HDEL', root .. 'm:' .. id, sid) end
      if not new and pool.target then wake(pool, 'inf') end
    end
  end
  w.parked = ''
  write_worker(w)
  call('HDEL', key, 'pl' .. n)
end

local counted = ''
local function join(pool, i)
  if pool.order == 'C' then
    counted = add_word(counted, pool.id)
    return
  end
  local channel = channel_of(pool.n)
  channel.pools = add_word(channel.pools, pool.id)
  if kept[pool.id] ~= 'idle' and not pool.direct then channel.parked = add_word(channel.parked, pool.id) end
  if pool.ordered or pool.dynamic then call('HSET', root .. 'm:' .. pool.id, sid, ARGV[i + 1]) end
  if pool.dynamic or pool.target then dynamic = '1' end
  if pool.own_rank then channel.born = math.max(tonumber(f[3]), tonumber(ARGV[i + 2])) end
end
for i = 6, #ARGV, 3 do join(pool_of(ARGV[i]), i) end
recount(key, f[6], f[5], f[4], counted)
local list = ''
for n, channel in pairs(channels) do
  list = add_word(list, n)
  local w = load_worker(sid, n)
  w.parked = channel.parked
  if w.last_n == '' then w.last_n = channel.born or '' end
  write_worker(w)
  call('HSET', key, 'pl' .. n, channel.pools)
end
call('HSET', key, 'chs', list, 'dy', dynamic, 'ix', '1', 'ok', f[4], 'was', f[5] .. '|' .. f[4])
serve_all(sid)
conclude()
return {OK}
