-- Replace a dead letter by its edited form, unless somebody else changed it since.
-- KEYS: set of letters, this letter, index, set of spilled letters, audit stream
-- ARGV: id, letter as it was read, as it shall be, its short form, audit entry, entries to keep
-- Returns: edited | gone | changed
local _, letter, index, _, audit = unpack(KEYS)
local id, before, after, short, entry, kept = unpack(ARGV)

local stored = redis.call('GET', letter)
if not stored then
  return 'gone'
elseif stored ~= before then
  return 'changed'
end
redis.call('SET', letter, after)
redis.call('HSET', index, id, short)
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
return 'edited'
