-- Remove dead letters. What removes comes first, so that Redis lets it happen when it is full; of a
-- transaction it would refuse all.
-- KEYS: set of letters, index, set of spilled letters, audit log
-- ARGV: prefix of the keys of letters, audit entry or nothing, entries kept; then of each letter
--       its id, and the keys of RQ's failed jobs and of its tenant's letters, or nothing
-- Returns: how many were there.
local letters, index, spilled, audit = unpack(KEYS)
local letter, entry, kept = unpack(ARGV, 1, 3)

local removed = 0
for at = 4, #ARGV, 3 do
  local id, failed, own = unpack(ARGV, at, at + 2)
  removed = removed + redis.call('ZREM', letters, id)
  redis.call('UNLINK', letter .. id)
  redis.call('HDEL', index, id)
  redis.call('SREM', spilled, id)
  if failed ~= '' then
    redis.call('ZREM', failed, id)
  end
  if own ~= '' then
    redis.call('ZREM', own, id)
  end
end
if entry ~= '' then
  redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
end
return removed
