--[[
  commit_config: change the configuration of one Workspace, if it is still the one the change was made from.

  Why a script: whoever changes a record has checked it against all the others (a Workflow against the TaskQueues it
  names, a TaskQueue against the Activities). The check holds only while nobody else changes anything, so the version
  is compared and raised in the step that writes.

  KEYS[1] root      beginning of the Workspace's keys; from it are built
            ws          hash  version, seq and the fields named in ARGV
            config      hash  SID -> record as JSON
            config_log  zset  SID -> version that last changed or deleted it
            open        hash  what is in use -> count
  KEYS[2] shard     beginning of the shard's keys; from it are built
            events      stream  one entry a transition
            inbox       stream  work for matchers
            y:<n>       hash  as in lib/idempotency.lua
  ARGV[1]  version  integer, the version the change was made from
  ARGV[2]  now_ms   integer, ms since the epoch; '' reads the server's clock
  ARGV[3]  event    type of the event
  ARGV[4]  subject  SID the event is about, and what the event shows of it as JSON behind a |
  ARGV[5]  replace  'q', 'f', 'c' or 'a' (engine/matching.py), '' for none, and
  ARGV[6]  replaced SID or number of what a matcher is to place anew
  ARGV[7]  once     key and content as in lib/idempotency.lua, '' without a key. That nobody had used it was seen after
                    the version was read, and whoever uses one raises the version
  ARGV[8]  guards   count of the fields of `open` that must be 0, which follow; then
  ARGV[..] puts     count of records, then SID and JSON of each; then
  ARGV[..] deletes  count of SIDs, which follow; then
  ARGV[..] fields   count of fields of `ws`, then name and value of each; then
  ARGV[..] docs     count of documents that are replaced, then Workflow, number and text of each: kept while open Tasks
                    follow them; older ones that none follows any more go

  Returns {status, ...}
  Status  OK and version, now_ms; STALE (another version); NOT_FOUND (deleted);
          IN_USE and index of the guard (from 0), count
  Cost    O(records in the change x log N) for N records. Writes nothing unless the status is OK.
]]
--@include lib/keys.lua
--@include lib/events.lua
--@include lib/idempotency.lua
set_clock(ARGV[2])
local event, subject, replace, replaced = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local config, config_log, open = root .. 'config', root .. 'config_log', root .. 'open'

local at = 7
local function take(width)
  local list = {}
  at = at + 1
  for i = 1, tonumber(ARGV[at]) * width do list[i] = ARGV[at + i] end
  at = at + #list
  return list
end
local guards, puts, deletes, fields, documents = take(1), take(2), take(1), take(2), take(3)

-- How many open Tasks, or Workers, use a record: q:<WQ>, w:<WW>, c:<channel number> or a:<WA>.
local function count_of(guard)
  local kind, id = string.match(guard, '^(%l):(.*)$')
  if kind == 'a' then return tonumber(call('HGET', open, guard) or 0) end
  local place, count, counters = ({q = 1, w = 2, c = 3})[kind], 0, call('HGETALL', open)
  for i = 1, #counters, 2 do
    local ids = {string.match(counters[i], '^t:([%w-]+)|(%w+)|(%d+)|')}
    if ids[place] == id then count = count + tonumber(counters[i + 1]) end
  end
  return count
end

-- Keeps the replaced document of a Workflow if open Tasks follow it, and drops those that none follows.
local function keep_document(workflow, document, text)
  local followed, docs, counters = {}, root .. 'docs', call('HGETALL', open)
  for i = 1, #counters, 2 do
    local of, n = string.match(counters[i], '^t:[%w-]+|(%w+)|%d+|(%d+)$')
    if of == workflow and tonumber(counters[i + 1]) > 0 then followed[workflow .. '.' .. n] = true end
    if of == workflow and counters[i + 1] == '0' then call('HDEL', open, counters[i]) end
  end
  if followed[workflow .. '.' .. document] then call('HSET', docs, workflow .. '.' .. document, text) end
  for _, name in ipairs(call('HKEYS', docs)) do
    if string.find(name, workflow, 1, true) and not followed[name] then call('HDEL', docs, name) end
  end
end

if not open_workspace() then return {NOT_FOUND} end
if version ~= ARGV[1] then return {STALE} end
for i, guard in ipairs(guards) do
  local count = count_of(guard)
  if count ~= 0 then return {IN_USE, i - 1, count} end
end

local next_version = call('HINCRBY', root .. 'ws', 'version', 1)
for i = 1, #puts, 2 do
  call('HSET', config, puts[i], puts[i + 1])
  call('ZADD', config_log, next_version, puts[i])
end
for _, sid in ipairs(deletes) do
  call('HDEL', config, sid)
  call('ZADD', config_log, next_version, sid)
end
for i = 1, #documents, 3 do keep_document(documents[i], documents[i + 1], documents[i + 2]) end
for i = 1, #fields, 2 do call('HSET', root .. 'ws', fields[i], fields[i + 1]) end
if ARGV[7] ~= '' then remember(root .. 'y:', ARGV[7], string.sub(subject, 1, 34)) end
tell(event, subject)
publish()
if replace ~= '' then ask('replace', replace, replaced) end
return {OK, next_version, now}
