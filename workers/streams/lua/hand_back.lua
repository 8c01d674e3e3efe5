-- Give entries that were not started to whoever claims them next, as if they had never been delivered.
-- ARGV: our prefix, group, consumer, who stands for nobody, then stream and entry by turns
-- Returns: how many; those that others have by now are not among them.
local ours, group, consumer, nobody = unpack(ARGV, 1, 4)
local count = 0
for at = 5, #ARGV, 2 do
  local stream, entry = ARGV[at], ARGV[at + 1]
  local found = redis.pcall('XPENDING', stream, group, entry, entry, 1, consumer)
  if not found.err and #found == 1 then
    redis.call('XCLAIM', stream, group, nobody, 0, entry, 'RETRYCOUNT', math.max(0, found[1][4] - 1), 'JUSTID')
    redis.call('SADD', ours .. 'consumes:' .. group .. ':' .. nobody, stream)
    count = count + 1
  end
end
if count > 0 then
  -- Anew each time: those who sleep are woken by a change.
  redis.call('ZREM', ours .. 'orphaned:' .. group, nobody)
  redis.call('ZADD', ours .. 'orphaned:' .. group, 0, nobody)
end
return count
