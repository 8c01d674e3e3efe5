-- Takes the turn, or keeps it. Each turn has a number of its own.
-- KEYS: turn, counter. ARGV: the turn that one has, the owner, how long (ms).
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then
  return false
end
if held then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return held
end
-- A script that has removed something is let go on though Redis has no memory left: that it is full
-- is what people have to be told.
redis.call('DEL', KEYS[1])
local turn = string.format('%d', redis.call('INCR', KEYS[2])) .. ' ' .. ARGV[2]
redis.call('SET', KEYS[1], turn, 'PX', ARGV[3])
return turn
