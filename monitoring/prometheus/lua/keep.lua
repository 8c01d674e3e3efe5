-- Store the sum of what has ended, unless somebody else has stored one meanwhile.
-- KEYS: the hash of the sum
-- ARGV: the time up to which the sum before it reaches, or '' for none; that of this one; the sum
-- Returns: 1 if it was stored.
local before, reaches, sum = unpack(ARGV)
if (redis.call('HGET', KEYS[1], 'until') or '') ~= before then
  return 0
end
redis.call('HSET', KEYS[1], 'until', reaches, 'totals', sum)
return 1
