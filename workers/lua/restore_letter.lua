-- Store an imported dead letter, unless it is there whole, or its message has run again since.
-- tenant_letters.lua stands before this text.
-- KEYS: set of letters, this letter, index, set of spilled letters, what the sets of tenants begin
--       with, how it left
-- ARGV: id, time in s, letter as JSON, its short form as JSON, 1 if it is a spilled one's rest
-- Returns: imported | restored | there, or how it left: replayed ID | requeued
local letters, letter, index, spilled, of, left = unpack(KEYS)
local id, time, text, short, is_spilled = unpack(ARGV)

local outcome = 'imported'
if redis.call('ZSCORE', letters, id) then
  if is_spilled == '1' or redis.call('SISMEMBER', spilled, id) == 0 then
    return 'there'
  end
  outcome = 'restored'
else
  local how = redis.call('GET', left)
  if how then
    return how
  end
end
leave_tenant(of, index, id)
redis.call('SET', letter, text)
redis.call('ZADD', letters, time, id)
redis.call('HSET', index, id, short)
join_tenant(of, short, time, id)
if is_spilled == '1' then
  redis.call('SADD', spilled, id)
else
  redis.call('SREM', spilled, id)
end
return outcome
