--[[
  load: conditions that read a Worker's load, as postfix programs from engine/rules.

  a:<n> assigned, c:<n> capacity, p:<n> free percentage; #number; $text for ~ (contains); T F & | !
]]

-- Whether the program holds for a Worker now. Cost O(length).
local function holds(program, sid)
  local compare = {
    ['=='] = function(a, b) return a == b end,
    ['!='] = function(a, b) return a ~= b end,
    ['<'] = function(a, b) return a < b end,
    ['<='] = function(a, b) return a <= b end,
    ['>'] = function(a, b) return a > b end,
    ['>='] = function(a, b) return a >= b end,
    ['~'] = function(a, b) return string.find(string.format('%.14g', a), tostring(b), 1, true) ~= nil end,
    ['&'] = function(a, b) return a and b end,
    ['|'] = function(a, b) return a or b end,
  }
  local function value(letter, n)
    local f = call('HMGET', root .. 'k:' .. sid, 'asg' .. n, 'cap' .. n, 'c' .. n)
    local capacity, open = tonumber(f[2] or 1), tonumber(string.match(f[3] or '0', '^%d+'))
    if letter == 'a' then return tonumber(f[1] or 0) end
    if letter == 'c' then return capacity end
    if capacity <= 0 then return 0 end
    return math.floor(math.max(0, capacity - open) * 100 / capacity)
  end
  local stack, top = {}, 0
  for token in string.gmatch(program, '%S+') do
    local operation = compare[token]
    if operation then
      stack[top - 1] = operation(stack[top - 1], stack[top])
      top = top - 1
    elseif token == '!' then
      stack[top] = not stack[top]
    else
      local letter, rest = string.sub(token, 1, 1), string.sub(token, 2)
      top = top + 1
      if token == 'T' or token == 'F' then stack[top] = token == 'T'
      elseif letter == '#' then stack[top] = tonumber(rest)
      elseif letter == '$' then stack[top] = rest
      else stack[top] = value(letter, string.sub(rest, 2)) end
    end
  end
  return top == 0 or stack[1]
end
