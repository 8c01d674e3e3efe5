-- Store one job and put it where it belongs, all or nothing.
-- KEYS: job, set of queues, queue list, scheduled set, deferred set, unique key, cancelled set
-- ARGV: id, prefix of job keys, delay in ms or '', due time in s or '', queue TTL in s or '',
--       unique: '' | 'live' | window in ms, what to do when a parent failed: fail | run | cancel,
--       number of parents, the parents' ids, then the hash's fields and values
-- Returns: what happened, and the id of the job that now stands for the message.
local job, queues, list, scheduled, deferred, unique, cancelled = unpack(KEYS)
local id, prefix, delay, due, ttl, window, policy = unpack(ARGV, 1, 7)
local parents = tonumber(ARGV[8])

local ended = { finished = true, failed = true, canceled = true, stopped = true }

if redis.call('EXISTS', job) == 1 then
  return { 'known', id }
end

if window ~= '' then
  local holder = redis.call('GET', unique)
  if holder then
    local status = redis.call('HGET', prefix .. holder, 'status')
    if window ~= 'live' or (status and not ended[status]) then
      return { 'duplicate', holder }
    end
  end
end

local waits, failed = {}, nil
for index = 9, 8 + parents do
  local status = redis.call('HGET', prefix .. ARGV[index], 'status')
  if status and not ended[status] then
    waits[#waits + 1] = ARGV[index]
  elseif status and status ~= 'finished' and policy ~= 'run' then
    failed = ARGV[index]
  end
end

local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
if delay ~= '' then
  due = now + tonumber(delay) / 1000
elseif due ~= '' then
  due = tonumber(due)
else
  due = now
end

redis.call('SADD', queues, list)
redis.call('HSET', job, unpack(ARGV, 9 + parents))
if window == 'live' then
  -- Given back when the job ends; the expiry is for jobs that end under a stock worker.
  redis.call('SET', unique, id, 'EX', 30 * 86400)
  redis.call('HSET', job, 'unique_key', unique)
elseif window ~= '' then
  redis.call('SET', unique, id, 'PX', window)
end

if failed and policy == 'cancel' then
  redis.call('HSET', job, 'status', 'canceled')
  redis.call('ZADD', cancelled, math.floor(now), id)
  redis.call('EXPIRE', job, redis.call('HGET', job, 'failure_ttl'))
  return { 'canceled', id }
elseif failed then
  -- A worker buries it, with the hooks that only workers know.
  redis.call('HSET', job, 'parent_failed', failed)
elseif #waits > 0 then
  redis.call('HSET', job, 'status', 'deferred')
  redis.call('ZADD', deferred, math.floor(now), id)
  for _, parent in ipairs(waits) do
    redis.call('SADD', prefix .. parent .. ':dependents', id)
    -- RQ writes this key with two colons (rq/job.py, dependencies_key).
    redis.call('SADD', prefix .. ':' .. id .. ':dependencies', parent)
  end
  return { 'deferred', id }
end
-- The time in the queue begins now, or when the job is due; for a job that waits for others the
-- worker counts from the moment in which they let it go.
if ttl ~= '' then
  redis.call('HSET', job, 'expires_at', string.format('%.3f', due + tonumber(ttl)))
end
if due > now then
  redis.call('HSET', job, 'status', 'scheduled')
  redis.call('ZADD', scheduled, math.ceil(due), id)
  return { 'scheduled', id }
end
redis.call('RPUSH', list, id)
return { 'queued', id }
