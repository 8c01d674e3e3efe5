-- Take a waiting job out, or ask the worker that has it and has perhaps not begun it.
-- KEYS: job, queue list, scheduled set, deferred set, cancelled set, audit log, wish to cancel it
-- ARGV: id, time in s, how long the wish stands in ms (0: withdraw it), channel on which workers hear of
--       it, and, to write down who did it: audit entry, entries kept
-- Returns: '' if there is no such job, 'canceled', 'taken by a worker', or the state in which it cannot be
--          cancelled.
local job, list, scheduled, deferred, cancelled, audit, wish = unpack(KEYS)
local id, now, stands, channel, entry, kept = unpack(ARGV)

redis.call('DEL', wish)
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
  if status == 'queued' and stands ~= '0' then
    redis.call('SET', wish, entry and kept .. ' ' .. entry or '', 'PX', stands)
    redis.pcall('PUBLISH', channel, id) -- who may not publish is told that it is too late
  end
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
