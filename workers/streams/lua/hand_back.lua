-- Give entries that were not started to whoever claims them next, as if they had not been delivered.
-- ARGV: our prefix, group, consumer, who stands for nobody, then of each its stream, its id, and how
--       often it was lost before
-- Returns: how many; those that others have by now are not among them.
local ours, group, consumer, nobody = unpack(ARGV, 1, 4)
local count = 0
for at = 5, #ARGV, 3 do
  local stream, entry, lost = unpack(ARGV, at, at + 2)
  local found = redis.pcall('XPENDING', stream, group, entry, entry, 1, consumer)
  if not found.err and #found == 1 then
    redis.call('XCLAIM', stream, group, nobody, 0, entry, 'RETRYCOUNT', lost, 'JUSTID')
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
