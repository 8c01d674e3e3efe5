-- Store an imported dead letter, unless it is there whole.
-- KEYS: set of letters, this letter, index, set of spilled letters
-- ARGV: id, time in s, letter as JSON, its short form as JSON, 1 if it is a spilled one's rest
-- Returns: imported | restored | skipped
local letters, letter, index, spilled = unpack(KEYS)
local id, time, text, short, is_spilled = unpack(ARGV)

local outcome = 'imported'
if redis.call('ZSCORE', letters, id) then
  if is_spilled == '1' or redis.call('SISMEMBER', spilled, id) == 0 then
    return 'skipped'
  end
  outcome = 'restored'
end
redis.call('SET', letter, text)
redis.call('ZADD', letters, time, id)
redis.call('HSET', index, id, short)
if is_spilled == '1' then
  redis.call('SADD', spilled, id)
else
  redis.call('SREM', spilled, id)
end
return outcome
