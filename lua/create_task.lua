--[[
  create_task: Tasks enter their Workflows, and where their pools are known, meet the best Workers in the same step.

  Why a script: a Task, its timer, its place in the pool and perhaps its first Reservation exist together or not at
  all, so no Task is stored and never routed. A repeated call finds its own Task and changes nothing. Several Tasks are
  created as if one after the other; one that is refused changes nothing for the others.

  KEYS[1] root, KEYS[2] shard: see lib/keys.lua
  ARGV[1] now      ms, '' for the server's clock
  ARGV[2] version  of the configuration that the caller's decisions rest on
  ARGV[3]... fifteen for each Task, of which there are at most 16:
      task        SID, minted by the caller
      digest      of the pool the Task belongs to
      queue       SID, '-' for none
      workflow    SID
      channel     number
      priority    0 to 2147483647
      virtual     ms since the epoch, '' for now
      timeout     s the Task may be pending or reserved
      attributes  JSON text
      answer      s a Worker has to answer a Reservation
      document    number of the Workflow's document, 0 where none is followed
      at          <document>.<filter>.<step>, or q or k for a target, see lib/keys.lua
      due         s from now to the deadline of the step, '' without one
      target      as in the field rt, '' without one
      once        key and content as in lib/idempotency.lua, '' without a key

  Returns {status}, with OK followed for each Task by {status, created ms} or {2, SID}
  Status  1 OK, -1 STALE (configuration changed: decide anew), -2 NOT_FOUND (no such Workspace); of a Task 1 OK,
          2 MADE (an earlier call with this key made that Task; nothing was changed), -8 KEY_USED (for other content),
          -4 ILLEGAL (the virtual start lies in the future)
  Events  task.created; reservation.created if a Worker was free
  Cost    O(log n) in Tasks and Workers, for each Task; some 50 us
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/activity.lua
--@include lib/worker.lua
--@include lib/load.lua
--@include lib/pool.lua
--@include lib/waiting.lua
--@include lib/task.lua
--@include lib/idempotency.lua
--@include lib/market.lua

-- The Task whose values begin at ARGV[i]. Returns what is answered of it.
local function create(i)
  local sid, key = ARGV[i], root .. 't:' .. ARGV[i]
  local digest, queue, workflow, channel, priority, virtual, timeout, attributes, answer, document, at, due, target,
    once = unpack(ARGV, i + 1, i + 14)
  if virtual ~= '' and tonumber(virtual) > now then return {ILLEGAL} end
  if once ~= '' then
    local earlier = claim(root .. 'y:', once, sid)
    if earlier then return earlier end
  end
  if call('ZADD', root .. 'tasks', 'NX', seq + 1, sid) == 0 then  -- it is there: an earlier try did its work
    return {OK, tonumber(string.match(call('HGET', key, 'c'), '^%d+'))}
  end

  local pool_id = installed(digest)
  if virtual == '' then virtual = stamp end
  local tag = queue .. '|' .. workflow .. '|' .. channel .. '|' .. document
  tell('task.created', sid .. '|' .. tag .. '|' .. priority .. '|' .. at)
  local t = {
    sid = sid, key = key, status = 'pending', rev = 0, cnt = 0, tag = tag, n = seq, pri = priority, vst = virtual,
    ttl = now + timeout * 1000, rto = answer, due = due == '' and 0 or now + due * 1000,
    at = #at > 1 and at .. '.0' or at, pool = pool_id or '-',
  }
  local entered = queue == '-' and '-' or '0'
  t.fresh = {'p', pack_place(t), 'tag', tag, 'c', stamp .. '|' .. timeout .. '|' .. entered .. '|0', 'attrs', attributes}
  if target ~= '' then
    t.fresh[9], t.fresh[10] = 'rt', target
  end
  count_open(t, 1)
  if pool_id then enter_pool(t, pool_of(pool_id)) else ask('route', 't', sid) end
  if t.status == 'pending' then
    if t.pool ~= pool_id then t.fresh[2] = pack_place(t) end
    call('HSET', key, 's', 'pending|0|' .. stamp .. '|0|-', unpack(t.fresh))
    set_waiting_timer(t)
  end
  if touched then skip_touched() end
  return {OK, now}
end

if not open_workspace() then return {NOT_FOUND} end
if version ~= ARGV[2] then return {STALE} end
set_clock(ARGV[1])
local replies = {OK}
for i = 3, #ARGV, 15 do replies[#replies + 1] = create(i) end
publish()
return replies
