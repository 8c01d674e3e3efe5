-- Let a job that is due later run now.
-- KEYS: job, scheduled set, queue list, audit log
-- ARGV: id, time as RQ writes it, and, to write down who did it: audit entry, entries kept
-- Returns: '' if there is no such job, 'promoted', 'due' if it is due anyway, or the state it is in.
local job, scheduled, list, audit = unpack(KEYS)
local id, written, entry, kept = unpack(ARGV)

local status = redis.call('HGET', job, 'status')
if not status then
  return ''
end
local due = redis.call('ZSCORE', scheduled, id)
if status ~= 'scheduled' or not due then
  return status
end
-- What is due may be in the hands of RQ's own scheduler, which reads and moves in two steps.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
if tonumber(due) <= now then
  return 'due'
end
redis.call('ZREM', scheduled, id)
redis.call('HSET', job, 'status', 'queued', 'enqueued_at', written)
-- Its time in the queue begins now, and not when it would have been due.
local expires = tonumber(redis.call('HGET', job, 'expires_at') or nil)
if expires then
  redis.call('HSET', job, 'expires_at', string.format('%.3f', expires - (tonumber(due) - now)))
end
if redis.call('HGET', job, 'enqueue_at_front') == '1' then
  redis.call('LPUSH', list, id)
else
  redis.call('RPUSH', list, id)
end
if entry then
  redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
end
return 'promoted'
