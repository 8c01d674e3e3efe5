-- One parent of a waiting job has failed or was cancelled: act as the job's caller wished. One
-- whose record is gone may have succeeded long ago, and counts as done, as it does at enqueue.
-- KEYS: job, its dependencies, deferred set, queue list, cancelled set, the parent's dependents
-- ARGV: id, parent's id, prefix of job keys, time in s, time as RQ writes it, '1' if it is gone
-- Returns: '' if the job does not wait or waits on, else what was done.
local job, dependencies, deferred, list, cancelled, dependents = unpack(KEYS)
local id, parent, prefix, now = unpack(ARGV)

local policy = redis.call('HGET', job, 'on_parent_failure')
if not policy or redis.call('HGET', job, 'status') ~= 'deferred' then
  return ''
end

if ARGV[6] == '1' then
  policy = 'run'
end
if policy == 'run' then
  redis.call('SREM', dependencies, parent)
  local ended = { finished = true, failed = true, canceled = true, stopped = true }
  for _, other in ipairs(redis.call('SMEMBERS', dependencies)) do
    local status = redis.call('HGET', prefix .. other, 'status')
    if status and not ended[status] then
      return ''
    end
  end
end

redis.call('ZREM', deferred, id)
-- Should the parent be requeued and succeed, it must not start this job again.
redis.call('SREM', dependents, id)
if policy == 'cancel' then
  redis.call('HSET', job, 'status', 'canceled')
  redis.call('ZADD', cancelled, now, id)
  redis.call('EXPIRE', job, redis.call('HGET', job, 'failure_ttl') or 2592000) -- FAILURE_TTL
  return 'canceled'
end
if policy == 'fail' then
  -- A worker buries it, with the hooks that only workers know.
  redis.call('HSET', job, 'parent_failed', parent)
end
redis.call('HSET', job, 'status', 'queued', 'enqueued_at', ARGV[5])
redis.call('RPUSH', list, id)
return 'queued'
