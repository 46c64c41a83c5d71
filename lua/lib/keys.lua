--[[
  keys: the keys that scripts derive, the clock, and the words they answer with.

  A script is given two keys and builds the rest from them, because which Worker and which pool it touches is
  decided inside. All of them carry the shard's hash tag, so they live in one slot. engine/keys.py is the list;
  a test holds the two against each other.

  KEYS[1] root   {tl:<shard>}:<workspace number>:
  KEYS[2] shard  {tl:<shard>}:

  Fields that change together are one field of several parts: a part costs a tenth of a field.

  ws        hash   account (gone once the Workspace is deleted), sid, version, seq (number of the last event), order
                   (FIFO|LIFO preferred), timeout_activity, timeout_available, pool_version, last_pool, directory,
                   uses_activity
  t:<WT>    hash   s = status|revision|updated ms|assignments|open Reservation or -
                   p = priority|virtual start ms|order of creation|TTL ms|s to answer|pool or -
                   c = created ms|timeout s|ms it entered the queue|1 if the Workflow restarts when next pending
                   tag = <WQ>|<WW>|<channel number>;  attrs;  e = ended ms|reason, once it has ended
                   and one field a Reservation: <WR> = status|<WK>|created ms|updated ms|revision|channel number
  k:<WK>    hash   ok ('1': av and ix), dy ('1': in a pool whose condition reads its load),
                   s = ms of the last Reservation|revision, av ('1': the Activity is available), ix ('1': its pools
                   are up to date), act, dv (version of what rules read of it), name, folded, attrs, made, upd, chg,
                   chs (channels with pools), and for channel n:
                   c<n> = open Reservations|most it may have, 0 while not available|ms of the last Reservation|ids of
                   the pools whose idle set it is out of, each followed by ','  (absent: 0|1||)
                   asg<n> accepted ones, cap<n> (absent: 1), on<n> (absent: '1'), upd<n>, pl<n> ids of all its pools
  open      hash   a:<WA> = Workers in an Activity, t:<tag> = open Tasks
  r:<WK>    hash   Reservation -> Task
  p:<pool>  hash   digest, spec (JSON for the matcher), ignored (order clauses that are void)
  m:<pool>  hash   ordered or load-dependent pools only: <WK> = order prefix|program, @<WK> = its entry in `i`
  i:<pool>  zset   idle;  q:<pool> zset waiting;  heads hash pool -> F or L and its best waiting entry
  pools     hash   digest -> pool, behind '!' while it has not all its members;  pool_log zset pool -> pool_version
  tasks     zset   <WT> -> order of creation;  workers zset <WK>, all scores 0;  worker_log zset <WK> -> directory
  names     hash   folded name -> <WK>;  config hash SID -> record as JSON;  config_log zset SID -> version

  Of the shard: directory hash <WS> -> workspace number, owned:<AC> zset <WS> -> created ms, timers zset
  <number>:<WT> -> deadline ms, inbox stream and events stream as in lib/events.lua.
]]
local call = redis.call
local root, shard = KEYS[1], KEYS[2]
local number = string.match(root, ':(%d+):$')
local now, stamp  -- ms since the epoch, and the same as text: formatting a number costs as much as a small call

local OK, STALE, NOT_FOUND, REVISION, ILLEGAL, GONE, IN_USE, EXISTS = 1, -1, -2, -3, -4, -5, -6, -7

-- The caller's clock where one is given (tests, simulations), else the server's.
local function set_clock(given)
  if given ~= '' then
    now, stamp = tonumber(given), given
  else
    local time = call('TIME')
    stamp = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
    now = tonumber(stamp)
  end
end
