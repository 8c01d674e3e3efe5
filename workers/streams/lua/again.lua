-- Let a message run again, now or later: its entry leaves the pending list only as its successor is
-- stored. ending.lua and fence.lua stand before this text.
-- ARGV: our prefix, group, consumer, stream, entry, message's id, delay in ms, this attempt as JSON or
--       '', attempts to keep, TTL of the attempts in s, stat, tenant or '', outcome, duration, waited
--       or '', what `note_failure` takes, then names and values of the successor
-- Returns: again | refused.
local ours, group, consumer, stream, entry, id = unpack(ARGV, 1, 6)
local delay, attempt, kept, ttl = unpack(ARGV, 7, 10)
local stat, tenant, outcome, duration, waited, failure = unpack(ARGV, 11, 16)
local fields = { unpack(ARGV, 17) }

if not is_held(stream, group, consumer, entry) then
  note(stat, tenant, 'lease_lost', tonumber(duration), '')
  write_notes(ours)
  return 'refused'
end
if attempt ~= '' then
  local attempts = ours .. 'attempts:' .. id
  call('RPUSH', attempts, attempt)
  call('LTRIM', attempts, -tonumber(kept), -1)
  call('EXPIRE', attempts, ttl)
end
if tonumber(delay) == 0 then
  call('XADD', stream, '*', unpack(fields))
else
  local member = stream .. '\n' .. id .. '\n' .. group
  call('ZADD', ours .. 'delayed', now_ms + delay, member)
  call('HSET', ours .. 'delayed-entries', member, cjson.encode(fields))
end
call('XACK', stream, group, entry)
note(stat, tenant, outcome, tonumber(duration), waited == '' and '' or tonumber(waited))
note_failure(ours, failure, stat, id)
write_notes(ours)
return 'again'
