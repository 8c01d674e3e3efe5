-- Take the first job that waits, from the lists in the order given. It stays visible all the time:
-- what is not in a queue is in its list of taken jobs, where RQ's maintenance looks for lost ones.
-- KEYS: for each list: the list, its taken jobs
-- ARGV: prefix of job keys
-- Returns: nil, or the list's number from 1, the id, and the job's hash (empty if it is gone).
local prefix = ARGV[1]
for index = 1, #KEYS, 2 do
  local id = redis.call('LMOVE', KEYS[index], KEYS[index + 1], 'LEFT', 'LEFT')
  if id then
    local fields = redis.call('HGETALL', prefix .. id)
    -- Its time in the queue is over: a retry, or a requeue by a person, must not expire.
    redis.call('HDEL', prefix .. id, 'expires_at', 'queue_ttl')
    return { (index + 1) / 2, id, fields }
  end
end
return nil
