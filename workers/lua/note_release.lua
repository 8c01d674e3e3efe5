-- Remember when a release was first seen. What ends runs does the same for a failure, in ending.lua.
-- KEYS: releases
-- ARGV: release, how many to keep
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

if redis.call('ZADD', KEYS[1], 'NX', string.format('%d', now_ms), ARGV[1]) == 1 then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
end
