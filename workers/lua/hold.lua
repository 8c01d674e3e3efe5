-- Hold a leased job back while its type or tenant is paused. It spends no attempt.
-- KEYS: pauses, lists of which this pause holds jobs, jobs of this list it holds, the worker's
--       leases, runs of this list, job
-- ARGV: the pause, id, name of the list, order, token of the lease
-- Returns: 0 if the pause is over, so that the job may run; else 1.
local pauses, holds, held, leases, runs, job = unpack(KEYS)
local pause, id, name, order, token = unpack(ARGV)

if redis.call('HEXISTS', pauses, pause) == 0 then
  return 0
end
-- Somebody took it for lost and put it back: it is theirs now.
if redis.call('ZREM', leases, token) == 0 then
  return 1
end
redis.call('ZREM', runs, token)
if redis.call('EXISTS', job) == 0 then
  return 1
end
redis.call('SADD', holds, name)
redis.call('ZADD', held, order, id)
redis.call('HSET', job, 'held', held)
return 1
