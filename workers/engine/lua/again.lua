-- Let a job run again, now or later, and write down why. ending.lua stands before this text.
-- ARGV: RQ's prefix, ours, holder, id, execution, list, delay in ms (0: now, before all others),
--       time as RQ writes it, this attempt as JSON or '', attempts to keep, TTL of the attempts in
--       s, meta as JSON or '', stat, tenant or '', outcome, duration, waited or '',
--       what `note_failure` takes
-- Returns: again | gone | refused.
local rq, ours, holder, id, execution, list = unpack(ARGV, 1, 6)
local delay, written, attempt, kept, ttl, meta = unpack(ARGV, 7, 12)
local stat, tenant, outcome, duration, waited, failure = unpack(ARGV, 13, 18)
local job = rq .. 'job:' .. id

if not drop_lease(rq, ours, holder, list, id .. ':' .. execution) then
  note(stat, tenant, 'lease_lost', tonumber(duration), '')
  write_notes(ours)
  return 'refused'
end
note(stat, tenant, outcome, tonumber(duration), waited == '' and '' or tonumber(waited))
note_failure(ours, failure, stat, id)
write_notes(ours)
if redis.call('EXISTS', job) == 0 then
  return 'gone'
end
if attempt ~= '' then
  redis.call('RPUSH', ours .. 'attempts:' .. id, attempt)
  redis.call('LTRIM', ours .. 'attempts:' .. id, -tonumber(kept), -1)
  redis.call('EXPIRE', ours .. 'attempts:' .. id, ttl)
end
if meta ~= '' then
  redis.call('HSET', job, 'meta', meta)
end
redis.call('HINCRBY', job, 'number_of_retries', 1)
if tonumber(delay) == 0 then
  requeue(rq, id, list, true, written)
  return 'again'
end
redis.call('HDEL', job, 'expires_at', 'queue_ttl')
redis.call('HSET', job, 'status', 'scheduled')
redis.call('ZADD', rq .. 'scheduled:' .. list, string.format('%.3f', (now_ms + tonumber(delay)) / 1000), id)
return 'again'
