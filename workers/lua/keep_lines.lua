-- Add lines to what a job's handler logged, and let the oldest go beyond the limits.
-- Each entry is "number total line": its number from 1, and the bytes of all lines up to it.
-- KEYS: the list
-- ARGV: lines kept at most, bytes kept at most, seconds until it expires (-1: never), lines...
-- Returns: how many lines are kept.
local list = KEYS[1]
local most, bytes, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local function facts(entry)
  local number, total, line = string.match(entry, '^(%d+) (%d+) (.*)$')
  return tonumber(number), tonumber(total), #line
end

local number, total = 0, 0
local newest = redis.call('LRANGE', list, -1, -1)[1]
if newest then
  number, total = facts(newest)
end
for at = 4, #ARGV do
  number, total = number + 1, total + #ARGV[at]
  redis.call('RPUSH', list, string.format('%d %d %s', number, total, ARGV[at]))
end

redis.call('LTRIM', list, -most, -1)
local oldest = redis.call('LRANGE', list, 0, 0)[1]
while oldest do
  local _, upto, size = facts(oldest)
  if total - upto + size <= bytes then
    break
  end
  redis.call('LTRIM', list, 1, -1)
  oldest = redis.call('LRANGE', list, 0, 0)[1]
end

if ttl < 0 then
  redis.call('PERSIST', list)
else
  redis.call('EXPIRE', list, ttl)
end
return redis.call('LLEN', list)
