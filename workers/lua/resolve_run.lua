-- Do with a run what the policy for stuck jobs says: once, and only while it is that run.
-- KEYS: mark of the run, started runs of its list, its job, its worker, audit log
-- ARGV: the run as `job:execution`, name of the worker, channel of the worker, command as JSON or ''
--       (none), '1' if only a worker of ours knows that command, mark as JSON, TTL of the mark in s,
--       audit entry, entries kept
-- Returns: done | done_before | changed | stock_worker | not_heard.
local mark, started, job, worker, audit = unpack(KEYS)
local token, name, channel, command, own, text, ttl, entry, kept = unpack(ARGV)

if redis.call('EXISTS', mark) == 1 then
  return 'done_before'
end
if not redis.call('ZSCORE', started, token) then
  return 'changed'
end
if command ~= '' then
  local stored = redis.call('HMGET', job, 'status', 'worker_name')
  if stored[1] ~= 'started' or stored[2] ~= name then
    return 'changed'
  end
  if own == '1' and redis.call('HEXISTS', worker, 'worker_class') == 0 then
    return 'stock_worker'
  end
end
-- The mark first: where Redis is full nothing is written, and then nothing must be done.
redis.call('SET', mark, text, 'EX', ttl)
if command ~= '' and redis.call('PUBLISH', channel, command) == 0 then
  redis.call('DEL', mark)
  return 'not_heard'
end
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
return 'done'
