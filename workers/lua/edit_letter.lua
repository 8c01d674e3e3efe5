-- Replace a dead letter by its edited form, unless somebody else changed it since.
-- tenant_letters.lua stands before this text.
-- KEYS: set of letters, this letter, index, set of spilled letters, what the sets of tenants begin
--       with, audit stream
-- ARGV: id, letter as it was read, as it shall be, its short form, audit entry, entries to keep
-- Returns: edited | gone | changed
local letters, letter, index, _, of, audit = unpack(KEYS)
local id, before, after, short, entry, kept = unpack(ARGV)

local stored = redis.call('GET', letter)
if not stored then
  return 'gone'
elseif stored ~= before then
  return 'changed'
end
leave_tenant(of, index, id) -- data may decide whose it is
redis.call('SET', letter, after)
redis.call('HSET', index, id, short)
join_tenant(of, short, redis.call('ZSCORE', letters, id) or 0, id)
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
return 'edited'
