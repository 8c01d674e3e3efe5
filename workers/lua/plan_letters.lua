-- Keep a part of what a dry run showed, also when Redis is full: a purge that makes room follows.
-- KEYS: plan
-- ARGV: whether it begins the plan (1 or 0), seconds to keep it, then ids
local plan = KEYS[1]
local begins, seconds = unpack(ARGV, 1, 2)
if begins == '1' then
  redis.call('DEL', plan)
end
redis.call('EXPIRE', plan, seconds) -- a first write that Redis never refuses
redis.call('RPUSH', plan, unpack(ARGV, 3))
redis.call('EXPIRE', plan, seconds)
