--[[
  idempotency: what was created with an Idempotency-Key, remembered for 24 h.

  Two hashes, `place` with 0 for the even and 1 for the odd days since the epoch: digest of the key -> created ms|SID|
  digest of the content, and `day`, the day that the hash began with. The first key of a day takes away what the hash
  held of two days before, so there are never more than the keys of two days. Whether an entry counts is decided by its
  own instant alone.

  `once` is what engine/idempotency.py makes of a key and a content: 24 characters for the one, 16 for the other.
]]
local DAY_MS = 86400000
local UNUSED_S = 259200  -- frees the memory where no key comes any more; every entry is void a day before

-- The reply to a call whose key was used within 24 h; nil for one that is new.
local function recall(place, once)
  for bucket = 0, 1 do
    local entry = call('HGET', place .. bucket, string.sub(once, 1, 24))
    local ms, sid, content = string.match(entry or '', '^(%d+)|(%w+)|(.*)$')
    if ms and now - ms < DAY_MS then
      if content ~= string.sub(once, 25) then return {KEY_USED} end
      return {MADE, sid}
    end
  end
end

local function remember(place, once, sid)
  local day = math.floor(now / DAY_MS)
  local bucket = place .. day % 2
  local began = tonumber(call('HGET', bucket, 'day'))
  if began and began < day then
    call('UNLINK', bucket)
    began = nil
  end
  call('HSET', bucket, string.sub(once, 1, 24), stamp .. '|' .. sid .. '|' .. string.sub(once, 25))
  if not began then
    call('HSET', bucket, 'day', day)
    call('EXPIRE', bucket, UNUSED_S)
  end
end

-- Takes the key for what is about to be created, after all checks; the reply where it was taken before. A repeated
-- call finds the key in its own name.
local function claim(place, once, sid)
  local earlier = recall(place, once)
  if not earlier then return remember(place, once, sid) end
  if earlier[2] ~= sid then return earlier end
end
