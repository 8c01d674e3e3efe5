-- Say that a job is over, and give back its unique key if it still holds it.
-- KEYS: stream of outcomes, job
-- ARGV: id, status, how many outcomes to keep
local outcomes, job = unpack(KEYS)
local id, status, keep = unpack(ARGV)

redis.call('XADD', outcomes, 'MAXLEN', '~', keep, '*', 'id', id, 'status', status)
local unique = redis.call('HGET', job, 'unique_key')
if unique and redis.call('GET', unique) == id then
  redis.call('DEL', unique)
end
return 1
