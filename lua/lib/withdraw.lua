--[[
  withdraw: a pending Reservation ends without acceptance and its Task goes on.
]]
local MAX_ASSIGNMENTS = 1000  -- semantics 2.5
local TOO_MANY = 'Task TTL Exceeded or Max assignment count exceeded'  -- semantics 14, row 29

-- The Task is pending again, in its step. Adds its pool to `ids`.
local function back_to_pending(t, r, ids)
  call('HSET', t.key, 's', next_state(t, 'pending', '-'), r.sid, r.packed)
  set_timer(t, t.ttl)
  if is_dirty(t) then
    t.pool = '-'
    call('HSET', t.key, 'p', pack_place(t))
    return ask('route', 't', t.sid)
  end
  waiting_put(pool_of(t.pool), t)
  ids[1], ids[t.pool] = t.pool, true
end

-- `activity` '' leaves the Worker where it is. Task and Worker are both in the market before anything is matched, so
-- the older Task and the longer idle Worker go first.
local function withdraw_offer(t, r, status, activity, available)
  load_place(t)
  turn_reservation(t, r, status)
  local w = release_slot(r, 'pending')
  write_worker(w)
  local back = activity ~= '' and set_activity(r.worker, activity, available)
  local market, ids = general(), {}
  if tonumber(t.cnt) >= MAX_ASSIGNMENTS then
    end_task(t, 'canceled', TOO_MANY, r.sid, r.packed)
  else
    back_to_pending(t, r, ids)
  end
  market.bring_back(r.worker, (back or w.dynamic) and market.channels_of(r.worker) or {r.n}, ids)
  market.settle(ids)
  return {OK, t.sid, r.packed, call('HGET', w.key, 'name')}
end
