-- Show that holders are alive. One that was taken over stays so.
-- KEYS: holders
-- ARGV: length of a lease in ms, then the holders
local time = redis.call('TIME')
local until_when = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + ARGV[1]
-- A script that has removed something is let go on though Redis has no memory left, and this takes
-- none: while nobody can write, the living must not come to look dead.
redis.call('ZREM', KEYS[1], '')
for at = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 'XX', until_when, ARGV[at])
end
return redis.status_reply('OK')
