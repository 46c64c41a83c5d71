--[[
  load: conditions that read numbers which change by themselves, as postfix programs from engine/rules.

  Of a Worker: a:<n> assigned, c:<n> capacity, p:<n> free percentage on channel n. Of a census: w:+ available, w:-
  unavailable, w:<WA> in an Activity. #number; $text for ~ (contains); == != < <= > >=; T F & | !
]]

-- Runs a program; number_of(token) reads a token that is a number of a Worker or a census. Cost O(length).
local function run_program(program, number_of)
  local function spelled(v)
    return tonumber(v) == v and string.format('%.14g', v) or v
  end
  local binary = {
    ['=='] = function(a, b) return a == b end,
    ['!='] = function(a, b) return a ~= b end,
    ['<'] = function(a, b) return a < b end,
    ['<='] = function(a, b) return a <= b end,
    ['>'] = function(a, b) return a > b end,
    ['>='] = function(a, b) return a >= b end,
    ['~'] = function(a, b) return string.find(spelled(a), spelled(b), 1, true) ~= nil end,
    ['&'] = function(a, b) return a and b end,
    ['|'] = function(a, b) return a or b end,
  }
  local stack, top = {}, 0
  for token in string.gmatch(program, '%S+') do
    local operation = binary[token]
    if operation then
      stack[top - 1] = operation(stack[top - 1], stack[top])
      top = top - 1
    elseif token == '!' then
      stack[top] = not stack[top]
    else
      local letter = string.sub(token, 1, 1)
      top = top + 1
      if token == 'T' or token == 'F' then stack[top] = token == 'T'
      elseif letter == '#' then stack[top] = tonumber(string.sub(token, 2))
      elseif letter == '$' then stack[top] = string.sub(token, 2)
      else stack[top] = number_of(token) end
    end
  end
  return top == 0 or stack[1]
end

-- Whether the program holds for a Worker now. One read a number in it.
local function worker_holds(program, sid)
  return run_program(program, function(token)
    local letter, n = string.sub(token, 1, 1), string.sub(token, 3)
    local f = call('HMGET', root .. 'k:' .. sid, 'asg' .. n, 'cap' .. n, 'c' .. n)
    local capacity, open = tonumber(f[2] or 1), tonumber(string.match(f[3] or '0', '^%d+'))
    if letter == 'a' then return tonumber(f[1] or 0) end
    if letter == 'c' then return capacity end
    if capacity <= 0 then return 0 end
    return math.floor(math.max(0, capacity - open) * 100 / capacity)
  end)
end

-- Whether the program holds for a census now, the hash n:<census>: + - <WA> -> count, absent 0. One read.
local function census_holds(program, census)
  local fields, counts = {}, {}
  for field in string.gmatch(program, 'w:(%S+)') do fields[#fields + 1] = field end
  if #fields > 0 then
    local found = call('HMGET', root .. 'n:' .. census, unpack(fields))
    for i = 1, #fields do counts[fields[i]] = tonumber(found[i] or 0) end
  end
  return run_program(program, function(token) return counts[string.sub(token, 3)] end)
end
