-- Move the jobs of one queue that are due to the end of its list, at most 100 of them.
-- KEYS: scheduled set, queue list, lock of RQ's own scheduler
-- ARGV: prefix of job keys, time as RQ writes it
-- Returns: how many were moved.
local scheduled, list, lock = unpack(KEYS)
local prefix, written = unpack(ARGV)

-- A stock worker's scheduler looks after this queue. It reads and moves in two steps, so a job
-- that both of us move would run twice.
if redis.call('EXISTS', lock) == 1 then
  return 0
end
local now = redis.call('TIME')[1]
local due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, 100)
for _, id in ipairs(due) do
  redis.call('ZREM', scheduled, id)
  local job = prefix .. id
  if redis.call('EXISTS', job) == 1 then
    redis.call('HSET', job, 'status', 'queued', 'enqueued_at', written)
    if redis.call('HGET', job, 'enqueue_at_front') == '1' then
      redis.call('LPUSH', list, id)
    else
      redis.call('RPUSH', list, id)
    end
  end
end
return #due
