-- Take the first job that waits, from the lists in the order given. It stays visible all the time:
-- what is not in a queue is in its list of taken jobs, where RQ's maintenance looks for lost ones.
-- KEYS: pauses, count of jobs taken during a pause, then for each list: the list, its taken jobs
-- ARGV: prefix of job keys, then for each list: the pause that would stop its queue
-- Returns: nil, or the list's number from 1, the id, the job's hash (empty if it is gone), the types
--          and tenants that are paused, and, if any is, how many jobs were taken during pauses.
local prefix = ARGV[1]
local stopped, others = {}, {}
for _, pause in ipairs(redis.call('HKEYS', KEYS[1])) do
  stopped[pause] = true
  if string.sub(pause, 1, 6) ~= 'queue:' then
    others[#others + 1] = pause
  end
end

for number = 1, #KEYS / 2 - 1 do
  local list, taken = KEYS[number * 2 + 1], KEYS[number * 2 + 2]
  local id = not stopped[ARGV[number + 1]] and redis.call('LMOVE', list, taken, 'LEFT', 'LEFT')
  if id then
    local fields = redis.call('HGETALL', prefix .. id)
    -- Its time in the queue is over: a retry, or a requeue by a person, must not expire.
    redis.call('HDEL', prefix .. id, 'expires_at', 'queue_ttl')
    local order = #others > 0 and redis.call('INCR', KEYS[2]) or 0
    return { number, id, fields, others, order }
  end
end
return nil
