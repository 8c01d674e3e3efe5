-- Mark that a release is being deployed.
-- KEYS: marks
-- ARGV: version, note or '', who or '', marks to keep
-- Returns: its time in ms.
local version, note, who, kept = unpack(ARGV)
local clock = redis.call('TIME')
local now_ms = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

redis.call('RPUSH', KEYS[1],
  cjson.encode({ version = version, at = now_ms, note = note, actor = who }))
redis.call('LTRIM', KEYS[1], -tonumber(kept), -1)
return now_ms
