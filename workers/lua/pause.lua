-- Pause a queue, a type or a tenant once, and write down who did.
-- KEYS: pauses, audit log
-- ARGV: what to pause, who and why as JSON, how many pauses there may be, audit entry, entries kept
-- Returns: 1 if it is paused now, 0 if it was, -1 if there are too many pauses.
local pauses, audit = unpack(KEYS)
local pause, text, most, entry, kept = unpack(ARGV)

if redis.call('HEXISTS', pauses, pause) == 1 then
  return 0
end
if redis.call('HLEN', pauses) >= tonumber(most) then
  return -1
end
redis.call('HSET', pauses, pause, text)
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
return 1
