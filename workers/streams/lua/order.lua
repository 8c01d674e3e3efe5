-- Do with an entry that is run what the policy for stuck jobs says: once, and only while it is that run.
-- KEYS: mark of the run, consumers of the group, what the consumer tells of itself, its orders, audit log
-- ARGV: stream, group, consumer, entry, order, TTL of the order in s, mark as JSON, TTL of the mark in s,
--       audit entry, entries kept
-- Returns: done | done_before | changed | stock_worker.
local mark, consumers, told, orders, audit = unpack(KEYS)
local stream, group, consumer, entry, order, order_ttl, text, ttl, made, kept = unpack(ARGV)

if redis.call('EXISTS', mark) == 1 then
  return 'done_before'
end
local clock = redis.call('TIME')
local alive = redis.call('ZSCORE', consumers, consumer)
if not alive or tonumber(alive) <= clock[1] * 1000 then
  return 'changed'
end
local held = redis.pcall('XPENDING', stream, group, entry, entry, 1, consumer)
if held.err or #held == 0 then
  return 'changed'
end
local runs = redis.call('HGET', told, 'runs')
if not runs then
  return 'stock_worker'
end
-- What waits in its hands behind others has not begun.
if not string.find('\n' .. runs .. '\n', ' ' .. entry .. ' ' .. stream .. '\n', 1, true) then
  return 'changed'
end
redis.call('SET', mark, text, 'EX', ttl)
redis.call('RPUSH', orders, order)
redis.call('EXPIRE', orders, order_ttl)
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', made)
return 'done'
