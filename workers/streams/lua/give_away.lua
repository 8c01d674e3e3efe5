-- Take entries from a consumer that shows no sign of life, for whoever claims them next.
-- ARGV: our prefix, group, stream, consumer, who stands for nobody, ms that an entry must be idle,
--       how many at most, 1 to count only
-- Returns: how many; -1 if the consumer is alive; -2 if there is no such consumer.
local ours, group, stream, consumer, nobody = unpack(ARGV, 1, 5)
local idle, most, counts_only = ARGV[6], ARGV[7], ARGV[8] == '1'
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local alive = redis.call('ZSCORE', ours .. 'consumers:' .. group, consumer)
if alive and tonumber(alive) > now then
  return -1
end
local is_known = false
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  for at = 1, #flat, 2 do
    is_known = is_known or (flat[at] == 'name' and flat[at + 1] == consumer)
  end
end
if not is_known then
  return -2
end

local found = redis.call('XPENDING', stream, group, 'IDLE', idle, '-', '+', most, consumer)
if counts_only then
  return #found
end
for _, entry in ipairs(found) do
  redis.call('XCLAIM', stream, group, nobody, 0, entry[1], 'RETRYCOUNT', entry[4], 'JUSTID')
end
if #found > 0 then
  redis.call('SADD', ours .. 'consumes:' .. group .. ':' .. nobody, stream)
  redis.call('ZREM', ours .. 'orphaned:' .. group, nobody)
  redis.call('ZADD', ours .. 'orphaned:' .. group, 0, nobody)
end
return #found
