-- Read dead letters, newest first, from behind a place on.
-- ARGV: set of letters, index; the place: time in s, and id or '' for all of that time; how many to
--       skip; how many to read. As arguments, because whoever names a key must be allowed to write.
-- Returns: ids each followed by its time, and the short forms in the same order
local letters, index, time, id, skip, count = unpack(ARGV)

local first
local there = id ~= '' and redis.call('ZSCORE', letters, id)
if there and tonumber(there) == tonumber(time) then
  first = redis.call('ZREVRANK', letters, id) + 1
else
  first = redis.call('ZCOUNT', letters, '(' .. time, '+inf')
end
first = first + skip
local found = redis.call('ZREVRANGE', letters, first, first + count - 1, 'WITHSCORES')
local ids = {}
for place = 1, #found, 2 do
  ids[#ids + 1] = found[place]
end
if #ids == 0 then
  return { {}, {} }
end
return { found, redis.call('HMGET', index, unpack(ids)) }
