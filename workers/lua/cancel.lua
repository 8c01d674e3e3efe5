-- Take a waiting job out, unless somebody has taken it already.
-- KEYS: job, queue list, scheduled set, deferred set, cancelled set, audit log
-- ARGV: id, time in s, and, to write down who did it: audit entry, entries kept
-- Returns: '' if there is no such job, 'canceled', or the state in which it cannot be cancelled.
local job, list, scheduled, deferred, cancelled, audit = unpack(KEYS)
local id, now, entry, kept = unpack(ARGV)

local status = redis.call('HGET', job, 'status')
if not status then
  return ''
end
local removed = 0
if status == 'queued' then
  removed = redis.call('LREM', list, 1, id)
  -- Its type or its tenant is paused: then it stands beside its list.
  local held = redis.call('HGET', job, 'held')
  if removed == 0 and held then
    removed = redis.call('ZREM', held, id)
  end
elseif status == 'scheduled' then
  removed = redis.call('ZREM', scheduled, id)
elseif status == 'deferred' then
  removed = redis.call('ZREM', deferred, id)
else
  return status
end
if removed == 0 then
  return 'taken by a worker'
end
redis.call('HDEL', job, 'held')
redis.call('HSET', job, 'status', 'canceled')
redis.call('ZADD', cancelled, now, id)
redis.call('EXPIRE', job, redis.call('HGET', job, 'failure_ttl') or 2592000) -- FAILURE_TTL
if entry then
  redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
end
return 'canceled'
