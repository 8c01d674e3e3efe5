-- Remove one job that no worker has. What waits for it stays known, for the caller to settle.
-- KEYS: job, queue list, audit log, its other records: result, attempts, progress, log,
--       dependencies, then the sorted sets it may stand in
-- ARGV: id, audit entry, entries kept
-- Returns: '' if there is no such job, 'deleted' and the state it was in, or why it cannot be removed.
local job, list, audit = unpack(KEYS)
local id, entry, kept = unpack(ARGV)

local status = redis.call('HGET', job, 'status')
if not status then
  return ''
end
if status == 'started' then
  return status
end
local removed = 0
if status == 'queued' then
  removed = redis.call('LREM', list, 1, id)
  local held = redis.call('HGET', job, 'held')
  if removed == 0 and held then
    removed = redis.call('ZREM', held, id)
  end
  if removed == 0 then
    return 'taken by a worker'
  end
end
for index = 9, #KEYS do
  redis.call('ZREM', KEYS[index], id)
end
local unique = redis.call('HGET', job, 'unique_key')
if unique and redis.call('GET', unique) == id then
  redis.call('DEL', unique)
end
redis.call('UNLINK', job, KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
return 'deleted ' .. status
