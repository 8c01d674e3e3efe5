-- Store a dead letter once, and mark its job if the job's record is still there.
-- KEYS: set of letters, this letter, job, the job's attempts
-- ARGV: id, time in s, letter as JSON, the job's meta as JSON
-- Returns: 1 if it was stored, 0 if it was there already.
local letters, letter, job, attempts = unpack(KEYS)
local id, time, text, meta = unpack(ARGV)

if redis.call('EXISTS', job) == 1 then
  redis.call('HSET', job, 'meta', meta)
end
if redis.call('ZSCORE', letters, id) then
  return 0
end
redis.call('SET', letter, text)
redis.call('ZADD', letters, time, id)
redis.call('DEL', attempts)
return 1
