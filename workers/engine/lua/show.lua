-- Let RQ's readers see a run that takes long, and keep it in sight while it lasts.
-- ARGV: RQ's prefix, holder's leases, id, execution, list, worker, time as RQ writes it of the start
--       and of now, both in Unix s, seconds until it is out of sight
-- Returns: 1 if the run is shown, 0 if the lease is lost or the job is gone.
local rq, leases, id, execution, list, worker, started, now, began, seconds_now, ttl = unpack(ARGV)
local token, job = id .. ':' .. execution, rq .. 'job:' .. id
local shown, index = rq .. 'execution:' .. token, rq .. 'worker:' .. worker .. ':executions'

if not redis.call('ZSCORE', leases, token) or redis.call('EXISTS', job) == 0 then
  return 0
end
redis.call('HSET', job, 'status', 'started', 'started_at', started, 'last_heartbeat', now,
  'worker_name', worker)
redis.call('HSET', shown, 'id', execution, 'job_id', id, 'created_at', began, 'last_heartbeat',
  seconds_now, 'worker_name', worker)
redis.call('EXPIRE', shown, ttl)
redis.call('ZADD', rq .. 'executions:' .. id, seconds_now + ttl + 60, execution)
redis.call('EXPIRE', rq .. 'executions:' .. id, ttl + 60)
redis.call('SADD', index, token)
redis.call('EXPIRE', index, ttl + 60)
return 1
