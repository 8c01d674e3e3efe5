-- Move jobs that are due to the ends of their lists, at most 1,000 of them.
-- KEYS: for each list: its scheduled set, the list, the lock of RQ's own scheduler
-- ARGV: prefix of job keys, time as RQ writes it
-- Returns: how many were moved.
local prefix, written = unpack(ARGV)
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local left = 1000

-- One whose record is gone or cannot be read is moved, too: the worker that takes it says so.
local function move(id, list)
  local job = prefix .. id
  local push = 'RPUSH'
  if redis.call('TYPE', job).ok == 'hash' then
    redis.call('HSET', job, 'status', 'queued', 'enqueued_at', written)
    push = redis.call('HGET', job, 'enqueue_at_front') == '1' and 'LPUSH' or push
  end
  redis.call(push, list, id)
end

for at = 1, #KEYS, 3 do
  local scheduled, list, lock = unpack(KEYS, at, at + 2)
  -- A stock worker's scheduler looks after this queue. It reads and moves in two steps, so a job
  -- that both of us move would run twice.
  if left > 0 and redis.call('EXISTS', lock) == 0 then
    local due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, left)
    if #due > 0 then
      redis.call('ZREM', scheduled, unpack(due))
    end
    for _, id in ipairs(due) do
      move(id, list)
    end
    left = left - #due
  end
end
return 1000 - left
