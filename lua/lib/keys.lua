--[[
  keys: the keys that scripts derive, the clock, and the words they answer with.

  A script is given two keys and builds the rest from them, because which Worker and which pool it touches is
  decided inside. All of them carry the shard's hash tag, so they live in one slot. engine/keys.py is the list;
  a test holds the two against each other.

  KEYS[1] root   {tl:<shard>}:<workspace number>:
  KEYS[2] shard  {tl:<shard>}:

  Fields that change together are one field of several parts: a part costs a tenth of a field.

  ws        hash   account (gone once the Workspace is deleted), sid, version, seq (number of the last event), order
                   (FIFO|LIFO preferred), timeout_activity, timeout_available, pool_version, pool_floor
                   (version of the last pool that was dropped), last_pool, directory, uses_activity, logged = id of
                   the last entry of `log`|seq of it
  t:<WT>    hash   s = status|revision|updated ms|assignments|open Reservations joined by ',' or -
                   p = priority|virtual start ms|order of creation|TTL ms|s to answer|due ms or 0|at|pool
                       due: deadline of the step, or of a Reservation for its target Worker
                       at: <document>.<filter, d the default one>.<step>.<ms from creation to the filter's entry>;
                       q: straight into a queue; k, or k.<revision of its Worker when it last refused>: for one Worker
                       pool: an id; or, in none until a matcher has placed it: '-' where it entered, '-q' there again after
                       its queue changed, '-r' at the first filter, '-t' behind the step that timed out, '-s' behind
                       the one that was skipped; '-w' and the ms until which it is delayed, then '-q'
                   c = created ms|timeout s|ms from there to its entry of the queue, - for none|what to do when it is next
                       pending: 0 nothing, 1 restart the Workflow, 2 place it anew in its step
                   tag = <WQ or ->|<WW>|<channel number>|<document>;  attrs;  e = ended ms|reason, once it has ended
                   rt = <WK, WQ or WW>|1 if it ignores capacity: its target;  i:<WR> = setup SID|its
                   deadline ms|the instruction as JSON
                   and one field a Reservation: <WR> = status|<WK>|created ms|updated ms|revision|slot, behind it in
                   single-tasking Workspaces and with an instruction |<WA> before:available,<WA> for the work:available|h
                   while an instruction is carried out|<WA> after the work:available. The slot is the channel's number,
                   1000000 where there is but one in all
  k:<WK>    hash   ok ('1': av and ix), dy ('1': in a pool whose condition reads its load),
                   s = ms of the last Reservation|revision, av ('1': the Activity is available), ix ('1': its pools
                   are up to date), act, was = <WA>|available by which rules know it, dv (version of what rules read of it), name, folded, attrs, made, upd, chg,
                   chs (channels with pools), and for channel n:
                   cen = <WA>|available|ids of the censuses that count it so, each followed by ','
                   c<n> = open Reservations|most it may have, 0 while not available|ms of the last Reservation|ids of
                   the pools whose idle entries it has left, each followed by ','  (absent: 0|1||)
                   asg<n> accepted ones, cap<n> (absent: 1), on<n> (absent: '1'), upd<n>, pl<n> ids of all its pools
  open      hash   a:<WA> = Workers in an Activity, t:<tag> = open Tasks
  failing   hash   <WW> whose assignment callbacks nobody answers -> failures in a row|ms until which they delay Tasks
  unsent    zset   <EV> that the Workspace's URL did not take and that is told again, all scores 0
  r:<WK>    hash   Reservation -> Task
  p:<pool>  hash   digest, spec (JSON for the matcher), ignored (order clauses that are void), gone while it is being
                   dropped, and what its flags call for: skip, census, who, folded, lost (the code of
                   the alert while there is no such Worker), target, reserve, assign
  m:<pool>  hash   ordered or load-dependent pools only: <WK> = order prefix|program, @<WK> = its entry in `i`
  i:<pool>  zset   idle;  q:<pool> zset waiting;  heads hash pool -> F or L and its best waiting entry
  z:<pool>  zset   resting: waiting entries of Tasks for one Worker who refused -> its revision then
  n:<pool>  hash   of a census: Workers it counts, by Activity <WA>, in all that are available + and not -
  s:<pool>  set    of a census: the pools whose Tasks skip by it
  pools     hash   digest -> <100 s of its last use>,<pool>, or !<pool> while it has not all its members
  pool_log  zset   pool -> pool_version;  docs hash <WW>.<document> -> text of it that open Tasks still follow
  tasks     zset   <WT> -> order of creation;  workers zset <WK>, all scores 0;  worker_log zset <WK> -> directory
  log       stream of the events, as engine/events.py packs them
  names     hash   folded name -> <WK>;  config hash SID -> record as JSON;  config_log zset SID -> version
  y:<n>     hash   what was created with an Idempotency-Key, as in lib/idempotency.lua

  Of the shard: directory hash <WS> -> workspace number, owned:<AC> zset <WS> -> created ms, timers zset
  <number>:<WT> -> deadline ms, inbox stream and events stream as in lib/events.lua,
  media stream of what media adapters are told, log hash position = last entry of `events` that is in a log,
  calls stream of events to deliver: k = event or assignment, w = workspace number, v = <EV>, y:<n> hash as above
  for Workspaces.
]]
local call = redis.call
local root, shard = KEYS[1], KEYS[2]
local number = string.match(root, ':(%d+):$')
local now, stamp  -- ms since the epoch, and the same as text: formatting a number costs as much as a small call

local OK, MADE, STALE, NOT_FOUND, REVISION, ILLEGAL, GONE, IN_USE, EXISTS, KEY_USED = 1, 2, -1, -2, -3, -4, -5, -6, -7, -8

-- The caller's clock where one is given (tests, simulations), else the server's.
local function set_clock(given)
  if given ~= '' then
    now, stamp = tonumber(given), given
  else
    local time = call('TIME')
    stamp = time[1] .. string.sub('00000' .. time[2], -6, -4)  -- s, and ms of the microseconds
    now = tonumber(stamp)
  end
end
