-- A holder leaves. What it still holds may be taken over at once.
-- KEYS: holders, its leases, its last step
-- ARGV: the holder
local holders, leases, step = unpack(KEYS)
if redis.call('ZCARD', leases) == 0 then
  redis.call('ZREM', holders, ARGV[1])
else
  redis.call('ZADD', holders, 'XX', 0, ARGV[1])
end
redis.call('DEL', step)
return redis.status_reply('OK')
