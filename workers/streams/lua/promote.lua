-- Put the entries that are due into their streams: at most 500 of them, which takes a few ms.
-- ARGV: our prefix
-- Returns: how many were looked at.
local ours = ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local later = now + 5000

local delayed, entries = ours .. 'delayed', ours .. 'delayed-entries'
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 500)
for _, member in ipairs(due) do
  local text, stream = redis.call('HGET', entries, member), string.match(member, '^[^\n]*')
  local added = text and redis.pcall('XADD', stream, '*', unpack(cjson.decode(text)))
  if added and added.err then -- something else stands in the stream's place: until that is mended
    redis.call('ZADD', delayed, later, member)
  else
    redis.call('ZREM', delayed, member)
    redis.call('HDEL', entries, member)
  end
end
return #due
