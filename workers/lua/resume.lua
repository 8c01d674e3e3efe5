-- End a pause: what it holds back goes to the front of its lists, in the order it was taken.
-- In one step, or a worker could take a later job before an earlier one has come back.
-- KEYS: pauses, lists of which this pause holds jobs, audit log
-- ARGV: the pause, prefix of held sets, prefix of queue lists, prefix of job keys, audit entry,
--       entries kept
-- Returns: how many jobs were released, -1 if it was not paused.
local pauses, holds, audit = unpack(KEYS)
local pause, held, list, job, entry, kept = unpack(ARGV)

if redis.call('HDEL', pauses, pause) == 0 then
  return -1
end
local released = 0
for _, name in ipairs(redis.call('SMEMBERS', holds)) do
  local last = redis.call('ZPOPMAX', held .. name, 1000)
  while #last > 0 do
    local ids = {}
    for index = 1, #last, 2 do
      ids[#ids + 1] = last[index]
      redis.call('HDEL', job .. last[index], 'held')
    end
    redis.call('LPUSH', list .. name, unpack(ids))
    released = released + #ids
    last = redis.call('ZPOPMAX', held .. name, 1000)
  end
end
redis.call('DEL', holds)
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry, 'released', released)
return released
