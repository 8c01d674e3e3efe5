-- Change what people say of a group of failures, and write down who did.
-- KEYS: the group, audit log
-- ARGV: what it is now: '' (open) | muted | fixed; who and why as JSON, the release that mends it or
--       '', audit entry, entries kept
-- Returns: 1 if it changed, 0 if it was so already, -1 if there is no such group.
local group, audit = unpack(KEYS)
local state, said, fixed_in, entry, kept = unpack(ARGV)

local before = redis.call('HMGET', group, 'first', 'state', 'fixed_in')
if not before[1] then
  return -1
end
if (before[2] or '') == state and (before[3] or '') == fixed_in then
  return 0
end
redis.call('HDEL', group, 'state', 'fixed_in', 'marked', 'reopened', 'reopened_in')
redis.call('HSET', group, 'said', said)
if state ~= '' then
  local time = redis.call('TIME')
  local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  redis.call('HSET', group, 'state', state, 'marked', string.format('%d', now_ms))
end
if fixed_in ~= '' then
  redis.call('HSET', group, 'fixed_in', fixed_in)
end
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
return 1
