-- Put aside what stands in the place of a stream, so that there can be one again.
-- ARGV: stream, key to keep it under, seconds to keep it
-- Returns: its type, or '' if nothing stands there or a stream.
local stream, aside, seconds = unpack(ARGV)
local kind = redis.call('TYPE', stream).ok
if kind == 'stream' or kind == 'none' then
  return ''
end
redis.call('RENAME', stream, aside)
redis.call('EXPIRE', aside, seconds)
return kind
