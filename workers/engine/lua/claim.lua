-- Take the first job that waits, from the lists in the order given. It stays visible all the time:
-- what is not in a queue is in its list of taken jobs, where RQ's maintenance looks for lost ones.
-- KEYS: for each list: the list, its taken jobs
-- ARGV: prefix of job keys
-- Returns: nil, or the list's number from 1, the id, and the job's hash (empty if it is gone).
local prefix = ARGV[1]
for index = 1, #KEYS, 2 do
  local id = redis.call('LMOVE', KEYS[index], KEYS[index + 1], 'LEFT', 'LEFT')
  if id then
    return { (index + 1) / 2, id, redis.call('HGETALL', prefix .. id) }
  end
end
return nil
