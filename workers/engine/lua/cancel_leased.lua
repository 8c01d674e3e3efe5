-- Cancel leased jobs that were not started, if somebody wishes it still. ending.lua stands before this
-- text.
-- ARGV: RQ's prefix, ours, holder, then id, execution and list of each
-- Returns: for each, 1 if it may start, 0 if it is cancelled, or another worker's by now.
local rq, ours, holder = unpack(ARGV, 1, 3)

local function cancel(job, id, list, wish)
  redis.call('HSET', job, 'status', 'canceled')
  redis.call('ZADD', rq .. 'canceled:' .. list, now_s, id)
  redis.call('EXPIRE', job, redis.call('HGET', job, 'failure_ttl') or 86400)
  local kept, entry = string.match(wish, '^(%d+) (.*)$')
  if entry then
    redis.call('XADD', ours .. 'audit', 'MAXLEN', kept, '*', 'entry', entry)
  end
end

local may_start = {}
for at = 4, #ARGV, 3 do
  local id, execution, list = unpack(ARGV, at, at + 2)
  local job, token, wish_key = rq .. 'job:' .. id, id .. ':' .. execution, ours .. 'cancel:' .. id
  local wish = redis.call('GET', wish_key)
  if wish and redis.pcall('HGET', job, 'status') == 'queued' and drop_lease(rq, ours, holder, list, token) then
    cancel(job, id, list, wish)
    redis.call('DEL', wish_key)
  end
  may_start[#may_start + 1] = redis.call('ZSCORE', ours .. 'leases:' .. holder, token) and 1 or 0
end
return may_start
