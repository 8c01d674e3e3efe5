-- Remove the oldest jobs of a registry beyond a count, with their records, in one step, so that no
-- two workers remove the same surplus twice. ending.lua stands before this text.
-- KEYS: registry
-- ARGV: RQ's prefix, ours, how many stay, how many to remove at most
-- Returns: how many were removed.
local registry = KEYS[1]
local rq, ours, keep, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local over = { finished = true, failed = true, stopped = true, canceled = true }

local surplus = redis.call('ZCARD', registry) - keep
if surplus <= 0 then
  return 0
end
local ids = redis.call('ZRANGE', registry, 0, math.min(surplus, most) - 1)
redis.call('ZREM', registry, unpack(ids))
for _, id in ipairs(ids) do
  local status = redis.pcall('HGET', rq .. 'job:' .. id, 'status')
  -- One that somebody sent again meanwhile goes on; a record that cannot be read does not.
  if type(status) ~= 'string' or over[status] then
    forget(rq, ours, id)
  end
end
return #ids
