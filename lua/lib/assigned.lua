--[[
  assigned: finds the accepted or wrapping Reservation that a call is about, through it or through its Task.
]]

-- Returns the Task and its Reservation, or a third result: the refusal to answer with.
local function find_assigned(task, worker, reservation, revision)
  if reservation == '' then
    local t = load_task(task, '')
    if not t then return nil, nil, {NOT_FOUND} end
    if revision ~= '' and tonumber(revision) ~= t.rev then return nil, nil, {REVISION, t.rev} end
    if t.status ~= 'assigned' and t.status ~= 'wrapping' then return nil, nil, {ILLEGAL, t.status} end
    return t, open_reservations(t)[1]
  end
  local t, r = find_reservation(task, worker, reservation)
  if not r then return nil, nil, {NOT_FOUND} end
  if revision ~= '' and tonumber(revision) ~= r.rev then return nil, nil, {REVISION, r.rev} end
  if r.status ~= 'accepted' and r.status ~= 'wrapping' then return nil, nil, {ILLEGAL, r.status} end
  return t, r
end

-- A Worker whose slot came free moves to the Activity that an instruction named for after the work.
local function leave_work(w, r)
  local activity, available = remembered(r, 3)
  if not activity then return serve_slot(w) end
  write_worker(w)
  set_activity(r.worker, activity, available)
  serve_all(r.worker)
end
