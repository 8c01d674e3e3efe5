-- Hold a taken job back while its type or tenant is paused. It spends no attempt.
-- KEYS: pauses, lists of which this pause holds jobs, jobs of this list it holds, taken jobs, job
-- ARGV: the pause, id, name of the list, order, expires_at or '', queue_ttl or ''
-- Returns: 0 if the pause is over, so that the job may run; else 1.
local pauses, holds, held, taken, job = unpack(KEYS)
local pause, id, name, order, expires, ttl = unpack(ARGV)

if redis.call('HEXISTS', pauses, pause) == 0 then
  return 0
end
-- Somebody took it for lost and put it back: it is theirs now.
if redis.call('LREM', taken, 1, id) == 0 then
  return 1
end
redis.call('SADD', holds, name)
redis.call('ZADD', held, order, id)
redis.call('HSET', job, 'held', held)
-- What the claim took away: it waits on, and its time in the queue runs on.
if expires ~= '' then
  redis.call('HSET', job, 'expires_at', expires)
end
if ttl ~= '' then
  redis.call('HSET', job, 'queue_ttl', ttl)
end
return 1
