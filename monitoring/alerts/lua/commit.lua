-- Writes what came of a look, if the turn still is ours.
-- KEYS: turn, alerts, outbox, history. ARGV: our turn, what to write as JSON, entries to keep.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
-- A script that has removed something is let go on though Redis has no memory left: that it is full
-- is what people have to be told.
redis.call('HDEL', KEYS[2], '')
local given = cjson.decode(ARGV[2])
for field, text in pairs(given.changed) do
  redis.call('HSET', KEYS[2], field, text)
end
for _, field in ipairs(given.gone) do
  redis.call('HDEL', KEYS[2], field)
end
for field, text in pairs(given.out) do
  redis.call('HSET', KEYS[3], field, text)
end
for _, text in ipairs(given.history) do
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], '*', 'entry', text)
end
return 1
